"""Who answers for an open case at this minute: there is always somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select

from board.db import db
from board.seams import provided, vetoed
from boards.models.moving import leaders
from people.models import Appointment, Department, Person
from people.models.appointment import SERVING

if TYPE_CHECKING:
    from boards.models.case import Case


def responsible(case: Case) -> list[Person]:
    """Who must see to this open case now; empty only for one that nobody owes anything.

    The first of these that is anybody: its handler while he serves the lead department; whoever is on duty
    there; the leaders, climbing up; the dispatch desk on duty; everybody who serves there. During a handover
    the old lead stays responsible. A veto (a conflict of interest) takes somebody out; where it takes out everybody,
    a part above names the last resort.
    """
    if not case.is_open:
        return []
    lead = case.department
    for step in _steps(case, lead):
        found = [person for person in step() if not vetoed("case.responsible", person, case)]
        if found:
            return found
    return []


def _steps(case: Case, lead: Department) -> Iterable[Callable[[], list[Person]]]:
    handler = case.handler
    if handler is not None and handler.serves(lead):
        yield lambda: [handler]
    yield lead.on_duty
    yield lambda: leaders(lead)
    desk = Department.desk()
    yield desk.on_duty
    yield lambda: leaders(desk)
    yield lambda: _serving(desk)
    yield lambda: _serving(lead)
    yield lambda: provided("last_resort", case, default=[])


def _serving(department: Department) -> list[Person]:
    rows = db.session.scalars(
        select(Appointment)
        .where(Appointment.department_id == department.id, Appointment.role.in_(SERVING))
        .order_by(Appointment.id)
    )
    return [row.person for row in rows if row.holds() and row.person.active]
