"""The inbox on PostgreSQL: the same rows, counts and streams, also when many verbs run at once."""

from __future__ import annotations

from functools import partial

import pytest
from flask import Flask
from sqlalchemy import func, select

from board import jobs, live
from board.db import db, transaction
from boards.models import CaseEvent, Thread
from boards.models.posting import reply
from boards.models.watch import follow
from notifications.models import InboxItem, unread_of
from tests.builders import Cast, case_of, posted
from tests.domain.conftest import at_once

pytestmark = pytest.mark.engines("postgres")

THREADS, EACH = 4, 8


def test_counts_and_streams_are_true_after_many_verbs_at_once(app: Flask, cast: Cast):
    with transaction():
        ids = [posted(cast.rita, title=f"第 {n} 个路口的灯坏了").public_id for n in range(THREADS)]
        for thread_id in ids:
            follow(case_of(thread_id).thread, by=cast.vera)
    db.session.rollback()

    def talk(place: int) -> None:
        for turn in range(EACH):
            with transaction():
                name = ids[(place + turn) % THREADS]
                thread = Thread.by_public_id(name, reader=cast.rita, for_change=True)
                reply(thread, f"{place} 号第 {turn} 次路过。", by=cast.rita)

    assert at_once(app, *[partial(talk, place) for place in range(THREADS)]) == [None] * THREADS
    jobs.run_due(kinds=("tell-followers",))
    for person, expected in ((cast.otto, THREADS + THREADS * EACH), (cast.vera, THREADS * EACH)):
        rows = db.session.scalar(select(func.count()).where(InboxItem.person_id == person.id))
        assert rows == unread_of(person) == expected
        entries = live.backlog({person.stream: 0})["entries"]
        head = live.cursors([person.stream])[person.stream]
        assert [entry["seq"] for entry in entries] == list(range(1, head + 1))
        assert entries[-1]["unread"] == expected


def test_followers_of_one_act_are_told_once_by_many_workers(app: Flask, cast: Cast):
    with transaction():
        thread_id = posted(cast.rita).public_id
    with transaction():
        follow(case_of(thread_id).thread, by=cast.vera)
    with transaction():
        case_of(thread_id).answer(by=cast.otto, answer="信号灯今早已经修好，可以正常通行。", outcome="solved")
    db.session.rollback()
    results = at_once(app, *[partial(jobs.run_due, kinds=("tell-followers",))] * 4)
    assert not any(isinstance(each, Exception) for each in results)
    kinds = db.session.scalars(
        select(CaseEvent.kind)
        .join(InboxItem, InboxItem.event_id == CaseEvent.id)
        .where(InboxItem.person_id == cast.vera.id)
    ).all()
    assert kinds == ["case.resolved"]
    assert unread_of(cast.vera) == 1
