"""Marks for the moderators' queue. A marked text stays public: somebody looks at it, that is all a mark does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import JSON, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit
from board.clock import now
from board.db import Model, PublicId, db
from board.errors import WrongState
from board.i18n import _l
from board.live import append
from board.permissions import require
from boards.models.moderated import QUEUE
from boards.models.text import Text
from boards.models.thread import Thread
from people.models import Person

# Why a text is looked at: the first one of its writer, a watched word, the same words in many threads, many links.
REASONS = ("watched", "repeat", "links", "first_post")
LOOKED_AT_WITHIN = timedelta(days=1)


class ReviewMark(PublicId, Model):
    """One text that a moderator looks at, with every reason for it; one row a text."""

    __tablename__ = "review_mark"
    __table_args__ = (Index("ix_review_mark_open", "decided_at", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"), index=True)
    text_id: Mapped[int] = mapped_column(ForeignKey("text.id"), unique=True)
    why: Mapped[list[str]] = mapped_column(JSON, default=list)
    words: Mapped[list[str]] = mapped_column(JSON, default=list)  # public ids of the watched words found
    at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str | None] = mapped_column(String(10))

    thread: Mapped[Thread] = relationship()
    text: Mapped[Text] = relationship()
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])

    @property
    def is_open(self) -> bool:
        """Whether a moderator still has to look at it."""
        return self.decided_at is None

    @classmethod
    def put(
        cls, thread: Thread, text: Text, why: Iterable[str], words: Iterable[str] = ()
    ) -> ReviewMark | None:
        """Mark a text, inside the open transaction; None when it was marked for all of this before."""
        reasons, found = sorted(set(why)), sorted(set(words))
        mark = db.session.scalar(select(cls).where(cls.text_id == text.id))
        if mark is None:
            mark = cls(thread=thread, text=text, why=[], words=[], at=now(), due_at=now() + LOOKED_AT_WITHIN)
            db.session.add(mark)
        fresh = set(reasons) - set(mark.why) or set(found) - set(mark.words)
        if not fresh:
            return None
        mark.why = sorted({*mark.why, *reasons})
        mark.words = sorted({*mark.words, *found})
        if mark.decided_at is not None:  # edited since: there is something new to look at
            mark.decided_at, mark.decided_by, mark.decision = None, None, None
            mark.due_at = now() + LOOKED_AT_WITHIN
        append(QUEUE, kind="new")
        return mark

    def settle(self, *, by: Person, decision: str) -> None:
        """Looked at: `kept` as it is, or what was done."""
        require(by, "thread.hold", self.thread)
        if not self.is_open:
            raise WrongState(_l("A colleague has already looked at this text."))
        self.decided_at, self.decided_by, self.decision = now(), by, decision
        append(QUEUE, kind="changed")
        audit.note("review.settled", by=by.public_id, thing=f"text:{self.text.public_id}", what=decision)

    def reopen(self) -> None:
        """What was done about it was taken back at once: it waits again, for as long as was promised."""
        self.decided_at, self.decided_by, self.decision = None, None, None
        append(QUEUE, kind="new")


class TextPrint(Model):
    """A few numbers of a text of the last day, by which the same words in another thread are known again."""

    __tablename__ = "text_print"
    __table_args__ = (Index("ix_text_print_print", "print", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    text_id: Mapped[int] = mapped_column(ForeignKey("text.id"), index=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    print: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=now, index=True)
