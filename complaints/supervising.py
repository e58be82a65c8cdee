"""Supervision orders: who may issue and who may answer them, what they bar, and what their time does."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false, not_, or_, select

from board import jobs
from board.db import db, transaction
from board.permissions import rule
from board.seams import veto
from boards.models import Case, Thread
from boards.policy import sees, visible_to
from complaints.conflicts import conflicted, kept_from_inspecting, tied_units
from complaints.models.supervision import OrderedCase, SupervisionOrder
from complaints.policy import may_inspect
from people.models import Department, Person


@rule("unit.review")
def may_review_unit(person: Person | None, department: Department) -> bool:
    """An inspector who has nothing to do with that unit: he neither serves there nor stands above or below it."""
    return person is not None and may_inspect(person) and department.id not in tied_units(person)


@rule("supervision.issue")
def may_issue(person: Person | None, order: SupervisionOrder) -> bool:
    """An inspector who may inspect the unit, reads every case of the order and must keep away from none of them."""
    return (
        person is not None
        and may_review_unit(person, order.department)
        and all(sees(person, case.thread) and conflicted(person, case) is None for case in order.covered)
    )


def issuable(person: Person) -> ColumnElement[bool]:
    """The condition on orders for those over which `person` may decide: what the rule asks of one, for a list."""
    kept_away = (
        select(OrderedCase.id)
        .join(Case, OrderedCase.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(
            OrderedCase.order_id == SupervisionOrder.id,
            or_(not_(visible_to(person)), kept_from_inspecting(person)),
        )
        .correlate(SupervisionOrder)
        .exists()
    )
    if not may_inspect(person):
        return false()
    return and_(SupervisionOrder.department_id.not_in(sorted(tied_units(person))), ~kept_away)


@rule("inspection.order")
def may_order(person: Person | None, case: Case) -> bool:
    """An inspector whom nothing keeps away from the case or the unit that leads it."""
    return (
        person is not None
        and may_review_unit(person, case.department)
        and sees(person, case.thread)
        and conflicted(person, case) is None
    )


@rule("supervision.answer")
def may_answer_order(person: Person | None, order: SupervisionOrder) -> bool:
    """The leader of the unit; where it has none, whoever answers in his place."""
    return person is not None and person.is_staff and any(each.id == person.id for each in order.answerers())


@veto("case.resolve")
def answers_first(_person: Person | None, case: Case) -> bool:
    """While an order to the unit that leads the case waits for its written answer, the case is not concluded. The answer
    itself frees it: the order may well demand that it is concluded."""
    return any(
        order.state == "issued" and order.department_id == case.department_id
        for order in SupervisionOrder.standing_for(case)
    )


@jobs.handler("supervision-due")
def supervision_due(order: str) -> None:
    """The time of an order ran out: noted once, its leader and the inspectors are told."""
    with transaction():
        order_id = db.session.scalar(select(SupervisionOrder.id).where(SupervisionOrder.public_id == order))
        if order_id is not None:
            SupervisionOrder.held(order_id).mark_overdue()
