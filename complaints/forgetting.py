"""Deleting an account, as far as it turned to the inspectors.

His words are texts of his and go with all the others (boards/forgetting.py); when something was filed, on what ground and
how it ended stays, and so does what the inspectors wrote. While they owe him an answer, his account is held: nobody shall
rid himself of a report by making whoever wrote it delete his account.

That he was pressed holds nothing: nobody owes him an answer, and the page that says what holds an account would tell
whoever stands behind him that he said so. His yes stays in the inspectors' queue without his words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, or_, select

from board.db import db, transaction
from boards.models import Case
from complaints.models import PressureQuestion, Referral, Reprisal
from people.models import Person
from people.own_data import forgets, holds


@holds
def owed_an_answer(person: Person) -> list[str]:
    """The numbers of the cases of which he waits for the inspectors' answer."""
    referred = select(Referral.case_id).where(Referral.by_id == person.id, Referral.decided_at.is_(None))
    reported = select(Reprisal.case_id).where(Reprisal.by_id == person.id, Reprisal.answered_at.is_(None))
    rows = select(Case.number).where(or_(Case.id.in_(referred), Case.id.in_(reported))).order_by(Case.id)
    return list(db.session.scalars(rows))


@forgets("complaints")
def forget(person_id: int, wished: Mapping[str, Any]) -> None:
    """The questions that nobody will answer any more, those among them that taking his cases back has raised."""
    with transaction() as session:
        session.execute(
            delete(PressureQuestion).where(
                PressureQuestion.person_id == person_id, PressureQuestion.answered_at.is_(None)
            )
        )
