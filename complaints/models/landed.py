"""What lands with the inspectors from a case: rows that are found, and changed, only together with their case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import select

from board.db import PublicId, db
from board.errors import NotFound
from boards.models import Case
from people.models import Person

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Landed(PublicId):
    """The shape they share: one case, and an address of their own."""

    if TYPE_CHECKING:
        case_id: Mapped[int]

    @classmethod
    def by_public_id(cls, public_id: str, *, reader: Person | None) -> Self:
        """The row, after its case was locked; NotFound for what is missing and for whoever may not read the case."""
        table: Any = cls
        case_id = db.session.scalar(select(table.case_id).where(table.public_id == public_id))
        if case_id is None:
            raise NotFound
        number = db.session.scalar(select(Case.number).where(Case.id == case_id))
        Case.numbered(str(number), reader=reader, for_change=True)
        # Waiting for the case may have taken a while: who was first is read now.
        found: Self = db.session.scalars(
            select(table).where(table.public_id == public_id).execution_options(populate_existing=True)
        ).one()
        return found
