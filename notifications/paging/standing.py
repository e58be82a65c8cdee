"""What a desk asks of the calls that stand: which cases are new again, which call this officer, which must not stay silent."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy import case as sql_case

from board.clock import now
from board.db import db
from board.seams import provides
from boards.models import Case, Thread
from boards.models.status import Status
from boards.policy import visible_to
from notifications.models.delivery import LIVE
from notifications.models.page import Page, PageState, PageStep, Telling
from notifications.paging.steps import Who
from people.models import Department, Person

JUST_NOW = timedelta(hours=1)


@provides("lapsed_cases")
def lapsed_cases() -> ColumnElement[bool]:
    """The condition on cases that somebody in their department confirmed without anything following."""
    again = select(Page.id).where(
        Page.case_id == Case.id,
        Page.state == PageState.OPEN,
        Page.department_id == Case.department_id,
        Page.owed,
        Page.leg > 0,
    )
    return again.correlate(Case).exists()


@provides("cases_calling")
def cases_calling(person: Person) -> ColumnElement[bool]:
    """The condition on cases by whose call `person` was told: it still stands, or, where it only had to be told, that
    was just now."""
    told = (
        select(Telling.id)
        .join(Page, Telling.page_id == Page.id)
        .where(
            Page.case_id == Case.id,
            Telling.person_id == person.id,
            Telling.channel == LIVE,
            or_(
                Page.state == PageState.OPEN,
                and_(Page.ended_why == "told", Page.ended_at > now() - JUST_NOW),
            ),
        )
    )
    return told.correlate(Case).exists()


@provides("urgent_calls")
def urgent_calls(department: Department, person: Person) -> int:
    """How many calls of present danger wait for somebody at this desk, or for this officer himself, to acknowledge them."""
    told = select(Telling.id).where(Telling.page_id == Page.id, Telling.person_id == person.id)
    climbed = select(PageStep.id).where(PageStep.page_id == Page.id, PageStep.who == str(Who.DESK))
    here = [Page.department_id == department.id, told.correlate(Page).exists()]
    if department.is_desk:
        here.append(climbed.correlate(Page).exists())
    query = (
        select(func.count(Page.id))
        .join(Case, Page.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(
            # By the index: of all the calls there ever were those that stand are few.
            Page.department_id.in_(select(Department.id)),
            Page.state == PageState.OPEN,
            Page.urgent,
            Page.owed,
            or_(*here),
            Case.status == Status.PENDING,
            sql_case((visible_to(person), 1), else_=0)
            == 1,  # asked of those few, as the desk asks it of its rows
        )
    )
    return db.session.scalar(query) or 0
