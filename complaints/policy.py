"""Who may do what at the inspectors' desk, and what nobody may do to a complaint (domain.md §2, §7)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, select

from board.db import db
from board.permissions import rule
from board.seams import provides, veto, vetoed
from boards.models import Case, Thread
from boards.policy import sees
from complaints.accusing import accused_units, is_complaint
from complaints.models.inquiry import Inquiry
from complaints.models.statement import Statement
from people.models import Department, Person
from people.models.department import WATCHING

# --- who reads a complaint beside the department that leads it ------------------------------------------


@provides("readers_beside")
def readers_beside(departments: Collection[int]) -> ColumnElement[bool]:
    """The condition on `Thread` for those who serve in `departments`: a task of theirs is in it."""
    return (
        select(Inquiry.id)
        .join(Case, Inquiry.case_id == Case.id)
        .where(Case.thread_id == Thread.id, Inquiry.department_id.in_(departments))
        .correlate(Thread)
        .exists()
    )


@provides("departments_beside")
def departments_beside(thread: Thread) -> set[int]:
    """The departments, by table id, that have a task in this thread's complaint."""
    case = thread.case
    if case is None or not is_complaint(case):
        return set()
    return set(db.session.scalars(select(Inquiry.department_id).where(Inquiry.case_id == case.id)))


# --- what nobody may do to a complaint ------------------------------------------------------------------


@veto("case.route", "case.offer", "case.assist")
def stays_with_inspectors(department: Department, case: Case) -> bool:
    """A complaint goes to no other department than an inspectors' one, and never to a unit it accuses."""
    return is_complaint(case) and (department.kind != "integrity" or department.id in accused_units(case))


@veto("case.conclude", "case.decline")
def ends_with_both_tasks(person: Person | None, case: Case) -> bool:
    """A complaint is neither declined nor answered by one person: it ends when both tasks are concluded."""
    return is_complaint(case)


# --- the tasks ------------------------------------------------------------------------------------------


@rule("inquiry.accept", "inquiry.tell", "inquiry.ask", "inquiry.propose")
def may_work(person: Person | None, inquiry: Inquiry) -> bool:
    """Whoever serves in the task's department and may read the complaint, as nobody may who stands near the accused."""
    return (
        person is not None
        and person.is_staff
        and person.serves(inquiry.department)
        and sees(person, inquiry.case.thread)
    )


@rule("inquiry.review")
def may_review(person: Person | None, inquiry: Inquiry) -> bool:
    """Another one than who took it on."""
    return person is not None and may_work(person, inquiry) and person.id != inquiry.accepted_by_id


@rule("inquiry.confirm")
def may_confirm(person: Person | None, inquiry: Inquiry) -> bool:
    """Another one than who proposed the conclusion."""
    return person is not None and may_work(person, inquiry) and person.id != inquiry.proposed_by_id


@rule("statement.answer")
def may_answer(person: Person | None, statement: Statement) -> bool:
    """The officer who was asked; where a unit was asked, its own leader."""
    if person is None or not person.is_staff or not person.active:
        return False
    if statement.person_id is not None:
        return statement.person_id == person.id
    return person.has_role("leader", statement.department)


@rule("inspection.open")
def may_inspect(person: Person | None, _thing: None = None) -> bool:
    """Whoever serves in an inspectors' department, or at the authority above them."""
    return (
        person is not None and person.is_staff and any(each.kind in WATCHING for each in person.departments)
    )


@rule("look.make")
def may_look(person: Person | None, case: Case) -> bool:
    """An inspector whom no conflict of interest keeps from inspecting this case."""
    return person is not None and may_inspect(person) and not vetoed("case.inspect", person, case)
