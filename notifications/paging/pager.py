"""What happens to a page: it is opened, it climbs, somebody has it for a while, it ends. The case is locked."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import case as sql_case
from sqlalchemy import func, select, update

from board import jobs
from board.clock import now
from board.db import db
from board.live import append
from board.seams import provides
from board.spans import Span
from boards.models import Case, CaseEvent
from boards.models.deadline import calendar
from boards.models.status import Status
from boards.policy import department_hears, whispered
from notifications.models.delivery import Delivery
from notifications.models.page import Page, PageState, PageStep, Telling, note
from notifications.paging import asking
from notifications.paging.climbing import Climb, Due, Ladder, climb, lease_end
from notifications.paging.policies import steps_of
from notifications.paging.steps import Step, Who
from notifications.paging.telling import tell, tell_rooms
from people.models import Department, Person

PROMPT = timedelta(seconds=5)  # a look this late is in time


def open_page(case: Case, event: CaseEvent, department: Department) -> Page:
    """Call `department` to the case; whoever is first is told at once. It climbs where an answer is owed."""
    page = _new(case, event, department)
    look(page, event.at)
    return page


def open_taken(case: Case, event: CaseEvent) -> Page:
    """Somebody took the case on himself: it counts as acknowledged, and climbs if nothing follows."""
    page = _new(case, event, case.department)
    acknowledge(page, event)
    return page


def _new(case: Case, event: CaseEvent, department: Department) -> Page:
    urgent = is_urgent(event)
    page = Page(
        case=case,
        department=department,
        event=event,
        cause=event,
        round=case.round,
        urgent=urgent,
        owed=case.department_id == department.id and owes(case),
        steps=[each.row() for each in steps_of(department, urgent=urgent)],
        reply=str(case.thread.section.span("reply")),
        state=PageState.OPEN,
        leg=0,
        leg_at=event.at,
        first=0,
        step=0,
        opened_at=event.at,
    )
    db.session.add(page)
    db.session.flush()
    return page


def is_urgent(event: CaseEvent) -> bool:
    """Whether the case that `event` belongs to came with words of present danger."""
    if event.seq == 1:
        return bool(event.parameters.get("urgent"))
    first = select(CaseEvent.parameters).where(CaseEvent.thread_id == event.thread_id, CaseEvent.seq == 1)
    return bool((db.session.scalar(first) or {}).get("urgent"))


def owes(case: Case) -> bool:
    """Whether its department must still take the case on: nobody has accepted it, or, reopened, nobody has it."""
    if case.open_clock("reply") is None:
        return False
    return case.status == Status.PENDING or (
        case.status == Status.ACCEPTED and case.round > 1 and case.handler_id is None
    )


def over(page: Page) -> str | None:
    """Why the page has ended, None while it stands."""
    case = page.case
    if not case.is_open:
        return "closed"
    if not page.owed:
        return None
    if case.department_id != page.department_id:
        return "moved"
    if case.round == page.round and owes(case):
        return None
    return "answered" if case.status == Status.PENDING else "accepted"


# --- time -------------------------------------------------------------------------------------------------


def look(page: Page, moment: datetime | None = None) -> None:
    """Do what is due by `moment` (default now), each step once, and promise the next look."""
    why = over(page)
    if why is not None:
        end(page, why)
        return
    told = _climb(page, moment or now(), telling=True)
    if not page.owed and told:
        end(page, "told")
        return
    promise(page)


def acknowledge(page: Page, event: CaseEvent) -> None:
    """Somebody has seen it: nobody is told for the time of a lease. The event is the cause of the leg after it."""
    _climb(page, event.at, telling=False)
    page.state = PageState.ACKNOWLEDGED
    page.acknowledged_at, page.acknowledged_by = event.at, event.actor
    page.cause = event
    accept = page.case.thread.section.span("accept")
    page.lease_until = page.next_at = lease_end(accept, calendar(), event.at, urgent=page.urgent)
    _note_acknowledged(page, event)
    _settle_desk(page)
    promise(page)


def end(page: Page, why: str, event: CaseEvent | None = None) -> None:
    """Nobody needs to be told any more."""
    _climb(page, event.at if event is not None else now(), telling=False)
    page.state, page.next_at = PageState.ENDED, None
    _settle_desk(page)
    page.ended_at, page.ended_why = (event.at if event is not None else now()), why
    if event is not None:
        page.ended_by_id = event.actor_id
        _note_acknowledged(page, event)


def silence(page: Page) -> None:
    """It was called in a history that was loaded: what came due is written down, and it calls nobody any more."""
    _climb(page, now(), telling=False)
    page.step, page.next_at = len(page.steps), None


def _note_acknowledged(page: Page, event: CaseEvent) -> None:
    """What the person who answered was told by is answered, too, and what reached him he has seen."""
    told = select(Telling.delivery_id).where(Telling.page_id == page.id, Telling.person_id == event.actor_id)
    db.session.execute(
        update(Delivery)
        .where(Delivery.id.in_(told), Delivery.acknowledged_at.is_(None))
        .values(
            acknowledged_at=event.at,
            seen_at=sql_case(
                (Delivery.sent_at.is_not(None), func.coalesce(Delivery.seen_at, event.at)),
                else_=Delivery.seen_at,
            ),
        )
        .execution_options(synchronize_session=False)
    )


def _climb(page: Page, moment: datetime, *, telling: bool) -> int:
    """Take the steps that are due; how many people they were for."""
    # Without telling it only writes down what came due while the pager was late: somebody has it now.
    if page.state == PageState.ENDED:
        return 0
    if page.state == PageState.ACKNOWLEDGED:
        if page.lease_until is None or page.lease_until > moment:
            return 0
        _run_out(page)
        if telling:
            _call_again(page)
    found = due(page, moment)
    told = sum(_take(page, each, moment, telling=telling) for each in found.due)
    page.step, page.next_at = found.step, found.next_at
    return told


def _run_out(page: Page) -> None:
    """A lease is over and nobody has accepted: the next one is told, and it climbs on from there."""
    assert page.lease_until is not None
    page.state, page.leg = PageState.OPEN, page.leg + 1
    page.leg_at, page.lease_until = page.lease_until, None
    page.first = page.step = min(page.step, len(page.steps) - 1)


def _call_again(page: Page) -> None:
    """Nothing followed: at the desk that leads the case it is new once more, and pops up."""
    if department_hears(page.department, page.case.thread):
        _pop_up(page, page.department, "lapsed")
    _settle_desk(page)


def due(page: Page, moment: datetime) -> Climb:
    """What of this leg is due by `moment` and was not taken yet."""
    steps = tuple(Step.of(row) for row in page.steps)
    return climb(
        Ladder(steps, page.urgent, Span.parse(page.reply), calendar()),
        leg_at=page.leg_at,
        first=page.first,
        step=page.step,
        moment=moment,
        empty=lambda step, at: not asking.asked(page, step.who, _near(at, moment)),
    )


def _near(at: datetime, moment: datetime) -> datetime:
    # Pages that are looked at together ask the roster once; shifts do not begin within a second.
    return moment if moment - at < PROMPT else at.replace(microsecond=0)


def _take(page: Page, each: Due, moment: datetime, *, telling: bool) -> int:
    people: list[Person] = []
    if telling:
        # Late, it tells whoever is there now; where nobody is, those who should have been told in time.
        people = asking.told(page, each.step.who, moment) or asking.asked(
            page, each.step.who, _near(each.at, moment)
        )
    note(
        PageStep,
        page_id=page.id,
        leg=page.leg,
        step=each.place,
        who=str(each.step.who),
        due_at=each.at,
        told_at=moment if telling else None,
        told=len(people),
        empty=each.empty,
    )
    if telling and (people or each.empty):
        tell_rooms(page, each.place, each.step, moment)
    if people:
        tell(page, each.place, each.step, people, moment)
        if each.step.who == Who.DESK:
            _call_desk(page)
    return len(people)


@provides("calls_at_desk")
def calls_at_desk() -> Any:
    """The ids of the cases that have climbed to the dispatch desk and that nobody has answered for."""
    climbed = select(PageStep.page_id).where(PageStep.who == str(Who.DESK))
    return select(Page.case_id).where(Page.state == PageState.OPEN, Page.owed, Page.id.in_(climbed))


def _call_desk(page: Page) -> None:
    """Let it pop up at the dispatch desk, as far as that may read it."""
    desk = Department.desk()
    if desk.id != page.department_id and department_hears(desk, page.case.thread):
        _pop_up(page, desk, "called")


def _pop_up(page: Page, department: Department, kind: str) -> None:
    case = page.case
    append(
        f"department:{department.key}",
        kind=kind,
        case=case.number,
        calls=True,
        urgent=page.urgent,
        version=case.thread.version,
    )


def _settle_desk(page: Page) -> None:
    """Somebody has answered, or has not after all: the desk that it had climbed to looks again."""
    if whispered(page.case.thread):
        return
    climbed = select(PageStep.id).where(PageStep.page_id == page.id, PageStep.who == str(Who.DESK)).limit(1)
    if db.session.scalar(climbed) is not None:
        append(f"department:{Department.desk().key}", kind="queue")


def promise(page: Page) -> None:
    """See to it that somebody looks at this page when its next step is due: one job for all of the same second."""
    if page.next_at is None:
        return
    second = datetime.fromtimestamp(math.ceil(page.next_at.timestamp()), UTC)
    key = f"pages-due:{second:%Y%m%d%H%M%S}"
    promised: set[str] = db.session().info.setdefault("pages_promised", set())
    if key not in promised:
        promised.add(key)
        jobs.put("pages-due", key=key, due_at=second)
