"""What a department's roster is made of: rotations, what is changed by hand, and what the department promises."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId
from people.turns import Change, MonthDay, Rota, Window

if TYPE_CHECKING:
    from people.models.department import Department
    from people.models.person import Person


def month_day(text: str) -> MonthDay:
    """`10-15` as month and day."""
    month, _dash, day = text.partition("-")
    return int(month), int(day)


class Rotation(PublicId, Model):
    """Groups that take turns: `minutes` from `starts` (wall clock) on, each group for `days_each` days in a row.

    `days` says on which: `weekdays` (digits, 0 is Monday), `working` days of the city's calendar, or the days `off`
    between them, for which the digits say nothing. `season_from` and `season_to` are `MM-DD`, both or neither. It makes nobody be
    on duty: only what is published does.
    """

    __tablename__ = "rotation"
    __table_args__ = (
        CheckConstraint("minutes > 0", name="minutes"),
        CheckConstraint("days_each > 0", name="days_each"),
        CheckConstraint("days IN ('weekdays', 'working', 'off')", name="days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    starts: Mapped[time]
    minutes: Mapped[int]
    days_each: Mapped[int] = mapped_column(default=1)
    days: Mapped[str] = mapped_column(String(8), default="weekdays")
    weekdays: Mapped[str] = mapped_column(String(7), default="0123456")
    season_from: Mapped[str | None] = mapped_column(String(5))
    season_to: Mapped[str | None] = mapped_column(String(5))
    groups: Mapped[list[str]] = mapped_column(JSON, default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)

    department: Mapped[Department] = relationship()
    members: Mapped[list[RotationMember]] = relationship(
        back_populates="rotation", cascade="all, delete-orphan", order_by="RotationMember.id"
    )

    def group(self, place: int) -> list[Person]:
        """Who is in the group at `place`, in the order they were put in."""
        return [member.person for member in self.members if member.place == place]

    def rota(self) -> Rota:
        """The same, as the plan reads it."""
        season = None
        if self.season_from and self.season_to:
            season = (month_day(self.season_from), month_day(self.season_to))
        held: list[list[int]] = [[] for _name in self.groups]
        for member in self.members:
            if member.place < len(held):
                held[member.place].append(member.person_id)
        days: Any = self.days
        return Rota(
            days=days,
            groups=tuple(map(tuple, held)),
            starts_on=self.starts_on,
            starts=self.starts,
            minutes=self.minutes,
            days_each=self.days_each,
            weekdays=frozenset(map(int, self.weekdays)),
            season=season,
            ends_on=self.ends_on,
        )


class RotationMember(Model):
    """One person in one group of a rotation; `place` counts the groups from 0."""

    __tablename__ = "rotation_member"
    __table_args__ = (Index("uq_rotation_member", "rotation_id", "person_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rotation_id: Mapped[int] = mapped_column(ForeignKey("rotation.id"))
    place: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))

    rotation: Mapped[Rotation] = relationship(back_populates="members")
    person: Mapped[Person] = relationship(lazy="joined")


class Override(PublicId, Model):
    """A change by hand within [starts_at, ends_at): somebody comes too, stays away, or is replaced by `instead`.

    They hold in the order in which they were made.
    """

    __tablename__ = "duty_override"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("kind IN ('add', 'remove', 'replace')", name="kind"),
        CheckConstraint("(kind = 'replace') = (instead_id IS NOT NULL)", name="instead"),
        Index("ix_duty_override_department_ends", "department_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    kind: Mapped[str] = mapped_column(String(8))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    instead_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(80), default="")
    source: Mapped[str] = mapped_column(String(12), default="hand")
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)

    department: Mapped[Department] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=person_id, lazy="joined")
    instead: Mapped[Person | None] = relationship(foreign_keys=instead_id, lazy="joined")
    created_by: Mapped[Person | None] = relationship(foreign_keys=created_by_id)

    def change(self) -> Change:
        """The same, as the plan reads it."""
        kind: Any = self.kind
        return Change(kind, self.person_id, self.starts_at, self.ends_at, self.instead_id)


class DutyWindow(Model):
    """Hours for which a department promises somebody on duty; one without any window promises every hour.

    `days` are those of a rotation.
    """

    __tablename__ = "duty_window"
    __table_args__ = (
        CheckConstraint("minutes > 0", name="minutes"),
        CheckConstraint("days IN ('weekdays', 'working', 'off')", name="days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    days: Mapped[str] = mapped_column(String(8), default="weekdays")
    weekdays: Mapped[str] = mapped_column(String(7))
    starts: Mapped[time]
    minutes: Mapped[int]

    def window(self) -> Window:
        """The same, as the plan reads it."""
        days: Any = self.days
        return Window(frozenset(map(int, self.weekdays)), self.starts, self.minutes, days)


class Publication(PublicId, Model):
    """Who published a department's roster when, up to when, and how many turns came and went."""

    __tablename__ = "roster_publication"

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime] = mapped_column(default=now)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    added: Mapped[int]
    dropped: Mapped[int]

    published_by: Mapped[Person | None] = relationship(lazy="joined")
