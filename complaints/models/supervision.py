"""A supervision order (催办, 督办单, 二次督办, 约谈通知书, 通报): what the inspectors demand of a unit, in public, by when.

One order covers one or many cases of one unit. Its number is drawn when it is issued, per year and kind and without a
gap; one that covers nothing which everybody may read draws a random number, so that no gap betrays it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit, jobs
from board.clock import local, now
from board.db import Model, PublicId, db, insert, random_id
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _l
from board.permissions import require
from board.spans import Span, WorkingDays
from boards.models import Case, CaseEvent, Text, Thread
from boards.models.deadline import calendar
from boards.models.locking import lock
from boards.models.moving import leaders
from boards.models.timeline import Audience
from boards.policy import sees, visible_to
from people.models import Department, Person
from people.models.department import WATCHING
from people.models.shift import serving

# The ladder, from below, and the working days that a unit has on each rung unless the inspector says otherwise.
LEVELS = ("reminder", "order", "second", "interview", "circular")
DAYS = {"reminder": 1, "order": 3, "second": 2, "interview": 3, "circular": 5}
FIRST = LEVELS[:2]  # where the ladder begins; whatever starts higher says why
REASONS = ("overdue", "unanswered", "dissatisfied", "passed", "empty", "urgent", "complaint", "unfulfilled")
CHOSEN = REASONS[:-1]  # the last one comes from climbing alone
DEMANDS = ("answer", "redo", "explain")
STANDING = ("issued", "answered")
LATEST = timedelta(days=60)
MOST = 50  # cases in one order
NUMBER = re.compile(r"(reminder|order|second|interview|circular)-(\d{4})-(\d{1,9})")


def next_level(level: str) -> str:
    """The rung above; above the highest there is another one like it."""
    return LEVELS[min(LEVELS.index(level) + 1, len(LEVELS) - 1)]


def default_due(level: str) -> datetime:
    """When an order of this level is due unless somebody says otherwise: the end of a working day."""
    day = calendar().local_date(calendar().end(Span(WorkingDays(DAYS[level])), now()))
    work = calendar()
    return datetime.combine(day, work.hours.closes, tzinfo=work.zone)


@dataclass(frozen=True)
class Demand:
    """What an order says: its rung, why, what is to be done, in which words, until when. `skipped`: why rungs are left out."""

    level: str = "order"
    reason: str = "overdue"
    demand: str = "answer"
    words: str = ""
    due: datetime | None = None  # None: as long as the level gives
    skipped: str = ""


class SupervisionNumber(Model):
    """The last number of a kind of order in a year; held until the transaction ends, so that no number is lost."""

    __tablename__ = "supervision_number"

    level: Mapped[str] = mapped_column(String(12), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class OrderedCase(Model):
    """One case that an order covers."""

    __tablename__ = "ordered_case"
    __table_args__ = (UniqueConstraint("order_id", "case_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("supervision_order.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)


class SupervisionOrder(PublicId, Model):
    """One rung of the ladder for one unit. `state`: draft, discarded, issued, answered, fulfilled or unfulfilled."""

    __tablename__ = "supervision_order"
    __table_args__ = (
        UniqueConstraint("level", "year", "serial"),
        Index("ix_supervision_order_issued", "issued_at", "id"),
        Index("ix_supervision_order_department", "department_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[str] = mapped_column(String(12))
    year: Mapped[int | None]
    serial: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(12), default="draft")
    # Of a draft that the board made itself: the week and unit, or the case and round, for which there is one.
    slot: Mapped[str | None] = mapped_column(String(80), unique=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    office_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    reason: Mapped[str] = mapped_column(String(16))
    demand: Mapped[str] = mapped_column(String(12), default="answer")
    words_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    skipped_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("supervision_order.id"), unique=True)
    drafted_at: Mapped[datetime] = mapped_column(default=now)
    issued_at: Mapped[datetime | None]
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    due_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    read_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    department: Mapped[Department] = relationship(foreign_keys=[department_id])
    office: Mapped[Department | None] = relationship(foreign_keys=[office_id])
    words: Mapped[Text | None] = relationship(foreign_keys=[words_id])
    skipped: Mapped[Text | None] = relationship(foreign_keys=[skipped_id])
    answer_text: Mapped[Text | None] = relationship(foreign_keys=[answer_id])
    previous: Mapped[SupervisionOrder | None] = relationship(remote_side=[id])
    issued_by: Mapped[Person | None] = relationship(foreign_keys=[issued_by_id])
    read_by: Mapped[Person | None] = relationship(foreign_keys=[read_by_id])
    answered_by: Mapped[Person | None] = relationship(foreign_keys=[answered_by_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])
    covered: Mapped[list[Case]] = relationship(secondary="ordered_case", order_by=Case.id)

    def __repr__(self) -> str:
        return f"<SupervisionOrder {self.number or 'draft'} {self.state}>"

    # --- finding -----------------------------------------------------------------------------------

    @property
    def number(self) -> str:
        """`order-2026-12`: how addresses and events name it; "" for a draft."""
        return f"{self.level}-{self.year}-{self.serial}" if self.serial is not None else ""

    @property
    def thing(self) -> str:
        """How the audit log names it."""
        return f"supervision:{self.public_id}"

    @classmethod
    def readable(cls, person: Person | None) -> ColumnElement[bool]:
        """The condition on issued orders that `person` may read: a case that he may read is among those covered."""
        covered = (
            select(OrderedCase.id)
            .join(Case, OrderedCase.case_id == Case.id)
            .join(Thread, Case.thread_id == Thread.id)
            .where(OrderedCase.order_id == cls.id, visible_to(person))
            .correlate(cls)
        )
        return cls.issued_at.is_not(None) & covered.exists()

    @classmethod
    def numbered(cls, number: str, *, reader: Person | None, for_change: bool = False) -> SupervisionOrder:
        """The issued order of this number; NotFound for what is missing and for whoever may read no case of it."""
        parts = NUMBER.fullmatch(number)
        if parts is None:
            raise NotFound
        wanted = (cls.level == parts[1], cls.year == int(parts[2]), cls.serial == int(parts[3]))
        order_id = db.session.scalar(select(cls.id).where(*wanted, cls.readable(reader)))
        if order_id is None:
            raise NotFound
        return cls._loaded(order_id, for_change)

    @classmethod
    def draft(cls, public_id: str, *, reader: Person | None, for_change: bool = False) -> SupervisionOrder:
        """The order by the id that its draft goes by, for inspectors who may issue it; NotFound for everybody else. A verb
        says whether a colleague was first."""
        from board.permissions import may

        order_id = db.session.scalar(select(cls.id).where(cls.public_id == public_id))
        if order_id is None:
            raise NotFound
        order = cls._loaded(order_id, for_change)
        if not may(reader, "supervision.issue", order):
            raise NotFound
        return order

    @classmethod
    def _loaded(cls, order_id: int, for_change: bool) -> SupervisionOrder:
        if for_change:
            return cls.held(order_id)
        return db.session.scalars(select(cls).where(cls.id == order_id)).one()

    @classmethod
    def held(cls, order_id: int) -> SupervisionOrder:
        """The order with this table id, held for change together with its cases until the transaction ends."""
        query = select(cls).where(cls.id == order_id)
        # The order first, then its cases by their ids: whoever changes two orders at once waits, and nobody for ever.
        db.session.scalars(query.with_for_update(of=cls)).one()
        for case_id in cls._covered_ids(order_id):
            lock(Case.id == case_id)
        return db.session.scalars(query.execution_options(populate_existing=True)).one()

    @staticmethod
    def _covered_ids(order_id: int) -> list[int]:
        rows = select(OrderedCase.case_id).where(OrderedCase.order_id == order_id)
        return list(db.session.scalars(rows.order_by(OrderedCase.case_id)))

    @classmethod
    def standing_for(cls, case: Case) -> list[SupervisionOrder]:
        """The orders of this case that are not decided yet, oldest first; none without a query where it has none."""
        if not case.supervised:
            return []
        return list(
            db.session.scalars(
                select(cls)
                .join(OrderedCase, OrderedCase.order_id == cls.id)
                .where(OrderedCase.case_id == case.id, cls.state.in_(STANDING))
                .order_by(cls.id)
            )
        )

    @classmethod
    def waiting_for(cls, person: Person) -> list[SupervisionOrder]:
        """The orders that wait for this leader to read or answer them, what is due first before the others."""
        from board.permissions import may

        if not person.is_staff:
            return []
        asked = db.session.scalars(
            select(Department).where(
                Department.id.in_(select(cls.department_id).where(cls.state == "issued"))
            )
        )
        mine = [each.id for each in asked if person.serves(each) or person.leads(each)]
        if not mine:
            return []
        rows = db.session.scalars(
            select(cls)
            .where(cls.state == "issued", cls.department_id.in_(mine), cls.readable(person))
            .order_by(cls.due_at, cls.id)
        )
        return [each for each in rows if may(person, "supervision.answer", each)]

    def visible_cases(self, person: Person | None) -> list[Case]:
        """The covered cases that `person` may read, by number: nothing tells him that there are others."""
        return list(
            db.session.scalars(
                select(Case)
                .join(OrderedCase, OrderedCase.case_id == Case.id)
                .join(Thread, Case.thread_id == Thread.id)
                .where(OrderedCase.order_id == self.id, visible_to(person))
                .order_by(Case.number)
            )
        )

    # --- questions ---------------------------------------------------------------------------------

    @property
    def is_draft(self) -> bool:
        """Whether nobody but the inspectors knows of it."""
        return self.state == "draft"

    @property
    def is_standing(self) -> bool:
        """Whether it is issued and not decided yet."""
        return self.state in STANDING

    @property
    def is_late(self) -> bool:
        """Whether its time is over without an answer."""
        return self.state == "issued" and self.due_at is not None and self.due_at <= now()

    def answerers(self) -> list[Person]:
        """Who may answer for the unit: its leaders, else those above it, who may read one of the cases; where nobody of
        them may, whoever serves there and may."""
        for people in (leaders(self.department), serving(self.department)):
            found = [each for each in people if self.is_read_by(each)]
            if found:
                return found
        return []

    def is_read_by(self, person: Person) -> bool:
        """Whether he may read one of the cases."""
        return any(sees(person, case.thread) for case in self.covered)

    # --- issuing -----------------------------------------------------------------------------------

    @classmethod
    def over(cls, cases: Sequence[Case], reason: str, *, slot: str | None = None) -> SupervisionOrder:
        """A draft over these cases of one unit, which only inspectors read."""
        order = cls(
            public_id=random_id(),
            level="order",
            state="draft",
            reason=reason,
            demand="answer",
            slot=slot,
            department=cases[0].department,
            drafted_at=now(),
            covered=list(cases),
        )
        db.session.add(order)
        db.session.flush()
        return order

    @classmethod
    def begin(cls, numbers: Iterable[str], *, by: Person, reason: str = "overdue") -> SupervisionOrder:
        """A draft over the cases with these numbers, as ticked at the desk: all of one unit, none under an order already."""
        found = ticked(numbers, by)
        order = cls.over(found, reason if reason in CHOSEN else "overdue")
        require(by, "supervision.issue", order)
        audit.note("supervision.drafted", by=by.public_id, thing=order.thing, cases=len(found))
        return order

    def keep(self, *, by: Person, said: Demand, numbers: Iterable[str]) -> None:
        """Change what a draft says and which of its cases it covers."""
        require(by, "supervision.issue", self)
        self._expect("draft")
        self._choose(numbers)
        self._say(said, by, whole=False)
        audit.note("supervision.draft_kept", by=by.public_id, thing=self.thing)

    def discard(self, *, by: Person) -> None:
        """Nothing comes of this draft; what still waits joins the next week's."""
        require(by, "supervision.issue", self)
        self._expect("draft")
        self.state, self.decided_at, self.decided_by = "discarded", now(), by
        audit.note("supervision.discarded", by=by.public_id, thing=self.thing)

    def issue(self, *, by: Person, said: Demand, numbers: Iterable[str]) -> list[CaseEvent]:
        """Issue it: it gets its number, stands on every covered case, and the unit's leader is told."""
        require(by, "supervision.issue", self)
        self._expect("draft")
        self._choose(numbers)
        self._unsupervised()
        if said.level not in LEVELS:
            raise Invalid(_l("Choose how strong it is."), field="level")
        if said.level not in FIRST and not said.skipped.strip():
            raise Invalid(_l("Say why the steps below are left out: everybody reads it."), field="skipped")
        if said.reason not in CHOSEN:
            raise Invalid(_l("Choose the reason."), field="reason")
        self._say(said, by, whole=True)
        return self._issue(by)

    def _choose(self, numbers: Iterable[str]) -> None:
        wanted = set(numbers)
        kept = [case for case in self.covered if case.number in wanted]
        if not kept:
            raise Invalid(_l("Leave at least one case ticked."), field="cases")
        gone = [case.number for case in kept if case.department_id != self.department_id]
        if gone:
            raise Invalid(
                _l("%(number)s lies with another unit by now: leave it out.", number=gone[0]), field="cases"
            )
        self.covered = kept

    def _unsupervised(self) -> None:
        for case in self.covered:
            others = [each for each in SupervisionOrder.standing_for(case) if each.id != self.id]
            if others:
                raise Invalid(
                    _l("%(number)s stands under another order already: leave it out.", number=case.number),
                    field="cases",
                )

    def _say(self, said: Demand, by: Person, *, whole: bool) -> None:
        """Take over what was typed; `whole`: all of it must be there, as it is about to be public."""
        errors: dict[str, Any] = {}
        if said.demand not in DEMANDS:
            errors["demand"] = _l("Choose what the unit has to do.")
        if whole and not said.words.strip():
            errors["words"] = _l("Write what is demanded: everybody reads it.")
        moment = now()
        level = said.level if said.level in LEVELS else "order"
        due = default_due(level) if whole and said.due is None else said.due
        if due is not None and due <= moment:
            errors["due"] = _l("This date is over. Please give a later one.")
        elif due is not None and due > moment + LATEST:
            errors["due"] = _l("This date is too far away.")
        if errors:
            raise Invalid(errors=errors)
        self.level, self.demand, self.due_at = level, said.demand, due
        self.reason = said.reason if said.reason in REASONS else self.reason
        if said.words.strip():
            self.words = _official(self.words, said.words, by, "words")
        if said.skipped.strip():
            self.skipped = _official(self.skipped, said.skipped, by, "skipped")

    def _issue(self, by: Person) -> list[CaseEvent]:
        if not self.answerers():
            raise Invalid(
                _l("Nobody serves in this unit who could answer: name its leader first."), field="cases"
            )
        moment = now()
        self.state, self.issued_at, self.issued_by = "issued", moment, by
        self.office = office_of(by)
        self.year = local(moment).year
        self.serial = self._draw_number()
        for case in self.covered:
            case.supervised = True
        self._promise()
        parameters: dict[str, Any] = {"previous": self.previous.number} if self.previous is not None else {}
        return self._record(
            "supervision.issued",
            by,
            tell_unit=True,
            reason=self.reason,
            demand=self.demand,
            due=self.due_at.isoformat() if self.due_at else None,
            **parameters,
        )

    def _draw_number(self) -> int:
        assert self.year is not None
        if not any(case.thread.is_public for case in self.covered):
            return secrets.randbelow(900_000_000) + 100_000_000  # like the number of a restricted case
        last = SupervisionNumber.last
        drawn: int = db.session.scalar(
            insert(SupervisionNumber)
            .values(level=self.level, year=self.year, last=1)
            .on_conflict_do_update(index_elements=["level", "year"], set_={"last": last + 1})
            .returning(last)
        )
        return drawn

    def _promise(self) -> None:
        assert self.due_at is not None
        key = f"supervision-due:{self.public_id}:{self.due_at:%Y%m%d%H%M%S}"
        jobs.put("supervision-due", key=key, due_at=self.due_at, order=self.public_id)

    # --- what the unit does ------------------------------------------------------------------------

    def acknowledge(self, *, by: Person) -> list[CaseEvent]:
        """The unit's leader has read it, and says so: the first one stands."""
        require(by, "supervision.answer", self)
        self._expect(*STANDING)
        if self.read_at is not None:
            raise WrongState(_l("It was marked as read already."))
        self.read_at, self.read_by = now(), by
        return self._record("supervision.read", by)

    def answer(self, *, by: Person, words: str) -> list[CaseEvent]:
        """The unit answers in public what it did; from then on its cases can be concluded."""
        require(by, "supervision.answer", self)
        if self.state != "issued":
            raise WrongState(_l("This order was answered already."))
        text = Text.write("official", words, by=by, field="answer")
        moment = now()
        if self.read_at is None:
            self.read_at, self.read_by = moment, by
        self.mark_overdue()
        self.state, self.answer_text, self.answered_at, self.answered_by = "answered", text, moment, by
        return self._record("supervision.answered", by, tell_office=True, late=self.overdue_at is not None)

    # --- what the inspectors decide ----------------------------------------------------------------

    def fulfil(self, *, by: Person) -> list[CaseEvent]:
        """The unit did what was demanded: the order is closed."""
        require(by, "supervision.issue", self)
        self._expect("answered")
        self._decide("fulfilled", by)
        return self._record("supervision.fulfilled", by, tell_unit=True)

    def climb(self, *, by: Person, said: Demand) -> SupervisionOrder:
        """It did not: the next rung is issued at once, over the same cases. Leaving rungs out needs a stated reason."""
        require(by, "supervision.issue", self)
        self._expect(*STANDING)
        if self.state == "issued" and not self.is_late:
            raise WrongState(_l("The unit still has time to answer."))
        above = next_level(self.level)
        if said.level not in LEVELS or LEVELS.index(said.level) < LEVELS.index(above):
            raise Invalid(_l("Choose a step above this one."), field="level")
        if said.level != above and not said.skipped.strip():
            raise Invalid(_l("Say why the steps below are left out: everybody reads it."), field="skipped")
        self.mark_overdue()
        self._decide("unfulfilled", by)
        upper = SupervisionOrder(
            public_id=random_id(),
            level=said.level,
            state="draft",
            reason="unfulfilled",
            department=self.department,
            previous=self,
            drafted_at=now(),
            covered=list(self.covered),
        )
        db.session.add(upper)
        upper._say(said, by, whole=True)
        upper.reason = "unfulfilled"
        db.session.flush()
        upper._issue(by)
        return upper

    def _decide(self, state: str, by: Person) -> None:
        self.state, self.decided_at, self.decided_by = state, now(), by
        db.session.flush()
        for case in self.covered:
            case.supervised = bool(SupervisionOrder.standing_for(case))

    def mark_overdue(self) -> bool:
        """Note that its time is over, once and for good: its leader and the inspectors are told."""
        if not self.is_late or self.overdue_at is not None:
            return False
        self.overdue_at = self.due_at
        self._record("supervision.overdue", None, tell_unit=True, tell_office=True)
        return True

    # --- below the acts ----------------------------------------------------------------------------

    def _expect(self, *states: str) -> None:
        if self.state not in states:
            raise WrongState(_l("A colleague was first: this step is done. Please look again."))

    def _record(
        self,
        kind: str,
        by: Person | None,
        *,
        tell_unit: bool = False,
        tell_office: bool = False,
        **parameters: Any,
    ) -> list[CaseEvent]:
        """A step on every covered case. Leader, inspectors and desk hear of it once, with the first case they may read."""
        if by is not None:
            audit.note(kind, by=by.public_id, thing=self.thing, number=self.number)
        unit_acts = kind in ("supervision.read", "supervision.answered")
        office = self.department if unit_acts else self.office
        role = None if by is None else "leader" if unit_acts else "inspector"
        events = []
        for place, case in enumerate(sorted(self.covered, key=lambda each: not each.thread.is_public)):
            audience = case.thread.audience()
            if not place:
                audience.add_department(self.department, "supervision")
                if tell_unit:
                    audience.add(*self.answerers(), reason="supervision")
                if tell_office:
                    self._tell_office(audience)
            events.append(
                case.record(
                    kind,
                    by=by,
                    role=role,
                    office=office,
                    audience=audience,
                    order=self.number,
                    unit=self.department.key,
                    **parameters,
                )
            )
        return events

    def _tell_office(self, audience: Audience) -> None:
        audience.add_department(self.office, "supervision")
        audience.add(self.issued_by, reason="supervision")


def ticked(numbers: Iterable[str], by: Person) -> list[Case]:
    """The cases with these numbers, held for change by their ids; Invalid unless they are a few of one unit and free."""
    wanted = list(dict.fromkeys(each.strip() for each in numbers if each.strip()))
    if not wanted:
        raise Invalid(_l("Tick at least one case."), field="cases")
    if len(wanted) > MOST:
        raise Invalid(_l("At most %(most)s cases in one order.", most=MOST), field="cases")
    ids = list(
        db.session.scalars(
            select(Case.id)
            .join(Thread, Case.thread_id == Thread.id)
            .where(Case.number.in_(wanted), visible_to(by))
            .order_by(Case.id)
        )
    )
    if len(ids) != len(wanted):
        raise NotFound
    for case_id in ids:
        lock(Case.id == case_id)
    cases = list(db.session.scalars(select(Case).where(Case.id.in_(ids)).order_by(Case.id)))
    if len({case.department_id for case in cases}) > 1:
        raise Invalid(_l("One order is for one unit: tick cases of the same unit."), field="cases")
    under = [case.number for case in cases if case.supervised]
    if under:
        raise Invalid(
            _l("%(number)s stands under another order already: leave it out.", number=under[0]), field="cases"
        )
    return cases


def office_of(person: Person) -> Department:
    """The inspectors' department for which somebody issues: what the public reads in place of his name."""
    return next(each for each in person.departments if each.kind in WATCHING)


def _official(before: Text | None, words: str, by: Person, field: str) -> Text:
    """The public words of an office, written anew or put in the place of those of a draft."""
    if before is None:
        return Text.write("official", words, by=by, field=field)
    from boards.models.text import clean

    before.put(clean(words, field=field))
    before.author = by
    return before
