"""Contacts: where a person, or a department's chat room, can be told of something while no page is open."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId
from people import vault

if TYPE_CHECKING:
    from people.models.department import Department
    from people.models.person import Person

PROOF_LASTS = timedelta(hours=24)
CODE_LASTS = timedelta(minutes=10)
PROOF_TRIES = 5


class Kind(StrEnum):
    """What carries to a contact."""

    PHONE = "phone"
    MAIL = "mail"
    PUSH = "push"
    CHAT = "chat"


class Contact(PublicId, Model):
    """One way to reach one person, or one chat room of a department. The address lies in the vault; `lookup` is a
    keyed hash of it.

    It counts only once it is verified, and not while it is failing. `proof` is the hash of what its owner has to
    show for it: a link's token or a code. A room's `label` is its name; `removed_at`: the department took it away,
    and only its name is kept, for what was sent there.
    """

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("person_id", "kind", "lookup"),
        UniqueConstraint("department_id", "kind", "lookup"),
        CheckConstraint("kind IN ('phone', 'mail', 'push', 'chat')", name="kind"),
        CheckConstraint("(person_id IS NULL) <> (department_id IS NULL)", name="owner"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    kind: Mapped[str] = mapped_column(String(8))
    lookup: Mapped[str] = mapped_column(String(64), index=True)
    label: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    verified_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(80))
    proof: Mapped[str | None] = mapped_column(String(64), unique=True)
    proof_until: Mapped[datetime | None]
    proof_tries: Mapped[int] = mapped_column(default=0)
    removed_at: Mapped[datetime | None]

    person: Mapped[Person | None] = relationship(lazy="joined")
    department: Mapped[Department | None] = relationship()

    def __repr__(self) -> str:
        return f"<Contact {self.kind} {self.public_id}>"

    @property
    def sealed(self) -> tuple[str, str]:
        """Owner and field of the address in the vault. A telephone is the person's: a member signs in with it."""
        if self.kind == Kind.PHONE and self.person is not None:
            return self.person.owner, "duty_phone" if self.person.is_staff else "phone"
        return f"contact:{self.public_id}", "address"

    @property
    def address(self) -> str | None:
        """Where to send; None when the vault has lost it."""
        return vault.get(*self.sealed)

    @property
    def counts(self) -> bool:
        """Whether its owner can be reached by it: verified, and not failing."""
        return self.verified_at is not None and self.failing_since is None
