"""Whom a complaint is about: a unit, an officer, or somebody who can only be described."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db
from boards.models import Case, Text
from people.models import Department, Person


class Accused(Model):
    """One of those a complaint names: at least one of unit, officer and description is set."""

    __tablename__ = "accused"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    description_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    named_at: Mapped[datetime] = mapped_column(default=now)
    named_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    case: Mapped[Case] = relationship()
    department: Mapped[Department | None] = relationship()
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    description: Mapped[Text | None] = relationship()
    named_by: Mapped[Person | None] = relationship(foreign_keys=[named_by_id])

    @classmethod
    def of(cls, case: Case) -> list[Accused]:
        """Everybody this case accuses, in the order in which they were named."""
        return list(db.session.scalars(select(cls).where(cls.case_id == case.id).order_by(cls.id)))
