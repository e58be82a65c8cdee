"""The live door: who may listen to what, over a socket and over HTTP, and what losing a right does."""

from __future__ import annotations

import contextvars
from typing import Any

import pytest
from flask_socketio import SocketIOTestClient
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError

from board import clock, create_app, hub, live
from board.db import db, transaction
from board.hub import socketio
from boards.models.posting import reply
from people.models import Appointment, SignIn
from tests.conftest import settings


@pytest.fixture
def pump(app):
    """The process's pump, turned by hand instead of by its thread."""
    turned = live.Pump(app, hub._emit, hub.joined, 0.05)
    app.extensions["live_pump"] = turned
    hub._rooms.clear()
    yield turned
    hub._rooms.clear()


@pytest.fixture
def socket_of(app, client_of, pump):
    """A socket in the browser of one of the cast."""
    opened: list[SocketIOTestClient] = []

    def open_socket(who: str | None) -> SocketIOTestClient:
        client = client_of(who)
        socket = contextvars.Context().run(lambda: socketio.test_client(app, flask_test_client=client))
        opened.append(socket)
        return socket

    yield open_socket
    for socket in opened:
        if socket.is_connected():
            contextvars.Context().run(socket.disconnect)


def hello(socket: SocketIOTestClient, since: object) -> dict[str, Any]:
    return contextvars.Context().run(lambda: socket.emit("hello", since, callback=True))


def heard(socket: SocketIOTestClient) -> list[dict[str, Any]]:
    return [packet["args"][0] for packet in socket.get_received() if packet["name"] == "hint"]


def test_a_visitor_gets_no_socket(socket_of):
    assert not socket_of(None).is_connected()


def test_a_socket_that_comes_while_the_database_is_away_is_told_to_come_again(socket_of, monkeypatch):
    def away() -> None:
        raise OperationalError("SELECT 1", {}, Exception("the server went away"))

    monkeypatch.setattr(hub, "reader", away)
    assert not socket_of("rita").is_connected()
    assert hub._rooms == {}
    monkeypatch.undo()
    assert socket_of("rita").is_connected()


def test_a_reader_hears_the_case_he_has_open_and_himself(cast, socket_of, pump, reported):
    stream = reported().thread.stream
    socket = socket_of("rita")
    answer = hello(socket, live.cursors([stream, cast.rita.stream]))
    assert answer == {"entries": [], "reset": [], "refused": []}

    with transaction():
        reported().accept(by=cast.otto)
        version = reported().thread.version
    pump.turn()
    hints = {hint["stream"]: hint for hint in heard(socket)}
    assert hints[stream] == {"stream": stream, "seq": 2, "kind": "case.accepted", "version": version}
    mine = hints[cast.rita.stream]
    assert (mine["kind"], mine["unread"], mine["seq"]) == ("inbox", 1, 1)
    assert len(hints) == 2


def test_what_came_before_hello_is_in_its_answer(cast, socket_of, pump, reported):
    stream = reported().thread.stream
    before = live.cursors([stream])
    with transaction():
        reported().accept(by=cast.otto)
    socket = socket_of("rita")
    answer = hello(socket, before)
    assert [entry["kind"] for entry in answer["entries"]] == ["case.accepted"]
    pump.turn()
    assert heard(socket) == []


@pytest.mark.parametrize(
    ("who", "stream", "allowed"),
    [
        ("otto", "department:traffic-police", True),
        ("lena", "department:traffic-police", True),
        ("carl", "department:traffic-police", True),  # the leader of the bureau above it
        ("hugo", "department:traffic-police", False),
        ("rita", "department:traffic-police", False),
        ("adam", "department:traffic-police", False),
        ("otto", "department:nowhere", False),
        ("otto", "everything", False),
        ("otto", "", False),
    ],
)
def test_who_hears_a_department(socket_of, pump, thread_posted, who, stream, allowed):
    socket = socket_of(who)
    answer = hello(socket, {stream: 0})
    assert answer["refused"] == ([] if allowed else [stream])
    thread_posted()
    pump.turn()
    assert [hint["stream"] for hint in heard(socket)] == ([stream] if allowed else [])


def test_nobody_hears_another_person(cast, socket_of, get_as):
    assert hello(socket_of("vera"), {cast.rita.stream: 0})["refused"] == [cast.rita.stream]
    answer = get_as("vera", f"/live?since={cast.rita.stream}:0").get_json()
    assert answer == {"entries": [], "reset": [], "refused": [cast.rita.stream]}


@pytest.mark.parametrize(
    "junk", [None, [], "x", {"person:x": "1"}, {"case:x": None}, {"case:x": True}, {5: 5}]
)
def test_junk_cursors_are_refused_and_break_nothing(socket_of, junk):
    answer = hello(socket_of("rita"), junk)
    assert answer["entries"] == []


def test_a_restricted_case_is_heard_only_by_its_parties(cast, socket_of, get_as, thread_posted):
    stream = f"case:{thread_posted(section='110', title='楼下有人在打人', body='有人拿刀砍人，快来！')}"
    assert hello(socket_of("dana"), {stream: 0})["refused"] == []
    assert hello(socket_of("rita"), {stream: 0})["refused"] == []
    for who in ("otto", "vera", "mona"):
        assert hello(socket_of(who), {stream: 0})["refused"] == [stream], who
    assert get_as(None, f"/live?since={stream}:0").get_json()["refused"] == [stream]


def test_a_case_that_is_held_falls_silent_for_those_who_may_not_read_it(cast, socket_of, pump, reported):
    stream = reported().thread.stream
    vera, rita = socket_of("vera"), socket_of("rita")
    for socket in (vera, rita):
        hello(socket, live.cursors([stream]))
    with transaction():
        reported().thread.hold(by=cast.mona, reason="private_data")
    pump.turn()
    assert heard(vera) == []
    assert [hint["kind"] for hint in heard(rita)] == ["thread.held"]


def test_losing_an_office_leaves_its_room(cast, socket_of, pump, reported):
    socket = socket_of("otto")
    stream = "department:traffic-police"
    hello(socket, live.cursors([stream, cast.otto.stream]))
    with transaction() as session:
        session.execute(delete(Appointment).where(Appointment.person_id == cast.otto.id))
    contextvars.Context().run(hub_recheck, socket.app)
    with transaction():
        reply(reported().thread, "还在闪。", by=cast.rita)
    pump.turn()
    assert [hint for hint in heard(socket) if hint["stream"] == stream] == []
    assert stream not in hub.joined()
    assert cast.otto.stream in hub.joined()


def hub_recheck(app) -> None:
    with app.app_context():
        hub.recheck()


def test_signing_out_ends_the_sockets_of_that_browser_at_once(cast, socket_of, pump, post_as):
    socket = socket_of("rita")
    hello(socket, live.cursors([cast.rita.stream]))
    assert post_as("rita", "/sign-out").status_code == 303
    db.session.rollback()  # the pump's own thread holds no snapshot
    pump.turn()
    assert not socket.is_connected()
    assert hub.joined() == set()


@pytest.mark.parametrize("how", ["signed_out", "moved"])
def test_who_does_not_listen_to_himself_is_put_out_at_once_all_the_same(cast, socket_of, pump, reported, how):
    case = reported()
    stream = f"department:{case.department.key}"
    socket = socket_of("otto")
    hello(socket, live.cursors([stream]))  # no page of ours leaves its reader's own stream out
    with transaction():
        if how == "signed_out":
            for row in SignIn.open_of(cast.otto):
                row.revoke()
        else:
            for office in db.session.scalars(db.select(Appointment).where(Appointment.person == cast.otto)):
                office.ends_at = clock.now()
    with transaction():
        reply(reported().thread, "还在闪。", by=cast.rita)
    pump.turn()
    assert socket.is_connected() == (how == "moved")
    assert how == "signed_out" or [hint for hint in heard(socket) if hint["stream"] == stream] == []


def test_ending_another_device_leaves_this_one_connected(cast, socket_of, pump):
    socket = socket_of("rita")
    hello(socket, live.cursors([cast.rita.stream]))
    with transaction():
        other, _token = SignIn.begin(cast.rita)
    with transaction():
        db.session.get_one(SignIn, other.id).revoke()
    pump.turn()
    assert socket.is_connected()
    assert [hint["kind"] for hint in heard(socket)] == ["sign_ins"]


def test_a_poll_answers_what_a_socket_would_have_said(cast, get_as, reported):
    stream = reported().thread.stream
    at = live.cursors([stream])[stream]
    with transaction():
        reported().accept(by=cast.otto)
    answer = get_as("rita", f"/live?since={stream}:{at}&since={cast.rita.stream}:0").get_json()
    assert [(entry["stream"], entry["kind"]) for entry in answer["entries"]] == [
        (stream, "case.accepted"),
        (cast.rita.stream, "inbox"),
    ]


def test_a_visitor_polls_a_public_case_conditionally(cast, get_as, reported):
    stream = reported().thread.stream
    at = live.cursors([stream])[stream]
    first = get_as(None, f"/live?since={stream}:{at}")
    assert first.get_json()["entries"] == []
    again = get_as(None, f"/live?since={stream}:{at}", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    with transaction():
        reported().accept(by=cast.otto)
    fresh = get_as(None, f"/live?since={stream}:{at}", headers={"If-None-Match": first.headers["ETag"]})
    assert [entry["kind"] for entry in fresh.get_json()["entries"]] == ["case.accepted"]


@pytest.mark.parametrize(
    "query",
    [
        "since=",
        "since=case:x",
        "since=case:x:-1",
        "since=:::",
        "since=case:x:99999999999999999999",
        "",
        "since=case:x:１",
    ],
)
def test_a_strange_poll_is_answered_without_a_fault(get_as, query):
    assert get_as("rita", f"/live?{query}").status_code == 200


def test_a_page_carries_the_cursor_from_before_its_data(cast, get_as, reported):
    stream = reported().thread.stream
    for who, mode in ((None, "poll"), ("rita", "socket")):
        page = get_as(who, f"/cases/{reported().number}").text
        assert f'data-live="{mode}"' in page
        assert f"&#34;{stream}&#34;:{live.cursors([stream])[stream]}" in page
        assert ("person:" in page.split("data-cursors")[1][:200]) == (who is not None)


def test_a_full_house_refuses_sockets_and_goes_on_answering_pages(app, get_as):
    app.config["LIVE_SOCKETS"] = 0
    refused = get_as("rita", "/socket.io/?EIO=4&transport=websocket")
    assert refused.status_code == 503
    assert get_as("rita", "/inbox").status_code == 200
    assert get_as("rita", "/live").status_code == 200


def test_a_moved_officer_leaves_the_rooms_of_his_office_at_once(cast, socket_of, pump, reported):
    socket = socket_of("otto")
    stream = "department:traffic-police"
    hello(socket, live.cursors([stream, cast.otto.stream]))
    with transaction():
        for office in cast.otto.current_appointments():
            office.ends_at = clock.now()
    with transaction():
        reply(reported().thread, "还在闪。", by=cast.rita)
    pump.turn()
    assert [hint for hint in heard(socket) if hint["stream"] == stream] == []
    assert hub.joined() == {cast.otto.stream}


def test_a_dismissed_officer_is_cut_off_at_once(cast, socket_of, pump):
    socket = socket_of("otto")
    hello(socket, live.cursors(["department:traffic-police", cast.otto.stream]))
    with transaction():
        cast.otto.active = False
    pump.turn()
    assert not socket.is_connected()
    assert hub.joined() == set()


def test_whoever_hangs_up_before_the_answer_leaves_nothing_behind(cast, socket_of, pump, monkeypatch):
    socket = socket_of("rita")

    def hung_up(names: dict[str, int]) -> None:
        contextvars.Context().run(socket.disconnect)

    monkeypatch.setattr(pump, "follow", hung_up)
    hello(socket, {cast.rita.stream: 0})
    assert hub.joined() == set()
    assert hub.sockets() == 0


@pytest.mark.parametrize(
    ("origin", "forwarded", "proxies", "let_in"),
    [
        ("http://localhost", {}, "0", True),
        ("https://evil.example", {}, "0", False),
        ("null", {}, "0", False),
        # A stranger's word about the host is not taken, a vouched one is.
        (
            "https://evil.example",
            {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
            "0",
            False,
        ),
        ("https://24.example", {"X-Forwarded-Host": "24.example", "X-Forwarded-Proto": "https"}, "1", True),
        ("http://24.example", {"X-Forwarded-Host": "24.example", "X-Forwarded-Proto": "https"}, "1", False),
        ("https://public.example", {}, "0", True),
    ],
)
def test_sockets_are_opened_from_our_own_pages_only(tmp_path, origin, forwarded, proxies, let_in):
    board = create_app(settings(tmp_path, BOARD_PROXIES=proxies, BOARD_PUBLIC_URL="https://public.example"))
    answer = contextvars.Context().run(
        board.test_client().get,
        "/socket.io/?EIO=4&transport=websocket",
        headers={"Origin": origin, **forwarded},
    )
    refused = "Not an accepted origin" in answer.get_data(as_text=True)
    assert refused is not let_in
