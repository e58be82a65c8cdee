"""One-time links that sign somebody in, made at the console."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db
from people.models.sign_in import hashed

if TYPE_CHECKING:
    from people.models.person import Person

LASTS = timedelta(minutes=5)


class SignInLink(Model):
    """One link: good for five minutes and one press. The row holds only its token's hash."""

    __tablename__ = "sign_in_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="joined")

    @property
    def usable(self) -> bool:
        """Whether it still opens."""
        out = self.person.signed_out_at
        voided = out is not None and self.created_at < out
        return self.used_at is None and now() < self.expires_at and self.person.active and not voided

    @classmethod
    def make(cls, person: Person) -> str:
        """A new link's token, inside the open transaction; shown this once."""
        token = secrets.token_urlsafe(32)
        moment = now()
        db.session.add(
            cls(token_hash=hashed(token), person=person, created_at=moment, expires_at=moment + LASTS)
        )
        return token

    @classmethod
    def by_token(cls, token: str, *, for_change: bool = False) -> SignInLink | None:
        """The link with this token when it may still be used, else None."""
        query = select(cls).where(cls.token_hash == hashed(token))
        if for_change:
            query = query.with_for_update(of=cls)
        link = db.session.scalar(query)
        return link if link is not None and link.usable else None
