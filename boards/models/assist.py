"""Assisting departments (协办): a task each, open until it is answered or waived."""

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


class AssistTask(PublicId, Model):
    """What the lead asked of another department. Open tasks block resolve."""

    __tablename__ = "assist_task"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    state: Mapped[str] = mapped_column(String(10), default="open")
    ended_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship(back_populates="assists")
    department: Mapped[Department] = relationship(lazy="joined")
    asked_by: Mapped[Person] = relationship()

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an answer."""
        return self.state == "open"

    def end(self, state: str) -> None:
        """`answered`, `waived`, or `dropped` with its case."""
        self.state, self.ended_at = state, now()
