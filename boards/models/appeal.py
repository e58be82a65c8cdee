"""An appeal: whoever wrote a held, hidden or covered text asks another moderator, once. The outcome is public."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit, jobs
from board.clock import now
from board.db import Model, PublicId, db
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.live import append
from board.permissions import may, require
from board.workdays import WorkingDays
from boards.models.deadline import calendar
from boards.models.moderated import QUEUE
from boards.models.moderation_act import APPEALED, ModerationAct
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import Audience, CaseEvent
from people.models import Appointment, Person

ANSWERED_WITHIN = WorkingDays(2)
DECISIONS = ("upheld", "overturned")


class Appeal(PublicId, Model):
    """One appeal of one author against one act; a second one of his against the same act there cannot be."""

    __tablename__ = "appeal"
    __table_args__ = (
        UniqueConstraint("act_id", "by_id"),
        Index("ix_appeal_open", "decided_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    act_id: Mapped[int] = mapped_column(ForeignKey("moderation_act.id"))
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text_id: Mapped[int] = mapped_column(ForeignKey("text.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str | None] = mapped_column(String(10))

    act: Mapped[ModerationAct] = relationship()
    thread: Mapped[Thread] = relationship()
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    text: Mapped[Text] = relationship()
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])

    @property
    def is_open(self) -> bool:
        """Whether another moderator still has to look at it."""
        return self.decided_at is None

    @classmethod
    def against(cls, act: ModerationAct, *, by: Person, words: str) -> Appeal:
        """Ask another moderator to look at `act`, saying why; answered within two working days."""
        require(by, "appeal.file", act)
        if act.undone_at is not None or _stands_no_more(act):
            raise WrongState(_l("This was already given back."))
        if cls.on(act, by=by) is not None:
            raise WrongState(_l("You have already appealed; another moderator looks at it."))
        if len(words) > 1_000:
            raise Invalid(_l("At most 1,000 characters, please."), field="words")
        text = Text.write("appeal", words, by=by, field="words")
        due = calendar().add(now(), ANSWERED_WITHIN)
        appeal = cls(act=act, thread=act.thread, by=by, text=text, at=now(), due_at=due)
        db.session.add(appeal)
        db.session.flush()
        append(QUEUE, kind="new")
        act.thread.record(
            "appeal.filed",
            by=by,
            audience=appeal._judges(),
            moves=False,
            details={"appeal": appeal.public_id},
            due=due.isoformat(),
        )
        for place, at in enumerate(appeal.reminded_at()):
            key = f"appeal-reminder:{appeal.public_id}:{place}"
            jobs.put("appeal-reminder", key=key, due_at=at, appeal=appeal.public_id)
        return appeal

    def reminded_at(self) -> tuple[datetime, datetime]:
        """When those who may decide hear of it again while nobody has: half-way, and when its time is over."""
        return self.at + (self.due_at - self.at) / 2, self.due_at

    def judges(self) -> list[Person]:
        """Who may decide it: moderators now in office, never the one who acted."""
        rows = db.session.scalars(select(Appointment).where(Appointment.role == "moderator"))
        people = {row.person_id: row.person for row in rows if row.holds() and row.person.active}
        return [person for person in people.values() if may(person, "appeal.decide", self)]

    def _judges(self) -> Audience:
        audience = Audience(followers=False)
        audience.add(*self.judges(), reason="appeal")
        return audience

    def remind(self) -> CaseEvent | None:
        """Tell those who may decide that it still waits, or that its time is over; None where nothing is due or it was told."""
        reached = sum(at <= now() for at in self.reminded_at())
        query = select(CaseEvent.details).where(
            CaseEvent.thread_id == self.thread_id, CaseEvent.kind == "appeal.reminded"
        )
        # A worker that died after the commit runs this again: each reminder is told once.
        told = sum(details.get("appeal") == self.public_id for details in db.session.scalars(query))
        if not self.is_open or told >= reached:
            return None
        return self.thread.record(
            "appeal.reminded",
            by=None,
            visibility="internal",
            audience=self._judges(),
            details={"appeal": self.public_id, "over": self.due_at <= now()},
            moves=False,
        )

    @classmethod
    def on(cls, act: ModerationAct, *, by: Person) -> Appeal | None:
        """What this author asked against an act, None while he has not."""
        return db.session.scalar(select(cls).where(cls.act_id == act.id, cls.by_id == by.id))

    def own_texts(self) -> list[tuple[Text, list[list[int]]]]:
        """The texts of the act that are the appellant's: nobody else's words are shown or lifted with them."""
        return [(text, spans) for text, spans in self.act.texts_touched() if text.author_id == self.by_id]

    def decide(self, *, by: Person, decision: str, words: str) -> CaseEvent:
        """Another moderator says whether it stays, and why; where it does not, everybody reads the text again."""
        require(by, "appeal.decide", self)
        if not self.is_open:
            raise WrongState(_l("A colleague has already decided this appeal."))
        if decision not in DECISIONS:
            raise Invalid(_l("Please choose: it stays, or it is given back."), field="decision")
        answer = Text.write("moderator", words, by=by, field="words")
        act, thread = self.act, self.thread
        if decision == "overturned" and not _stands_no_more(act):
            if act.kind == "hold":
                thread.give_back(by=by)
            elif act.kind == "hide":
                for text, _spans in act.texts_touched():
                    if text.hidden_at is not None:
                        thread.reveal(by=by, text=text)
            else:
                thread.uncover(by=by, texts=self.own_texts())
        self.decided_at, self.decided_by, self.decision = now(), by, decision
        audience = Audience(followers=False)
        audience.add(self.by, reason="poster" if self.by_id == thread.poster_id else "author")
        append(QUEUE, kind="changed")
        audit.note(f"appeal.{decision}", by=by.public_id, thing=f"thread:{thread.public_id}", why=act.reason)
        return thread.record(
            "appeal.decided", by=by, role="moderator", public=answer, audience=audience, moves=False,
            decision=decision, reason=act.reason,
        )  # fmt: skip


def _stands_no_more(act: ModerationAct) -> bool:
    # What was given back and taken once more is a later act, with an answer of its own.
    if act.kind == "hold":
        return str(act.thread.visibility) != "held" or act.is_followed_by("hold", "release")
    if act.kind == "hide":
        hidden = any(text.hidden_at is not None for text, _spans in act.texts_touched())
        return not hidden or act.is_followed_by("hide", "show")
    return False


def appealable(thread: Thread, person: Person) -> list[ModerationAct]:
    """What `person` may appeal against in a thread: acts on his own words that still stand; newest first."""
    rows = db.session.scalars(
        select(ModerationAct)
        .where(
            ModerationAct.thread_id == thread.id,
            ModerationAct.kind.in_(APPEALED),
            ModerationAct.undone_at.is_(None),
        )
        .order_by(ModerationAct.id.desc())
    )
    return [
        act
        for act in rows
        if wrote(act, person) and not _stands_no_more(act) and not _given_back(act, person)
    ]


def _given_back(act: ModerationAct, person: Person) -> bool:
    # A cover of several authors' words stays an act that stands when it was lifted from the words of one of them.
    appeal = Appeal.on(act, by=person)
    return appeal is not None and appeal.decision == "overturned"


def wrote(act: ModerationAct, person: Person) -> bool:
    """Whether an act is about what `person` wrote."""
    if act.kind == "hold":
        return act.thread.poster_id == person.id
    return any(text.author_id == person.id for text, _spans in act.texts_touched())
