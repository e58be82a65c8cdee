"""Streams: dense numbers in the order of commits, nothing lost between a page and its socket, and a client that ends
right however its hints arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sa_event

from board import clock, live
from board.db import db, transaction
from board.live import Pump, append, backlog, cursors
from tests.cursors import Cursors

pytestmark = pytest.mark.engines("sqlite", "postgres")


def say(stream: str, *numbers: int) -> None:
    """One transaction that says these numbers in `stream`."""
    with transaction():
        for number in numbers:
            append(stream, kind="n", value=number)


def heard(answer: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(entry["stream"], entry["seq"], entry["value"]) for entry in answer["entries"]]


def test_numbers_are_dense_in_the_order_of_commits(app):
    say("case:a", 1, 2)
    say("case:b", 3)
    say("case:a", 4)

    assert heard(backlog({"case:a": 0, "case:b": 0})) == [
        ("case:a", 1, 1), ("case:a", 2, 2), ("case:a", 3, 4), ("case:b", 1, 3),
    ]  # fmt: skip
    assert cursors(["case:a", "case:b", "case:c"]) == {"case:a": 3, "case:b": 1, "case:c": 0}


def test_what_is_undone_takes_no_number(app):
    say("case:a", 1)

    def say_and_fail() -> None:
        with transaction():
            append("case:a", kind="n", value=2)
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError):
        say_and_fail()
    say("case:a", 3)
    assert heard(backlog({"case:a": 0})) == [("case:a", 1, 1), ("case:a", 2, 3)]


def test_the_same_hint_twice_in_a_transaction_is_said_once(app):
    say("case:a", 1, 1, 1)
    assert heard(backlog({"case:a": 0})) == [("case:a", 1, 1)]


def test_a_stream_is_written_only_inside_a_transaction(app):
    with pytest.raises(RuntimeError):
        append("case:a", kind="n")


def test_many_streams_are_written_by_two_statements(app):
    def statements(number: int) -> int:
        count = 0

        def note(_connection: Any, _cursor: Any, statement: str, *_args: Any) -> None:
            nonlocal count
            count += not statement.startswith("BEGIN")

        with transaction():
            sa_event.listen(db.engine, "before_cursor_execute", note)
            for place in range(number):
                append(f"person:{number}-{place}", kind="n", value=place)
        sa_event.remove(db.engine, "before_cursor_execute", note)
        return count

    assert statements(5) == statements(500) == 2


def test_a_cursor_too_far_back_or_from_the_future_is_reset(app):
    for number in range(live.BACKLOG + 1):
        say("case:a", number)
    head = live.BACKLOG + 1
    assert backlog({"case:a": 0}) == {"entries": [], "reset": [{"stream": "case:a", "seq": head}]}
    assert len(backlog({"case:a": 1})["entries"]) == live.BACKLOG
    assert backlog({"case:a": head + 5})["reset"] == [{"stream": "case:a", "seq": head}]
    assert backlog({"case:unknown": 7})["reset"] == [{"stream": "case:unknown", "seq": 0}]


def test_a_swept_cursor_is_reset_and_a_fresh_one_is_not(app):
    say("case:a", 1, 2, 3)
    clock.advance(live.KEPT + timedelta(hours=1))
    say("case:a", 4)
    assert live.sweep() == 3

    assert backlog({"case:a": 2})["reset"] == [{"stream": "case:a", "seq": 4}]
    assert heard(backlog({"case:a": 3})) == [("case:a", 4, 4)]


class Listener:
    """A live process with sockets: which streams they hear, and what it sent them."""

    def __init__(self, app: Any) -> None:
        self.names: set[str] = set()
        self.sent: list[tuple[str, int]] = []
        self.pump = Pump(
            app, lambda name, hint: self.sent.append((name, hint["seq"])), lambda: set(self.names), 0.05
        )

    def join(self, *names: str) -> None:
        """As hello() does: named first, its head read second."""
        self.names |= set(names)
        self.pump.follow(cursors(list(names)))
        db.session.rollback()


def test_a_process_sends_each_entry_once_and_only_what_somebody_hears(app):
    listener = Listener(app)
    say("case:a", 1)
    listener.join("case:a")
    say("case:a", 2)
    say("case:b", 3)
    for _turn in range(3):
        listener.pump.turn()
    assert listener.sent == [("case:a", 2)]

    listener.join("case:b")
    say("case:b", 4)
    say("case:a", 5)
    listener.pump.turn()
    assert sorted(listener.sent) == [("case:a", 2), ("case:a", 3), ("case:b", 2)]


def test_what_is_committed_between_joining_and_the_first_look_is_sent(app):
    """The race that would be seen only after a minute: the pump must begin where the backlog ended."""
    listener = Listener(app)
    listener.join("case:a")
    say("case:a", 1)
    listener.pump.turn()
    assert listener.sent == [("case:a", 1)]


def test_a_stream_that_everybody_left_begins_anew_without_old_entries(app):
    listener = Listener(app)
    listener.join("case:a")
    listener.pump.turn()
    listener.names.clear()
    say("case:a", 1)
    listener.pump.turn()
    assert listener.pump.seen == {}
    listener.join("case:a")
    say("case:a", 2)
    listener.pump.turn()
    assert listener.sent == [("case:a", 2)]


def test_a_failed_look_loses_nothing(app, monkeypatch):
    listener = Listener(app)
    listener.join("case:a")
    listener.pump.turn()
    say("case:a", 1)
    with monkeypatch.context() as broken:
        broken.setattr(live, "cursors", lambda names: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            listener.pump.turn()
    db.session.rollback()
    listener.pump.turn()
    assert listener.sent == [("case:a", 1)]


def test_two_processes_each_send_to_their_own(app):
    first, second = Listener(app), Listener(app)
    first.join("case:a")
    second.join("case:a", "case:b")
    say("case:a", 1)
    say("case:b", 2)
    first.pump.turn()
    second.pump.turn()
    assert first.sent == [("case:a", 1)]
    assert sorted(second.sent) == [("case:a", 1), ("case:b", 1)]


class Client:
    """A page: its cursors, the state its hints gave it, and how often each entry was applied."""

    def __init__(self, streams: list[str]) -> None:
        self.cursors = Cursors(cursors(streams))
        self.state: dict[str, Any] = {}
        self.applied: list[tuple[str, int]] = []

    def apply(self, hints: list[dict[str, Any]]) -> None:
        for hint in hints:
            if hint["kind"] == "reset":
                self.state[hint["stream"]] = TRUTH[hint["stream"]]  # reads its page anew
            else:
                self.state[hint["stream"]] = hint["value"]
                self.applied.append((hint["stream"], hint["seq"]))

    def hear(self, hint: dict[str, Any]) -> None:
        meaning = self.cursors.take(hint)
        if meaning == "new":
            self.apply([hint])
        elif meaning == "gap":
            self.ask()

    def ask(self) -> None:
        self.apply(self.cursors.catch_up(backlog(self.cursors.at)))


TRUTH: dict[str, int] = {}
_example = 0

# What the network does: a hint of the socket arrives, is lost, comes twice, or waits; the page says hello; somebody
# commits one or more entries.
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(0, 1), st.integers(1, 3)),
        st.tuples(st.just("hear"), st.integers(0, 30), st.booleans()),
        st.tuples(st.just("drop"), st.integers(0, 30), st.just(0)),
        st.tuples(st.just("hello"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_dropped_doubled_and_reordered_hints_end_in_the_truth_each_applied_once(app, acts):
    global _example
    _example += 1
    streams = [f"person:{_example}", f"case:{_example}"]
    for stream in streams:
        say(stream, 0)
        TRUTH[stream] = 0
    client = Client(streams)
    client.state = dict.fromkeys(streams, 0)
    start = dict(client.cursors.at)
    wire: list[dict[str, Any]] = []
    value = 0
    for act, place, extra in acts:
        if act == "commit":
            before = cursors(streams)
            values = list(range(value + 1, value + 1 + int(extra)))
            value = values[-1]
            say(streams[place], *values)
            TRUTH[streams[place]] = value
            wire += backlog(before)["entries"]
        elif act == "hear" and wire:
            hint = wire[place % len(wire)]
            if not extra:
                wire.remove(hint)
            client.hear(dict(hint))
        elif act == "drop" and wire:
            wire.pop(place % len(wire))
        elif act == "hello":
            client.ask()
    client.ask()  # the next beat, a minute later at most

    assert client.state == {stream: TRUTH[stream] for stream in streams}
    assert client.cursors.at == cursors(streams)
    for stream in streams:
        seqs = [seq for name, seq in client.applied if name == stream]
        assert seqs == list(range(start[stream] + 1, client.cursors.at[stream] + 1))
