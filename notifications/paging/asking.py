"""Whom a step means, asked at the moment it is taken: who is dismissed, moved or vetoed meanwhile is not told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from board.db import db
from board.errors import NotFound
from board.seams import vetoed
from boards.models import CaseEvent
from boards.policy import department_sees, sees, whispered
from notifications.models.page import Page
from notifications.paging.steps import Who
from people.models import Appointment, Department, Person, Role, Shift
from people.models.appointment import SERVING
from people.models.shift import serving, told_apart

NEXT_WITHIN = timedelta(days=3)


def asked(page: Page, who: Who, at: datetime) -> list[Person]:
    """Who is to answer at this step, as the roster and the offices stood at `at`; [] when nobody is there.

    Whoever set the call off is asked only where there is nobody else.
    """
    found = _fit(page, _called(page.department, who, at))
    if not found and who == Who.DUTY and whispered(page.cause.thread):
        # Those on duty may not hear of it; who serves beside them must not wait until it has climbed.
        return _fit(page, serving(page.department, at))
    return found


def told(page: Page, who: Who, at: datetime) -> list[Person]:
    """Who hears of it: those asked, and of an earlier shift those whose relief has not taken over yet."""
    if who != Who.DUTY:
        return asked(page, who, at)
    here, earlier = roster(page.department, at)
    return _fit(page, [*here, *earlier]) or asked(page, who, at)


def roster(department: Department, at: datetime) -> tuple[list[Person], list[Person]]:
    """Who is on duty at `at`, and who of the earlier shift is told beside them; asked once in a transaction."""
    kept: dict[tuple[int, datetime], tuple[list[Person], list[Person]]]
    kept = db.session().info.setdefault("rosters", {})
    key = (department.id, at)
    if key not in kept:
        kept[key] = told_apart(department, at)
    return kept[key]


def named(department: Department, who: Who, at: datetime) -> list[Person]:
    """Whom a step means, before any case is looked at."""
    return _called(department, who, at)


def _fit(page: Page, people: list[Person]) -> list[Person]:
    may = [each for each in people if may_be_told(each, page.cause)]
    return [each for each in may if each.id != page.cause.actor_id] or may


def may_be_told(person: Person, event: CaseEvent) -> bool:
    """Whether this person may be called to this case at all: an active account, the right to read, no veto."""
    return person.active and sees(person, event.thread) and not vetoed("event.hear", person, event)


def room_may_be_told(page: Page, at: datetime) -> bool:
    """Whether the department's chat rooms may hear of this call: it may read the case, and nobody who serves there,
    and so may read along, is kept from it."""
    if not department_sees(page.department, page.cause.thread):
        return False
    kept: dict[tuple[int, str, datetime], list[Person]] = db.session().info.setdefault("called", {})
    key = (page.department_id, "serving", at)
    if key not in kept:
        kept[key] = _serving(page.department, at, SERVING)
    return not any(vetoed("event.hear", person, page.cause) for person in kept[key])


def _called(department: Department, who: Who, at: datetime) -> list[Person]:
    """The persons a step names, before the case is looked at; kept for the transaction."""
    kept: dict[tuple[int, str, datetime], list[Person]] = db.session().info.setdefault("called", {})
    key = (department.id, str(who), at)
    if key not in kept:
        kept[key] = _FINDERS[who](department, at)
    return kept[key]


def _duty(department: Department, at: datetime) -> list[Person]:
    return roster(department, at)[0]


def _next(department: Department, at: datetime) -> list[Person]:
    first = db.session.scalar(
        select(func.min(Shift.starts_at)).where(
            Shift.department_id == department.id, Shift.starts_at > at, Shift.starts_at <= at + NEXT_WITHIN
        )
    )
    if first is None:
        return []
    now_there = {each.id for each in department.on_duty(at)}
    return [each for each in department.on_duty(first) if each.id not in now_there]


def _leaders(department: Department, at: datetime) -> list[Person]:
    return _serving(department, at, (Role.LEADER.value,))


def _leaders_above(department: Department, at: datetime) -> list[Person]:
    for above in department.ancestors():
        found = _leaders(above, at)
        if found:
            return found
    return []


def _desk(department: Department, at: datetime) -> list[Person]:
    # Never empty: when its own shift is, everybody who serves there is called.
    try:
        desk = department if department.is_desk else Department.desk()
    except NotFound:
        return []
    return desk.on_duty(at) or _serving(desk, at, SERVING)


def _serving(department: Department, at: datetime, roles: Sequence[str]) -> list[Person]:
    query = (
        select(Person)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(
            Appointment.department_id == department.id,
            Appointment.role.in_(roles),
            Appointment.starts_at <= at,
            or_(Appointment.ends_at.is_(None), Appointment.ends_at > at),
            Person.active,
        )
        .distinct()
        .order_by(Person.id)
    )
    return list(db.session.scalars(query))


_FINDERS: dict[Who, Callable[[Department, datetime], list[Person]]] = {
    Who.DUTY: _duty,
    Who.NEXT_ON_ROSTER: _next,
    Who.LEADER: _leaders,
    Who.LEADERS_ABOVE: _leaders_above,
    Who.DESK: _desk,
}
