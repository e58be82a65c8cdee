"""Complaints over HTTP: the form, the inspectors' desk, the unit that is asked, and what the accused ever get to see."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from board import clock, jobs
from board.db import db, transaction
from boards.models import Case, Section, Thread
from boards.policy import sees
from complaints.models import Accused, Complaint, Inquiry, Statement
from people.models import Department
from people.signing_in import link_for
from tests.builders import Cast, case_of, posted
from tests.complaining import DISCIPLINE, complain, officer, open_complaints, tasks
from tests.conftest import ORIGIN, fields_of
from tests.door.writing import hidden_of, look, send
from tests.house.populated import forget

WORDS = {"title": "民警到场看了一眼就走了", "body": "昨晚打了电话，民警没有处理，态度很差。"}


@pytest.fixture
def opened(cast: Cast) -> Cast:
    """The cast in a city that takes complaints."""
    with transaction():
        open_complaints(cast)
    return cast


@pytest.fixture
def complained(opened: Cast) -> Callable[[], Case]:
    """Rita's complaint about Otto of the traffic police."""
    with transaction():
        thread_id = complain(
            opened.rita,
            title="QCOMPLAINT 民警到场就走",
            body="QCOMPLAINTBODY 昨晚 @交警支队 的民警没有处理。",
            departments=("traffic-police",),
            about={
                "about_reason": "not-handled",
                "about_badge": "021456",
                "about_whom": "QCOMPLAINTWHOM 戴眼镜",
            },
        ).public_id
    return lambda: case_of(thread_id)


def text_of(response: TestResponse) -> str:
    return response.get_data(as_text=True)


def again() -> None:
    """Read anew what requests have written meanwhile."""
    db.session.rollback()
    db.session.expire_all()


def the_case() -> Case:
    again()
    return db.session.scalars(db.select(Case).order_by(Case.id.desc())).first()  # type: ignore[return-value]


def test_the_form_asks_for_reason_and_accused_and_keeps_what_was_typed(
    opened: Cast, client_of: Callable[[str | None], FlaskClient]
) -> None:
    client = client_of("rita")
    form = text_of(look(client, "/s/complaints/new?unit=交警"))
    assert "接警不处" in form
    assert "/similar" not in form, "the title of a complaint is sent nowhere while it is typed"
    data = {**hidden_of(form), **WORDS, "identity": "hidden"}

    refused = send(client, "/s/complaints/threads", {**data, "about_whom": ""})
    assert refused.status_code == 422
    assert {"f-about_reason", "f-about_whom"} <= set(re.findall(r'href="#([\w-]+)"', text_of(refused)))
    assert WORDS["body"] in text_of(refused)

    answer = send(
        client,
        "/s/complaints/threads",
        {
            **data,
            "departments": "traffic-police",
            "about_reason": "not-handled",
            "about_whom": "戴眼镜的高个子",
        },
    )
    assert answer.status_code == 303, text_of(answer)
    case = the_case()
    complaint = Complaint.of(case)
    assert complaint is not None
    assert complaint.reason == "not-handled"
    words = [each.description.public for each in Accused.of(case) if each.description]
    assert words == ["戴眼镜的高个子"]
    assert look(client, answer.headers["Location"]).status_code == 200
    assert look(client, f"/cases/{case.number}").status_code == 200


def test_a_visitor_writes_his_complaint_first_and_signs_in_last(
    opened: Cast, client_of: Callable[[str | None], FlaskClient]
) -> None:
    client = client_of(None)
    data = {
        **hidden_of(text_of(look(client, "/s/complaints/new"))),
        **WORDS,
        "about_reason": "manner",
        "about_badge": "021456",
    }
    door = send(client, "/s/complaints/threads", data)
    carried = hidden_of(text_of(door))
    assert (carried["about_reason"], carried["about_badge"]) == ("manner", "021456")
    started = send(client, "/s/complaints/threads", {**carried, "phone": "19900000123", "step": "send"})
    code = re.search(r"data-demo-code>(\d+)", text_of(started))
    assert code is not None, text_of(started)[:500]
    carried = hidden_of(text_of(started))
    carried.pop("step", None)
    answer = send(client, "/s/complaints/threads", {**carried, "phone": "19900000123", "code": code[1]})
    assert answer.status_code == 303, text_of(answer)
    assert [each.person_id for each in Accused.of(the_case())] == [opened.otto.id]


def test_complaint_words_lead_into_the_complaint_form_with_every_word_kept(
    opened: Cast, client_of: Callable[[str | None], FlaskClient], threads: Callable[[], list[Thread]]
) -> None:
    client = client_of("rita")
    words = {"title": "我要投诉民警不作为", "body": "民警收钱不办事，请@交警支队 看看。"}
    data = {
        **hidden_of(text_of(look(client, "/s/traffic/new"))),
        **words,
        "departments": "traffic-police",
        "similar_seen": "1",
    }
    asked = send(client, "/s/traffic/threads", data)
    moved = send(
        client, "/s/traffic/threads", {**hidden_of(text_of(asked)), "complaint": "yes", "step": "checked"}
    )
    page = text_of(moved)
    assert moved.status_code == 200
    assert 'action="/s/complaints/threads"' in page
    again = hidden_of(page)
    assert (again["title"], again["body"]) == (words["title"], words["body"])
    assert again["departments"] == "traffic-police"
    assert threads() == [], "nothing was sent"
    answer = send(client, "/s/complaints/threads", {**again, "about_reason": "manner"})
    assert answer.status_code == 303, text_of(answer)
    assert the_case().thread.is_confined


def test_the_section_lists_nothing_and_says_who_reads(
    complained: Callable[[], Case], get_as: Callable[..., TestResponse]
) -> None:
    complained()
    for who in (None, "rita", "otto", "ines"):
        page = text_of(get_as(who, "/s/complaints"))
        assert "QCOMPLAINT" not in page
        assert "这个板块正在建设" not in page
        assert ("/s/complaints/new" in page) == (who in (None, "rita"))


# --- the inspectors' desk ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 303),
        ("rita", 404),
        ("otto", 404),
        ("lena", 404),
        ("carl", 404),
        ("dana", 404),
        ("mona", 404),
        ("adam", 404),
        ("ines", 200),
        ("ida", 200),
    ],
)
def test_who_has_the_desk(
    complained: Callable[[], Case], get_as: Callable[..., TestResponse], who: str | None, status: int
) -> None:
    number = complained().number
    for path in ("/inspection", "/inspection?queue=sample", f"/inspection?case={number}"):
        response = get_as(who, path)
        assert response.status_code == status, path
        assert ("QCOMPLAINT" in text_of(response)) == (status == 200 and "sample" not in path)


@pytest.fixture
def as_badge(app: Any) -> Callable[[str, str, dict[str, Any]], TestResponse]:
    """POST as an officer outside the cast, by his badge number."""
    clients: dict[str, FlaskClient] = {}

    def post(badge: str, path: str, data: dict[str, Any]) -> TestResponse:
        if badge not in clients:
            client = app.test_client()

            def token() -> str:
                with app.app_context(), transaction():
                    return link_for(officer(badge))

            link = contextvars.Context().run(token)
            contextvars.Context().run(client.post, f"/sign-in/link/{link}", headers=ORIGIN)
            clients[badge] = client
        client = clients[badge]
        page = contextvars.Context().run(client.get, "/me")
        fields = fields_of(page.get_data(as_text=True))
        return contextvars.Context().run(
            client.post, path, data={**data, "csrf_token": fields["csrf_token"]}, headers=ORIGIN
        )

    return post


def test_a_complaint_from_the_first_look_to_the_rating(
    opened: Cast,
    complained: Callable[[], Case],
    get_as: Callable[..., TestResponse],
    post_as: Callable[..., TestResponse],
    as_badge: Callable[[str, str, dict[str, Any]], TestResponse],
) -> None:
    number = complained().number
    first, second = (f"/inquiries/{each.public_id}" for each in tasks(complained()))
    finding = {
        "conclusion": "true",
        "findings": "民警确实没有下车查看。",
        "measures": ["apology", "admonished"],
    }
    assert f'action="{first}/acceptance"' in text_of(get_as("ines", f"/inspection?case={number}"))
    assert f'action="{second}/acceptance"' not in text_of(get_as("ines", f"/inspection?case={number}"))
    assert post_as("carl", f"{first}/acceptance").status_code == 404
    assert post_as("ines", f"{second}/acceptance").status_code == 403
    assert post_as("ines", f"{first}/acceptance").status_code == 303
    assert post_as("ines", f"{first}/review", agree="yes").status_code == 403
    assert post_as("ida", f"{first}/review", agree="no", review_words="").status_code == 422
    assert post_as("ida", f"{first}/review", agree="yes").status_code == 303
    unfinished = post_as("ines", f"{first}/proposal", findings="民警确实没有下车查看。")
    assert unfinished.status_code == 422
    assert "民警确实没有下车查看。" in text_of(unfinished)
    assert post_as("ines", f"{first}/proposal", **finding).status_code == 303
    assert post_as("ines", f"{first}/confirmation", agree="yes").status_code == 403
    assert post_as("ida", f"{first}/confirmation", agree="yes").status_code == 303
    assert "属实" in text_of(get_as("rita", f"/cases/{number}"))
    again()
    assert complained().is_open

    one, other = DISCIPLINE
    for who, path, data in (
        (one, "acceptance", {}),
        (other, "review", {"agree": "yes"}),
        (one, "news", {"news": "纪检已经找当事民警了解情况。"}),
        (one, "proposal", {**finding, "conclusion": "partly"}),
        (other, "confirmation", {"agree": "yes"}),
    ):
        answer = as_badge(who, f"{second}/{path}", data)
        assert answer.status_code == 303, (path, answer.get_data(as_text=True)[:300])
    again()
    assert complained().status == "resolved"
    page = text_of(get_as("rita", f"/cases/{number}"))
    assert "部分属实" in page
    assert "纪检已经找当事民警了解情况。" in page
    rated = post_as("rita", f"/cases/{number}/rating", solved="yes", satisfaction="satisfied")
    assert rated.status_code == 303


def test_the_unit_reads_the_question_and_nothing_else(
    opened: Cast,
    complained: Callable[[], Case],
    get_as: Callable[..., TestResponse],
    post_as: Callable[..., TestResponse],
) -> None:
    task = tasks(complained())[0].public_id
    post_as("ines", f"/inquiries/{task}/acceptance")
    asked = {"unit": "traffic-police", "question": "请说明 16 日晚路口的值勤情况。"}
    assert post_as("ines", f"/inquiries/{task}/statements", **asked, badge="000000").status_code == 422
    assert post_as("ines", f"/inquiries/{task}/statements", **asked).status_code == 303
    again()
    path = f"/statements/{db.session.scalars(db.select(Statement)).one().public_id}"

    assert path in text_of(get_as("lena", "/desk"))
    page = text_of(get_as("lena", path))
    assert asked["question"] in page
    case = complained()
    rita = opened.rita
    for secret in ("QCOMPLAINT", case.number, case.thread.public_id, rita.public_id, rita.nickname, task):
        assert str(secret) not in page
    for who in ("otto", "carl", "dana", "mona", "adam", "ines", "rita"):
        assert get_as(who, path).status_code == 404
        assert post_as(who, f"{path}/answer", words="我来说").status_code == 404
    assert post_as("lena", f"{path}/answer", words="").status_code == 422
    assert post_as("lena", f"{path}/answer", words="当晚由二中队值勤。").status_code == 303
    assert "当晚由二中队值勤。" in text_of(get_as("ines", f"/inspection?case={case.number}"))
    assert "当晚由二中队值勤。" not in text_of(get_as("rita", f"/cases/{case.number}"))


def test_an_inspector_goes_through_a_queue(
    opened: Cast,
    reported: Callable[[], Case],
    get_as: Callable[..., TestResponse],
    post_as: Callable[..., TestResponse],
) -> None:
    with transaction():
        reported().answer(by=opened.otto, answer="已处理。", outcome="explained")
    number = reported().number
    page = text_of(get_as("ines", "/inspection?queue=empty"))
    assert f"/inspection?queue=empty&amp;case={number}" in page
    assert "/inspection/looks" in text_of(get_as("ines", f"/inspection?queue=empty&case={number}"))
    sent = {"case": number, "queue": "empty"}
    assert post_as("ines", "/inspection/looks", **sent, found="").status_code == 422
    assert post_as("otto", "/inspection/looks", **sent, found="看过").status_code == 404
    assert post_as("ines", "/inspection/looks", **sent, found="已请该支队补充答复。").status_code == 303
    assert post_as("ida", "/inspection/looks", **sent, found="我也看过。").status_code == 409
    assert number not in text_of(get_as("ines", "/inspection?queue=empty"))


# --- what the accused get to see --------------------------------------------------------------------------------

ACCUSED = ("otto", "lena", "carl", "dana", "mona", "adam", None)


@pytest.mark.parametrize("who", ACCUSED)
def test_the_accused_and_everybody_above_them_see_the_same_with_and_without_it(
    opened: Cast, get_as: Callable[..., TestResponse], post_as: Callable[..., TestResponse], who: str | None
) -> None:
    """Officer, colleague, leader, chief above, dispatcher, moderator, administrator: pages, lists, counts, search, live
    streams, inbox and desks are byte for byte what they were before somebody complained, handled it and asked."""
    paths = [
        "/", "/sections", "/s/complaints", "/s/traffic", "/d", "/d/traffic-police", "/d/inspectorate", "/d/bureau", "/complaints",
        "/search?q=QCOMPLAINT", "/search?q=QCOMPLAINTBODY", "/inbox", "/mine", "/desk", "/moderation", "/admin/deliveries", "/readyz",
        "/desk?department=traffic-police", "/desk?department=inspectorate", "/desk?department=bureau&queue=pending",
        "/live?since=department:traffic-police:0", "/live?since=department:inspectorate:0", "/live?since=department:bureau:0",
        "/live?since=department:desk:0", "/live?since=section:complaints:0", "/departments.json?q=交警", "/follows", "/inspection",
    ]  # fmt: skip
    with transaction():
        posted(opened.vera)
    jobs.run_due()  # there is something to search
    before = {path: _answer(get_as, who, path) for path in paths}
    with transaction():
        thread = complain(
            opened.rita,
            title="QCOMPLAINT 民警到场就走",
            body="QCOMPLAINTBODY 昨晚 @交警支队 的民警没有处理。",
            departments=("traffic-police",),
            about={"about_reason": "not-handled", "about_badge": "021456", "about_whom": "QCOMPLAINTWHOM"},
        )
        thread_id = thread.public_id
    jobs.run_due()
    with transaction():
        tasks(case_of(thread_id))[0].accept(by=opened.ines)
    with transaction():
        tasks(case_of(thread_id))[0].review(by=opened.ida, agree=True)
    jobs.run_due()
    number, task = case_of(thread_id).number, tasks(case_of(thread_id))[0].public_id

    for path in paths:
        assert _answer(get_as, who, path) == before[path], path
    missing = _answer(get_as, who, "/cases/20261117-999999999")
    for path in (
        f"/cases/{number}",
        f"/t/{thread_id}",
        f"/cases/{number}/verification",
        f"/received/{number}",
    ):
        found = get_as(who, path)
        assert found.status_code in ((404,) if who and path != f"/received/{number}" else (303, 404)), path
        assert "QCOMPLAINT" not in text_of(found)
    assert _answer(get_as, who, f"/cases/{number}")[1].replace(number, "20261117-999999999") == missing[1]
    for path in (
        f"/desk?case={number}",
        f"/lookup?number={number}",
        f"/live?since=case:{thread_id}:0",
        f"/new?origin={number}",
    ):
        assert "QCOMPLAINT" not in text_of(get_as(who, path)), path
    if who is not None:
        for act in ("acceptance", "review", "news", "statements", "proposal", "confirmation"):
            assert post_as(who, f"/inquiries/{task}/{act}", agree="yes").status_code == 404
        assert post_as(who, f"/cases/{number}/acceptance").status_code == 404


def _answer(get_as: Callable[..., TestResponse], who: str | None, path: str) -> tuple[int, str]:
    forget()
    response = get_as(who, path)
    page = re.sub(r'(name="once" value=|name="csrf_token" value=)"[^"]*"', "", text_of(response))
    return response.status_code, page


def test_everybody_reads_month_and_class_and_never_a_number(
    complained: Callable[[], Case], get_as: Callable[..., TestResponse]
) -> None:
    number = complained().number
    assert ">2026年11月<" not in text_of(get_as(None, "/complaints"))
    clock.advance(timedelta(days=20))
    forget()
    page = text_of(get_as(None, "/complaints"))
    assert ">2026年11月<" in page
    assert "接警不处" not in page, "one person is merged with others"
    assert number not in page
    assert "交警" not in page


def test_a_tip_is_read_by_its_poster_and_triage_alone(
    opened: Cast, get_as: Callable[..., TestResponse]
) -> None:
    with transaction():
        db.session.add(
            Section(
                key="tips",
                name="举报线索",
                name_en="Tips",
                readers="triage",
                department=Department.by_key("household-police"),
                identities=["hidden"],
                position=99,
            )
        )
    with transaction():
        thread = posted(opened.rita, section="tips", title="QTIP 有人卖假证", body="QTIP 就在路口，@交警支队")
        number = thread.case.number if thread.case else ""
    readers = {
        who
        for who in ("rita", "vera", "hugo", "otto", "lena", "carl", "dana", "mona", "adam", "ines")
        if get_as(who, f"/cases/{number}").status_code == 200
    }
    assert readers == {"rita", "hugo"}
    thread = the_case().thread
    assert {name for name in opened.names() if sees(getattr(opened, name), thread)} == readers
    assert "QTIP" not in text_of(get_as(None, "/s/tips"))
    assert not list(db.session.scalars(db.select(Inquiry)))
