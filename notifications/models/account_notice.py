"""What happened to somebody's own account, as it stands in his inbox: not a step of any thread."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId, db
from people.models import Person

SHOWN = 20  # at once


class AccountNotice(PublicId, Model):
    """One line for one person. `sign_in`: the public id of the sign-in in which it happened; `details` say how many
    codes are left, or on what kind of browser it was."""

    __tablename__ = "account_notice"
    __table_args__ = (Index("ix_account_notice_person", "person_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(40))
    sign_in: Mapped[str | None] = mapped_column(String(16))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    read_at: Mapped[datetime | None]
    denied_at: Mapped[datetime | None]  # its person said that it was not he

    person: Mapped[Person] = relationship()

    @classmethod
    def own(cls, person: Person, public_id: str, *, for_change: bool = False) -> AccountNotice | None:
        """The person's own notice with this public id."""
        query = select(cls).where(cls.public_id == public_id, cls.person_id == person.id)
        return db.session.scalar(query.with_for_update(of=cls) if for_change else query)

    @classmethod
    def of(cls, person: Person) -> list[AccountNotice]:
        """A person's newest notices, newest first."""
        query = select(cls).where(cls.person_id == person.id).order_by(cls.id.desc()).limit(SHOWN)
        return list(db.session.scalars(query))
