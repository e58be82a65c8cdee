"""A referral: the poster of an ordinary case turns to the inspectors, or his second bad rating does it for him.

What moderators do to words has appeals of its own (boards/models/appeal.py); here a department's decision is looked at.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit, jobs
from board.clock import now
from board.db import Model, db, random_id
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.permissions import require
from board.spans import WorkingDays
from boards.models import Case, CaseEvent, Text
from boards.models.concluding import REOPEN, REOPEN_ALONE
from boards.models.deadline import calendar
from boards.models.status import Outcome, Status
from boards.models.timeline import Audience
from boards.policy import whispered
from complaints.models.landed import Landed
from complaints.models.sealing import Sealing
from people.models import Person

# What may be referred: not taken on, kept from the public, closed and opened again twice in vain, twice rated badly.
KINDS = ("declined", "sealed", "closed", "dissatisfied")
DECISIONS = ("upheld", "overturned")
DUE = {"sealed": WorkingDays(2)}
ANSWERED_WITHIN = WorkingDays(5)
LONGEST = 2_000


class Referral(Landed, Model):
    """One matter and its answer. Of each kind there is one a round."""

    __tablename__ = "referral"
    __table_args__ = (
        UniqueConstraint("case_id", "kind", "round"),
        CheckConstraint("kind IN ('declined', 'sealed', 'closed', 'dissatisfied')", name="kind"),
        CheckConstraint("decision IN ('upheld', 'overturned', 'dropped')", name="decision"),
        Index("ix_referral_open", "decided_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    kind: Mapped[str] = mapped_column(String(16))
    round: Mapped[int]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    filed_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    breached_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str | None] = mapped_column(String(12))
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))

    case: Mapped[Case] = relationship()
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    text: Mapped[Text | None] = relationship(foreign_keys=[text_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])
    answer: Mapped[Text | None] = relationship(foreign_keys=[answer_id])

    # --- finding -----------------------------------------------------------------------------------

    @classmethod
    def of(cls, case: Case) -> list[Referral]:
        """Everything of this case that was referred, oldest first."""
        return list(db.session.scalars(select(cls).where(cls.case_id == case.id).order_by(cls.id)))

    @classmethod
    def waiting(cls, case: Case) -> list[Referral]:
        """What of this case still waits for an inspector, oldest first."""
        return [each for each in cls.of(case) if each.is_open]

    @property
    def is_open(self) -> bool:
        """Whether an inspector still has to answer it."""
        return self.decided_at is None

    # --- acts --------------------------------------------------------------------------------------

    @classmethod
    def file(cls, case: Case, *, by: Person, kind: str, words: str) -> Referral:
        """The poster asks the inspectors to look at what a department decided, and says why; once a round."""
        require(by, "referral.file", case)
        possible = referable(case, by)
        if possible and kind not in KINDS:
            raise Invalid(_l("Choose what the inspectors should look at."), field="kind")
        if kind not in possible:
            raise WrongState(_l("This cannot be put to the inspectors now, or they look at it already."))
        if len(words) > LONGEST:
            raise Invalid(_l("At most %(longest)s characters, please.", longest=LONGEST), field="words")
        text = Text.write("appeal", words, by=by, field="words")
        return cls._put(case, kind, by, text, actor=by)

    @classmethod
    def put_by_rating(cls, case: Case, *, poster: Person) -> Referral | None:
        """The second answer did not content the poster either: the board itself puts it to the inspectors, once a round."""
        known = any(each.kind == "dissatisfied" and each.round == case.round for each in cls.of(case))
        if known or whispered(case.thread):
            return None
        return cls._put(case, "dissatisfied", poster, None, actor=None)

    @classmethod
    def _put(cls, case: Case, kind: str, by: Person, text: Text | None, *, actor: Person | None) -> Referral:
        from complaints.hearing import free_inspectors

        due = calendar().add(now(), DUE.get(kind, ANSWERED_WITHIN))
        row = cls(
            case=case,
            public_id=random_id(),
            kind=kind,
            round=case.round,
            by=by,
            text=text,
            filed_at=now(),
            due_at=due,
        )
        db.session.add(row)
        db.session.flush()
        jobs.put("referral-due", key=f"referral-due:{row.public_id}", due_at=due, referral=row.public_id)
        audience = Audience(followers=False)
        audience.add(by, reason="poster")
        audience.add(*free_inspectors(case), reason="inspection")
        case.record(
            "referral.filed",
            by=actor,
            role="poster" if actor is not None else "system",
            audience=audience,
            against=kind,
            due=due.isoformat(),
        )
        return row

    def decide(self, *, by: Person, decision: str, words: str) -> CaseEvent:
        """An inspector says whether it stays and why, for whoever reads the case. Where it does not, a case is handled
        again, and what was kept from the public is public."""
        require(by, "referral.decide", self)
        if not self.is_open:
            raise WrongState(_l("A colleague was first: this is answered. Please look again."))
        if decision not in DECISIONS:
            raise Invalid(_l("Please choose: it stays, or it does not."), field="decision")
        text = Text.write("official", words, by=by, field="referral_words")
        case = self.case
        self.decided_at, self.decided_by, self.decision, self.answer = now(), by, decision, text
        audit.note(
            "referral.decided", by=by.public_id, thing=case.thread.thing, why=self.kind, found=decision
        )
        audience = Audience(followers=False)
        audience.add(self.by, reason="poster")
        audience.add_department(case.department, "lead")
        event = case.record(
            "referral.decided",
            by=by,
            role="inspector",
            public=text,
            audience=audience,
            against=self.kind,
            decision=decision,
        )
        if decision == "overturned":
            self._undo(by)
        return event

    def drop(self) -> None:
        """It is settled otherwise: nothing is left to decide."""
        if self.is_open:
            self.decided_at, self.decision = now(), "dropped"

    def note_overdue(self) -> CaseEvent | None:
        """The promised time is over: its poster and the inspectors hear of it, once."""
        from complaints.hearing import free_inspectors

        if not self.is_open or self.breached_at is not None or self.due_at > now():
            return None
        self.breached_at = self.due_at
        audience = Audience(followers=False)
        audience.add(self.by, reason="poster")
        audience.add(*free_inspectors(self.case), reason="inspection")
        return self.case.record("referral.overdue", by=None, audience=audience, against=self.kind)

    def _undo(self, by: Person) -> None:
        case = self.case
        if self.kind == "sealed":
            sealing = Sealing.standing(case)
            if sealing is not None:
                sealing.overturn(by=by)
        elif case.status in (Status.RESOLVED, Status.CLOSED) and case.outcome != Outcome.DUPLICATE:
            case.reopen_as_inspector(by=by)


def referable(case: Case, person: Person | None) -> list[str]:
    """What the poster may put to the inspectors now, in the order of KINDS."""
    if person is None or case.thread.poster_id != person.id or whispered(case.thread):
        return []
    found = []
    if case.status == Status.CLOSED and case.outcome == Outcome.DECLINED and _lately(case):
        found.append("declined")
    if case.thread.is_restricted and Sealing.standing(case) is not None:
        found.append("sealed")
    ended = case.status in (Status.RESOLVED, Status.CLOSED)
    settled = (Outcome.DECLINED, Outcome.DUPLICATE, Outcome.WITHDRAWN)
    if ended and case.outcome not in settled and case.reopened_times >= REOPEN_ALONE and _lately(case):
        found.append("closed")
    if not found:
        return []
    before = {each.kind for each in Referral.of(case) if each.round == case.round}
    return [kind for kind in found if kind not in before]


def _lately(case: Case) -> bool:
    ended = case.closed_at or case.resolved_at or now()
    return now() <= ended + REOPEN
