"""Handing a case over (转办): offered, then taken or returned; until the take the old lead stays responsible.

What the desk sends is kept here as well: it binds, and may be sent back once within two hours.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.case import Case


class Handover(PublicId, Model):
    """One offer from one department to another, or one routing by the desk (`routed`, later `sent_back`)."""

    __tablename__ = "handover"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    from_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    offered_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    offered_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default="offered")
    ended_at: Mapped[datetime | None]
    late: Mapped[bool] = mapped_column(default=False)

    case: Mapped[Case] = relationship(back_populates="handovers")
    from_department: Mapped[Department] = relationship(foreign_keys=[from_id], lazy="joined")
    to_department: Mapped[Department] = relationship(foreign_keys=[to_id], lazy="joined")
    offered_by: Mapped[Person] = relationship()

    @property
    def is_open(self) -> bool:
        """Whether it waits for the other department."""
        return self.state == "offered"

    def end(self, state: str) -> None:
        """`taken`, `returned`, `expired`, `decided` by the desk, `dropped` with its case; a routing `sent_back`."""
        self.state, self.ended_at = state, now()
