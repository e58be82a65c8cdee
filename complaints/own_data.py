"""What a member's own complaints say beside their words, for the copy he takes along. Officers are not named in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from board.db import db
from board.i18n import _l
from boards.models import Case, Thread
from complaints.models import Accused, Complaint
from complaints.words import reason_word
from people.models import Person
from people.own_data import tells


@tells(
    "complaints",
    _l("My complaints about the police"),
    {
        "number": _l("Number of the case"), "filed_at": _l("When"), "reason": _l("Reason of the complaint"), "about": _l("About the case"),
        "units": _l("Units it names"), "described": _l("Whom I described"), "officer": _l("I gave an officer's number"),
    },
)  # fmt: skip
def complaints(person: Person) -> Iterator[dict[str, Any]]:
    """Reason, units, and what he wrote of whom it is about."""
    rows = db.session.scalars(
        select(Complaint)
        .join(Case, Complaint.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Thread.poster_id == person.id)
        .order_by(Complaint.id)
    )
    for complaint in rows:
        # Whom inspectors named later is theirs to know.
        named = [each for each in Accused.of(complaint.case) if each.named_by_id == person.id]
        yield {
            "number": complaint.case.number,
            "filed_at": complaint.filed_at,
            "reason": reason_word(complaint.case.thread.section, complaint.reason),
            "about": complaint.about.number if complaint.about is not None else "",
            "units": [each.department.title for each in named if each.department is not None],
            "described": [each.description.original() for each in named if each.description is not None],
            "officer": any(each.person is not None for each in named),
        }
