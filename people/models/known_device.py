"""Browsers on which somebody has signed in: what tells a new one from one of his own."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import now
from board.db import Model

KEPT = timedelta(days=400)  # longer than any browser keeps the cookie


class KnownDevice(Model):
    """One browser of one person. `lookup` is a keyed hash of its cookie and the person together: two persons who use
    one browser have nothing in common here."""

    __tablename__ = "known_device"
    __table_args__ = (UniqueConstraint("person_id", "lookup"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    lookup: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[datetime] = mapped_column(default=now, index=True)
