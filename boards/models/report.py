"""Reports by anybody: `这里写到了我` (this is about me), covered within two hours; and whatever else is wrong with a text."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, select
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
from boards.models.timeline import CaseEvent
from people.models import Person

ANSWERED_WITHIN = timedelta(hours=2)
ABOUT_ME = ("name", "face", "address", "phone", "organisation", "other")
# What else may be wrong with a text. Criticism is none of it, and a word for it there is not.
ABOUT_TEXT = ("others_data", "danger", "unlawful", "advert", "section", "duplicate")
KINDS = (*ABOUT_ME, *ABOUT_TEXT)
LATER = timedelta(days=1)
WITHIN = {
    "danger": timedelta(minutes=30),
    **dict.fromkeys(("unlawful", "advert", "section", "duplicate"), LATER),
}


def answered_within(kind: str) -> timedelta:
    """How soon a moderator looks at a report of this kind."""
    return WITHIN.get(kind, ANSWERED_WITHIN)


class Report(PublicId, Model):
    """One report, from somebody who need not have an account; how to reach him lies in the vault."""

    __tablename__ = "report"
    __table_args__ = (Index("ix_report_open", "decided_at", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    text_id: Mapped[int] = mapped_column(ForeignKey("text.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str | None] = mapped_column(String(10))

    thread: Mapped[Thread] = relationship()
    text: Mapped[Text] = relationship()
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])

    @property
    def is_open(self) -> bool:
        """Whether a moderator still has to look at it."""
        return self.decided_at is None

    def settle(self, *, by: Person, decision: str) -> None:
        """What became of it (`covered`, `held`, `hidden`, `proposed`, `moved`, `dismissed`): the reporter may learn it."""
        require(by, "report.settle", self)
        if not self.is_open:
            raise WrongState(_l("A colleague has already looked at this report."))
        self.decided_at, self.decided_by, self.decision = now(), by, decision
        append(QUEUE, kind="changed")
        audit.note(
            "report.settled",
            by=by.public_id,
            thing=f"thread:{self.thread.public_id}",
            what=decision,
            kind=self.kind,
        )

    def reopen(self) -> None:
        """What was done about it was taken back at once: it waits again, for as long as was promised."""
        self.decided_at, self.decided_by, self.decision = None, None, None
        append(QUEUE, kind="new")


def texts_of(thread: Thread) -> list[Text]:
    """Everything that stands in a thread for everybody to read, oldest first."""
    first = [each for each in (thread.title_text, thread.body, thread.place_text) if each is not None]
    said = db.session.scalars(
        select(Text)
        .join(CaseEvent, CaseEvent.public_text_id == Text.id)
        .where(CaseEvent.thread_id == thread.id)
        .order_by(CaseEvent.seq)
    )
    return list({each.id: each for each in (*first, *said)}.values())
