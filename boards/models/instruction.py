"""Instructions (批示): what a leader wants done, by whom, by when; pinned on the owner's desk."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId
from boards.models.text import Text
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.case import Case


class Instruction(PublicId, Model):
    """One instruction. It never changes an outcome."""

    __tablename__ = "instruction"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text_id: Mapped[int] = mapped_column(ForeignKey("text.id"))
    is_public: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship(back_populates="instructions")
    department: Mapped[Department] = relationship()
    owner: Mapped[Person | None] = relationship(foreign_keys=[owner_id])
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    text: Mapped[Text] = relationship()
