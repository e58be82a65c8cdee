"""What somebody agreed to, and when: one row for each version of the privacy page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db

if TYPE_CHECKING:
    from people.models.person import Person


class Consent(Model):
    """One agreement. `place`: where it was given, `sign-in`, `post`, `reply` or `page`."""

    __tablename__ = "consent"
    __table_args__ = (UniqueConstraint("person_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    version: Mapped[str] = mapped_column(String(10))
    place: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime] = mapped_column(default=now)

    person: Mapped[Person] = relationship()

    @classmethod
    def of(cls, person: Person) -> list[Consent]:
        """Everything the person agreed to, oldest first."""
        return list(db.session.scalars(select(cls).where(cls.person_id == person.id).order_by(cls.id)))
