"""Who of the staff has opened a case that only some may read: what he knows, he knows, whatever stands between them later."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model
from boards.models import Case
from people.models import Person


class Reading(Model):
    """One reader of one case. `told_at`: the inspectors know that he had read it before a conflict of interest began."""

    __tablename__ = "reading"
    __table_args__ = (UniqueConstraint("case_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    first_at: Mapped[datetime] = mapped_column(default=now)
    last_at: Mapped[datetime] = mapped_column(default=now)
    told_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship()
    person: Mapped[Person] = relationship()
