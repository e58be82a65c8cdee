"""Who stepped back from a case: because of a relation to somebody in it, or for another reason of his own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId
from boards.models import Case
from people import vault
from people.models import Person

KINDS = ("declared", "recused")


class Recusal(PublicId, Model):
    """One person and one case, for good. What he wrote names relatives and friends: it lies in the vault."""

    __tablename__ = "recusal"
    __table_args__ = (
        UniqueConstraint("case_id", "person_id"),
        CheckConstraint("kind IN ('declared', 'recused')", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    declared_at: Mapped[datetime] = mapped_column(default=now)

    case: Mapped[Case] = relationship()
    person: Mapped[Person] = relationship()

    @property
    def owner(self) -> str:
        """How the vault calls it."""
        return f"recusal:{self.public_id}"

    @property
    def words(self) -> str:
        """What he wrote, for the inspectors who are free."""
        return vault.get(self.owner, "words") or ""
