"""What followers cost: a post with few and with very many, and the job that tells them afterwards."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event, func, insert, select

WARM = 20  # posts before anything is measured


class Work:
    """Counts statements and written rows while it is open."""

    def __enter__(self) -> Work:
        from board.db import db

        self.statements = self.rows = 0
        self.engine = db.engine
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _c: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool) -> None:
        self.statements += 1
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE")):
            self.rows += len(parameters) if many else 1


def board(folder: Path, url: str) -> tuple[Flask, Any]:
    """A fresh board with the small city of the tests."""
    from board import create_app
    from board.db import db, transaction
    from board.settings import Settings
    from tests.builders import small_city

    given = {"BOARD_MODE": "test", "BOARD_DATA": str(folder)}
    app = create_app(Settings.from_env({**given, **({"BOARD_DATABASE_URL": url} if url else {})}))
    app.app_context().push()
    db.create_all()
    with transaction():
        cast = small_city()
    return app, cast


def crowd(number: int, name: str) -> None:
    """So many more members with a mail address that is proven, each following `traffic` in one of the three ways."""
    from board.clock import now
    from board.db import db, transaction
    from boards.models.watch import HOWS
    from notifications.models import Follow
    from people.models import Contact, Person

    with transaction():
        first = (db.session.scalar(select(func.max(Person.id))) or 0) + 1
        ids = range(first, first + number)
        db.session.execute(
            insert(Person),
            [{"id": key, "kind": "member", "nickname_lookup": f"{name}{key}"} for key in ids],
        )
        db.session.execute(
            insert(Contact),
            [{"person_id": key, "kind": "mail", "lookup": f"{key}", "verified_at": now()} for key in ids],
        )
        db.session.execute(
            insert(Follow),
            [
                {"person_id": key, "kind": "section", "target": "traffic", "how": HOWS[key % len(HOWS)]}
                for key in ids
            ],
        )


def posts(cast: Any, number: int, name: str) -> tuple[list[float], set[tuple[int, int]]]:
    """Processor milliseconds of each of so many posts, and the different (statements, rows) they cost."""
    from board import clock
    from board.db import transaction
    from tests.builders import posted

    times, costs = [], set()
    for turn in range(number):
        with Work() as work:
            began = time.thread_time()  # of the processor: the machine may do other work
            with transaction():
                posted(cast.rita, title=f"路口的灯又坏了 {name} {turn}")
            times.append((time.thread_time() - began) * 1000)
        costs.add((work.statements, work.rows))
        clock.advance(timedelta(minutes=10))  # so that no call of the department is joined to the one before
    return times, costs


def main() -> int:
    """Measure, print, and say whether each aim is met."""
    read = argparse.ArgumentParser(prog="bench/following", description=__doc__)
    read.add_argument("--many", type=int, default=10_000, metavar="N", help="followers of the second round")
    read.add_argument("--posts", type=int, default=100, metavar="N", help="posts of each round")
    read.add_argument(
        "--database", default="", metavar="URL", help="an empty PostgreSQL database; default SQLite"
    )
    given = read.parse_args()
    with tempfile.TemporaryDirectory(prefix="station-bench-") as folder:
        return measure(Path(folder), given)


def measure(folder: Path, given: argparse.Namespace) -> int:

    from board import clock, jobs
    from board.db import db

    verdicts: list[tuple[str, bool]] = []
    with clock.freeze(datetime(2026, 11, 17, 2, 0, tzinfo=UTC)):
        _app, cast = board(folder, given.database)
        print(f"Database: {db.engine.dialect.name}")
        crowd(10, "few")
        posts(cast, WARM, "warm")
        few, few_costs = posts(cast, given.posts, "few")
        crowd(given.many, "many")
        posts(cast, WARM, "warm")
        many, many_costs = posts(cast, given.posts, "many")
        for name, times, costs in (("10", few, few_costs), (f"{given.many:,}", many, many_costs)):
            print(
                f"A post with {name:>7} followers: median {statistics.median(times):6.2f} ms of processor, "
                f"p95 {sorted(times)[int(len(times) * 0.95)]:6.2f} ms, (statements, rows) {sorted(costs)}"
            )
        verdicts.append(("The same statements and rows with few and many", few_costs == many_costs))
        share = statistics.median(many) / statistics.median(few)
        verdicts.append((f"Processor time with many / with few: {share:.2f} (aim under 1.2)", share < 1.2))
        tell(verdicts, given.many, jobs.run_due)
        db.session.remove()
        db.engine.dispose()
    for told, met in verdicts:
        print(f"{'met   ' if met else 'MISSED'}  {told}")
    return 0 if all(met for _told, met in verdicts) else 1


def tell(verdicts: list[tuple[str, bool]], many: int, run: Callable[..., int]) -> None:
    """Time the job of one post, and the bundling of the daily mails of everybody."""
    from board import clock
    from board.db import db, transaction
    from boards.models import CaseEvent
    from notifications import followers, tidings
    from notifications.models import Delivery, InboxItem

    with transaction():
        from board.jobs import Job

        db.session.execute(Job.__table__.delete())  # type: ignore[attr-defined]
    last = db.session.scalars(
        select(CaseEvent.public_id).where(CaseEvent.kind == "thread.posted").order_by(CaseEvent.id.desc())
    ).first()
    assert last is not None
    db.session.rollback()
    began, used = time.perf_counter(), time.process_time()
    followers.tell_followers(last)
    spent, used = time.perf_counter() - began, time.process_time() - used
    items = db.session.scalar(select(func.count()).where(InboxItem.person_id.is_not(None))) or 0
    print(
        f"Telling {many:,} followers of one post: {spent:.1f} s, {many / spent:,.0f} a second ({items:,} items)"
    )
    db.session.rollback()
    clock.advance(timedelta(days=1))
    began, used = time.perf_counter(), time.process_time()
    tidings.carry_tidings()
    spent, used = time.perf_counter() - began, time.process_time() - used
    mails = db.session.scalar(select(func.count()).where(Delivery.purpose == "digest")) or 0
    print(f"Bundling {mails:,} daily mails: {spent:.1f} s, {used:.1f} s of processor")
    verdicts.append(("One daily mail for each third follower", abs(mails - many // 3) <= 5))
