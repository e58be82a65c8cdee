"""Pages: a department was called to a case, and the call climbs until somebody answers for it.

The page is the state, its steps are what was done and when, its tellings are who heard of which event by which
channel: each of those at most once. `EscalationPolicy` says who is next and after how long.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, insert
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId, before_commit, db
from people.models import Contact, Department, Person

if TYPE_CHECKING:
    from boards.models import Case, CaseEvent
    from notifications.models.delivery import Delivery


class PageState(StrEnum):
    """Where a call stands: it climbs, somebody has it for the time of a lease, or it is over."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ENDED = "ended"


class Page(PublicId, Model):
    """One call of one department to one case. `owed`: it climbs until somebody answers; else it is told once.

    `steps` is the policy as it stood when it was called and `reply` the promise that its shares are of, so that
    what is due at any moment can be told at any later one. A leg is one climb: the first begins with the call, the
    next when a lease ran out; `cause` is the event that the leg tells of, `leg_at` its beginning and `first` the
    step it begins with. `step` is the next one. `next_at`: when to look again.
    """

    __tablename__ = "page"
    __table_args__ = (
        UniqueConstraint("event_id", "department_id"),
        Index("ix_page_next", "next_at"),
        Index("ix_page_case", "case_id", "state"),
        Index("ix_page_department", "department_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("case_event.id"))
    cause_id: Mapped[int] = mapped_column(ForeignKey("case_event.id"))
    round: Mapped[int]
    urgent: Mapped[bool] = mapped_column(default=False)
    owed: Mapped[bool] = mapped_column(default=True)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    reply: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(12), default=PageState.OPEN)
    leg: Mapped[int] = mapped_column(default=0)
    leg_at: Mapped[datetime]
    first: Mapped[int] = mapped_column(default=0)
    step: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    opened_at: Mapped[datetime] = mapped_column(default=now)
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_why: Mapped[str | None] = mapped_column(String(16))

    case: Mapped[Case] = relationship()
    department: Mapped[Department] = relationship(lazy="joined")
    event: Mapped[CaseEvent] = relationship(foreign_keys=[event_id])
    cause: Mapped[CaseEvent] = relationship(foreign_keys=[cause_id])
    acknowledged_by: Mapped[Person | None] = relationship(foreign_keys=[acknowledged_by_id])
    taken: Mapped[list[PageStep]] = relationship(back_populates="page", order_by="PageStep.id")

    def __repr__(self) -> str:
        return f"<Page {self.public_id} {self.state} {self.step}>"

    @property
    def is_open(self) -> bool:
        """Whether it may still tell somebody."""
        return self.state != PageState.ENDED


class PageStep(Model):
    """One step that came due. `empty`: nobody was there to be told. `told_at` is None where the pager was late
    and the step needed no telling any more."""

    __tablename__ = "page_step"
    __table_args__ = (UniqueConstraint("page_id", "leg", "step"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("page.id"))
    leg: Mapped[int]
    step: Mapped[int]
    who: Mapped[str] = mapped_column(String(20))
    due_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    told: Mapped[int] = mapped_column(default=0)
    empty: Mapped[bool] = mapped_column(default=False)

    page: Mapped[Page] = relationship(back_populates="taken")


class Telling(Model):
    """One event that one person is told of by one channel, or one step that one room of the department is told of;
    several may ride in one delivery."""

    __tablename__ = "telling"
    __table_args__ = (
        UniqueConstraint("event_id", "person_id", "channel"),
        UniqueConstraint("page_id", "leg", "step", "room_id"),
        CheckConstraint("(person_id IS NULL) <> (room_id IS NULL)", name="recipient"),
        Index("ix_telling_delivery", "delivery_id"),
        Index("ix_telling_page", "page_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("page.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("case_event.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    room_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    channel: Mapped[str] = mapped_column(String(16))
    leg: Mapped[int]
    step: Mapped[int]
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    page: Mapped[Page] = relationship()
    person: Mapped[Person | None] = relationship()
    room: Mapped[Contact | None] = relationship()
    delivery: Mapped[Delivery] = relationship()


def note(kind: type[PageStep] | type[Telling], **values: Any) -> None:
    """Write down one step or one telling when the open transaction ends: thousands may be due in the same second."""
    db.session().info.setdefault("page_notes", {}).setdefault(kind, []).append(values)


@before_commit
def write_notes(session: Session) -> None:
    """Write what note() collected, one statement for each kind."""
    for kind, rows in session.info.pop("page_notes", {}).items():
        session.execute(insert(kind), rows)


class EscalationPolicy(Model):
    """A department's own steps for urgent or ordinary calls; without a row the station's defaults hold."""

    __tablename__ = "escalation_policy"

    department_id: Mapped[int] = mapped_column(
        ForeignKey("department.id"), primary_key=True, autoincrement=False
    )
    urgent: Mapped[bool] = mapped_column(primary_key=True)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    changed_at: Mapped[datetime] = mapped_column(default=now)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    department: Mapped[Department] = relationship()
    changed_by: Mapped[Person | None] = relationship()


class PagerBeat(Model):
    """When the pager last looked; one row."""

    __tablename__ = "pager_beat"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]


class PageAlarm(PublicId, Model):
    """What the auditor found: somebody should have been told and was not. `key` keeps it to one row a finding."""

    __tablename__ = "page_alarm"
    __table_args__ = (Index("ix_page_alarm_open", "cleared_at", "noticed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"))
    page_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"))
    noticed_at: Mapped[datetime] = mapped_column(default=now)
    cleared_at: Mapped[datetime | None]

    case: Mapped[Case | None] = relationship()
    page: Mapped[Page | None] = relationship()
