"""Very many calls due in the same second, and the workers that drain them."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, insert, select, update

from bench.follows import board
from bench.servers import Program

AIM = 20.0  # seconds for 10,000 calls and two workers
CHUNK = 1_000
STEP = 3
HEAD_START = 8.0  # seconds until the calls are due, in which the workers start


def main() -> int:
    """Seed, wait for the second, watch the workers, and say whether each aim is met."""
    read = argparse.ArgumentParser(prog="bench/paging", description=__doc__)
    read.add_argument("--calls", type=int, default=10_000, metavar="N", help="calls due in the same second")
    read.add_argument("--workers", type=int, default=2, metavar="N", help="worker processes")
    read.add_argument(
        "--database", default="", metavar="URL", help="an empty PostgreSQL database; default SQLite"
    )
    given = read.parse_args()
    with tempfile.TemporaryDirectory(prefix="station-bench-") as folder:
        return measure(Path(folder), given)


def measure(folder: Path, given: argparse.Namespace) -> int:
    """One run; 0 when every aim is met."""
    from board.clock import now
    from board.db import db
    from notifications.models import Page, PageStep, Telling

    app, cast = board(folder, given.database)
    seed(cast, given.calls)
    print(
        f"Database: {db.engine.dialect.name}; {given.calls:,} calls of one department, {given.workers} workers"
    )
    with ExitStack() as stack:
        workers = list(_workers(stack, app, folder, given.workers))
        at = make_due()
        time.sleep(max(0.0, (at - now()).total_seconds()))
        began, left = time.monotonic(), given.calls
        while left and time.monotonic() - began < 10 * AIM:
            time.sleep(0.1)
            left = db.session.scalar(select(func.count()).where(Page.next_at <= at)) or 0
            db.session.rollback()
        took = time.monotonic() - began
        processor = sum(worker.processor() for worker in workers)
    told = db.session.scalar(select(func.count()).where(PageStep.step == STEP)) or 0
    tellings = db.session.execute(
        select(Telling.event_id, Telling.person_id, func.count())
        .where(Telling.step == STEP)
        .group_by(Telling.event_id, Telling.person_id)
    ).all()
    twice = [row for row in tellings if row[2] != 1]
    print(f"Drained in {took:.1f} s, {given.calls / took:,.0f} a second; {processor:.1f} s of processor")
    verdicts = [
        (
            f"Every call is told: {told:,} steps, {len(tellings):,} tellings",
            told == len(tellings) == given.calls,
        ),
        (f"None twice: {len(twice)}", not twice),
        (
            f"Under {AIM:.0f} s for 10,000 (here {took:.1f} s for {given.calls:,})",
            took * 10_000 / given.calls < AIM,
        ),
    ]
    for words, good in verdicts:
        print(f"{'met ' if good else 'MISSED'}  {words}")
    return 0 if all(good for _words, good in verdicts) else 1


def seed(cast: Any, calls: int) -> None:
    """So many waiting cases whose department was called, copies of one that was really posted."""
    from board.db import db, random_id, transaction
    from boards.models import Case, CaseEvent, Deadline, Thread
    from notifications.models import Page
    from tests.builders import posted

    with transaction():
        posted(cast.rita)
    kinds: tuple[tuple[Any, dict[str, Any]], ...] = (
        (Thread, {}),
        (Case, {"thread_id": Thread}),
        (Deadline, {"case_id": Case}),
        (CaseEvent, {"thread_id": Thread, "case_id": Case}),
        (Page, {"case_id": Case, "event_id": CaseEvent, "cause_id": CaseEvent}),
    )
    rows = {
        kind: [dict(row) for row in db.session.execute(select(kind.__table__)).mappings()]
        for kind, _refs in kinds
    }
    db.session.rollback()
    for start in range(1, calls, CHUNK):
        turns = range(start, min(start + CHUNK, calls))
        with transaction():
            for kind, refs in kinds:
                made = []
                for turn in turns:
                    for row in rows[kind]:
                        copy = {**row, "id": row["id"] + turn * len(rows[kind])}
                        for name, other in refs.items():
                            copy[name] = row[name] + turn * len(rows[other])
                        if "public_id" in copy:
                            copy["public_id"] = random_id()
                        if "number" in copy:
                            copy["number"] = f"20990101-{turn:08d}"
                        made.append(copy)
                db.session.execute(insert(kind.__table__), made)


def make_due() -> datetime:
    """Let the fourth step of every call, the one for the leader, be due in the same second soon; that second."""
    from board import jobs
    from board.clock import now
    from board.db import transaction
    from notifications.models import Page
    from notifications.paging.steps import URGENT

    at = (now() + timedelta(seconds=HEAD_START)).replace(microsecond=0)
    begins = at - timedelta(minutes=URGENT[STEP].after)
    with transaction() as session:
        steps = [each.row() for each in URGENT]
        session.execute(update(Page).values(urgent=True, steps=steps, leg_at=begins, step=STEP, next_at=at))
        jobs.put("pages-due", key=f"pages-due:{at:%Y%m%d%H%M%S}", due_at=at)
    return at


def _workers(stack: ExitStack, app: Flask, folder: Path, number: int) -> Iterator[Program]:
    kept = app.config["SETTINGS"]
    environment = {
        "BOARD_MODE": "test",
        "BOARD_DATA": str(folder),
        "BOARD_DATABASE_URL": kept.database_url,
        "FLASK_APP": "wsgi",
    }
    for place in range(number):
        command = [sys.executable, "-m", "flask", "worker"]
        yield stack.enter_context(Program(f"worker {place}", command, environment, folder / f"{place}.log"))
