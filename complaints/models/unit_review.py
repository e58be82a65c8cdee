"""A review of a unit: what it owed was late, or displeased, so often that the inspectors look at the whole unit.

A row is about a unit and never about a person.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit
from board.clock import now
from board.db import Model, PublicId, db
from board.errors import NotFound, WrongState
from board.i18n import _l
from board.permissions import may, require
from boards.models import Text
from people.models import Department, Person

WHY = ("unanswered", "dissatisfied")


class UnitReview(PublicId, Model):
    """One review, opened at most once a month for a unit and a reason; `counted` is how often it was by then."""

    __tablename__ = "unit_review"
    __table_args__ = (
        CheckConstraint("why IN ('unanswered', 'dissatisfied')", name="why"),
        Index("ix_unit_review_slot", "department_id", "why", "month", unique=True),
        Index("ix_unit_review_open", "closed_at", "opened_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    why: Mapped[str] = mapped_column(String(16))
    month: Mapped[str] = mapped_column(String(7))
    counted: Mapped[int]
    opened_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    found_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))

    department: Mapped[Department] = relationship()
    closed_by: Mapped[Person | None] = relationship()
    found: Mapped[Text | None] = relationship()

    @classmethod
    def waiting_for(cls, person: Person) -> list[UnitReview]:
        """The reviews that are open, oldest first, of units with which this inspector has nothing to do."""
        rows = db.session.scalars(select(cls).where(cls.closed_at.is_(None)).order_by(cls.opened_at, cls.id))
        return [each for each in rows if may(person, "unit.review", each.department)]

    @classmethod
    def by_public_id(cls, public_id: str, *, reader: Person | None) -> UnitReview:
        """The review, held for change; NotFound for whoever may not look at that unit."""
        found = db.session.scalar(select(cls).where(cls.public_id == public_id).with_for_update())
        if found is None or not may(reader, "unit.review", found.department):
            raise NotFound
        return found

    def close(self, *, by: Person, words: str) -> None:
        """Say what the look at the unit gave. Only the inspectors read it."""
        require(by, "unit.review", self.department)
        if self.closed_at is not None:
            raise WrongState(_l("A colleague was first: this step is done. Please look again."))
        self.found = Text.write("internal", words, by=by, field="found")
        self.closed_at, self.closed_by = now(), by
        audit.note(
            "unit.reviewed", by=by.public_id, thing=f"review:{self.public_id}", unit=self.department.key
        )
