"""Reports by anybody: `这里写到了我` (this is about me). Covered within two hours; the matter stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId, db
from board.errors import Invalid, WrongState
from board.files import StoredFile
from board.i18n import _l
from board.permissions import require
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from people.models import Person

ANSWERED_WITHIN = timedelta(hours=2)
KINDS = ("name", "face", "address", "phone", "organisation", "other")


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

    def cover(self, *, by: Person, words: Sequence[str], photos: Sequence[str] = ()) -> CaseEvent:
        """Black out what is about a private person, wherever it stands in the thread; the matter stays.

        `words` are the characters to cover, as they stand in public; `photos` public ids of pictures to take away.
        Invalid when neither stands there.
        """
        self._expect_open(by)
        wanted = [each.strip() for each in words if each.strip()]
        thread, found = self.thread, 0
        texts = texts_of(thread)
        for text in texts:
            spans = _places(text.original(), wanted)
            if spans:
                found += len(spans)
                thread.black_out(text, spans)
        if wanted and not found:
            raise Invalid(
                _l("These words do not stand there. Write them exactly as they are shown."), field="words"
            )
        for files in StoredFile.of_many("text", [text.public_id for text in texts]).values():
            for file in files:
                if file.public_id in photos:
                    found += 1
                    file.remove()
        if not found:
            raise Invalid(_l("Write down the words to cover, or choose a photo."), field="words")
        self._decide(by, "covered")
        return thread.record(
            "text.covered", by=by, role="moderator", moves=False, report=self.kind, places=found
        )

    def dismiss(self, *, by: Person) -> None:
        """Nothing in it is about a private person; organisations and officials in office may answer instead."""
        self._expect_open(by)
        self._decide(by, "dismissed")

    def _expect_open(self, by: Person) -> None:
        require(by, "report.settle", self)
        if not self.is_open:
            raise WrongState(_l("A colleague has already looked at this report."))

    def _decide(self, by: Person, decision: str) -> None:
        self.decided_at, self.decided_by, self.decision = now(), by, decision


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


def _places(original: str, wanted: Sequence[str]) -> list[tuple[int, int]]:
    spans = []
    for words in wanted:
        at = original.find(words)
        while at >= 0:
            spans.append((at, at + len(words)))
            at = original.find(words, at + len(words))
    return spans
