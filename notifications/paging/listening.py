"""What a step of a case does to its pages, inside the verb's transaction."""

from __future__ import annotations

from sqlalchemy import select

from board.db import db
from board.events import on
from board.seams import provides
from boards.models import Case, CaseEvent
from notifications import recipients
from notifications.models.page import Page, PageState
from notifications.paging import pager


@on("*")
def follow_the_case(event: CaseEvent) -> None:
    """End what was answered, hold what was acknowledged, and call the departments that the step calls."""
    case = event.thread.case
    if case is None or event.parameters.get("imported"):
        return
    pages = open_pages(case) if event.seq > 1 else []  # what was only just posted has called nobody
    for page in pages:
        why = pager.over(page)
        if why is not None:
            pager.end(page, why, event)
        elif event.kind == "case.acknowledged" and page.owed:
            pager.acknowledge(page, event)
    if not case.is_open:
        return
    for department, reason in recipients.told_departments(event):
        if reason in recipients.QUIET or not recipients.calls(event, department, reason):
            continue
        here = [page for page in pages if page.is_open and page.department_id == department.id]
        owed = case.department_id == department.id and pager.owes(case)
        if any(page.owed for page in here) or (here and not owed):
            continue
        for page in here:
            pager.end(page, "replaced", event)
        pager.open_page(case, event, department)
    if event.kind == "case.taken" and pager.owes(case):
        pager.open_taken(case, event)


def open_pages(case: Case) -> list[Page]:
    """The calls of this case that still stand."""
    return list(
        db.session.scalars(
            select(Page).where(Page.case_id == case.id, Page.state != PageState.ENDED).order_by(Page.id)
        )
    )


@provides("case.lapsed")
def lapsed(case: Case) -> bool:
    """Whether somebody confirmed this case, did nothing for as long as that holds, and others are called again."""
    return any(page.owed and page.leg > 0 and page.state == PageState.OPEN for page in open_pages(case))
