"""Who has a case open, through the door: officers see each other, the public never does, rights are asked each time."""

from __future__ import annotations

import contextvars

import pytest

from board import presence
from board.db import db, transaction
from boards.looking import may_be_seen
from people.models import Person, SignIn
from tests.door.test_live_door import hello, pump, socket_of  # noqa: F401


def look(socket, stream):
    return contextvars.Context().run(lambda: socket.emit("looking", stream))


@pytest.fixture
def said(app):
    """Let this process say what its sockets look at, as its thread does."""

    def say() -> None:
        db.session.rollback()
        presence.here().turn()

    return say


def seen(get_as, who, number):
    answer = get_as(who, f"/desk/presence?department=traffic-police&case={number}")
    return answer.get_json()


def test_a_colleague_is_seen_in_the_row_and_over_the_case(cast, socket_of, get_as, reported, said):  # noqa: F811
    case = reported()
    look(socket_of("otto"), case.thread.stream)
    said()
    assert "欧阳" in seen(get_as, "otis", case.number)[case.number]
    assert seen(get_as, "otto", case.number) == {}
    page = get_as("otis", f"/desk?case={case.number}").text
    assert page.count("欧阳") >= 2
    assert "data-watching hidden" not in page
    assert "data-watching hidden" in get_as("otto", f"/desk?case={case.number}").text


def test_the_public_reads_nothing_of_it(cast, socket_of, get_as, reported, said):  # noqa: F811
    case = reported()
    pages = {who: get_as(who, f"/cases/{case.number}").text for who in (None, "rita", "vera")}
    look(socket_of("otto"), case.thread.stream)
    said()
    assert get_as(None, f"/cases/{case.number}").text == pages[None]
    for who in ("rita", "vera"):
        assert "在看" not in get_as(who, f"/cases/{case.number}").text
        assert get_as(who, f"/desk/presence?case={case.number}").status_code == 404
    assert get_as(None, f"/desk/presence?case={case.number}").status_code == 303
    assert get_as(None, "/live?since=presence:traffic-police:0").get_json()["refused"]
    assert get_as("rita", "/live?since=presence:traffic-police:0").get_json()["refused"]


def test_of_a_case_beyond_his_rights_an_officer_hears_nothing(cast, socket_of, get_as, thread_posted, said):  # noqa: F811
    from tests.builders import case_of

    case = case_of(thread_posted(section="110", title="楼下有人在打人", body="有人拿刀砍人，快来！"))
    look(socket_of("dana"), case.thread.stream)
    said()
    assert presence.lookers([case.thread.stream])
    assert get_as("otto", f"/desk/presence?department=traffic-police&case={case.number}").get_json() == {}
    look(socket_of("otto"), case.thread.stream)  # and he cannot make himself seen with it
    said()
    assert presence.lookers([case.thread.stream]) == {case.thread.stream: {cast.dana.public_id}}


@pytest.mark.parametrize(
    "junk", [None, 5, [], {}, "", "case:", "case:nothing", "looking", "person:x", "x" * 5000]
)
def test_looking_at_junk_is_looking_at_nothing(cast, socket_of, reported, said, junk):  # noqa: F811
    socket = socket_of("otto")
    look(socket, reported().thread.stream)
    look(socket, junk)
    said()
    assert presence.lookers([reported().thread.stream]) == {}


def test_hanging_up_ends_it(cast, socket_of, reported, said):  # noqa: F811
    socket = socket_of("otto")
    look(socket, reported().thread.stream)
    said()
    contextvars.Context().run(socket.disconnect)
    said()
    assert presence.lookers([reported().thread.stream]) == {}


def test_signing_out_and_being_dismissed_end_it(cast, socket_of, pump, reported, said, post_as):  # noqa: F811
    for who, act in (("otto", lambda: post_as("otto", "/sign-out")), ("otis", lambda: dismiss(cast.otis.id))):
        stream = reported().thread.stream
        socket = socket_of(who)
        hello(socket, {stream: 0, getattr(cast, who).stream: 0})
        look(socket, stream)
        said()
        assert presence.lookers([stream])
        act()
        db.session.rollback()
        pump.turn()
        said()
        assert presence.lookers([stream]) == {}


def dismiss(person_id: int) -> None:
    with transaction():
        db.session.get_one(Person, person_id).active = False


def test_without_a_socket_it_is_posted(cast, get_as, post_as, reported):
    case = reported()
    assert post_as("otto", "/desk/looking?department=traffic-police", case=case.number).status_code == 204
    db.session.rollback()
    assert "欧阳" in seen(get_as, "otis", case.number)[case.number]
    assert post_as("otto", "/desk/looking?department=traffic-police", case="").status_code == 204
    assert seen(get_as, "otis", case.number) == {}
    assert post_as("rita", "/desk/looking", case=case.number).status_code == 404


def test_a_half_signed_in_officer_is_nobody(cast, reported):
    with transaction():
        row, _token = SignIn.begin(cast.otto)
        assert not row.complete
    assert may_be_seen(cast.otto, reported().thread.stream)
    assert not may_be_seen(None, reported().thread.stream)
