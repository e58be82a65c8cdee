"""A section of the board: its words, who reads it, whose cases it makes, and what it promises."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.db import Model, db
from board.errors import NotFound
from board.i18n import is_english
from board.spans import Span
from people.models import Department

# Where a section names none (domain.md §3).
DEFAULT_CLOCKS = {
    "reply": "1 d",
    "accept": "1 wd",
    "resolve": "7 d",
    "update": "3 wd",
    "poster": "5 wd",
    "take": "2 h",
    "rating": "7 d",
    "rectification": "5 wd",
}


class Section(Model):
    """One section. `readers` other than `public` make every thread in it restricted to its department."""

    __tablename__ = "section"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    position: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(80), default="")
    examples: Mapped[str] = mapped_column(String(200), default="")
    examples_en: Mapped[str] = mapped_column(String(200), default="")
    promise: Mapped[str] = mapped_column(String(300), default="")
    promise_en: Mapped[str] = mapped_column(String(300), default="")
    guide: Mapped[str] = mapped_column(Text, default="")
    guide_en: Mapped[str] = mapped_column(Text, default="")
    icon: Mapped[str] = mapped_column(String(40), default="circle-help")
    readers: Mapped[str] = mapped_column(String(20), default="public")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    identities: Mapped[list[str]] = mapped_column(JSON, default=lambda: ["hidden", "open"])
    clocks: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    makes_cases: Mapped[bool] = mapped_column(default=True)
    staff_posts: Mapped[bool] = mapped_column(default=False)
    four_eyes: Mapped[bool] = mapped_column(default=False)
    shows_countdown: Mapped[bool] = mapped_column(default=True)
    counts_views: Mapped[bool] = mapped_column(default=False)
    closed_text: Mapped[str] = mapped_column(Text, default="")
    closed_text_en: Mapped[str] = mapped_column(Text, default="")
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    department: Mapped[Department | None] = relationship(lazy="joined")

    def __repr__(self) -> str:
        return f"<Section {self.key}>"

    def words(self, field: str) -> str:
        """`name`, `examples`, `promise`, `guide` or `closed_text` in the reader's language."""
        english = getattr(self, f"{field}_en")
        return str(english if english and is_english() else getattr(self, field))

    @property
    def title(self) -> str:
        """Its name in the reader's language."""
        return self.words("name")

    @property
    def default_identity(self) -> str:
        """How a poster stands who does not choose: the first of `identities`."""
        return self.identities[0]

    @property
    def is_public(self) -> bool:
        """Whether everybody may read what is posted here."""
        return self.readers == "public"

    @property
    def takes_complaints(self) -> bool:
        """Whether what is posted here is a complaint: only the poster and the inspectors read it."""
        return self.readers == "inspectorate"

    @property
    def is_closed(self) -> bool:
        """Whether it takes no posts yet; its page says what is coming."""
        return bool(self.closed_text)

    @property
    def shows_counts(self) -> bool:
        """Live counts tell nothing about a section whose cases only some may read."""
        return self.is_public and self.makes_cases and not self.is_closed

    def span(self, kind: str) -> Span:
        """What is promised for a clock (`reply`, `resolve` …)."""
        return Span.parse(self.clocks.get(kind) or DEFAULT_CLOCKS[kind])

    @classmethod
    def by_key(cls, key: str) -> Section:
        """The section called `key`; NotFound when there is none."""
        section = db.session.scalar(select(cls).where(cls.key == key))
        if section is None:
            raise NotFound
        return section

    @classmethod
    def all(cls) -> list[Section]:
        """Every section in the city's order."""
        return list(db.session.scalars(select(cls).order_by(cls.position, cls.id)))


class DayNumber(Model):
    """The last public case number of a day in the city."""

    __tablename__ = "day_number"

    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime | None]
