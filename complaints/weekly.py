"""What the board drafts by itself for the inspectors: one order a unit and week over what is long overdue, single ones
for what is urgent, a complaint, or displeased twice; and reviews of units that are late or displease often.

Nothing is issued here: an inspector reads, changes, issues or discards it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select

from board import audit, jobs
from board.clock import local, midnight, now
from board.db import db, insert, one_at_a_time, random_id, transaction
from board.seams import standing_promise
from board.spans import WorkingDays
from boards.models import Case, CaseEvent, Rating, Thread
from boards.models.deadline import DUTIES, Deadline, calendar
from boards.models.status import BAD, OPEN, Solved, Status, Visibility
from complaints.accusing import is_complaint
from complaints.models.supervision import MOST, STANDING, OrderedCase, SupervisionOrder
from complaints.models.unit_review import UnitReview

LONG_OVERDUE = WorkingDays(5)
RECENT = timedelta(days=14)  # how long after the second bad rating a case is drafted for
REVIEWED = timedelta(days=30)
OFTEN = 3  # late first answers, or bad ratings, in that time that open a review of the unit
HOUR = timedelta(hours=6)  # after midnight


@standing_promise
def promise_round() -> None:
    """Promise tomorrow's round."""
    tomorrow = local(now()).date() + timedelta(days=1)
    jobs.put("draft-orders", key=f"draft-orders:{tomorrow}", due_at=midnight(tomorrow) + HOUR)


@jobs.handler("draft-orders", single=True)
def draft_orders() -> None:
    """The round of a morning; run twice it drafts nothing twice."""
    with transaction():
        one_at_a_time("draft-orders")
        for case in long_overdue():
            draft_for(case)
        for case in twice_dissatisfied():
            _single(case, "dissatisfied")
        open_reviews()
        promise_round()


# --- drafts ----------------------------------------------------------------------------------------------


def week_of(moment: datetime) -> str:
    """`2026-W47`, in the city's zone."""
    year, week, _day = local(moment).isocalendar()
    return f"{year}-W{week:02d}"


def long_overdue() -> list[Case]:
    """The open cases whose unit has owed something for five working days more than promised, and that no order covers,
    what is owed longest first. Of what is not public only complaints: nobody else could decide over it."""
    owed = (
        select(Deadline.case_id, func.min(Deadline.breached_at).label("since"))
        .where(
            Deadline.kind.in_(DUTIES),
            Deadline.stopped_at.is_(None),
            Deadline.breached_at <= now() - timedelta(days=LONG_OVERDUE.count),
        )
        .group_by(Deadline.case_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Case, owed.c.since)
        .join(owed, owed.c.case_id == Case.id)
        .where(Case.status.in_((*OPEN, Status.RESOLVED)), Case.supervised.is_(False))
        .order_by(owed.c.since, Case.id)
    ).all()
    work = calendar()
    return [
        case
        for case, since in rows
        if work.add(since, LONG_OVERDUE) <= now() and (case.thread.is_public or is_complaint(case))
    ]


def twice_dissatisfied() -> list[Case]:
    """The public cases whose second answer of a round displeased their poster, too, in the last two weeks."""
    return list(
        db.session.scalars(
            select(Case)
            .join(Thread, Case.thread_id == Thread.id)
            .where(
                Thread.visibility == Visibility.PUBLIC,
                Case.supervised.is_(False),
                select(Rating.id)
                .where(
                    Rating.case_id == Case.id,
                    Rating.round == Case.round,
                    Rating.answer >= 2,
                    Rating.at >= now() - RECENT,
                    _bad(),
                )
                .correlate(Case)
                .exists(),
            )
            .order_by(Case.id)
        )
    )


def draft_for(case: Case) -> None:
    """Put a case into its unit's draft of the week, or into one of its own."""
    if is_complaint(case):
        _single(case, "complaint")
    elif _is_urgent(case):
        _single(case, "urgent")
    else:
        _weekly(case)


def _weekly(case: Case) -> None:
    if _drafted(case):
        return
    slot = f"week:{week_of(now())}:{case.department.key}"
    order = db.session.scalar(select(SupervisionOrder).where(SupervisionOrder.slot == slot).with_for_update())
    if order is None:
        order = SupervisionOrder.over([case], "overdue", slot=slot)
        audit.note("supervision.drafted", by=None, thing=order.thing, unit=case.department.key)
    elif order.is_draft and len(order.covered) < MOST:
        order.covered.append(case)
    # Else this week's was issued or discarded: the case joins next week's.


def _single(case: Case, reason: str) -> None:
    slot = f"case:{case.number}:{case.round}:{reason}"
    if db.session.scalar(select(SupervisionOrder.id).where(SupervisionOrder.slot == slot)) is None:
        if _drafted(case):
            return
        order = SupervisionOrder.over([case], reason, slot=slot)
        audit.note("supervision.drafted", by=None, thing=order.thing, unit=case.department.key)


def _drafted(case: Case) -> bool:
    """Whether a draft or an order covers it already; in a draft for the unit that had it before it is left out."""
    rows = db.session.scalars(
        select(SupervisionOrder)
        .join(OrderedCase, OrderedCase.order_id == SupervisionOrder.id)
        .where(OrderedCase.case_id == case.id, SupervisionOrder.state.in_(("draft", *STANDING)))
    )
    found = False
    for order in rows:
        if order.is_draft and order.department_id != case.department_id:
            order.covered.remove(case)
        else:
            found = True
    return found


def _is_urgent(case: Case) -> bool:
    first = select(CaseEvent.parameters).where(CaseEvent.thread_id == case.thread_id, CaseEvent.seq == 1)
    return bool((db.session.scalar(first) or {}).get("urgent"))


# --- reviews of units ------------------------------------------------------------------------------------


def _bad() -> ColumnElement[bool]:
    return or_(Rating.solved == Solved.NO, Rating.satisfaction.in_([str(each) for each in BAD]))


def late_answers() -> Counter[int]:
    """How many first answers each unit, by table id, was late with in the last 30 days; of public cases."""
    rows = db.session.execute(
        select(Case.department_id, func.count(Deadline.id))
        .join(Case, Deadline.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(
            Thread.visibility == Visibility.PUBLIC,
            Deadline.kind == "reply",
            Deadline.breached_at >= now() - REVIEWED,
        )
        .group_by(Case.department_id)
    )
    return Counter({unit: count for unit, count in rows})


def bad_ratings() -> Counter[int]:
    """How many ratings of each unit's public cases were bad in the last 30 days."""
    rows = db.session.execute(
        select(Case.department_id, func.count(Rating.id))
        .join(Case, Rating.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Thread.visibility == Visibility.PUBLIC, Rating.at >= now() - REVIEWED, Rating.first, _bad())
        .group_by(Case.department_id)
    )
    return Counter({unit: count for unit, count in rows})


def orders_issued() -> Counter[int]:
    """How many orders over public cases each unit got in the last 30 days."""
    rows = db.session.execute(
        select(SupervisionOrder.department_id, func.count(SupervisionOrder.id))
        .where(SupervisionOrder.issued_at >= now() - REVIEWED, SupervisionOrder.readable(None))
        .group_by(SupervisionOrder.department_id)
    )
    return Counter({unit: count for unit, count in rows})


def open_reviews() -> None:
    """Open a review of each unit that is late or displeases often: one a month and reason."""
    for why, counted in (("unanswered", late_answers()), ("dissatisfied", bad_ratings())):
        _open(why, ((unit, count) for unit, count in sorted(counted.items()) if count >= OFTEN))


def _open(why: str, found: Iterable[tuple[int, int]]) -> None:
    month = f"{local(now()):%Y-%m}"
    for unit, count in found:
        db.session.execute(
            insert(UnitReview)
            .values(
                public_id=random_id(),
                department_id=unit,
                why=why,
                month=month,
                counted=count,
                opened_at=now(),
            )
            .on_conflict_do_nothing()
        )
