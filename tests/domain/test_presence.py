"""Who has a case open: said by each process for its own sockets, read by all, forgotten by itself."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from board import clock, live, presence
from board.db import db, transaction
from board.live import Stream, StreamEntry
from board.presence import Presence, lookers
from boards import looking
from boards.looking import may_be_seen, seen_by
from people.models import Person
from tests.domain.conftest import at_once

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def nodes(app):
    """Two live processes."""
    return Presence(app), Presence(app)


def entries() -> int:
    """How many entries stand there for presence."""
    db.session.rollback()
    return db.session.scalars(
        select(func.count(StreamEntry.id)).join(Stream).where(Stream.name == presence.STREAM)
    ).one()


def test_what_is_open_on_one_node_is_read_on_every_other(cast, nodes, reported):
    one, other = nodes
    thing = reported().thread.stream
    one.look("a", cast.otto.public_id, thing)
    other.look("b", cast.otis.public_id, thing)
    one.turn()
    other.turn()
    assert lookers([thing]) == {thing: {cast.otto.public_id, cast.otis.public_id}}

    one.leave("a")
    one.turn()
    assert lookers([thing]) == {thing: {cast.otis.public_id}}


def test_a_node_that_dies_is_forgotten_after_three_quarters_of_a_minute(cast, nodes, reported):
    one, _other = nodes
    thing = reported().thread.stream
    one.look("a", cast.otto.public_id, thing)
    one.turn()
    clock.advance(timedelta(seconds=44))
    assert lookers([thing])
    clock.advance(timedelta(seconds=2))
    assert lookers([thing]) == {}


def test_whoever_goes_on_looking_stays(cast, nodes, reported):
    one, _other = nodes
    thing = reported().thread.stream
    one.look("a", cast.otto.public_id, thing)
    for _beat in range(10):
        one.turn()
        clock.advance(timedelta(seconds=presence.BEAT))
    assert lookers([thing])
    assert entries() == 1


def test_entries_do_not_pile_up_and_the_dead_are_swept_by_the_living(cast, nodes, reported):
    one, other = nodes
    thing = reported().thread.stream
    for turn in range(5):
        one.look(f"s{turn}", cast.otto.public_id, thing)
        one.turn()
    assert entries() == 1
    clock.advance(timedelta(minutes=1))
    other.look("b", cast.otis.public_id, thing)
    other.turn()
    assert entries() == 1
    other.leave("b")
    other.turn()
    assert entries() == 0


def test_the_desks_hear_of_it_and_the_public_stream_does_not(cast, nodes, reported):
    one, _other = nodes
    case = reported()
    desk, public = f"presence:{case.department.key}", case.thread.stream
    before = live.cursors([desk, public])
    one.look("a", cast.otto.public_id, public)
    one.turn()
    assert live.backlog(before)["entries"] == [{"stream": desk, "seq": before[desk] + 1, "kind": "presence"}]
    one.turn()  # nothing changed: it only says so again
    assert live.cursors([desk])[desk] == before[desk] + 1


def test_words_leave_out_oneself_and_name_the_others(cast, nodes, reported):
    one, _other = nodes
    case = reported()
    for socket, who in (("a", cast.otto), ("b", cast.otis), ("c", cast.lena)):
        one.look(socket, who.public_id, case.thread.stream)
    one.turn()
    shown = {case.number: case.thread.public_id}
    assert "2" in seen_by(shown, cast.dana)[case.number]  # one by name, and how many more
    assert "欧阳" not in seen_by(shown, cast.otto)[case.number]
    one.leave("b")
    one.leave("c")
    one.turn()
    assert seen_by(shown, cast.otto) == {}


@pytest.mark.parametrize(("numbers_only", "said"), [(False, "欧阳"), (True, "021456")])
def test_a_city_that_shows_numbers_only_shows_no_surname_here_either(
    cast, nodes, reported, monkeypatch, numbers_only, said
):
    monkeypatch.setattr(looking, "facts", lambda: {"officers_by_number_only": numbers_only})
    one, _other = nodes
    case = reported()
    one.look("a", cast.otto.public_id, case.thread.stream)
    one.turn()
    words = seen_by({"": case.thread.public_id}, cast.otis)[""]
    assert said in words
    assert ("欧阳" in words) is not numbers_only


def test_a_dismissed_officer_is_seen_no_more(cast, nodes, reported):
    one, _other = nodes
    case = reported()
    one.look("a", cast.otto.public_id, case.thread.stream)
    one.turn()
    with transaction():
        db.session.get_one(Person, cast.otto.id).active = False
    assert seen_by({"": case.thread.public_id}, cast.otis) == {}


@pytest.mark.parametrize(
    ("who", "where", "seen"),
    [
        ("otto", "public", True),
        ("dana", "public", True),
        ("rita", "public", False),
        ("mona", "public", False),  # she moderates, she has no desk
        ("dana", "danger", True),
        ("otto", "danger", False),
    ],
)
def test_only_who_has_a_desk_and_may_read_it_is_seen_with_it(cast, reported, thread_posted, who, where, seen):
    thread = (
        reported().thread.public_id
        if where == "public"
        else thread_posted(section="110", title="楼下有人在打人", body="有人拿刀砍人，快来！")
    )
    assert may_be_seen(getattr(cast, who), f"case:{thread}") is seen
    assert not may_be_seen(getattr(cast, who), f"person:{thread}")
    assert not may_be_seen(None, f"case:{thread}")


def test_the_stream_of_presence_itself_is_nobodys(cast):
    for who in (None, cast.otto, cast.adam):
        good, refused = live.allowed(who, {presence.STREAM: 0, "presence:traffic-police": 0})
        assert presence.STREAM in refused
        assert ("presence:traffic-police" in good) is (who is cast.otto)


@pytest.mark.engines("postgres")
def test_two_nodes_on_postgresql_read_each_other(app, cast, reported):
    thing = reported().thread.stream
    db.session.rollback()

    def say(node: Presence, who: str) -> None:
        for turn in range(8):
            node.look(f"{who}{turn % 2}", getattr(cast, who).public_id, thing)
            node.turn()

    acts = [partial(say, Presence(app), who) for who in ("otto", "otis")]
    assert at_once(app, *acts) == [None, None]
    db.session.rollback()
    assert lookers([thing]) == {thing: {cast.otto.public_id, cast.otis.public_id}}
    assert entries() == 2
