"""One-time codes: what was sent to which phone, without the phone and without the code."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import now
from board.db import Model, PublicId

LASTS = timedelta(minutes=5)
TRIES = 5


class OneTimeCode(PublicId, Model):
    """One code. Phone and address stand here only as keyed hashes; the code as a keyed hash with its own salt."""

    __tablename__ = "one_time_code"
    __table_args__ = (
        Index("ix_one_time_code_phone", "phone_lookup", "created_at"),
        Index("ix_one_time_code_address", "address_lookup", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    phone_lookup: Mapped[str] = mapped_column(String(64))
    address_lookup: Mapped[str] = mapped_column(String(64))
    salt: Mapped[str] = mapped_column(String(32))
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]

    @property
    def usable(self) -> bool:
        """Whether it may still be tried."""
        return self.used_at is None and now() < self.expires_at and self.tries < TRIES
