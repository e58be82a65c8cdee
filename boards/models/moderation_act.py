"""One act of a moderator as it is answered for: taken back within minutes, appealed against, and listed in public."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit
from board.clock import local, now
from board.db import Model, PublicId, db
from board.errors import NotFound, WrongState
from board.i18n import _l
from board.live import append
from board.permissions import require
from boards.models.moderated import QUEUE
from boards.models.report import Report
from boards.models.review_mark import ReviewMark
from boards.models.section import Section
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from people.models import Person

UNDO = timedelta(minutes=10)
# In the order of the public list's words. Covered words stay covered for ten minutes, too: whom they name would be
# shown again; an appeal can lift a cover.
UNDONE = frozenset({"hold", "hide", "release", "show", "move"})
APPEALED = frozenset({"hold", "hide", "cover"})


class ModerationAct(PublicId, Model):
    """What was done, when and for which reason of the list. Its `day` is the city's; the public reads no more."""

    __tablename__ = "moderation_act"
    __table_args__ = (
        Index("ix_moderation_act_day", "day", "public_id"),
        Index("ix_moderation_act_thread", "thread_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(20))
    day: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(default=now)
    section_id: Mapped[int] = mapped_column(ForeignKey("section.id"))
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("case_event.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    texts: Mapped[list[Any]] = mapped_column(JSON, default=list)  # [public id of a text, spans it covered]
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    section: Mapped[Section] = relationship()
    thread: Mapped[Thread] = relationship()
    event: Mapped[CaseEvent] = relationship()
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    undone_by: Mapped[Person | None] = relationship(foreign_keys=[undone_by_id])

    @classmethod
    def of(
        cls,
        thread: Thread,
        kind: str,
        *,
        by: Person,
        reason: str,
        event: CaseEvent,
        texts: list[Any],
        before: dict[str, Any],
    ) -> ModerationAct:
        """A new act on `thread`; the verb of the thread that calls it has asked whether it may be."""
        return cls(
            kind=kind, reason=reason, day=f"{local(now()):%Y-%m-%d}", at=now(), section=thread.section, thread=thread,
            event=event, by=by, texts=texts, before=before,
        )  # fmt: skip

    @classmethod
    def last_on(cls, thread: Thread) -> ModerationAct | None:
        """The newest act on a thread."""
        return db.session.scalar(
            select(cls).where(cls.thread_id == thread.id).order_by(cls.id.desc()).limit(1)
        )

    @classmethod
    def by_public_id(cls, public_id: str) -> ModerationAct:
        """The act, for whoever moderates; NotFound when there is none. The verb asks whether he may."""
        act = db.session.scalar(select(cls).where(cls.public_id == public_id))
        if act is None:
            raise NotFound
        return act

    def answers(self, keys: Iterable[str]) -> None:
        """Keep which reports and marks (`report:abc`) were settled by this act: they wait again when it is undone."""
        self.before = {**self.before, "settled": [*self.before.get("settled", ()), *keys]}

    def texts_touched(self) -> list[tuple[Text, list[list[int]]]]:
        """The texts it hid or covered, each with the spans that this act covered and no earlier one."""
        spans = {public_id: covered for public_id, covered in self.texts}
        rows = db.session.scalars(select(Text).where(Text.public_id.in_(list(spans))).order_by(Text.id))
        return [(text, spans[text.public_id]) for text in rows]

    def is_followed_by(self, *kinds: str) -> bool:
        """Whether a later act of these kinds, not taken back, was about the same: the thread, or the same texts."""
        later = db.session.scalars(
            select(ModerationAct).where(
                ModerationAct.thread_id == self.thread_id,
                ModerationAct.id > self.id,
                ModerationAct.kind.in_(kinds),
                ModerationAct.undone_at.is_(None),
            )
        )
        mine = {public_id for public_id, _spans in self.texts}
        return any(not mine or mine & {public_id for public_id, _spans in each.texts} for each in later)

    @property
    def can_be_undone(self) -> bool:
        """Whether it is minutes old, still stands as it was done, and undoing it shows nobody's data again."""
        if self.kind not in UNDONE or self.undone_at is not None or now() >= self.at + UNDO:
            return False
        last = ModerationAct.last_on(self.thread)
        return last is not None and last.id == self.id and self._stands()

    def _stands(self) -> bool:
        thread = self.thread
        if self.kind in ("hold", "release"):
            return str(thread.visibility) == {"hold": "held", "release": "public"}[self.kind]
        if self.kind == "move":
            return thread.section_id != Section.by_key(self.before["section"]).id
        return all(
            (text.hidden_at is not None) == (self.kind == "hide") for text, _spans in self.texts_touched()
        )

    def undo(self, *, by: Person) -> None:
        """Take it back within ten minutes, as if it had not been done; both steps stay on the timeline."""
        thread = self.thread
        require(by, "thread.move" if self.kind == "move" else "thread.hold", thread)
        if not self.can_be_undone:
            raise WrongState(_l("This can no longer be taken back here. Look at the post and decide anew."))
        if self.kind == "hold":
            thread.give_back(by=by)
        elif self.kind == "release":
            thread.take_back(by=by, reason=self.reason)
        elif self.kind == "move":
            thread.put_into(Section.by_key(self.before["section"]), by=by)
        else:
            for text, _spans in self.texts_touched():
                if self.kind == "hide":
                    thread.reveal(by=by, text=text)
                else:
                    thread.conceal(by=by, text=text, reason=self.reason)
        for key in self.before.get("settled", ()):
            self._reopen(*key.split(":"))
        self.undone_at, self.undone_by = now(), by
        append(QUEUE, kind="changed")
        audit.note("moderation.undone", by=by.public_id, thing=f"thread:{thread.public_id}", what=self.kind)

    def _reopen(self, source: str, public_id: str) -> None:
        model: Any = {"report": Report, "text": ReviewMark}.get(source)
        row = (
            db.session.scalar(select(model).where(model.public_id == public_id))
            if model is not None
            else None
        )
        if row is not None and row.decided_by_id == self.by_id:
            row.reopen()
