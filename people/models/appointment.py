"""Appointments: who serves where, as what, from when to when."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, String, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model
from board.live import append

if TYPE_CHECKING:
    from people.models.department import Department
    from people.models.person import Person


class Role(StrEnum):
    """What somebody is appointed as."""

    OFFICER = "officer"
    LEADER = "leader"
    INSPECTOR = "inspector"
    MODERATOR = "moderator"
    EXPERT = "expert"
    ADMINISTRATOR = "administrator"


SERVING = (Role.OFFICER.value, Role.LEADER.value)


class Appointment(Model):
    """One person's office: from `starts_at` on, until just before `ends_at` where one is set.

    It is ended, never deleted: who served beside whom in the last 24 months is read from these rows.
    """

    __tablename__ = "appointment"
    __table_args__ = (Index("ix_appointment_department_role", "department_id", "role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    role: Mapped[str] = mapped_column(String(16))
    starts_at: Mapped[datetime] = mapped_column(default=now)
    ends_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(back_populates="appointments")
    department: Mapped[Department | None] = relationship(lazy="joined")

    def holds(self, at: datetime | None = None) -> bool:
        """Whether the office is held at `at` (default now)."""
        moment = at or now()
        return self.starts_at <= moment and (self.ends_at is None or moment < self.ends_at)


@event.listens_for(Appointment, "after_update")
@event.listens_for(Appointment, "after_delete")
def ask_again(mapper: Any, connection: Any, appointment: Appointment) -> None:
    """Whoever is moved or dismissed leaves the rooms of his office at once, not at the next round."""
    append(appointment.person.stream, kind="offices", recheck="all")
