"""Departments: a tree of police units, and the city's own offices as their equals."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.db import Model, db
from board.errors import NotFound
from board.i18n import is_english

if TYPE_CHECKING:
    from people.models.person import Person

KINDS = ("police", "city", "integrity", "authority")
WATCHING = KINDS[2:]  # who looks after the others: their duty is nobody's counter


class Department(Model):
    """One unit. Its key is a slug and the only identity that leaves the server."""

    __tablename__ = "department"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    name_en: Mapped[str] = mapped_column(String(120), default="")
    short_name: Mapped[str] = mapped_column(String(40), default="")
    aliases: Mapped[list[str]] = mapped_column(JSON, default=list)
    kind: Mapped[str] = mapped_column(String(12), default="police")
    is_desk: Mapped[bool] = mapped_column(default=False)
    duty_phone: Mapped[str] = mapped_column(String(40), default="")
    places: Mapped[list[str]] = mapped_column(JSON, default=list)
    area: Mapped[str] = mapped_column(String(200), default="")
    area_en: Mapped[str] = mapped_column(String(200), default="")
    position: Mapped[int] = mapped_column(default=0)

    parent: Mapped[Department | None] = relationship(remote_side=[id], back_populates="children")
    children: Mapped[list[Department]] = relationship(back_populates="parent", order_by="Department.position")

    def __repr__(self) -> str:
        return f"<Department {self.key}>"

    @property
    def title(self) -> str:
        """Its name in the reader's language."""
        return self.name_en if self.name_en and is_english() else self.name

    @property
    def short_title(self) -> str:
        """Its short name in the reader's language; English has only the full one."""
        return self.name_en if self.name_en and is_english() else self.short_name or self.name

    @property
    def area_title(self) -> str:
        """What it looks after, in the reader's language."""
        return self.area_en if self.area_en and is_english() else self.area

    @property
    def is_apart(self) -> bool:
        """Whether it watches those above it: no leader above opens its desk, hears its stream or reads its cases."""
        return self.kind == "integrity"

    @property
    def names(self) -> list[str]:
        """Every name it may be mentioned by: name, short name, aliases; each once."""
        return list(dict.fromkeys(name for name in (self.name, self.short_name, *self.aliases) if name))

    def ancestors(self) -> list[Department]:
        """The departments above it, nearest first; a loop in the data ends the walk."""
        above: list[Department] = []
        step = self.parent
        while step is not None and step is not self and step not in above:
            above.append(step)
            step = step.parent
        return above

    def descendants(self) -> list[Department]:
        """Every department below it, level by level, itself left out."""
        below: list[Department] = []
        level = {self.id}
        while level:
            found = db.session.scalars(
                select(Department).where(Department.parent_id.in_(level)).order_by(Department.position)
            ).all()
            fresh = [department for department in found if department is not self and department not in below]
            below += fresh
            level = {department.id for department in fresh}
        return below

    def is_below(self, other: Department) -> bool:
        """Whether `other` stands above it."""
        return other in self.ancestors()

    def on_duty(self, at: datetime | None = None) -> list[Person]:
        """Who holds a shift here at `at` (default now); empty when the shift is."""
        from people.models.shift import on_duty

        return on_duty(self, at)

    def count_on_duty(self, at: datetime | None = None) -> int:
        """How many hold a shift here at `at` (default now)."""
        from people.models.shift import count_on_duty

        return count_on_duty(self, at)

    @classmethod
    def by_key(cls, key: str) -> Department:
        """The department called `key`; NotFound when there is none."""
        department = db.session.scalar(select(cls).where(cls.key == key))
        if department is None:
            raise NotFound
        return department

    @classmethod
    def desk(cls) -> Department:
        """The dispatch desk, where everything without an owner goes; NotFound before a city is loaded."""
        department = db.session.scalar(select(cls).where(cls.is_desk).order_by(cls.id).limit(1))
        if department is None:
            raise NotFound
        return department

    @classmethod
    def all(cls) -> list[Department]:
        """Every department in the city's order."""
        return list(db.session.scalars(select(cls).order_by(cls.position, cls.id)))

    @classmethod
    def name_book(cls) -> list[tuple[str, str]]:
        """Pairs (key, name) over all names, short names and aliases, as the mention grammar reads them."""
        rows = db.session.execute(
            select(cls.key, cls.name, cls.short_name, cls.aliases).order_by(cls.position, cls.id)
        ).all()
        return [
            (key, each)
            for key, name, short_name, aliases in rows
            for each in dict.fromkeys((name, short_name, *(aliases or ())))
            if each
        ]
