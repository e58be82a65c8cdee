"""What the steps of a complaint's case mean for its tasks, and what time does to them."""

from __future__ import annotations

from sqlalchemy import select

from board import jobs
from board.db import db, transaction
from board.events import on
from boards.models import Case, CaseEvent
from complaints.accusing import is_complaint
from complaints.filing import tasks_of
from complaints.models.inquiry import Inquiry, lock_case


@on("case.accepted")
def taken_on(event: CaseEvent) -> None:
    """Whoever takes the complaint on takes on the task of his department; another one looks it over."""
    case = event.case
    if case is None or event.actor is None or not is_complaint(case):
        return
    for task in Inquiry.of(case):
        if task.state == "open" and task.department_id == case.department_id:
            task.taken(by=event.actor)
            return  # where one department has both, the other one is taken on by itself


@on("thread.posted")
def begun(event: CaseEvent) -> None:
    """A complaint was filed: those above hear of the tasks that are theirs from the beginning."""
    if event.case is not None and is_complaint(event.case):
        _tell_above(event.case)


@on("case.withdrawn")
def taken_back(event: CaseEvent) -> None:
    """The poster took it back: nothing is owed any more."""
    if event.case is not None and is_complaint(event.case):
        for task in Inquiry.of(event.case):
            task.drop()


@on("case.reopened")
def opened_anew(event: CaseEvent) -> None:
    """A new round has two new tasks; the conclusions of the earlier one stay as they are."""
    if event.case is not None and is_complaint(event.case):
        Inquiry.start(event.case, tasks_of(event.case))
        _tell_above(event.case)


def _tell_above(case: Case) -> None:
    # Whoever leads the case hears of it anyway.
    for task in Inquiry.of(case):
        if task.department.kind == "authority" and task.department_id != case.department_id:
            task.tell_above()


@jobs.handler("inquiry-due")
def inquiry_due(inquiry: str, what: str) -> None:
    """A promise of a task ran out; its department hears of it, once."""
    with transaction():
        case_id = db.session.scalar(select(Inquiry.case_id).where(Inquiry.public_id == inquiry))
        if case_id is None:
            return
        lock_case(case_id)
        task = db.session.scalars(select(Inquiry).where(Inquiry.public_id == inquiry)).one()
        if not _noted(task.case, inquiry=task.kind, what=what, round=task.round):
            task.note_overdue(what)


def _noted(case: Case, *, inquiry: str, what: str, round: int) -> bool:
    # A worker that died after the commit runs a job again: what was noted is not noted twice.
    rows = db.session.execute(
        select(CaseEvent.parameters, CaseEvent.details).where(
            CaseEvent.case_id == case.id, CaseEvent.kind == "inquiry.overdue", CaseEvent.round == round
        )
    )
    return any((told["task"], details["what"]) == (inquiry, what) for told, details in rows)
