"""A sealing (转内部办理): a leader keeps an open case from the public on a named legal ground, and an inspector from
elsewhere says within 24 hours whether it stays so. If nobody does, it is public again by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit, jobs
from board.clock import now
from board.db import Model, db, random_id
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.permissions import require
from boards.models import Case, CaseEvent, Text
from boards.models.status import Visibility
from boards.models.timeline import Audience
from complaints.models.landed import Landed
from people.models import Department, Person

CONFIRMED_WITHIN = timedelta(hours=24)
WHY = "sealed"  # what `Thread.restricted_why` says of such a case

# The closed list of legal grounds; complaints.words names the act and the article of each.
GROUNDS = ("secret", "investigation", "privacy", "minor", "trade")
STATES = ("asked", "confirmed", "refused", "lapsed", "lifted", "overturned")


class Sealing(Landed, Model):
    """One time that a case was kept from the public. Number, status and clocks stay public all the while."""

    __tablename__ = "sealing"
    __table_args__ = (
        CheckConstraint(
            "state IN ('asked', 'confirmed', 'refused', 'lapsed', 'lifted', 'overturned')", name="state"
        ),
        Index(
            "ix_sealing_standing",
            "case_id",
            unique=True,
            sqlite_where=sql("ended_at IS NULL"),
            postgresql_where=sql("ended_at IS NULL"),
        ),
        Index("ix_sealing_asked", "asked_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    round: Mapped[int]
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    ground: Mapped[str] = mapped_column(String(16))
    words_id: Mapped[int] = mapped_column(ForeignKey("text.id"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(12), default="asked")
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship()
    department: Mapped[Department] = relationship()
    words: Mapped[Text] = relationship()
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])

    # --- finding -----------------------------------------------------------------------------------

    @classmethod
    def standing(cls, case: Case) -> Sealing | None:
        """The sealing that keeps this case from the public now, confirmed or not."""
        return db.session.scalar(select(cls).where(cls.case_id == case.id, cls.ended_at.is_(None)))

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an inspector."""
        return self.state == "asked"

    # --- acts --------------------------------------------------------------------------------------

    @classmethod
    def propose(cls, case: Case, *, by: Person, ground: str, words: str) -> Sealing:
        """Keep an open case from the public at once, on a ground of the closed list; no clock stops.

        An inspector who is free confirms it within 24 hours, or everybody reads it again.
        """
        require(by, "case.seal", case)
        bar = bar_to(case)
        if bar is not None:
            raise WrongState(bar)
        if ground not in GROUNDS:
            raise Invalid(_l("Choose the legal ground from the list."), field="ground")
        text = Text.write("internal", words, by=by, field="words")
        due = now() + CONFIRMED_WITHIN
        sealing = cls(
            case=case,
            public_id=random_id(),
            round=case.round,
            department=case.department,
            ground=ground,
            words=text,
            asked_at=now(),
            asked_by=by,
            due_at=due,
        )
        db.session.add(sealing)
        db.session.flush()
        thread = case.thread
        thread._show_as(Visibility.RESTRICTED)
        thread.restricted_to, thread.restricted_why = case.department, WHY
        jobs.put("seal-due", key=f"seal-due:{sealing.public_id}", due_at=due, sealing=sealing.public_id)
        audit.note("case.sealed", by=by.public_id, thing=thread.thing, why=ground)
        thread.record(
            "case.sealed",
            by=by,
            internal=text,
            audience=sealing._told(inspectors=True),
            change={"visibility": str(Visibility.RESTRICTED)},
            ground=ground,
            until=due.isoformat(),
        )
        return sealing

    def confirm(self, *, by: Person) -> CaseEvent:
        """An inspector from elsewhere agrees with the ground: it stays so, and its poster may still appeal."""
        require(by, "sealing.decide", self)
        self._expect_open()
        self.state, self.decided_at, self.decided_by = "confirmed", now(), by
        audit.note("seal.confirmed", by=by.public_id, thing=self.case.thread.thing, why=self.ground)
        return self.case.thread.record(
            "seal.confirmed", by=by, role="inspector", audience=self._told(), ground=self.ground
        )

    def refuse(self, *, by: Person, words: str) -> CaseEvent:
        """An inspector does not agree and says why, for everybody to read: it is public again at once."""
        require(by, "sealing.decide", self)
        self._expect_open()
        text = Text.write("official", words, by=by, field="seal_words")
        self.decided_at, self.decided_by = now(), by
        audit.note("seal.refused", by=by.public_id, thing=self.case.thread.thing, why=self.ground)
        return self._open("refused", "seal.refused", by=by, role="inspector", text=text)

    def lift(self, *, by: Person) -> CaseEvent:
        """The department's leader, or an inspector, gives it back to the public: the ground is gone."""
        require(by, "sealing.lift", self)
        if self.ended_at is not None:
            raise WrongState(_l("Everybody can read this case again already."))
        audit.note("seal.lifted", by=by.public_id, thing=self.case.thread.thing, why=self.ground)
        return self._open("lifted", "seal.lifted", by=by)

    def overturn(self, *, by: Person) -> CaseEvent:
        """The poster's appeal was right; whoever decided that has asked whether he may."""
        audit.note("seal.overturned", by=by.public_id, thing=self.case.thread.thing, why=self.ground)
        return self._open("overturned", "seal.overturned", by=by, role="inspector")

    def lapse(self) -> CaseEvent | None:
        """No inspector confirmed it in time: everybody reads it again. None where one has decided meanwhile."""
        if not self.is_open or self.due_at > now():
            return None
        audit.note("seal.lapsed", by=None, thing=self.case.thread.thing, why=self.ground)
        return self._open("lapsed", "seal.lapsed", by=None)

    # --- below the acts ----------------------------------------------------------------------------

    def _expect_open(self) -> None:
        if not self.is_open:
            raise WrongState(_l("A colleague was first: this sealing is decided. Please look again."))

    def _open(
        self, state: str, kind: str, *, by: Person | None, role: str | None = None, text: Text | None = None
    ) -> CaseEvent:
        from complaints.models.referral import Referral

        self.state, self.ended_at = state, now()
        thread = self.case.thread
        thread._show_as(Visibility.PUBLIC)
        thread.restricted_to, thread.restricted_why = None, None
        for each in Referral.waiting(self.case):
            if each.kind == "sealed":
                each.drop()
        return thread.record(
            kind,
            by=by,
            role=role,
            public=text,
            audience=self._told(),
            change={"visibility": str(Visibility.PUBLIC)},
            ground=self.ground,
        )

    def _told(self, *, inspectors: bool = False) -> Audience:
        from complaints.hearing import free_inspectors

        audience = self.case.audience()
        audience.add(self.asked_by, reason="approval")
        if inspectors:
            audience.add(*free_inspectors(self.case), reason="inspection")
        return audience


def bar_to(case: Case) -> Any:
    """Why this case cannot be sealed now, as a sentence; None when it can."""
    if not case.is_open:
        return _l("Only an open case can be handled internally.")
    if not case.thread.is_public:
        return _l("This case is not public just now.")
    ended = select(Sealing.id).where(
        Sealing.case_id == case.id,
        Sealing.round == case.round,
        Sealing.state.in_(("refused", "lapsed", "overturned")),
    )
    if db.session.scalar(ended.limit(1)) is not None:
        return _l("This was asked for already, and the inspectors did not agree.")
    return None
