"""Watched words: a text that holds one is looked at by a moderator, and stays public. They report nobody.

Each has a reason and a day on which it ends. Names of people and departments are refused, and so are the words
in which people complain: criticism is no reason to look at anything.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit
from board.clock import now
from board.db import Model, PublicId, db
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _l
from board.permissions import require
from board.text import fold, normalise
from boards import words as lists
from people.models import Department, Person

LONGEST = timedelta(days=180)
_SPACE = re.compile(r"\s+")


def matched(text: str) -> str:
    """A text as watched words are looked for in it: folded, without white space."""
    return _SPACE.sub("", fold(text).text)


class WatchedWord(PublicId, Model):
    """One word, kept as it was typed and as it is looked for. It ends by itself; it is never deleted."""

    __tablename__ = "watched_word"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(String(40))
    folded: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(default=now)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    ended_by: Mapped[Person | None] = relationship(foreign_keys=[ended_by_id])

    @classmethod
    def watch(cls, word: str, *, reason: str, expires_at: datetime | None, by: Person) -> WatchedWord:
        """Watch a word until a day within 180 days. Invalid names the field, all at once."""
        require(by, "words.watch", None)
        typed, why = normalise(word, lines=False), normalise(reason, lines=False)
        folded = matched(typed)
        errors = {}
        if not 2 <= len(folded) <= 40:
            errors["word"] = _l("Two to forty characters, please.")
        elif folded.isdecimal() or _names_somebody(folded):
            errors["word"] = _l("Names and numbers of people and departments are not watched.")
        elif lists.complaint(typed) or lists.complaint(f"民警{typed}"):
            errors["word"] = _l("In these words people complain. Criticism is no reason to look at a text.")
        elif any(each.folded == folded for each in cls.all()):
            errors["word"] = _l("This word is already watched.")
        if not 4 <= len(why) <= 200:
            errors["reason"] = _l("Please say in a sentence why.")
        if expires_at is None or not now() < expires_at <= now() + LONGEST:
            errors["until"] = _l("Please give a day within the next 180 days.")
        if errors or expires_at is None:
            raise Invalid(errors=errors)
        row = cls(word=typed[:40], folded=folded, reason=why, at=now(), by=by, expires_at=expires_at)
        db.session.add(row)
        db.session.flush()
        audit.note("words.watched", by=by.public_id, thing=f"word:{row.public_id}", reason=why)
        return row

    @classmethod
    def all(cls) -> list[WatchedWord]:
        """Those that are watched now, the one that ends soonest first."""
        rows = db.session.scalars(
            select(cls).where(cls.ended_at.is_(None), cls.expires_at > now()).order_by(cls.expires_at, cls.id)
        )
        return list(rows)

    @classmethod
    def by_public_id(cls, public_id: str) -> WatchedWord:
        """The word; NotFound when there is none."""
        row = db.session.scalar(select(cls).where(cls.public_id == public_id))
        if row is None:
            raise NotFound
        return row

    def end(self, *, by: Person) -> None:
        """Watch it no longer."""
        require(by, "words.watch", None)
        if self.ended_at is not None or self.expires_at <= now():
            raise WrongState(_l("This word is no longer watched."))
        self.ended_at, self.ended_by = now(), by
        audit.note("words.ended", by=by.public_id, thing=f"word:{self.public_id}")


def _names_somebody(folded: str) -> bool:
    units = [
        name
        for each in Department.all()
        for name in (each.name, each.name_en, each.short_name, *each.aliases)
        if name
    ]
    if any(folded in matched(name) or matched(name) in folded for name in units):
        return True
    people = db.session.execute(
        select(Person.name, Person.name_en, Person.badge).where(Person.kind == "staff")
    )
    if any(name and matched(name) in folded for row in people for name in row):
        return True
    return db.session.scalar(select(Person.id).where(Person.nicknamed(folded)).limit(1)) is not None
