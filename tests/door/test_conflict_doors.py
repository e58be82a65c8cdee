"""Conflicts of interest at the door: the same 404 as for nothing, a socket that leaves, and the page to step back."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from board import jobs, live
from board.db import db, transaction
from boards.models import Thread
from complaints.models import Inquiry, Reading, Recusal
from complaints.recusing import step_back
from notifications.models import InboxItem, queue
from people.models import Person
from people.signing_in import link_for
from tests.builders import Cast, posted
from tests.conftest import ORIGIN, fields_of
from tests.door.test_live_door import heard, hello, pump, socket_of  # noqa: F401
from tests.watchers import accuse, appoint, badge, complain, inspectors

WORDS = "被投诉的民警是我的表哥，我们常来往。"


@pytest.fixture
def complained(cast: Cast) -> Callable[..., str]:
    """Rita's complaint about these officers: its thread's public id."""

    def put(accused: str) -> str:
        with transaction():
            person = getattr(cast, accused) if accused in cast.ids else badge(accused)
            return complain(cast.rita, person).public_id

    with transaction():
        inspectors(cast)
    return put


class Window:
    """The browser of an officer outside the cast."""

    def __init__(self, app: Flask, number: str) -> None:
        def token() -> str:
            with app.app_context(), transaction():
                return link_for(badge(number))

        self.client = app.test_client()
        link = contextvars.Context().run(token)
        contextvars.Context().run(self.client.post, f"/sign-in/link/{link}", headers=ORIGIN)

    def get(self, path: str) -> TestResponse:
        return contextvars.Context().run(self.client.get, path)

    def post(self, path: str, **data: str) -> TestResponse:
        fields = fields_of(self.get("/me").get_data(as_text=True))
        sent = {**data, "csrf_token": fields["csrf_token"]}
        return contextvars.Context().run(self.client.post, path, data=sent, headers=ORIGIN)


@pytest.fixture
def as_badge(app: Flask) -> Callable[[str], Window]:
    """Who is signed in by this badge number."""
    windows: dict[str, Window] = {}
    return lambda number: windows.get(number) or windows.setdefault(number, Window(app, number))


def found(thread: str) -> Thread:
    return db.session.scalars(db.select(Thread).where(Thread.public_id == thread)).one()


def number_of(thread: str) -> str:
    case = found(thread).case
    assert case is not None
    return case.number


def test_to_whom_it_is_kept_from_it_is_not_there(cast, complained, get_as, post_as):
    thread = complained("ines")
    number = number_of(thread)
    paths = [
        "/cases/{}", "/cases/{}/recusal", "/cases/{}/verification", "/desk/case/{}", "/cases/{}?fragment=timeline",
    ]  # fmt: skip
    for path in paths:
        missing = get_as("ines", path.format("20261117-100000000"))
        assert missing.status_code == 404
        there = get_as("ines", path.format(number))
        assert there.status_code == 404
        assert there.text.replace(number, "") == missing.text.replace("20261117-100000000", "")
        assert get_as("ida", path.format(number)).status_code == 200, path
    assert get_as("ines", f"/t/{thread}").status_code == 404
    desk = get_as("ines", "/desk?department=inspectorate")
    assert desk.status_code == 200
    assert number not in desk.text
    assert "态度恶劣" not in desk.text
    assert number in get_as("ida", "/desk?department=inspectorate").text
    assert post_as("ines", f"/cases/{number}/acceptance", text=WORDS).status_code == 404
    refused = get_as("ines", f"/live?since=case:{thread}:0&since=department:inspectorate:0").json
    assert refused == {"entries": [], "refused": [f"case:{thread}"], "reset": []}


def test_an_empty_desk_does_not_say_when_the_next_is_due(cast, complained, get_as):
    quiet = get_as("ines", "/desk?department=inspectorate").text
    complained("ines")
    assert get_as("ines", "/desk?department=inspectorate").text == quiet


def test_opening_it_is_noted_of_staff_and_of_nobody_else(cast, complained, get_as):
    thread = complained("otto")
    number = number_of(thread)
    for who, path in (
        ("rita", f"/cases/{number}"),
        ("ida", f"/cases/{number}"),
        ("ines", f"/desk/case/{number}"),
    ):
        assert get_as(who, path).status_code == 200
    get_as("ida", f"/cases/{number}")

    db.session.rollback()  # the doors wrote elsewhere
    readers = db.session.scalars(db.select(Reading.person_id).order_by(Reading.id)).all()
    assert readers == [cast.ids["ida"], cast.ids["ines"]]


@pytest.mark.parametrize(
    "path",
    ["/cases/{number}/verification", "/cases/{number}/verification?format=json", "/cases/{number}"],
)
def test_whoever_read_it_by_another_way_is_told_of_as_well(cast, complained, get_as, path):
    thread = complained("otto")
    answer = get_as("ines", path.format(number=number_of(thread)))
    assert answer.status_code == 200
    db.session.rollback()  # the doors wrote elsewhere
    with transaction():
        case = found(thread).case
        assert case is not None
        accuse(case, cast.ines)
    jobs.run_due()
    (event,) = [each for each in found(thread).events if each.kind == "conflict.read_before"]
    assert [each[0] for each in event.details["readers"]] == [cast.ines.badge]
    jobs.run_due()
    assert [each.kind for each in found(thread).events].count("conflict.read_before") == 1


def test_stepping_back_by_the_button(cast, complained, get_as, post_as):
    number = number_of(complained("otto"))
    assert f"/cases/{number}/recusal" in get_as("ida", f"/desk?department=inspectorate&case={number}").text
    page = get_as("ida", f"/cases/{number}/recusal").text
    assert "不能撤回" in page

    empty = post_as("ida", f"/cases/{number}/recusal", kind="", words="")
    assert empty.status_code == 422
    done = post_as("ida", f"/cases/{number}/recusal", kind="declared", words=WORDS)

    assert (done.status_code, done.headers["Location"]) == (303, "/desk")
    assert get_as("ida", f"/cases/{number}").status_code == 404
    db.session.rollback()  # the doors wrote elsewhere
    assert db.session.scalars(db.select(Recusal.kind)).all() == ["declared"]
    assert WORDS in get_as("ines", f"/desk/case/{number}?department=inspectorate").text
    assert WORDS not in get_as("rita", f"/cases/{number}").text
    assert get_as("rita", f"/cases/{number}/recusal").status_code == 403


def test_a_socket_leaves_the_room_before_the_room_hears_of_it(cast, complained, socket_of, pump):  # noqa: F811
    thread = complained("otto")
    stream = found(thread).stream
    socket = socket_of("ines")
    assert hello(socket, live.cursors([stream]))["refused"] == []

    with transaction():
        case = found(thread).case
        assert case is not None
        accuse(case, cast.ines)
    pump.turn()
    assert heard(socket) == []
    assert hello(socket, {stream: 0})["refused"] == [stream]


def test_a_new_office_takes_the_socket_out_too(cast, complained, socket_of, pump):  # noqa: F811
    thread = complained("otto")
    stream = found(thread).stream
    socket = socket_of("ines")
    hello(socket, live.cursors([stream, cast.ines.stream]))

    with transaction():
        from people.models import Department

        appoint(cast.ines, Department.by_key("traffic-police"), since=20, until=10)
    pump.turn()
    assert hello(socket, {stream: 0})["refused"] == [stream]


def test_administrators_see_no_message_of_a_complaint_that_did_not_arrive(cast, complained, get_as):
    before = get_as("adam", "/admin/deliveries").text
    thread = complained("otto")
    with transaction():
        delivery = queue(cast.ida, "sms", key="lost", purpose="page", event=found(thread).events[0])
        assert delivery is not None
        delivery.failed_at, delivery.last_error = delivery.queued_at, "the gateway answered 500"
    assert get_as("adam", "/admin/deliveries").text == before


def test_it_goes_above_when_the_last_inspector_steps_back(cast, complained, get_as):
    thread = complained("ines")
    with transaction():
        case = found(thread).case
        assert case is not None
        step_back(case, by=cast.ida, kind="recused", words=WORDS)
    jobs.run_due()

    page = get_as("rita", f"/cases/{number_of(thread)}").text
    assert "省厅督察总队" in page
    for who in ("ines", "ida", "carl", "lena", "adam", "mona"):
        assert get_as(who, f"/cases/{number_of(thread)}").status_code == 404, who


def test_the_authority_works_on_what_came_to_it_from_the_inspectors_desk(cast, complained, as_badge):
    number = number_of(complained("090009"))
    desk = as_badge("990001").get("/inspection")
    assert desk.status_code == 200
    assert "省厅督察总队" in desk.text
    assert f"case={number}" in desk.text, "it stands in the queue of what nobody has taken on yet"

    opened = as_badge("990001").get(f"/inspection?case={number}").text
    task = re.search(r'action="(/inquiries/\w+)/acceptance"', opened)
    assert task is not None
    assert as_badge("990001").post(f"{task[1]}/acceptance").status_code == 303
    waiting = as_badge("990002").get("/inspection?queue=second").text
    assert f"case={number}" in waiting
    assert as_badge("990002").post(f"{task[1]}/review", agree="yes").status_code == 303


def words(page: TestResponse) -> str:
    return re.sub(r"<[^>]+>|\s+", "", page.text)


def test_the_timeline_says_that_a_task_is_open_again(cast, complained, get_as):
    thread = complained("otto")
    with transaction():
        case = found(thread).case
        assert case is not None
        Inquiry.of(case)[0].accept(by=cast.ida)
    with transaction():
        case = found(thread).case
        assert case is not None
        step_back(case, by=cast.ida, kind="recused", words=WORDS)
    jobs.run_due()
    path = f"/desk/case/{number_of(thread)}?department=inspectorate"
    assert "原来办理的人须回避，由警务督察支队另派人重新接手。" in words(get_as("ines", path))
    assert "另派人重新接手" not in get_as("rita", f"/cases/{number_of(thread)}").text

    with transaction():
        case = found(thread).case
        assert case is not None
        step_back(case, by=badge("090009"), kind="recused", words=WORDS)
    jobs.run_due()
    assert "可以办理的人不足两名，改由省厅督察总队办理。" in words(get_as("ines", path))


def test_stepping_back_from_a_public_case_is_told_to_the_free_inspectors(cast, complained, get_as, post_as):
    complained("otto")
    with transaction():
        thread = posted(cast.vera).public_id
    done = post_as("ida", f"/cases/{number_of(thread)}/recusal", kind="recused", words=WORDS)
    assert done.status_code == 303
    db.session.rollback()  # the doors wrote elsewhere
    (event,) = [each for each in found(thread).events if each.kind == "conflict.stepped_back"]
    assert event.department is not None
    assert event.department.key == "inspectorate", "as whom she stepped back"
    heard = db.select(InboxItem.person_id).where(InboxItem.event_id == event.id)
    told = {str(db.session.get_one(Person, each).badge) for each in db.session.scalars(heard)}
    assert told == {"090001", "090009", "091301", "091302"}
    assert "conflict.stepped_back" not in str([get_as(who, "/inbox").text for who in ("otto", "vera")])
    assert "警号 090002申请回避" in get_as("ines", "/inbox").text
