"""The change of shift: what the leaving officer wrote for the relief, and whether the relief has taken over."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.db import Model, PublicId

if TYPE_CHECKING:
    from people.models.department import Department
    from people.models.person import Person
    from people.models.shift import Shift


class HandoverNote(PublicId, Model):
    """One change of shift of one department, at `changes_at`: the note, if one was written, and the taking over.

    `shift` is that of whoever wrote it. `cases` are the public ids of what was open then, in the order of the desk.
    """

    __tablename__ = "handover_note"
    __table_args__ = (Index("uq_handover_note_change", "department_id", "changes_at", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    changes_at: Mapped[datetime]
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("shift.id"))
    words: Mapped[str] = mapped_column(Text, default="")
    cases: Mapped[list[str]] = mapped_column(JSON, default=list)
    written_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    written_at: Mapped[datetime | None]
    taken_over_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    taken_over_at: Mapped[datetime | None]

    department: Mapped[Department] = relationship()
    shift: Mapped[Shift | None] = relationship()
    written_by: Mapped[Person | None] = relationship(foreign_keys=written_by_id, lazy="joined")
    taken_over_by: Mapped[Person | None] = relationship(foreign_keys=taken_over_by_id, lazy="joined")
