"""Passkeys: public keys whose private halves never leave somebody's device, and the challenges they have answered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId, db

if TYPE_CHECKING:
    from people.models.person import Person

LONGEST_ID = 1400  # 1023 bytes, the most that the standard allows, in base64


class Passkey(PublicId, Model):
    """One passkey of one person. `rp_id`: the domain it was made for, and answers to alone; `sign_count`: how often its
    device says that it was used; `made_in`: the sign-in (public id) that added it."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    credential_id: Mapped[str] = mapped_column(String(LONGEST_ID), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    rp_id: Mapped[str] = mapped_column(String(253))
    transports: Mapped[list[str]] = mapped_column(JSON, default=list)
    name: Mapped[str] = mapped_column(String(40))
    made_in: Mapped[str] = mapped_column(String(16), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="joined")

    @classmethod
    def of(cls, person: Person) -> list[Passkey]:
        """A person's passkeys, oldest first."""
        return list(db.session.scalars(select(cls).where(cls.person_id == person.id).order_by(cls.id)))


class SpentChallenge(Model):
    """A challenge that was answered: no second answer to it counts. Kept until it is too old anyway."""

    __tablename__ = "spent_challenge"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
