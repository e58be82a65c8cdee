"""The auditor: compares who should have been told with who was, mends it, and raises its own alarm.

It looks at the cases themselves (`expecting.py`), not at what was written down of telling: a call that was never opened
is found, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from board import jobs
from board.clock import now
from board.db import db, transaction
from board.live import append
from board.seams import standing_promise
from boards.models import Case
from boards.models.locking import lock
from notifications.models.delivery import LIVE, Delivery, Purpose, queue
from notifications.models.inbox import deliver_to_department
from notifications.models.page import Page, PageAlarm, PageState, PageStep, Telling
from notifications.paging import asking, pager, ticking
from notifications.paging.expecting import LOOKED_BACK, Missing, missing, step_of, still
from notifications.paging.steps import Step, Who
from notifications.paging.telling import tell, tells
from notifications.reaching import channels_of
from people.models import Department, Person

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=5)
GRACE = timedelta(minutes=2)
MOST = 200  # findings of one kind in one round

# What can be found: a department that should have been called and was not; a step that nobody took; a step whose people
# were not told; a message that nobody carried.
KINDS = ("no_page", "late_step", "untold", "not_carried")

# Pages whose people may still be told: those that climb, and those that were told once.
TELLS = or_(Page.state == PageState.OPEN, Page.ended_why == "told")


@standing_promise
def keep_auditing() -> None:
    """Promise the next round, inside the open transaction."""
    slot = int(now().timestamp() // EVERY.total_seconds()) + 1
    due_at = datetime.fromtimestamp(slot * EVERY.total_seconds(), UTC)
    jobs.put("pages-audit", key=f"pages-audit:{slot}", due_at=due_at)


@jobs.handler("pages-audit", single=True)
def pages_audit() -> None:
    """Look for whoever was not told, and promise the next round."""
    with transaction():
        keep_auditing()
    audit()


def audit() -> list[str]:
    """Find and mend what was missed; the kinds found, one for each finding. Twice in a row it finds it once."""
    found: list[str] = []
    for each in _missing():
        found += _mend_case(each)
    for page in _doubtful_pages():
        found += _mend_page(page)
    _clear()
    return found


# --- what is missing --------------------------------------------------------------------------------------


def _missing() -> list[Missing]:
    found = missing(now() - GRACE, MOST)
    db.session.rollback()
    return found


def _mend_case(found: Missing) -> list[str]:
    with transaction():
        lock(Case.id == found.case_id)
        case = db.session.get(Case, found.case_id)
        department = db.session.get(Department, found.department_id)
        if case is None or department is None or not still(found, now() - GRACE):
            return []
        event = step_of(case, department, found.why)
        if event is None:
            return []
        known = select(Page).where(Page.event_id == event.id, Page.department_id == department.id)
        page = db.session.scalar(known)
        if page is not None:
            page.state, page.ended_at, page.ended_why = PageState.OPEN, None, None
            pager.look(page)
        elif event.kind == "case.taken":
            page = pager.open_taken(case, event)
        else:
            page = pager.open_page(case, event, department)
        there = len(department.on_duty(event.at))
        deliver_to_department(event, department, found.why.value, calls=True, on_duty=there)
        return _alarm("no_page", case, page)


def _doubtful_pages() -> list[int]:
    """Pages that nobody may have looked at in time, whose people may not have been told, or whose messages hang.

    Of those that were told once and are over, too: nobody else would miss it.
    """
    queries = (_due_pages(), _untold_pages(), _hanging_pages())
    pages = {page for query in queries for page in db.session.scalars(query.limit(10 * MOST))}
    db.session.rollback()
    return sorted(pages)


def _due_pages() -> Select[int]:
    # Also what is due in a moment: a page that cannot be looked at is put off again and again.
    return select(Page.id).where(Page.next_at < now() + ticking.POSTPONED).order_by(Page.next_at)


def _untold_pages() -> Select[int]:
    step = aliased(PageStep, select(PageStep).order_by(PageStep.id.desc()).limit(LOOKED_BACK).subquery())
    tellings = (
        select(func.count(Telling.id))
        .where(Telling.page_id == Page.id, Telling.event_id == Page.cause_id, Telling.channel == LIVE)
        .correlate(Page)
        .scalar_subquery()
    )
    return (
        select(Page.id)
        .join(step, step.page_id == Page.id)
        .where(TELLS, step.leg == Page.leg, step.told > 0, step.told_at < now() - GRACE, tellings < step.told)
        .order_by(step.id.desc())
    )


def _hanging_pages() -> Select[int]:
    since = now() - timedelta(days=1)
    return (
        select(Page.id)
        .join(Telling, Telling.page_id == Page.id)
        .join(Delivery, Telling.delivery_id == Delivery.id)
        .where(TELLS, *_hangs(), or_(Delivery.failed_at > since, Delivery.queued_at > since))
        .order_by(Delivery.id.desc())
    )


def _mend_page(page_id: int) -> list[str]:
    with transaction():
        case_id = db.session.scalar(select(Page.case_id).where(Page.id == page_id))
        lock(Case.id == case_id)
        page = db.session.get(Page, page_id)
        if page is None or pager.over(page) is not None:
            return []
        kinds: list[str] = []
        if _late(page):
            kinds += _alarm("late_step", page.case, page)
            pager.look(page)
        if not tells(page):
            return kinds
        untold = list(_untold(page))
        if untold:
            kinds += _alarm("untold", page.case, page)
        for step in untold:
            people = asking.told(page, Who(step.who), now())
            tell(page, step.step, Step.of(page.steps[step.step]), people, now())
        if _not_carried(page):
            kinds += _alarm("not_carried", page.case, page)
        return kinds


def _late(page: Page) -> bool:
    """Whether a step is due that nobody took, or a lease is over and nobody was called again."""
    if page.next_at is None:
        return False
    if page.state == PageState.ACKNOWLEDGED:
        return page.lease_until is not None and page.lease_until < now() - GRACE
    return bool(pager.due(page, now() - GRACE).due)


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
    tellings = db.session.execute(
        select(Telling.person_id, Telling.page_id).where(
            Telling.event_id == page.cause_id, Telling.channel == LIVE
        )
    ).all()
    told = {person for person, _page in tellings}
    here = [person for person, by in tellings if by == page.id]
    for step in steps:
        people = asking.asked(page, Who(step.who), step.due_at)
        if people and not any(each.id in told for each in people) and len(here) < step.told:
            yield step


def _hangs() -> tuple[ColumnElement[bool], ...]:
    """What holds of a call's message that was given up, or that should have left by now and has not."""
    return (
        Telling.person_id.is_not(None),  # no call waits for a room: leader and desk see that it fails
        Telling.channel != LIVE,
        Delivery.dropped_at.is_(None),
        Delivery.sent_at.is_(None),
        or_(Delivery.failed_at.is_not(None), Delivery.queued_at < now() - EVERY),
    )


def _not_carried(page: Page) -> bool:
    """Whether one of its messages hangs."""
    hanging = (
        select(Delivery.id)
        .join(Telling, Telling.delivery_id == Delivery.id)
        .where(Telling.page_id == page.id, *_hangs())
    )
    return db.session.scalar(hanging.limit(1)) is not None


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
        query = select(PageAlarm).where(PageAlarm.cleared_at.is_(None), PageAlarm.page_id.is_not(None))
        for alarm in db.session.scalars(query.options(joinedload(PageAlarm.page).joinedload(Page.case))):
            if _is_settled(alarm):
                alarm.cleared_at = now()


def _is_settled(alarm: PageAlarm) -> bool:
    page = alarm.page
    if page is None or page.state == PageState.OPEN:
        return False
    if not tells(page) or not page.case.is_open:
        return True
    # It was told once, so nobody answers for it: what was made good by the next round is settled.
    return alarm.noticed_at < now() - GRACE and not _not_carried(page)


def open_alarms() -> list[PageAlarm]:
    """What was found and is not settled yet, newest first."""
    query = select(PageAlarm).where(PageAlarm.cleared_at.is_(None)).order_by(PageAlarm.id.desc()).limit(50)
    loaded = joinedload(PageAlarm.page), joinedload(PageAlarm.case).joinedload(Case.thread)
    return list(db.session.scalars(query.options(*loaded)))
