"""The auditor: compares who should have been told with who was, mends it, and raises its own alarm.

It looks at the cases themselves, not at what the pager believes of them: a call that was never opened is found, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, or_, select

from board import jobs
from board.clock import now
from board.db import db, transaction
from board.live import append
from board.seams import standing_promise
from boards.models import Case, CaseEvent
from boards.models.locking import lock
from boards.models.status import Status
from notifications.models.delivery import LIVE, Delivery, Purpose, queue
from notifications.models.inbox import InboxItem
from notifications.models.page import Page, PageAlarm, PageState, PageStep, Telling
from notifications.paging import asking, pager
from notifications.paging.steps import Step, Who
from notifications.paging.telling import tell
from notifications.reaching import channels_of
from people.models import Person

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=5)
GRACE = timedelta(minutes=2)
MOST = 200  # findings of one kind in one round

# What can be found: a called case without a page; a step that nobody took; a step whose people were not told; a
# message that nobody carried.
KINDS = ("no_page", "late_step", "untold", "not_carried")


@standing_promise
def keep_auditing() -> None:
    """Promise the next round, inside the open transaction."""
    slot = int(now().timestamp() // EVERY.total_seconds()) + 1
    due_at = datetime.fromtimestamp(slot * EVERY.total_seconds(), UTC)
    jobs.put("pages-audit", key=f"pages-audit:{slot}", due_at=due_at)


@jobs.handler("pages-audit")
def pages_audit() -> None:
    """Look for whoever was not told, and promise the next round."""
    with transaction():
        keep_auditing()
    audit()


def audit() -> list[str]:
    """Find and mend what was missed; the kinds found, one for each finding. Twice in a row it finds it once."""
    found: list[str] = []
    for case in _cases_without_a_page():
        found += _mend_case(case)
    for page in _doubtful_pages():
        found += _mend_page(page)
    _clear()
    return found


# --- what is missing --------------------------------------------------------------------------------------


def _cases_without_a_page() -> list[int]:
    """Waiting cases whose lead was called, with no page that stands for it."""
    standing = select(Page.id).where(
        Page.case_id == Case.id,
        Page.department_id == Case.department_id,
        Page.round == Case.round,
        Page.owed,
        Page.state != PageState.ENDED,
    )
    query = (
        select(Case.id)
        .join(CaseEvent, CaseEvent.case_id == Case.id)
        .join(InboxItem, InboxItem.event_id == CaseEvent.id)
        .where(
            Case.status == Status.PENDING,
            Case.answered_at.is_(None),
            Case.lead_since < now() - GRACE,
            InboxItem.calls,
            InboxItem.department_id == Case.department_id,
            InboxItem.created_at >= Case.lead_since,
            ~standing.exists(),
        )
        .distinct()
        .limit(MOST)
    )
    cases = list(db.session.scalars(query))
    db.session.rollback()
    return cases


def _doubtful_pages() -> list[int]:
    """Open pages that nobody looked at in time, and those with steps of the last day that may lack a telling."""
    since = now() - timedelta(days=1)
    overdue = Page.next_at < now() - GRACE
    taken = select(PageStep.id).where(
        PageStep.page_id == Page.id, PageStep.told_at > since, PageStep.told_at < now() - GRACE
    )
    query = (
        select(Page.id)
        .where(Page.state == PageState.OPEN, or_(overdue, taken.exists()))
        .order_by(Page.id)
        .limit(10 * MOST)
    )
    pages = list(db.session.scalars(query))
    db.session.rollback()
    return pages


def _mend_case(case_id: int) -> list[str]:
    with transaction():
        lock(Case.id == case_id)
        case = db.session.get(Case, case_id)
        if case is None or not pager.owes(case):
            return []
        pages = select(Page.id).where(
            Page.case_id == case.id,
            Page.department_id == case.department_id,
            Page.owed,
            Page.state != PageState.ENDED,
        )
        event = _call_of(case)
        if event is None or db.session.scalar(pages.limit(1)) is not None:
            return []
        known = select(Page).where(Page.event_id == event.id, Page.department_id == case.department_id)
        page = db.session.scalar(known)
        if page is None:
            page = pager.open_page(case, event, case.department)
        else:
            page.state, page.ended_at, page.ended_why = PageState.OPEN, None, None
            pager.look(page)
        return _alarm("no_page", case, page)


def _call_of(case: Case) -> CaseEvent | None:
    return db.session.scalars(
        select(CaseEvent)
        .join(InboxItem, InboxItem.event_id == CaseEvent.id)
        .where(
            CaseEvent.case_id == case.id,
            InboxItem.calls,
            InboxItem.department_id == case.department_id,
            InboxItem.created_at >= case.lead_since,
        )
        .order_by(CaseEvent.seq.desc())
    ).first()


def _mend_page(page_id: int) -> list[str]:
    with transaction():
        case_id = db.session.scalar(select(Page.case_id).where(Page.id == page_id))
        lock(Case.id == case_id)
        page = db.session.get(Page, page_id)
        if page is None or page.state != PageState.OPEN or pager.over(page) is not None:
            return []
        kinds: list[str] = []
        late = pager.due(page, now() - GRACE).due
        if late:
            kinds += _alarm("late_step", page.case, page)
            pager.look(page)
        untold = list(_untold(page))
        if untold:
            kinds += _alarm("untold", page.case, page)
        for step in untold:
            people = asking.told(page, Who(step.who), now())
            tell(page, step.step, Step.of(page.steps[step.step]), people, now())
        if _not_carried(page):
            kinds += _alarm("not_carried", page.case, page)
        return kinds


def _untold(page: Page) -> Iterator[PageStep]:
    """Steps of this leg that say somebody was told, without as many tellings of their cause."""
    steps = db.session.scalars(
        select(PageStep).where(
            PageStep.page_id == page.id,
            PageStep.leg == page.leg,
            PageStep.told > 0,
            PageStep.told_at < now() - GRACE,
        )
    )
    told = set(
        db.session.scalars(
            select(Telling.person_id).where(Telling.event_id == page.cause_id, Telling.channel == LIVE)
        )
    )
    for step in steps:
        people = asking.asked(page, Who(step.who), step.due_at)
        if people and not any(each.id in told for each in people) and len(told) < step.told:
            yield step


def _not_carried(page: Page) -> bool:
    """Whether none of the messages of a step has left although some should have."""
    waiting = (
        select(Delivery.id)
        .join(Telling, Telling.delivery_id == Delivery.id)
        .where(
            Telling.page_id == page.id,
            Telling.channel != LIVE,
            Delivery.dropped_at.is_(None),
            Delivery.sent_at.is_(None),
            or_(
                Delivery.failed_at.is_not(None),
                and_(Delivery.failed_at.is_(None), Delivery.queued_at < now() - EVERY),
            ),
        )
    )
    return db.session.scalar(waiting.limit(1)) is not None


# --- the alarm --------------------------------------------------------------------------------------------


def _alarm(kind: str, case: Case, page: Page) -> list[str]:
    """Log it, keep it for those who look after the board, and tell the desk; [] when that was done before."""
    key = f"{kind}:{page.public_id}:{page.leg}:{page.step if kind == 'late_step' else ''}"
    if db.session.scalar(select(PageAlarm.id).where(PageAlarm.key == key)) is not None:
        return []
    log.error("%s: page %s of case %s", kind, page.public_id, case.number)
    alarm = PageAlarm(key=key, kind=kind, case=case, page=page)
    db.session.add(alarm)
    db.session.flush()
    for person in _desk(page):
        for channel in channels_of(person, Purpose.PAGE):
            queue(
                person,
                channel,
                key=f"alarm:{alarm.public_id}:{person.public_id}:{channel}",
                purpose=Purpose.PAGE,
                event=page.cause,
                page=page,
            )
        append(person.stream, kind="page", case=case.number, urgent=page.urgent)
    return [kind]


def _desk(page: Page) -> list[Person]:
    return asking.asked(page, Who.DESK, now())


def _clear() -> None:
    """An alarm whose page has ended, or is with somebody, needs nobody any more."""
    with transaction():
        rows = db.session.scalars(
            select(PageAlarm)
            .join(Page, PageAlarm.page_id == Page.id)
            .where(PageAlarm.cleared_at.is_(None), Page.state != PageState.OPEN)
        )
        for alarm in rows:
            alarm.cleared_at = now()


def open_alarms() -> list[PageAlarm]:
    """What was found and is not settled yet, newest first."""
    query = select(PageAlarm).where(PageAlarm.cleared_at.is_(None)).order_by(PageAlarm.id.desc()).limit(50)
    return list(db.session.scalars(query))
