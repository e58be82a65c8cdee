"""Which steps hold for a department, and who may change them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from board.clock import now
from board.db import db
from board.permissions import require, rule
from notifications.models.page import EscalationPolicy
from notifications.paging.steps import Step, checked, defaults
from people.models import Department, Person, Role


@rule("paging.read")
def may_read(person: Person | None, department: Department) -> bool:
    """Whoever serves there knows who is called after him; so do those who may change it, and the desk."""
    if person is None or not person.is_staff:
        return False
    return person.serves(department) or may_edit(person, department) or at_desk(person)


@rule("paging.edit")
def may_edit(person: Person | None, department: Department) -> bool:
    """Leaders of the department or above it, and administrators."""
    if person is None or not person.is_staff:
        return False
    return person.leads(department) or person.has_role(Role.ADMINISTRATOR)


@rule("paging.alarms")
def may_see_alarms(person: Person | None, _thing: None = None) -> bool:
    """Administrators, whoever leads the desk, and the desk itself, which is told of them."""
    return person is not None and person.is_staff and (person.has_role(Role.ADMINISTRATOR) or at_desk(person))


def at_desk(person: Person) -> bool:
    """Whether the person serves at the dispatch desk."""
    return any(each.is_desk for each in person.departments)


def own_policy(department: Department, *, urgent: bool) -> EscalationPolicy | None:
    """The department's own row, None where the defaults hold."""
    return db.session.get(EscalationPolicy, (department.id, urgent))


def with_own_steps() -> set[int]:
    """The table ids of the departments that have steps of their own."""
    return set(db.session.scalars(select(EscalationPolicy.department_id)))


def steps_of(department: Department, *, urgent: bool) -> tuple[Step, ...]:
    """The steps that hold for the department now."""
    row = own_policy(department, urgent=urgent)
    return tuple(Step.of(each) for each in row.steps) if row is not None else defaults(urgent)


def change_policy(department: Department, steps: Iterable[Step], *, urgent: bool, by: Person) -> None:
    """Give the department steps of its own; calls that already climb keep theirs. Invalid where calls could be lost."""
    require(by, "paging.edit", department)
    chosen = [each.row() for each in checked(steps, urgent=urgent)]
    row = own_policy(department, urgent=urgent)
    if row is None:
        row = EscalationPolicy(department_id=department.id, urgent=urgent)
        db.session.add(row)
    row.steps, row.changed_at, row.changed_by_id = chosen, now(), by.id


def restore_defaults(department: Department, *, urgent: bool, by: Person) -> None:
    """Let the station's steps hold for the department again."""
    require(by, "paging.edit", department)
    row = own_policy(department, urgent=urgent)
    if row is not None:
        db.session.delete(row)
