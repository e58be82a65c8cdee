"""The numbers of the home page and of a department: how much is open, how fast somebody answers, who is on duty.

Each is cheap by its definition (a counter, an index, the newest cases only) and kept for a minute. Medians, not
means; only what everybody may read is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, TypeVar

from sqlalchemy import and_, func, or_, select

from board.clock import midnight, now, today
from board.db import db
from boards.models.case import Case
from boards.models.deadline import Deadline
from boards.models.status import OPEN, Visibility
from boards.models.tally import tallies
from boards.models.thread import Thread
from people.models import Appointment, Department, Person, Shift
from people.models.appointment import SERVING

KEPT = 60.0  # seconds
NEWEST = 5000  # cases that a median looks at, at most
RECENT = timedelta(days=30)
PEOPLE = 10  # a figure over the matters of fewer than so many distinct people is shown to nobody

T = TypeVar("T")
_kept: dict[Hashable, tuple[datetime, Any]] = {}
_lock = threading.Lock()


def kept(key: Hashable, count: Callable[[], T], seconds: float = KEPT) -> T:
    """What `count` gives, from memory for `seconds`."""
    found = _kept.get(key)
    if found is not None and found[0] > now():
        return found[1]  # type: ignore[no-any-return]
    value = count()
    with _lock:
        if len(_kept) > 500:
            _kept.clear()
        _kept[key] = (now() + timedelta(seconds=seconds), value)
    return value


def forget() -> None:
    """Count anew at the next question (tests, and a city loaded anew)."""
    with _lock:
        _kept.clear()


@dataclass(frozen=True)
class Pulse:
    """`open`: cases open now. `first_answer`: the median of the last 30 days, None while too few people were answered.
    `on_time`: percent of today's first answers given in time, None while none was due. `on_duty`: persons."""

    open: int
    first_answer: timedelta | None
    on_time: int | None
    on_duty: int
    at: datetime


def pulse() -> Pulse:
    """The numbers of the duty board, at most a minute old."""
    return kept("pulse", _pulse)


def _pulse() -> Pulse:
    counts = [
        value
        for scope, names in tallies().items()
        if scope.startswith("section:")
        for name, value in names.items()
        if name in OPEN
    ]
    return Pulse(max(0, sum(counts)), first_answer(), on_time_today(), sum(on_duty().values()), now())


def first_answer(department: Department | None = None) -> timedelta | None:
    """The median time to a real first answer, of the last 30 days and the newest cases at most."""
    newest = db.session.scalar(select(func.max(Case.id))) or 0
    query = (
        select(Thread.poster_id, Thread.posted_at, Case.answered_at)
        .join(Thread, Case.thread_id == Thread.id)
        .where(
            Case.id > newest - NEWEST,
            Case.round == 1,
            Case.answered_at >= now() - RECENT,
            Thread.visibility == Visibility.PUBLIC,
        )
    )
    if department is not None:
        query = query.where(Case.department_id == department.id)
    return usual_time(
        (poster, answered - posted) for poster, posted, answered in db.session.execute(query) if answered
    )


def usual_time(answers: Iterable[tuple[int | None, timedelta]]) -> timedelta | None:
    """The median of (poster, time until the answer); None under PEOPLE distinct posters, who could be told by it."""
    found = list(answers)
    known = {poster for poster, _span in found if poster is not None}
    if len(known) < PEOPLE:
        return None
    return timedelta(seconds=median(span.total_seconds() for _poster, span in found))


def on_time_today() -> int | None:
    """Of the first answers that were given or due today, how many percent came in time."""
    begins = midnight(today())
    rows = db.session.execute(
        select(Deadline.breached_at, func.count())
        .join(Case, Deadline.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(
            Deadline.kind == "reply",
            Thread.visibility == Visibility.PUBLIC,
            or_(
                Deadline.stopped_at >= begins,
                and_(Deadline.stopped_at.is_(None), Deadline.due_at >= begins, Deadline.due_at <= now()),
            ),
            # A withdrawn or merged case stops its clock without an answer: it says nothing about anybody.
            or_(Case.answered_at.is_not(None), Deadline.stopped_at.is_(None)),
        )
        .group_by(Deadline.breached_at)
    ).all()
    good = sum(number for breached, number in rows if breached is None)
    late = sum(number for breached, number in rows if breached is not None)
    waiting = db.session.scalar(
        select(func.count())
        .select_from(Deadline)
        .join(Case, Deadline.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(
            Deadline.kind == "reply",
            Thread.visibility == Visibility.PUBLIC,
            Deadline.stopped_at.is_(None),
            Deadline.breached_at.is_(None),
            Deadline.due_at >= begins,
            Deadline.due_at <= now(),
        )
    )
    good -= waiting or 0  # over, though the worker has not said so yet
    late += waiting or 0
    return round(100 * max(0, good) / (good + late)) if good + late else None


def on_duty() -> dict[int, int]:
    """How many persons hold a shift now, by department id; who no longer serves there does not count."""
    return kept("on-duty", _on_duty, 20)


def _on_duty() -> dict[int, int]:
    moment = now()
    rows = db.session.execute(
        select(Shift.department_id, func.count(Shift.person_id.distinct()))
        .join(Person, Person.id == Shift.person_id)
        .where(
            Shift.starts_at <= moment,
            Shift.ends_at > moment,
            Person.active,
            select(Appointment.id)
            .where(
                Appointment.person_id == Shift.person_id,
                Appointment.department_id == Shift.department_id,
                Appointment.role.in_(SERVING),
                Appointment.starts_at <= moment,
                or_(Appointment.ends_at.is_(None), Appointment.ends_at > moment),
            )
            .exists(),
        )
        .group_by(Shift.department_id)
    ).all()
    return {department: number for department, number in rows}


def posted_today() -> dict[int, int]:
    """How many public threads were posted today, by section id."""
    return kept("posted-today", _posted_today, 30)


def _posted_today() -> dict[int, int]:
    rows = db.session.execute(
        select(Thread.section_id, func.count())
        .where(Thread.visibility == Visibility.PUBLIC, Thread.posted_at >= midnight(today()))
        .group_by(Thread.section_id)
    ).all()
    return {section: number for section, number in rows}


__all__ = [
    "Pulse",
    "first_answer",
    "forget",
    "kept",
    "on_duty",
    "on_time_today",
    "posted_today",
    "pulse",
    "usual_time",
]
