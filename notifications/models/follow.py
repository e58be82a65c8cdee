"""What somebody follows besides single cases, how he wants to hear of it, and the news that wait for him.

A followed case is a `Watch` (boards/). A `Tiding` is one step that waits to be carried to one person outside the
board: a row, so that whoever carries it late, twice or after a crash finds out what was carried already.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId
from boards.models.watch import DAILY
from people.models import Person

if TYPE_CHECKING:
    from boards.models.timeline import CaseEvent

KINDS = ("section", "department", "place", "search")
LONGEST = 300  # characters of a target
MOST = 100  # follows of one person

DIGEST_HOUR = 8
QUIET_FROM, QUIET_UNTIL = 22, 7


class Follow(PublicId, Model):
    """One person follows one section, department, place or saved search. `target`: its key, word or query."""

    __tablename__ = "follow"
    __table_args__ = (
        # In this order: whoever must hear of a step is one range of it, in the order of the persons.
        UniqueConstraint("kind", "target", "person_id"),
        CheckConstraint("kind IN ('section', 'department', 'place', 'search')", name="kind"),
        CheckConstraint("how IN ('at_once', 'daily', 'inbox')", name="how"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    target: Mapped[str] = mapped_column(String(LONGEST))
    how: Mapped[str] = mapped_column(String(8), default=DAILY)
    since: Mapped[datetime] = mapped_column(default=now)

    person: Mapped[Person] = relationship()

    @property
    def way(self) -> str:
        """The name of this way of hearing, as a tiding keeps it: `section:traffic`."""
        return f"{self.kind}:{self.target}"


class Rhythm(Model):
    """When one person wants to hear, and in which language; nobody has a row who never chose or followed.

    Hours are whole hours of the city's clocks; two equal ones mean no quiet hours. `mails` is off for whoever
    pressed the link at the end of a mail.
    """

    __tablename__ = "rhythm"
    __table_args__ = (
        CheckConstraint("digest_hour BETWEEN 0 AND 23", name="digest_hour"),
        CheckConstraint("quiet_from BETWEEN 0 AND 23", name="quiet_from"),
        CheckConstraint("quiet_until BETWEEN 0 AND 23", name="quiet_until"),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, autoincrement=False)
    digest_hour: Mapped[int] = mapped_column(default=DIGEST_HOUR)
    quiet_from: Mapped[int] = mapped_column(default=QUIET_FROM)
    quiet_until: Mapped[int] = mapped_column(default=QUIET_UNTIL)
    language: Mapped[str] = mapped_column(String(2), default="zh")
    mails: Mapped[bool] = mapped_column(default=True)


class Tiding(Model):
    """One step that waits for its hour, or was given to a bundle. `ways`: by what the person hears of it."""

    __tablename__ = "tiding"
    __table_args__ = (
        UniqueConstraint("event_id", "person_id"),
        CheckConstraint("how IN ('at_once', 'daily')", name="how"),
        Index("ix_tiding_person", "person_id", "bundle", "id"),
        Index("ix_tiding_due", "bundle", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("case_event.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    how: Mapped[str] = mapped_column(String(8))
    ways: Mapped[list[str]] = mapped_column(JSON, default=list)
    due_at: Mapped[datetime]
    bundle: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=now)

    event: Mapped[CaseEvent] = relationship()
