"""The monthly sample: two closed public cases in a hundred, drawn so that nobody can choose them.

The seed of a month is made before its first case is closed; its SHA-256 is public at once, the seed when the month is
over. A case is drawn when SHA-256(seed ‖ number) is among the smallest two in a hundred, at least one. So whoever
knows the numbers of the closed cases can draw again, and neither a department nor an inspector can steer it.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import select

from board import jobs
from board.clock import local, midnight, now
from board.db import db, transaction
from board.seams import standing_promise
from boards.models import Case, Status, Thread
from boards.models.status import Visibility
from complaints.models.draw import Draw
from complaints.models.look import Look

SHARE = 50  # one in fifty is two in a hundred


def drawn(seed: str, numbers: Iterable[str]) -> list[str]:
    """The numbers that a seed draws from these, in the order in which they are drawn."""
    known = sorted(set(numbers), key=lambda number: (mark(seed, number), number))
    return known[: math.ceil(len(known) / SHARE)]


def mark(seed: str, number: str) -> str:
    """What a number is sorted by, hex."""
    return hashlib.sha256(f"{seed}{number}".encode()).hexdigest()


def commitment(seed: str) -> str:
    """What is published of a seed before its month is over."""
    return hashlib.sha256(seed.encode()).hexdigest()


def month_of(moment: datetime) -> str:
    """The month of the city, `2026-11`."""
    return f"{local(moment):%Y-%m}"


def first_of(month: str) -> datetime:
    """When a month of the city begins."""
    year, number = map(int, month.split("-"))
    return midnight(date(year, number, 1))


def next_month(month: str) -> str:
    """The month after it."""
    return month_of(first_of(month) + timedelta(days=32))


@standing_promise
def promise_draw() -> None:
    """Make this month's seed, where there is none, and promise to draw when the month is over."""
    month = month_of(now())
    if db.session.get(Draw, month) is None:
        db.session.add(Draw(month=month, seed=secrets.token_hex(32)))
    jobs.put("draw-sample", key=f"draw-sample:{month}", due_at=first_of(next_month(month)), month=month)


@jobs.handler("draw-sample")
def draw_sample(month: str) -> None:
    """The month is over: draw from the public cases that were closed in it, and begin the next one."""
    with transaction():
        row = db.session.get(Draw, month, with_for_update=True)
        if row is not None and row.drawn_at is None and now() >= first_of(next_month(month)):
            closed = _closed_in(month)
            chosen = drawn(row.seed, closed)
            for number in chosen:
                db.session.add(Look(case_id=closed[number], queue="sample"))
            row.drawn_at, row.closed, row.chosen = now(), len(closed), len(chosen)
        promise_draw()


def _closed_in(month: str) -> dict[str, int]:
    rows = db.session.execute(
        select(Case.number, Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(
            Thread.visibility == Visibility.PUBLIC,
            Case.status == Status.CLOSED,
            Case.closed_at >= first_of(month),
            Case.closed_at < first_of(next_month(month)),
        )
    )
    return {number: case_id for number, case_id in rows}
