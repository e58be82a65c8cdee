"""Which calls a case must have led to, read from the case itself and never from what was written down of telling.

Whoever leads it and owes an answer, whoever its words mention, whoever was asked to help and whoever it was offered to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import aliased

from board.db import db
from boards.models import AssistTask, Case, CaseEvent, Handover, Mention
from boards.models.mention import quiet
from boards.models.status import OPEN, Status
from boards.policy import department_sees
from notifications.models.page import Page, PageState
from notifications.paging import pager
from people.models import Department

# Rows looked back over, the newest first: many times what comes in between two looks, and never the whole table.
LOOKED_BACK = 5_000

# The steps that call the lead, and those that do so where they made it the lead.
CALLS_LEAD = ("thread.posted", "case.routed", "case.reopened", "case.unmerged")
MAKES_LEAD = ("case.taken", "case.returned")

Query = Select[int, int]


class Why(StrEnum):
    """Why a department must have been called."""

    LEAD = "lead"
    MENTIONED = "mentioned"
    ASSIST = "assist"
    OFFERED = "offered"


@dataclass(frozen=True)
class Missing:
    """A department that no call stands for, by table ids, and why one should."""

    case_id: int
    department_id: int
    why: Why


def missing(before: datetime, most: int) -> list[Missing]:
    """Whom nobody called though it was due before a moment: of each kind the newest, `most` at most."""
    return [
        Missing(case_id, department_id, why)
        for why, query in QUERIES.items()
        for case_id, department_id in db.session.execute(query(before).limit(most))
    ]


def still(found: Missing, before: datetime) -> bool:
    """Whether it still is so, now that the case is held."""
    rows = db.session.execute(QUERIES[found.why](before).where(Case.id == found.case_id))
    return any(department_id == found.department_id for _case_id, department_id in rows)


def step_of(case: Case, department: Department, why: Why) -> CaseEvent | None:
    """The step that calls the department to the case; None where none does, or where it may not read the case."""
    if not department_sees(department, case.thread):
        return None
    return STEPS[why](case, department)


# --- who should have been called ----------------------------------------------------------------------------


def _leading(before: datetime) -> Query:
    """Cases that wait for their lead, anew or after they were reopened, with no page that stands for its call."""
    standing = select(Page.id).where(
        Page.case_id == Case.id,
        Page.department_id == Case.department_id,
        Page.round == Case.round,
        Page.owed,
        Page.state != PageState.ENDED,
    )
    return (
        select(Case.id, Case.department_id)
        .where(
            or_(
                Case.status == Status.PENDING,
                and_(Case.status == Status.ACCEPTED, Case.round > 1, Case.handler_id.is_(None)),
            ),
            Case.answered_at.is_(None),
            Case.lead_since < before,
            Case.round_at < before,
            ~standing.exists(),
        )
        .order_by(Case.id.desc())
    )


def _mentioned(before: datetime) -> Query:
    """Departments that a mention told and that were never called to the case, by that or before.

    A stranger's mention in a reply reaches the inbox only (domain.md §4).
    """
    mention = aliased(Mention, select(Mention).order_by(Mention.id.desc()).limit(LOOKED_BACK).subquery())
    called = select(Page.id).where(Page.case_id == Case.id, Page.department_id == mention.department_id)
    return (
        select(Case.id, mention.department_id)
        .join(mention, mention.thread_id == Case.thread_id)
        .where(
            Case.status.in_(OPEN),
            mention.told,
            mention.at < before,
            mention.department_id != Case.department_id,
            ~called.exists(),
            ~quiet(mention),
        )
        .order_by(mention.id.desc())
    )


def _assisting(before: datetime) -> Query:
    """Departments that were asked to help, have not answered, and were not called since."""
    task = aliased(
        AssistTask, select(AssistTask).order_by(AssistTask.id.desc()).limit(LOOKED_BACK).subquery()
    )
    return _asked(task, task.department_id, task.asked_at, before).where(task.state == "open")


def _offered(before: datetime) -> Query:
    """Departments that a case is offered to and that were not called since."""
    offer = aliased(Handover, select(Handover).order_by(Handover.id.desc()).limit(LOOKED_BACK).subquery())
    return _asked(offer, offer.to_id, offer.offered_at, before).where(offer.state == "offered")


def _asked(row: Any, department_id: Any, at: Any, before: datetime) -> Query:
    since = select(Page.id).where(
        Page.case_id == row.case_id,
        Page.department_id == department_id,
        or_(Page.ended_at.is_(None), Page.ended_at >= at),
    )
    return (
        select(Case.id, department_id)
        .join(row, row.case_id == Case.id)
        .where(Case.status.in_(OPEN), at < before, ~since.exists())
        .order_by(row.id.desc())
    )


QUERIES: dict[Why, Callable[[datetime], Query]] = {
    Why.LEAD: _leading,
    Why.MENTIONED: _mentioned,
    Why.ASSIST: _assisting,
    Why.OFFERED: _offered,
}


# --- by which step ------------------------------------------------------------------------------------------


def _leading_step(case: Case, _department: Department) -> CaseEvent | None:
    if not pager.owes(case):
        return None
    steps = _steps(case, CaseEvent.kind.in_((*CALLS_LEAD, *MAKES_LEAD)))
    return next((each for each in steps if each.kind in CALLS_LEAD or "department" in each.change), None)


def _mentioning_step(case: Case, department: Department) -> CaseEvent | None:
    # Whoever was called once is not called again: the first mention that calls is the one that counts.
    first = db.session.scalar(
        select(Mention)
        .where(
            Mention.thread_id == case.thread_id,
            Mention.department_id == department.id,
            Mention.told,
            ~quiet(Mention),
        )
        .order_by(Mention.id)
        .limit(1)
    )
    if first is None:
        return None
    if first.text_id not in (case.thread.title_id, case.thread.body_id):
        return next(iter(_steps(case, CaseEvent.public_text_id == first.text_id)), None)
    # The words of a post stand with its posting and with each change of them; the row is as old as its own step.
    steps = _steps(case, CaseEvent.kind.in_(("thread.posted", "thread.edited")))
    return min(steps, key=lambda each: abs(each.at - first.at), default=None)


def _assisting_step(case: Case, department: Department) -> CaseEvent | None:
    return _asking_step(case, department, "case.assist_asked")


def _offering_step(case: Case, department: Department) -> CaseEvent | None:
    return _asking_step(case, department, "case.offered")


def _asking_step(case: Case, department: Department, kind: str) -> CaseEvent | None:
    steps = _steps(case, CaseEvent.kind == kind)
    return next((each for each in steps if each.parameters.get("to") == department.key), None)


def _steps(case: Case, *which: Any) -> list[CaseEvent]:
    """Steps of this round, newest first."""
    return list(
        db.session.scalars(
            select(CaseEvent)
            .where(CaseEvent.thread_id == case.thread_id, CaseEvent.round == case.round, *which)
            .order_by(CaseEvent.seq.desc())
        )
    )


STEPS: dict[Why, Callable[[Case, Department], CaseEvent | None]] = {
    Why.LEAD: _leading_step,
    Why.MENTIONED: _mentioning_step,
    Why.ASSIST: _assisting_step,
    Why.OFFERED: _offering_step,
}
