"""The inbox on PostgreSQL: the same rows, counts and streams, also when many verbs run at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from board import create_app, jobs, live
from board.db import db, transaction
from boards.models import CaseEvent, Thread
from boards.models.posting import reply
from boards.models.watch import follow
from notifications.models import InboxItem, unread_of
from tests.builders import case_of, posted, small_city
from tests.conftest import settings

pytestmark = pytest.mark.postgres

THREADS, EACH = 4, 8


def test_counts_and_streams_are_true_after_many_verbs_at_once(tmp_path: Path, postgres_url: str):
    app = create_app(settings(tmp_path, BOARD_DATABASE_URL=postgres_url))
    with app.app_context():
        db.create_all()
        with transaction():
            cast = small_city()
        with transaction():
            ids = [posted(cast.rita, title=f"第 {n} 个路口的灯坏了").public_id for n in range(THREADS)]
            for thread_id in ids:
                follow(case_of(thread_id).thread, by=cast.vera)
        db.session.rollback()
    faults: list[BaseException] = []

    def talk(place: int) -> None:
        try:
            with app.app_context():
                for turn in range(EACH):
                    with transaction():
                        name = ids[(place + turn) % THREADS]
                        thread = Thread.by_public_id(name, reader=cast.rita, for_change=True)
                        reply(thread, f"{place} 号第 {turn} 次路过。", by=cast.rita)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=talk, args=(place,)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with app.app_context():
        jobs.run_due(kinds=("tell-followers",))
        for person, expected in ((cast.otto, THREADS + THREADS * EACH), (cast.vera, THREADS * EACH)):
            rows = db.session.scalar(select(func.count()).where(InboxItem.person_id == person.id))
            assert rows == unread_of(person) == expected
            entries = live.backlog({person.stream: 0})["entries"]
            head = live.cursors([person.stream])[person.stream]
            assert [entry["seq"] for entry in entries] == list(range(1, head + 1))
            assert entries[-1]["unread"] == expected
        db.session.remove()
        db.engine.dispose()


def test_followers_of_one_act_are_told_once_by_many_workers(tmp_path: Path, postgres_url: str):
    app = create_app(settings(tmp_path, BOARD_DATABASE_URL=postgres_url))
    with app.app_context():
        db.create_all()
        with transaction():
            cast = small_city()
        with transaction():
            thread_id = posted(cast.rita).public_id
        with transaction():
            follow(case_of(thread_id).thread, by=cast.vera)
        with transaction():
            case_of(thread_id).answer(
                by=cast.otto, answer="信号灯今早已经修好，可以正常通行。", outcome="solved"
            )
        db.session.rollback()
    faults: list[BaseException] = []

    def work() -> None:
        try:
            with app.app_context():
                jobs.run_due(kinds=("tell-followers",))
        except BaseException as fault:
            faults.append(fault)

    workers = [threading.Thread(target=work) for _place in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert faults == []
    with app.app_context():
        kinds = db.session.scalars(
            select(CaseEvent.kind)
            .join(InboxItem, InboxItem.event_id == CaseEvent.id)
            .where(InboxItem.person_id == cast.vera.id)
        ).all()
        assert kinds == ["case.resolved"]
        assert unread_of(cast.vera) == 1
