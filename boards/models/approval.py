"""Acts that need two people: asked for by one, decided by a leader, performed by the decision."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId
from people.models import Person

if TYPE_CHECKING:
    from boards.models.case import Case


class Approval(PublicId, Model):
    """One request. At most one is open for each case and verb; until it is decided nothing changes."""

    __tablename__ = "approval"
    __table_args__ = (
        Index(
            "ix_approval_open",
            "case_id",
            "verb",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    verb: Mapped[str] = mapped_column(String(16))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    round: Mapped[int]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(500))

    case: Mapped[Case] = relationship(back_populates="approvals")
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])

    @property
    def is_open(self) -> bool:
        """Whether it waits for a leader."""
        return self.decided_at is None

    def end(self, decision: str, *, by: Person | None, reason: str = "") -> None:
        """`approved`, `refused`, or `dropped` because the case moved on without it."""
        self.decision, self.decided_by, self.decided_at, self.reason = decision, by, now(), reason
