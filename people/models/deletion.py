"""The wish of a member that his account be deleted: asked for, taken back within days, or carried out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import audit, jobs
from board.clock import now
from board.db import Model, PublicId, db, one_at_a_time, random_id
from board.errors import Invalid, WrongState
from board.i18n import _l
from board.live import append
from board.permissions import require
from board.retention import LINES
from people.models.person import nickname_key

if TYPE_CHECKING:
    from people.models.person import Person

# Long enough to notice that somebody else pressed, or to think better of it over a weekend; short enough to be a deletion.
GRACE = timedelta(days=LINES["accounts"].days)


class Deletion(PublicId, Model):
    """One wish. `pressed`: whether somebody asked him to, which the inspectors alone read of his open cases.

    Until `due_at` nothing is changed and it can be taken back. From `begun_at` on it goes through, whatever happens
    to the worker that does it.
    """

    __tablename__ = "deletion"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    asked_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    pressed: Mapped[str | None] = mapped_column(String(3))
    undone_at: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()

    @property
    def is_open(self) -> bool:
        """Whether it still waits, and can be taken back."""
        return self.undone_at is None and self.begun_at is None

    @classmethod
    def open_of(cls, person: Person) -> Deletion | None:
        """The wish of this person that waits; None when there is none."""
        return db.session.scalar(
            select(cls).where(cls.person_id == person.id, cls.undone_at.is_(None), cls.begun_at.is_(None))
        )

    @classmethod
    def ask(cls, *, by: Person, typed: str, pressed: str = "") -> Deletion:
        """Wish it, inside the open transaction, having typed one's nickname; it is carried out when GRACE is over.

        Invalid (field `typed`) when that is not the nickname, WrongState when it was asked for already.
        """
        require(by, "person.delete", by)
        one_at_a_time(f"deletion:{by.public_id}")
        if cls.open_of(by) is not None:
            raise WrongState(_l("You have asked for it already."))
        if nickname_key(typed) != nickname_key(by.nickname or ""):
            raise Invalid(_l("That is not your nickname. Type it as it stands above."), field="typed")
        wish = cls(
            person=by,
            public_id=random_id(),
            asked_at=now(),
            due_at=now() + GRACE,
            pressed=pressed if pressed in ("yes", "no") else None,
        )
        db.session.add(wish)
        wish.promise()
        append(by.stream, kind="deletion")
        return wish

    def promise(self) -> None:
        """Promise to carry it out when its time has come, inside the open transaction."""
        moment = max(self.due_at, now())
        key = f"erase-person:{self.public_id}:{moment:%Y%m%d%H%M%S}"
        jobs.put("erase-person", key=key, due_at=moment, deletion=self.public_id)

    def undo(self, *, by: Person) -> None:
        """Take it back: everything stays as it is. WrongState once it has begun."""
        require(by, "person.delete", self.person)
        if not self.is_open:
            raise WrongState(_l("It is too late: the account is being deleted."))
        self.undone_at = now()
        append(by.stream, kind="deletion")

    def note_done(self) -> None:
        """Note that nothing is left of the account but its number, inside the open transaction."""
        self.done_at = now()
        audit.note("person.erased", by=None, thing=f"person:{self.person.public_id}")
