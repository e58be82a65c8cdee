"""A question to the poster alone, after he took his case back or changed his rating: were you asked to?

What he says is for inspectors who are free. It stands in no chain: whoever pressed him must not see that he told.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit
from board.clock import now
from board.db import Model, db, random_id
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.permissions import require
from boards.models import Case, Text
from complaints.models.landed import Landed
from people.models import Person

AFTER = ("withdrawn", "rating")
ANSWERS = ("yes", "no")
LONGEST = 1_000


class PressureQuestion(Landed, Model):
    """One question and its answer. It may stay open for ever: nobody has to say anything."""

    __tablename__ = "pressure_question"
    __table_args__ = (
        UniqueConstraint("case_id", "person_id", "after", "mark"),
        CheckConstraint("after IN ('withdrawn', 'rating')", name="after"),
        CheckConstraint("answer IN ('yes', 'no')", name="answer"),
        Index("ix_pressure_question_person", "person_id", "answered_at"),
        Index("ix_pressure_question_answer", "answer", "noted_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    after: Mapped[str] = mapped_column(String(12))
    mark: Mapped[int]  # the step after which it is asked
    asked_at: Mapped[datetime] = mapped_column(default=now)
    answer: Mapped[str | None] = mapped_column(String(3))
    answered_at: Mapped[datetime | None]
    words_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    noted_at: Mapped[datetime | None]
    noted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    found_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))

    case: Mapped[Case] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    words: Mapped[Text | None] = relationship(foreign_keys=[words_id])
    noted_by: Mapped[Person | None] = relationship(foreign_keys=[noted_by_id])
    found: Mapped[Text | None] = relationship(foreign_keys=[found_id])

    @classmethod
    def ask(cls, case: Case, person: Person, *, after: str, mark: int, answer: str = "") -> PressureQuestion:
        """Ask after this step; `answer`: what he said of himself on the form with which he took it back."""
        row = cls(case=case, public_id=random_id(), person=person, after=after, mark=mark, asked_at=now())
        db.session.add(row)
        if answer in ANSWERS:
            row._take(answer, None)
        return row

    @classmethod
    def open_for(cls, person: Person, case: Case | None = None) -> list[PressureQuestion]:
        """The questions that this person has not answered, newest first."""
        query = select(cls).where(cls.person_id == person.id, cls.answered_at.is_(None))
        if case is not None:
            query = query.where(cls.case_id == case.id)
        return list(db.session.scalars(query.order_by(cls.id.desc())))

    @classmethod
    def told(cls, case: Case) -> list[PressureQuestion]:
        """Those of this case whose answer is yes, oldest first."""
        return list(
            db.session.scalars(
                select(cls).where(cls.case_id == case.id, cls.answer == "yes").order_by(cls.id)
            )
        )

    @property
    def is_open(self) -> bool:
        """Whether a yes still waits for an inspector."""
        return self.answer == "yes" and self.noted_at is None

    def give(self, *, by: Person, answer: str, words: str = "") -> None:
        """The poster says whether he was asked to; on yes the inspectors look into it. Once."""
        require(by, "pressure.answer", self)
        if self.answered_at is not None:
            raise WrongState(_l("You have answered this already."))
        if answer not in ANSWERS:
            raise Invalid(_l("Please choose one."), field="pressed")
        if len(words) > LONGEST:
            raise Invalid(
                _l("At most %(longest)s characters, please.", longest=LONGEST), field="pressed_words"
            )
        text = Text.write("reprisal", words, by=by, field="pressed_words") if words.strip() else None
        self._take(answer, text)

    def _take(self, answer: str, text: Text | None) -> None:
        from complaints.hearing import call

        self.answer, self.answered_at, self.words = answer, now(), text
        if answer == "yes":
            db.session.flush()
            call(self.case)

    def note(self, *, by: Person, words: str) -> None:
        """An inspector has looked into it and keeps what he found; it leaves the queue."""
        require(by, "pressure.note", self)
        if not self.is_open:
            raise WrongState(_l("A colleague was first: this is answered. Please look again."))
        self.found = Text.write("reprisal", words, by=by, field="pressure_words")
        self.noted_at, self.noted_by = now(), by
        audit.note("pressure.noted", by=by.public_id, thing=self.case.thread.thing, why=self.after)
