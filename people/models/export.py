"""A copy of everything the board holds about one person, made when he asks and kept for some days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import jobs
from board.clock import now
from board.db import Model, PublicId, db, one_at_a_time, random_id
from board.errors import Invalid, NotFound
from board.files import StoredFile
from board.i18n import _l, language
from board.jinja import when
from board.permissions import require
from board.retention import kept_for

if TYPE_CHECKING:
    from people.models.person import Person

OFTEN = timedelta(days=1)
OF_EXPORT = "export"  # as which a file hangs on it


class Export(PublicId, Model):
    """One copy: asked for, made step by step, ready until its time is over. Its ZIP is a StoredFile."""

    __tablename__ = "export"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    language: Mapped[str] = mapped_column(String(2), default="zh")
    asked_at: Mapped[datetime] = mapped_column(default=now, index=True)
    done: Mapped[int] = mapped_column(default=0)  # chapters
    total: Mapped[int] = mapped_column(default=0)
    ready_at: Mapped[datetime | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    fetched_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()

    @classmethod
    def ask(cls, *, by: Person) -> Export:
        """Ask for a copy, inside the open transaction; a job makes it. Invalid within a day of the last one."""
        require(by, "person.export", by)
        one_at_a_time(f"export:{by.public_id}")
        last = cls.last_of(by)
        if last is not None and now() < last.asked_at + OFTEN:
            raise Invalid(
                _l(
                    "One copy a day: you can ask for the next one %(when)s.", when=when(last.asked_at + OFTEN)
                ),
                field="export",
            )
        export = cls(person=by, public_id=random_id(), language=language(), asked_at=now(), done=0, total=0)
        db.session.add(export)
        jobs.put("export-person", key=f"export-person:{export.public_id}", export=export.public_id)
        return export

    @classmethod
    def last_of(cls, person: Person) -> Export | None:
        """The copy that the person asked for last, while it is kept."""
        query = select(cls).where(cls.person_id == person.id).order_by(cls.asked_at.desc(), cls.id.desc())
        return db.session.scalar(query.limit(1))

    @classmethod
    def own(cls, person: Person, public_id: str) -> Export:
        """The person's own copy; NotFound for somebody else's, one that is not ready and one whose time is over."""
        export = db.session.scalar(select(cls).where(cls.public_id == public_id, cls.person_id == person.id))
        if export is None or not export.is_there:
            raise NotFound
        return export

    @property
    def over_at(self) -> datetime:
        """Until when it can be fetched."""
        return (self.ready_at or self.asked_at) + kept_for("exports")

    @property
    def is_there(self) -> bool:
        """Whether it can be fetched now."""
        return self.ready_at is not None and now() < self.over_at

    @property
    def file(self) -> StoredFile | None:
        """The row of its ZIP."""
        return next(iter(StoredFile.of(OF_EXPORT, self.public_id)), None)

    def remove(self) -> None:
        """Take it away with its ZIP, inside the open transaction."""
        for row in StoredFile.of(OF_EXPORT, self.public_id):
            row.remove()
        db.session.delete(self)
