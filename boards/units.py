"""Departments as the pickers show them: their name, whether somebody is on duty, where, and how fast they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from board.clock import now
from board.db import db
from board.i18n import _
from board.jinja import duration
from board.text import fold
from boards.models.case import Case
from boards.models.section import Section
from boards.models.status import Visibility
from boards.models.thread import Thread
from boards.pulse import NEWEST, RECENT, kept, on_duty, usual_time
from people.models import Department
from people.models.department import WATCHING

SHOWN = 8
FRESH = 600.0  # seconds for which the usual times of answering are kept


@dataclass(frozen=True)
class Unit:
    """One line of a picker; every field is words in the reader's language."""

    key: str
    name: str
    duty: str
    area: str
    usual: str

    def json(self) -> dict[str, Any]:
        """The line as the script reads it."""
        return asdict(self)


def usual_answers() -> dict[int, timedelta]:
    """By department id, the median time until its first answer in the last 30 days; kept for ten minutes."""
    return kept("usual-answers", _usual_answers, FRESH)


def _usual_answers() -> dict[int, timedelta]:
    rows = db.session.execute(
        select(Case.department_id, Thread.poster_id, Thread.posted_at, Case.answered_at)
        .join(Thread, Case.thread_id == Thread.id)
        .where(
            Case.answered_at.is_not(None),
            Case.round == 1,
            Thread.visibility == Visibility.PUBLIC,
            Thread.posted_at > now() - RECENT,
        )
        .order_by(Thread.posted_at.desc())
        .limit(NEWEST)
    )
    answers: dict[int, list[tuple[int | None, timedelta]]] = {}
    for department, poster, posted, answered in rows:
        if answered is not None:
            answers.setdefault(department, []).append((poster, answered - posted))
    found = {department: usual_time(each) for department, each in answers.items()}
    return {department: span for department, span in found.items() if span is not None}


def as_units(departments: Sequence[Department]) -> list[Unit]:
    """The lines of these departments, in their order."""
    duty = on_duty()
    usual = usual_answers()
    return [
        Unit(
            key=each.key,
            name=each.title,
            duty=_("On duty") if duty.get(each.id) else "",
            area=each.area_title,
            usual=_("usually answers in %(time)s", time=duration(usual[each.id])) if each.id in usual else "",
        )
        for each in departments
    ]


def units_of(section: Section) -> list[Unit]:
    """What a section's form offers: its own department and those below it; the desk offers the first of the city."""
    own = section.department
    if own is not None and not own.is_desk:
        return as_units([own, *own.descendants()][:SHOWN])
    departments = [each for each in Department.all() if each.kind not in WATCHING and not each.is_desk]
    return as_units([each for each in departments if each.parent is not None or each.kind == "city"][:SHOWN])


def units_called(keys: Sequence[str]) -> list[Unit]:
    """The departments with these keys, in that order; unknown keys are left out."""
    found = {
        each.key: each for each in db.session.scalars(select(Department).where(Department.key.in_(keys)))
    }
    return as_units([found[key] for key in dict.fromkeys(keys) if key in found])


def units_like(query: str, *, limit: int = SHOWN) -> list[Unit]:
    """The departments whose name, short name, alias or area holds `query`; those that begin with it come first."""
    wanted = fold(query[:40]).text.strip().lstrip("@").strip()
    if not wanted:
        return []
    rated: list[tuple[int, int, Department]] = []
    for place, each in enumerate(Department.all()):
        names = [fold(name).text for name in (*each.names, each.name_en) if name]
        areas = [fold(area).text for area in (each.area, each.area_en) if area]
        if any(name.startswith(wanted) for name in names):
            rated.append((0, place, each))
        elif any(wanted in name for name in names):
            rated.append((1, place, each))
        elif any(wanted in area for area in areas):
            rated.append((2, place, each))
    return as_units([each for _rank, _place, each in sorted(rated, key=lambda row: row[:2])[:limit]])
