"""Published shifts: who is on duty where, minute by minute. A shift includes its start and excludes its end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, Select, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, db
from people.models.appointment import SERVING, Appointment
from people.models.hand_over import HandoverNote
from people.models.person import Person

if TYPE_CHECKING:
    from people.models.department import Department


class Shift(Model):
    """One person on duty in one department, [starts_at, ends_at)."""

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        Index("ix_shift_department_ends", "department_id", "ends_at", "starts_at"),
        Index("ix_shift_person_ends", "person_id", "ends_at"),
        Index("uq_shift_slot", "department_id", "person_id", "starts_at", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    department: Mapped[Department] = relationship()
    person: Mapped[Person] = relationship()


def _holding(query: Select[Any], department: Department, at: datetime | None) -> Select[Any]:
    """Narrow a query over persons to those on duty. Who no longer serves here is not on duty, whatever the roster says."""
    moment = at or now()
    return (
        query.join(Shift, Shift.person_id == Person.id)
        .where(
            Shift.department_id == department.id,
            Shift.starts_at <= moment,
            Shift.ends_at > moment,
            Person.active,
        )
        .where(_serving(department, moment))
    )


def _serving(department: Department, moment: datetime) -> ColumnElement[bool]:
    return (
        select(Appointment.id)
        .where(
            Appointment.person_id == Person.id,
            Appointment.department_id == department.id,
            Appointment.role.in_(SERVING),
            Appointment.starts_at <= moment,
            or_(Appointment.ends_at.is_(None), Appointment.ends_at > moment),
        )
        .exists()
    )


def on_duty(department: Department, at: datetime | None = None) -> list[Person]:
    """Who holds a shift in `department` at `at` (default now), in the order of their badges; [] when nobody does."""
    query = _holding(select(Person).distinct(), department, at)
    return list(db.session.scalars(query.order_by(Person.badge, Person.id)))


def count_on_duty(department: Department, at: datetime | None = None) -> int:
    """How many hold a shift in `department` at `at` (default now)."""
    return db.session.scalar(_holding(select(func.count(Person.id.distinct())), department, at)) or 0


def is_on_duty(person: Person, department: Department, at: datetime | None = None) -> bool:
    """Whether `person` holds a shift in `department` at `at` (default now)."""
    query = _holding(select(Person.id), department, at).where(Person.id == person.id).limit(1)
    return db.session.scalar(query) is not None


def serving(department: Department, at: datetime | None = None) -> list[Person]:
    """Who is officer or leader in `department` at `at` (default now), on duty or not, in the order of their badges."""
    query = select(Person).where(Person.active, _serving(department, at or now()))
    return list(db.session.scalars(query.order_by(Person.badge, Person.id)))


STILL_TOLD = timedelta(hours=4)  # the earlier shift, when its relief never says that it took over


def told_with(department: Department, at: datetime | None = None) -> list[Person]:
    """Who is told of what calls `department` at `at` (default now): whoever is on duty, and the earlier shift where its
    relief has not taken over. For telling only: it gives no right."""
    here, earlier = told_apart(department, at)
    return [*here, *earlier]


def told_apart(department: Department, at: datetime | None = None) -> tuple[list[Person], list[Person]]:
    """Who is on duty at `at` (default now), and who of the earlier shift is told beside them.

    The earlier shift is told until its relief takes over, for four hours at most.
    """
    moment = at or now()
    here = on_duty(department, moment)
    known = {person.id for person in here}
    taken = (
        select(HandoverNote.id)
        .where(
            HandoverNote.department_id == department.id,
            HandoverNote.taken_over_at <= moment,
            HandoverNote.changes_at >= Shift.ends_at,
            HandoverNote.changes_at <= moment,
        )
        .correlate(Shift)
    )
    query = (
        select(Person)
        .distinct()
        .join(Shift, Shift.person_id == Person.id)
        .where(
            Shift.department_id == department.id,
            Shift.ends_at > moment - STILL_TOLD,
            Shift.ends_at <= moment,
            Person.active,
            _serving(department, moment),
            ~taken.exists(),
        )
    )
    earlier = db.session.scalars(query.order_by(Person.badge, Person.id))
    return here, [person for person in earlier if person.id not in known]
