"""The inspectors' desk as it is read: what needs them, sorted by why. Each queue is a condition on cases.

Every condition stands beside `visible_to`, so nobody finds here what he may not read elsewhere. Nothing tells anything
about the person who posted, and nothing is reckoned per officer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from board import audit
from board.clock import now
from board.db import db
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.permissions import require
from boards.models import Case, CaseEvent, Handover, Rating, Section, Text, Thread
from boards.models.status import BAD, OPEN, Solved, Status, Visibility
from boards.policy import visible_to
from boards.pulse import kept
from complaints.conflicts import free_to_inspect, tied_units
from complaints.models.inquiry import Inquiry
from complaints.models.look import Look
from complaints.models.pressure_question import PressureQuestion
from complaints.models.referral import Referral
from complaints.models.reprisal import Reprisal
from complaints.models.sealing import Sealing
from complaints.weekly import bad_ratings, late_answers, orders_issued
from people.models import Department, Person
from people.models.department import WATCHING

# In the order of the tabs: first what somebody waits for, then what was promised and not kept, then what looks wrong.
QUEUES = (
    "reprisals",
    "seals",
    "referred",
    "pressed",
    "new",
    "second",
    "working",
    "late",
    "overdue",
    "dissatisfied",
    "passed",
    "empty",
    "reopened",
    "supervised",
    "sample",
)
# Those an inspector goes through: a case leaves them when he says that he has looked.
LOOKED = ("dissatisfied", "passed", "empty", "reopened", "sample")
SHORT = 15  # characters under which an answer says nothing
SAME = 3  # times one answer was given to different cases within the window
HANDOVERS = 3
WINDOW = timedelta(days=30)
MOST = 50
UNITS = 20  # rows of the table of units

Answered = aliased(Case)  # beside the case that a queue asks about


# Queues of what came from ordinary cases: the row, when it waits, and until when.
LANDED: dict[str, tuple[Any, ColumnElement[bool], Any]] = {
    "reprisals": (Reprisal, Reprisal.answered_at.is_(None), Reprisal.due_at),
    "seals": (Sealing, Sealing.state == "asked", Sealing.due_at),
    "referred": (Referral, Referral.decided_at.is_(None), Referral.due_at),
    "pressed": (
        PressureQuestion,
        and_(PressureQuestion.answer == "yes", PressureQuestion.noted_at.is_(None)),
        PressureQuestion.answered_at,
    ),
}


@dataclass(frozen=True)
class Listed:
    """One row of a queue."""

    number: str
    title: str
    department_id: int
    section_id: int
    status: str
    round: int
    returns: int
    supervised: bool
    public: bool
    due: Any
    posted: Any


class Inspection:
    """The desk of one inspector."""

    def __init__(self, person: Person | None, queue: str = "") -> None:
        require(person, "inspection.open")
        assert person is not None
        self.person = person
        self.queue = queue if queue in QUEUES else ""

    @cached_property
    def offices(self) -> set[int]:
        """The inspectors' departments in which this person serves, by table id."""
        return {each.id for each in self.person.departments if each.kind in WATCHING}

    @cached_property
    def office(self) -> Department:
        """The department whose desk it is."""
        return next(each for each in self.person.departments if each.kind in WATCHING)

    def counts(self) -> dict[str, int]:
        """How many cases stand in each queue, for this reader."""
        return {name: self.count(name) for name in QUEUES}

    def count(self, name: str) -> int:
        """How many cases stand in one queue, for this reader."""
        query = (
            select(func.count())
            .select_from(Case)
            .join(Thread, Case.thread_id == Thread.id)
            .where(visible_to(self.person), self.condition(name))
        )
        return int(db.session.scalar(query) or 0)

    def rows(self) -> list[Listed]:
        """The cases of the open queue, what is due first before the others; at most fifty."""
        if not self.queue:
            return []
        due = self._due()
        query = (
            select(
                Case.number,
                Thread.title,
                Case.department_id,
                Thread.section_id,
                Case.status,
                Case.round,
                Case.returns,
                Case.supervised,
                _public(),
                due.label("due"),
                Thread.posted_at,
            )
            .join(Thread, Case.thread_id == Thread.id)
            .where(visible_to(self.person), self.condition(self.queue))
            .order_by(due.is_(None), due, Thread.posted_at, Case.number)
            .limit(MOST)
        )
        return [Listed(*values) for values in map(tuple, db.session.execute(query))]

    def _due(self) -> Any:
        # Of a complaint what its own task owes first; of every other case what the department owes.
        if self.queue in LANDED:
            model, waits, due = LANDED[self.queue]
            rows = select(func.min(due)).where(model.case_id == Case.id, waits)
            return rows.correlate(Case).scalar_subquery()
        if self.queue not in ("new", "second", "working", "late"):
            return Case.next_due_at
        return (
            select(func.min(Inquiry.due_at))
            .where(
                Inquiry.case_id == Case.id,
                Inquiry.round == Case.round,
                Inquiry.department_id.in_(self.offices),
            )
            .correlate(Case)
            .scalar_subquery()
        )

    def condition(self, name: str) -> ColumnElement[bool]:
        """What puts a case into this queue."""
        conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
            "new": lambda: and_(Case.status.in_(OPEN), self._task(Inquiry.state == "open")),
            "second": self._second,
            "working": lambda: self._task(Inquiry.state.in_(("accepted", "reviewed", "proposed"))),
            "late": self._late,
            "overdue": lambda: and_(_public(), Case.overdue, Case.status.in_(OPEN)),
            "dissatisfied": lambda: and_(_public(), _twice_dissatisfied(), self._not_looked(name)),
            "passed": lambda: and_(
                _public(), Case.status.in_(OPEN), _passed_around(), self._not_looked(name)
            ),
            "empty": lambda: and_(_public(), _empty(), self._not_looked(name)),
            "reopened": lambda: and_(
                _public(), Case.status.in_(OPEN), Case.round > 1, self._not_looked(name)
            ),
            "supervised": lambda: and_(_public(), Case.supervised),
            "sample": lambda: (
                select(Look.id)
                .where(Look.case_id == Case.id, Look.queue == "sample", Look.done_at.is_(None))
                .correlate(Case)
                .exists()
            ),
        }
        if name in LANDED:
            return self._landed(name)
        return conditions[name]()

    def _landed(self, name: str) -> ColumnElement[bool]:
        # What came from a case, for whom nothing ties to it; a public one everybody reads, which is not enough here.
        model, waits, _due = LANDED[name]
        rows = select(model.id).where(model.case_id == Case.id, waits).correlate(Case)
        return and_(rows.exists(), free_to_inspect(self.person))

    def _task(self, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return (
            select(Inquiry.id)
            .where(
                Inquiry.case_id == Case.id,
                Inquiry.round == Case.round,
                Inquiry.department_id.in_(self.offices),
                *conditions,
            )
            .correlate(Case)
            .exists()
        )

    def _second(self) -> ColumnElement[bool]:
        mine = self.person.id
        return self._task(
            or_(
                and_(Inquiry.state == "accepted", Inquiry.accepted_by_id != mine),
                and_(Inquiry.state == "proposed", Inquiry.proposed_by_id != mine),
            )
        )

    def _late(self) -> ColumnElement[bool]:
        moment = now()
        return self._task(
            Inquiry.state.not_in(("concluded", "dropped")),
            or_(
                Inquiry.due_at <= moment,
                and_(Inquiry.told_at.is_(None), Inquiry.told_due_at <= moment),
                and_(Inquiry.state == "accepted", Inquiry.review_due_at <= moment),
            ),
        )

    def _not_looked(self, name: str) -> ColumnElement[bool]:
        return ~(
            select(Look.id)
            .where(
                Look.case_id == Case.id,
                Look.queue == name,
                Look.mark == Case.round,
                Look.done_at.is_not(None),
            )
            .correlate(Case)
            .exists()
        )

    def units(self) -> list[tuple[Department, int, int, int]]:
        """Of each unit with which this inspector has nothing to do: late first answers, bad ratings and orders of the last
        30 days, the most first; units without any are left out."""
        late, bad, orders = kept(
            "inspected-units", lambda: (late_answers(), bad_ratings(), orders_issued()), 300
        )
        tied = tied_units(self.person)
        rows = [
            (each, late[each.id], bad[each.id], orders[each.id])
            for each in self.departments.values()
            if each.id not in tied and (late[each.id] or bad[each.id] or orders[each.id])
        ]
        return sorted(rows, key=lambda row: (-row[1] - row[2], row[0].position))[:UNITS]

    def stands(self, case: Case, name: str) -> bool:
        """Whether this case stands in that queue now."""
        query = (
            select(Case.id)
            .join(Thread, Case.thread_id == Thread.id)
            .where(Case.id == case.id, visible_to(self.person), self.condition(name))
        )
        return db.session.scalar(query) is not None

    def queues_of(self, case: Case) -> list[str]:
        """Why this case is here: the queues in which it stands, in their order."""
        return [name for name in QUEUES if self.stands(case, name)]

    def look(self, case: Case, *, words: str) -> None:
        """Say that you went through this case of the open queue, and what you found; it leaves the queue.

        Raises NotAllowed for whoever must not inspect it, Invalid for a queue that is not gone through, WrongState for a
        case that does not stand in it.
        """
        require(self.person, "look.make", case)
        if self.queue not in LOOKED:
            raise Invalid(_l("Choose one of the queues to go through."), field="queue")
        if not self.stands(case, self.queue):
            raise WrongState(_l("A colleague was first: this step is done. Please look again."))
        text = Text.write("internal", words, by=self.person, field="words")
        waiting = db.session.scalars(
            select(Look).where(Look.case_id == case.id, Look.queue == self.queue, Look.done_at.is_(None))
        ).first()
        row = waiting or Look(case_id=case.id, queue=self.queue)
        row.mark, row.done_at, row.done_by, row.words = case.round, now(), self.person, text
        db.session.add(row)
        audit.note("inspection.looked", by=self.person.public_id, thing=case.thread.thing, queue=self.queue)

    @cached_property
    def departments(self) -> dict[int, Department]:
        """Every department, by table id, read once."""
        return {each.id: each for each in Department.all()}

    @cached_property
    def sections(self) -> dict[int, Section]:
        """Every section, by table id, read once."""
        return {each.id: each for each in Section.all()}


def _public() -> ColumnElement[bool]:
    return Thread.visibility == Visibility.PUBLIC


def _twice_dissatisfied() -> ColumnElement[bool]:
    return (
        select(Rating.id)
        .where(
            Rating.case_id == Case.id,
            Rating.round == Case.round,
            Rating.answer >= 2,
            or_(Rating.solved == Solved.NO, Rating.satisfaction.in_([str(each) for each in BAD])),
        )
        .correlate(Case)
        .exists()
    )


def _passed_around() -> ColumnElement[bool]:
    moves = (
        select(func.count(Handover.id)).where(Handover.case_id == Case.id).correlate(Case).scalar_subquery()
    )
    return or_(Case.returns >= 2, moves >= HANDOVERS)


def _empty() -> ColumnElement[bool]:
    since, over = now() - WINDOW, (Status.RESOLVED, Status.CLOSED)
    # From the cases that were answered lately, which an index finds, to their steps: not through all steps of the board.
    answers = (
        select(Text.public)
        .join(CaseEvent, CaseEvent.public_text_id == Text.id)
        .join(Answered, CaseEvent.case_id == Answered.id)
        .where(
            Answered.status.in_(over),
            Answered.resolved_at >= since,
            CaseEvent.kind.in_(("case.resolved", "case.rectified")),
            CaseEvent.at >= since,
        )
    )
    repeated = answers.group_by(Text.public).having(func.count(CaseEvent.case_id.distinct()) >= SAME)
    return and_(
        Case.status.in_(over),
        Case.resolved_at >= since,
        select(CaseEvent.id)
        .join(Text, CaseEvent.public_text_id == Text.id)
        .where(
            CaseEvent.case_id == Case.id,
            CaseEvent.round == Case.round,
            CaseEvent.kind.in_(("case.resolved", "case.rectified")),
            or_(func.length(Text.public) < SHORT, Text.public.in_(repeated)),
        )
        .correlate(Case)
        .exists(),
    )
