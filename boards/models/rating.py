"""What the poster says of the result: solved or not, and how content; every version is kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.db import Model, PublicId
from board.text import normalise
from boards.models.holder import Poster, account
from boards.models.status import BAD, Satisfaction, Solved
from boards.models.text import Text
from people.models import Person

if TYPE_CHECKING:
    from boards.models.case import Case


class Rating(PublicId, Model):
    """One rating. The last one of a person and round is effective; the first one counts in figures."""

    __tablename__ = "rating"
    __table_args__ = (Index("ix_rating_case_round", "case_id", "round", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    round: Mapped[int]
    answer: Mapped[int] = mapped_column(default=1)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # none by a receipt
    solved: Mapped[str] = mapped_column(String(8))
    satisfaction: Mapped[str] = mapped_column(String(20))
    text_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    first: Mapped[bool] = mapped_column(default=True)

    case: Mapped[Case] = relationship(back_populates="ratings")
    person: Mapped[Person | None] = relationship()
    text: Mapped[Text | None] = relationship()

    def given_by(self, person: Poster) -> bool:
        """Whether `person` gave it; without an account, whoever holds the receipt of the case."""
        who = account(person)
        return self.person_id == (who.id if who is not None else None)

    def says(self, solved: str, satisfaction: str, words: str) -> bool:
        """Whether it says just this already."""
        mine = self.text.original() if self.text is not None else ""
        return (self.solved, self.satisfaction, mine) == (solved, satisfaction, normalise(words, lines=True))

    @property
    def is_bad(self) -> bool:
        """Whether it asks for another officer: not solved, or not content."""
        return self.solved == Solved.NO or Satisfaction(self.satisfaction) in BAD
