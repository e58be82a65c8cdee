"""The superior authority: the office above the bureau that takes a complaint when nobody here is free to read it."""

from __future__ import annotations

import logging

from sqlalchemy import select

from board.db import db
from board.seams import provides
from boards.models import Case, CaseEvent
from boards.models.status import Status
from boards.policy import whispered
from complaints import conflicts
from complaints.models import Inquiry
from people.models import Appointment, Department, Person, Role
from people.models.appointment import SERVING

log = logging.getLogger(__name__)

INSPECTING = (*SERVING, Role.INSPECTOR.value)
HANDS = 2  # persons without whom a task cannot end: one acts, another looks it over


def authority() -> Department | None:
    """The superior authority of this city; None where the city file marks none."""
    return db.session.scalar(
        select(Department).where(Department.kind == "authority").order_by(Department.position).limit(1)
    )


def working(department: Department) -> list[Person]:
    """Who serves or inspects in a department now, on duty or not, in the order of their appointments."""
    rows = db.session.scalars(
        select(Appointment)
        .where(Appointment.department_id == department.id, Appointment.role.in_(INSPECTING))
        .order_by(Appointment.id)
    )
    return list(dict.fromkeys(row.person for row in rows if row.holds() and row.person.active))


def free_in_lead(case: Case) -> list[Person]:
    """Who of the department that leads the case may read it."""
    return conflicts.free(working(case.department), case)


def free_inspectors(case: Case) -> list[Person]:
    """Who of the city's inspectors may do their work on a case of the public's."""
    offices = db.session.scalars(
        select(Department).where(Department.kind == "integrity").order_by(Department.position)
    )
    people = dict.fromkeys(each for office in offices for each in working(office))
    return conflicts.free(people, case)


def for_task(department: Department, case: Case) -> Department:
    """Who does a task that is this department's: itself, or the superior authority where fewer than two of it are free."""
    above = authority()
    able = [each for each in conflicts.free(working(department), case) if each.serves(department)]
    if len(able) >= HANDS or above is None or above.id == department.id:
        if len(able) < HANDS:
            log.error("a task of a complaint has %s who may do it, and nobody stands above them", len(able))
        return department
    return above


def settle_tasks(case: Case) -> None:
    """Take the open tasks from whoever may not work on them any more; one whose department has not two left who may goes
    above."""
    for task in Inquiry.of(case):
        if not task.is_open:
            continue
        hands = [task.accepted_by, task.reviewed_by, task.proposed_by]
        whose = for_task(task.department, case)
        barred = any(each is not None and conflicts.conflicted(each, case) is not None for each in hands)
        if whose.id != task.department_id or barred:
            task.begin_anew(whose)


@provides("last_resort")
def last_resort(case: Case) -> list[Person]:
    """Who answers for a complaint that nobody here may read: the superior authority, until the case has come there too."""
    office = authority()
    if office is None or not whispered(case.thread):
        return []
    return office.on_duty() or working(office)


def take_at_once(case: Case) -> None:
    """A complaint that nobody in its department is free to read lies with the superior authority from the beginning:
    called while it is filed, before anybody is told."""
    office = authority()
    if office is None or free_in_lead(case):
        return
    case.department, case.department_id = office, office.id
    case.thread.restricted_to = office
    db.session.flush()


def seal_above(case: Case) -> CaseEvent | None:
    """Give a complaint that nobody in its department is free to read to the superior authority, in the open transaction.

    The board does it, nobody decides it; the poster hears of it. None where it lies there already, or where the city
    has no such office: then only its poster reads it, and the log says so.
    """
    office = authority()
    if office is None:
        log.error("a complaint has nobody who may read it: the city file marks no superior authority")
        return None
    if case.department_id == office.id:
        return None
    handover = case.open_handover()
    if handover is not None:
        handover.end("decided")
    if case.status == Status.IN_PROGRESS:
        case.status = Status.ACCEPTED
    case._lead(office)
    case.thread.restricted_to = office
    for task in Inquiry.of(case):
        if task.is_open:
            task.begin_anew(office)
    audience = case.audience()
    audience.departments[office.id] = (office, "routed")
    return case.record("conflict.sealed_above", by=None, audience=audience, to=office.key)
