"""What a member put to the inspectors, for the copy he takes along: what his complaints say beside their words, what he
referred, reprisals, whether he was pressed, and what they answered him. Officers are not named in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from board.db import db
from board.i18n import _l
from boards.models import Case, Text, Thread
from complaints.models import Accused, Complaint, PressureQuestion, Referral, Reprisal
from complaints.words import after_word, decision_word, reason_word, referral_word
from people.models import Person
from people.own_data import tells

NUMBER, AT, WORDS, ANSWER = (
    _l("Number of the post"), _l("When"), _l("Words"), _l("The inspectors' answer"),
)  # fmt: skip


@tells(
    "complaints",
    _l("My complaints about the police"),
    {
        "number": NUMBER, "filed_at": AT, "reason": _l("What I complain about"), "about": _l("About the case"),
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


@tells(
    "referrals",
    _l("What I put to the inspectors"),
    {
        "number": NUMBER, "at": AT, "what": _l("What"), "words": WORDS, "decided_at": _l("Decided"),
        "decision": _l("What they found"), "answer": ANSWER,
    },
)  # fmt: skip
def referrals(person: Person) -> Iterator[dict[str, Any]]:
    """His appeals against what departments decided, those too that the board put for him after a second bad rating."""
    for row in db.session.scalars(select(Referral).where(Referral.by_id == person.id).order_by(Referral.id)):
        yield {
            "number": row.case.number,
            "at": row.filed_at,
            "what": referral_word(row.kind),
            "words": _own(row.text),
            "decided_at": row.decided_at,
            "decision": decision_word(row.decision, row.kind),
            "answer": _told(row.answer),
        }


@tells(
    "reprisals",
    _l("My reports that somebody gives me trouble"),
    {"number": NUMBER, "at": AT, "words": WORDS, "answered_at": _l("Answered"), "answer": ANSWER},
)
def reprisals(person: Person) -> Iterator[dict[str, Any]]:
    """What he reported, and what he alone was answered."""
    for row in db.session.scalars(select(Reprisal).where(Reprisal.by_id == person.id).order_by(Reprisal.id)):
        yield {
            "number": row.case.number,
            "at": row.filed_at,
            "words": _own(row.text),
            "answered_at": row.answered_at,
            "answer": _told(row.answer),
        }


@tells(
    "pressure",
    _l("Whether I was asked to take something back"),
    {
        "number": NUMBER, "asked_at": _l("Asked"), "after": _l("After what"), "pressed": _l("I was asked to"),
        "answered_at": _l("Answered"), "words": WORDS,
    },
)  # fmt: skip
def pressure(person: Person) -> Iterator[dict[str, Any]]:
    """Each question and what he said; what the inspectors found of it they keep to themselves."""
    rows = select(PressureQuestion).where(PressureQuestion.person_id == person.id)
    for row in db.session.scalars(rows.order_by(PressureQuestion.id)):
        yield {
            "number": row.case.number,
            "asked_at": row.asked_at,
            "after": after_word(row.after),
            "pressed": row.answer == "yes" if row.answer is not None else None,
            "answered_at": row.answered_at,
            "words": _own(row.words),
        }


def _own(text: Text | None) -> str:
    return text.original() if text is not None else ""


def _told(text: Text | None) -> str:
    # As he reads it on the board: what was covered or hidden there is so in the copy.
    return text.public if text is not None and text.hidden_at is None else ""
