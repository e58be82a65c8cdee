"""Failed staff sign-ins, counted so that guessing gets slower and slower."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import now
from board.db import Model


class Attempt(Model):
    """One failed try. `lookup` is a keyed hash of the name that was typed, or of the address it came from."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_lookup_at", "lookup", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    lookup: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=now, index=True)
