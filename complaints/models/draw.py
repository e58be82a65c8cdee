"""A draw: the seed from which the closed cases to be looked at are drawn, one a month."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import now
from board.db import Model


class Draw(Model):
    """The seed of a month. Its hash is public from the month's beginning, the seed itself when the month is over."""

    __tablename__ = "draw"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    seed: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(default=now)
    drawn_at: Mapped[datetime | None]
    closed: Mapped[int | None]
    chosen: Mapped[int | None]
