"""A look: an inspector went through a case that stood in a queue, and says what he found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model
from boards.models import Case, Text
from people.models import Person


class Look(Model):
    """One case put into a queue (`sample`) or taken off one; it comes back when the case moves on in that respect."""

    __tablename__ = "look"
    __table_args__ = (
        Index("ix_look_case_queue", "case_id", "queue"),
        Index("ix_look_queue_done", "queue", "done_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    queue: Mapped[str] = mapped_column(String(16))
    mark: Mapped[int] = mapped_column(default=0)
    put_at: Mapped[datetime] = mapped_column(default=now)
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    words_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))

    case: Mapped[Case] = relationship()
    done_by: Mapped[Person | None] = relationship()
    words: Mapped[Text | None] = relationship()
