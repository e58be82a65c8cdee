"""A complaint (警务投诉): what makes a case the inspectors' own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db
from boards.models import Case


class Complaint(Model):
    """One complaint. `reason` is a key of its section's closed list; `about` is the case whose handling it is about."""

    __tablename__ = "complaint"
    __table_args__ = (Index("ix_complaint_filed", "filed_at", "reason"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(40))
    about_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"), index=True)
    filed_at: Mapped[datetime] = mapped_column(default=now)

    case: Mapped[Case] = relationship(foreign_keys=[case_id])
    about: Mapped[Case | None] = relationship(foreign_keys=[about_id])

    @classmethod
    def of(cls, case: Case) -> Complaint | None:
        """The complaint of this case, None where it is none."""
        return db.session.scalar(select(cls).where(cls.case_id == case.id))
