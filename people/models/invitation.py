"""Invitations: the one link by which a new member of staff sets his password and his second factor."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId, db
from people.models.sign_in import hashed

if TYPE_CHECKING:
    from people.models.person import Person

LASTS = timedelta(hours=72)


class Invitation(PublicId, Model):
    """One invitation: good for 72 hours and one account. The row holds only its token's hash; the secret that the
    guest puts into his authenticator waits in the vault."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: at the console
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(foreign_keys=person_id, lazy="joined")
    made_by: Mapped[Person | None] = relationship(foreign_keys=made_by_id)

    @property
    def owner(self) -> str:
        """How the vault calls this invitation."""
        return f"invitation:{self.public_id}"

    @property
    def usable(self) -> bool:
        """Whether it still opens: not used, not taken back, not past its end, and nobody signed its guest out since."""
        out = self.person.signed_out_at
        voided = out is not None and self.created_at < out
        unused = self.used_at is None and self.revoked_at is None
        return unused and now() < self.expires_at and self.person.active and not voided

    @classmethod
    def make(cls, person: Person, *, by: Person | None) -> tuple[Invitation, str]:
        """A new invitation and its token, inside the open transaction; the token is shown this once."""
        token = secrets.token_urlsafe(32)
        moment = now()
        row = cls(
            token_hash=hashed(token),
            person=person,
            made_by=by,
            created_at=moment,
            expires_at=moment + LASTS,
        )
        db.session.add(row)
        db.session.flush()
        return row, token

    @classmethod
    def by_token(cls, token: str, *, for_change: bool = False) -> Invitation | None:
        """The invitation with this token when it may still be used, else None."""
        query = select(cls).where(cls.token_hash == hashed(token[:100]))
        if for_change:
            query = query.with_for_update(of=cls)
        row = db.session.scalar(query)
        return row if row is not None and row.usable else None

    @classmethod
    def open(cls, person: Person | None = None) -> list[Invitation]:
        """The invitations that may still be used, of one person or of all, oldest first."""
        query = select(cls).where(cls.used_at.is_(None), cls.revoked_at.is_(None), cls.expires_at > now())
        if person is not None:
            query = query.where(cls.person_id == person.id)
        return [row for row in db.session.scalars(query.order_by(cls.id)) if row.usable]
