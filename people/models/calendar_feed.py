"""The private calendar address of an officer, from which his telephone reads his shifts."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db
from people.models.sign_in import hashed

if TYPE_CHECKING:
    from people.models.person import Person


class CalendarFeed(Model):
    """One person's address, at most one at a time; the row holds only the hash of what stands in it."""

    __tablename__ = "calendar_feed"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)

    person: Mapped[Person] = relationship(lazy="joined")

    @classmethod
    def of(cls, person: Person) -> CalendarFeed | None:
        """The person's feed, None while there is none."""
        return db.session.scalar(select(cls).where(cls.person_id == person.id))

    @classmethod
    def renew(cls, person: Person) -> str:
        """A new secret for `person`, shown this once; the address before it is dead. Inside the open transaction."""
        token = secrets.token_urlsafe(32)
        feed = cls.of(person)
        if feed is None:
            feed = cls(person=person)
            db.session.add(feed)
        feed.token_hash, feed.created_at = hashed(token), now()
        return token

    @classmethod
    def revoke(cls, person: Person) -> None:
        """End the person's feed, where there is one. Inside the open transaction."""
        feed = cls.of(person)
        if feed is not None:
            db.session.delete(feed)

    @classmethod
    def reader(cls, token: str) -> Person | None:
        """Whose shifts this secret shows; None for an unknown one, a closed account and who holds no office any more."""
        if not token or len(token) > 100:
            return None
        feed = db.session.scalar(select(cls).where(cls.token_hash == hashed(token)))
        if feed is None or not feed.person.active or not feed.person.departments:
            return None
        return feed.person
