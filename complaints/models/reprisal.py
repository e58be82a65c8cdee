"""A reprisal (有人因此找我麻烦): somebody lets a poster feel that he wrote. Only inspectors who are free learn of it.

Nothing of it stands in the case's chain, in a count or in a stream of the case: a unit must not even see that there is one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit, jobs
from board.clock import now
from board.db import Model, db, random_id
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.permissions import require
from boards.models import Case, Text
from complaints.models.landed import Landed
from people.models import Person

ANSWERED_WITHIN = timedelta(hours=24)
LONGEST = 2_000


class Reprisal(Landed, Model):
    """One report, its clock of 24 hours, and the answer that its poster alone reads. One waits a case."""

    __tablename__ = "reprisal"
    __table_args__ = (Index("ix_reprisal_open", "answered_at", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text_id: Mapped[int] = mapped_column(ForeignKey("text.id"))
    filed_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    breached_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))

    case: Mapped[Case] = relationship()
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    text: Mapped[Text] = relationship(foreign_keys=[text_id])
    answered_by: Mapped[Person | None] = relationship(foreign_keys=[answered_by_id])
    answer: Mapped[Text | None] = relationship(foreign_keys=[answer_id])

    @classmethod
    def of(cls, case: Case) -> list[Reprisal]:
        """Every report on this case, oldest first."""
        return list(db.session.scalars(select(cls).where(cls.case_id == case.id).order_by(cls.id)))

    @classmethod
    def waiting(cls, case: Case) -> Reprisal | None:
        """The report on this case that waits for its answer."""
        return db.session.scalar(
            select(cls).where(cls.case_id == case.id, cls.answered_at.is_(None)).order_by(cls.id).limit(1)
        )

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an answer."""
        return self.answered_at is None

    @classmethod
    def file(cls, case: Case, *, by: Person, words: str) -> Reprisal:
        """The poster says who gives him trouble and how; within 24 hours an inspector answers him."""
        from complaints.hearing import call

        require(by, "reprisal.file", case)
        if cls.waiting(case) is not None:
            raise WrongState(_l("The inspectors have your report and answer it first."))
        if len(words) > LONGEST:
            raise Invalid(_l("At most %(longest)s characters, please.", longest=LONGEST), field="words")
        text = Text.write("reprisal", words, by=by, field="words")
        due = now() + ANSWERED_WITHIN
        row = cls(case=case, public_id=random_id(), by=by, text=text, filed_at=now(), due_at=due)
        db.session.add(row)
        db.session.flush()
        jobs.put("reprisal-due", key=f"reprisal-due:{row.public_id}", due_at=due, reprisal=row.public_id)
        call(case)
        return row

    def give(self, *, by: Person, words: str) -> None:
        """An inspector answers: what he did, and what the poster should do. Nobody else reads it."""
        from complaints.hearing import call

        require(by, "reprisal.answer", self)
        if not self.is_open:
            raise WrongState(_l("A colleague was first: this is answered. Please look again."))
        text = Text.write("reprisal", words, by=by, field="reprisal_words")
        self.answered_at, self.answered_by, self.answer = now(), by, text
        audit.note("reprisal.answered", by=by.public_id, thing=self.case.thread.thing)
        call(self.case)

    def note_overdue(self) -> None:
        """Its 24 hours are over and nobody has answered: it stays first at the inspectors' desk, and says so."""
        from complaints.hearing import call

        if self.is_open and self.breached_at is None and self.due_at <= now():
            self.breached_at = self.due_at
            audit.note("reprisal.overdue", by=None, thing=self.case.thread.thing)
            call(self.case)
