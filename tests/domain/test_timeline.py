"""The chain of steps: nothing changes unseen, covering words breaks nothing, and nothing can be guessed from it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.commitments import GENESIS, canonical, commitment, digest, opens
from board.db import db, transaction
from board.errors import NotAllowed
from boards.models import Case, CaseEvent, Visibility
from boards.models.posting import reply
from boards.models.timeline import replay, verify
from tests.builders import Cast
from tests.domain.test_case_verbs import accepted, does

pytestmark = pytest.mark.engines("sqlite", "postgres")

Reported = Callable[[], Case]


@pytest.fixture
def told(cast: Cast, reported: Reported) -> Reported:
    """A case with public, internal and automatic steps."""
    accepted(reported, cast)
    does(reported, cast, "otto", "note", note="已联系厂家。")
    with transaction():
        reply(reported().thread, "谢谢，请快一点。", by=cast.rita)
    does(reported, cast, "otto", "resolve", answer="控制器已更换，灯已恢复。", outcome="solved")
    return reported


def verdicts(reported: Reported) -> list[tuple[bool, str]]:
    db.session.expire_all()
    found = [(each.chain, each.text) for each in verify(reported().thread.events)]
    db.session.rollback()
    return found


def tamper(event_id: int, **values: Any) -> None:
    with transaction() as session:
        session.execute(db.update(CaseEvent).where(CaseEvent.id == event_id).values(**values))


def test_an_untouched_timeline_holds_and_gives_the_row(told: Reported) -> None:
    assert all(chain for chain, _text in verdicts(told))
    assert replay(told().thread.events) == told().tracked()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "case.noted"},
        {"parameters": {"answers": False}},
        {"change": {"status": "closed"}},
        {"actor_role": "leader"},
        {"visibility": "internal"},
        {"round": 2},
        {"public_commitment": "0" * 64},
        {"actor_commitment": "0" * 64},
    ],
    ids=str,
)
def test_a_changed_step_is_seen(told: Reported, change: dict[str, Any]) -> None:
    accepted_step = told().thread.events[1].id
    db.session.rollback()
    tamper(accepted_step, **change)
    assert [chain for chain, _text in verdicts(told)][1] is False


def test_a_step_taken_out_is_seen(told: Reported) -> None:
    with transaction() as session:
        step = told().thread.events[2].id
        for table in db.metadata.sorted_tables:
            for key in table.foreign_keys:
                if key.column.table.name == "case_event":
                    session.execute(table.delete().where(key.parent == step))
        session.execute(db.delete(CaseEvent).where(CaseEvent.id == step))
    assert [chain for chain, _text in verdicts(told)][2:] == [False] * (len(verdicts(told)) - 2)


def test_a_rewritten_chain_still_shows_where_it_was_cut(told: Reported) -> None:
    """Whoever seals one step anew cannot seal those after it without changing their hashes, too."""
    with transaction():
        event = told().thread.events[1]
        event.kind = "case.routed"
        event.hash = digest(event.public_fields())
    assert [chain for chain, _text in verdicts(told)][:3] == [True, True, False]


def test_words_changed_behind_the_chain_are_told_from_words_covered(cast: Cast, told: Reported) -> None:
    with transaction():
        text = told().thread.events[1].public_text
        assert text is not None
        text.public = "我们从来没有说过要去。"
    assert verdicts(told)[1] == (True, "altered")
    with transaction():
        body = told().thread.body
        told().thread.cover(by=cast.rita, text=body, spans=[(0, 3)])
    assert verdicts(told)[0] == (True, "covered")
    assert all(chain for chain, _text in verdicts(told))


def test_after_covering_nothing_is_left_to_guess_from(cast: Cast, told: Reported) -> None:
    was = told().thread.body.public
    with transaction():
        thread = told().thread
        thread.cover(by=cast.rita, text=thread.body, spans=[(0, 3)])
    event = told().thread.events[0]
    assert event.public_salt is None
    assert event.public_commitment is not None
    guesses = (hashlib.sha256(was.encode()), hashlib.sha256(bytes(16) + was.encode()))
    assert all(guess.hexdigest() != event.public_commitment for guess in guesses)
    assert was[:3] not in told().thread.body.public


def test_only_the_author_covers_his_words(cast: Cast, told: Reported) -> None:
    for who in ("otto", "vera", "mona", "carl"):
        with pytest.raises(NotAllowed), transaction():
            told().thread.cover(by=getattr(cast, who), text=told().thread.body, spans=[(0, 3)])


def test_an_edited_text_still_opens_what_was_committed_before(cast: Cast, reported: Reported) -> None:
    with transaction():
        thread = reported().thread
        thread.edit(
            by=cast.rita, title="路口红绿灯闪黄灯三天了", body="早高峰很危险，请@交警支队看一下，谢谢。"
        )
    assert verdicts(reported) == [(True, "open"), (True, "open")]


def test_who_acted_is_committed_and_not_told(told: Reported) -> None:
    event = told().thread.events[1]
    assert event.actor is not None
    assert event.actor.public_id not in canonical(event.public_fields()).decode()
    assert event.actor_salt is not None
    assert event.actor_commitment is not None
    assert opens(event.actor_salt, event.actor.public_id, event.actor_commitment)


def test_holding_and_releasing_keeps_row_and_events_equal(cast: Cast, told: Reported) -> None:
    with transaction():
        told().thread.hold(by=cast.mona, reason="private_data")
    does(told, cast, "otto", "note", note="稍后处理。")
    with transaction():
        told().thread.release(by=cast.mona)
    assert told().thread.visibility == Visibility.PUBLIC
    assert replay(told().thread.events) == told().tracked()
    assert all(chain for chain, _text in verdicts(told))


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json)
def test_there_is_one_way_to_write_a_value(value: Any) -> None:
    import json as reader

    assert canonical(reader.loads(canonical(value))) == canonical(value)
    assert b"\n" not in canonical(value)


@given(st.text(), st.text())
def test_a_commitment_opens_with_its_value_and_no_other(value: str, other: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in value + other):
        return
    salt, committed = commitment(value)
    assert opens(salt, value, committed)
    assert opens(salt, other, committed) == (value == other)
    assert commitment(value) != (salt, committed)
    assert committed != GENESIS
