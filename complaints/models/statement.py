"""A statement (情况说明): the one thing a unit that is complained about may say, and only when it is asked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId, db, random_id
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _l
from board.permissions import may, require
from board.spans import Span, WorkingDays
from boards.models import Case, Text
from boards.models.deadline import calendar
from complaints.models.inquiry import Inquiry, lock_case
from people.models import Appointment, Department, Person

ANSWER = Span(WorkingDays(3))


class Statement(PublicId, Model):
    """A question to a unit and its answer. The unit reads the question alone: no complaint, no number, no poster."""

    __tablename__ = "statement"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    inquiry_id: Mapped[int] = mapped_column(ForeignKey("inquiry.id"), index=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("text.id"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    due_at: Mapped[datetime]
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship()
    inquiry: Mapped[Inquiry] = relationship()
    department: Mapped[Department] = relationship()
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    question: Mapped[Text] = relationship(foreign_keys=[question_id])
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id])
    answer: Mapped[Text | None] = relationship(foreign_keys=[answer_id])
    answered_by: Mapped[Person | None] = relationship(foreign_keys=[answered_by_id])

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its answer."""
        return self.answered_at is None and self.withdrawn_at is None

    @classmethod
    def of(cls, inquiry: Inquiry) -> list[Statement]:
        """What was asked in a task, oldest first."""
        return list(db.session.scalars(select(cls).where(cls.inquiry_id == inquiry.id).order_by(cls.id)))

    @classmethod
    def ask(
        cls,
        inquiry: Inquiry,
        *,
        by: Person,
        department: Department,
        question: str,
        person: Person | None = None,
    ) -> Statement:
        """Ask a unit, or one officer of it, for a statement within three working days.

        They read these words alone, so the words must not tell who complained or what was written.
        """
        require(by, "inquiry.ask", inquiry)
        inquiry._expect("ask")
        if person is not None and not person.serves(department):
            raise Invalid(_l("This officer does not serve in that unit."), field="badge")
        if person is None and not _has_leader(department):
            raise Invalid(_l("This unit has no leader who could answer: name an officer."), field="badge")
        text = Text.write("internal", question, by=by, field="question")
        asked = cls(
            case=inquiry.case,
            inquiry=inquiry,
            department=department,
            person=person,
            public_id=random_id(),
            question=text,
            asked_at=now(),
            asked_by=by,
            due_at=calendar().end(ANSWER, now()),
        )
        db.session.add(asked)
        inquiry._note("inquiry.statement_asked", by, text, asked=department.key)
        return asked

    @classmethod
    def by_public_id(cls, public_id: str, *, reader: Person | None, for_change: bool = False) -> Statement:
        """The question, for whoever has to answer it; NotFound for everybody else. To answer it, its complaint is locked."""
        if for_change:
            case_id = db.session.scalar(select(cls.case_id).where(cls.public_id == public_id))
            if case_id is not None:
                lock_case(case_id)
        found = db.session.scalar(select(cls).where(cls.public_id == public_id))
        if found is None or found.withdrawn_at is not None or not may(reader, "statement.answer", found):
            raise NotFound
        return found

    @classmethod
    def waiting_for(cls, person: Person) -> list[Statement]:
        """The questions that wait for this person, the most urgent first."""
        query = select(cls).where(cls.answered_at.is_(None), cls.withdrawn_at.is_(None)).order_by(cls.due_at)
        led = [
            each.department_id
            for each in person.current_appointments()
            if each.role == "leader" and each.department_id is not None
        ]
        query = query.where(
            (cls.person_id == person.id) | (cls.person_id.is_(None) & cls.department_id.in_(led))
        )
        return list(db.session.scalars(query))

    def give(self, *, by: Person, words: str) -> None:
        """Say what is asked. Only the inspectors read it."""
        require(by, "statement.answer", self)
        if not self.is_open:
            raise WrongState(_l("This was answered already."))
        text = Text.write("internal", words, by=by, field="words")
        self.answer, self.answered_at, self.answered_by = text, now(), by
        key = self.department.key
        self.inquiry._note("inquiry.statement_given", None, text, asked=key, spoken_by=key)

    def withdraw(self) -> None:
        """Nobody waits for the answer any more: whoever was asked is asked no longer."""
        if self.is_open:
            self.withdrawn_at = now()


def _has_leader(department: Department) -> bool:
    rows = db.session.scalars(
        select(Appointment).where(Appointment.department_id == department.id, Appointment.role == "leader")
    )
    return any(each.holds() and each.person.active for each in rows)
