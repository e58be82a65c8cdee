"""What came to the inspectors from one case, as the open pane of their desk shows it to one of them."""

from __future__ import annotations

from typing import Any

from board.jinja import when
from board.noting import opened
from board.permissions import may
from boards.models import Case
from complaints.landing import may_act
from complaints.models.pressure_question import PressureQuestion
from complaints.models.referral import Referral
from complaints.models.reprisal import Reprisal
from complaints.models.sealing import Sealing
from complaints.words import decision_word, ground_words, referral_word
from people.models import Person


def of(case: Case, person: Person) -> dict[str, Any]:
    """The four kinds with the forms that this reader may use; nothing for whom something ties to the case."""
    if not may_act(person, case):
        return {}
    sealing = Sealing.standing(case)
    return {
        "sealing": _sealing(sealing, person) if sealing is not None else None,
        "referrals": _one_form([_referral(each, person) for each in Referral.of(case)], "decides"),
        "reprisals": _one_form(_reprisals(case, person), "answers"),
        "pressed": _one_form([_pressed(each, person) for each in PressureQuestion.told(case)], "notes"),
    }


def _one_form(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Of each kind one form at a time, the oldest first: the next one comes when it is sent."""
    open_rows = [row for row in rows if row[name]]
    for row in open_rows[1:]:
        row[name] = False
    return rows


def _sealing(row: Sealing, person: Person) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "ground": ground_words(row.ground),
        "words": row.words.markup(),
        "unit": row.department.title,
        "due": when(row.due_at),
        "is_open": row.is_open,
        "decides": row.is_open and may(person, "sealing.decide", row),
        "lifts": not row.is_open and may(person, "sealing.lift", row),
    }


def _referral(row: Referral, person: Person) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "what": referral_word(row.kind),
        "words": row.text.markup() if row.text is not None else "",
        "due": when(row.due_at),
        "late": row.is_open and row.breached_at is not None,
        "decision": decision_word(row.decision, row.kind),
        "sealed": row.kind == "sealed",
        "decides": row.is_open and may(person, "referral.decide", row),
    }


def _reprisals(case: Case, person: Person) -> list[dict[str, Any]]:
    rows = Reprisal.of(case)
    if rows:
        opened("reprisal.read", by=person.public_id, thing=case.thread.thing)
    return [
        {
            "id": row.public_id,
            "words": row.text.markup(),
            "filed": when(row.filed_at),
            "due": when(row.due_at),
            "late": row.is_open and row.breached_at is not None,
            "answer": row.answer.markup() if row.answer is not None else "",
            "answered": when(row.answered_at) if row.answered_at is not None else "",
            "answers": row.is_open and may(person, "reprisal.answer", row),
        }
        for row in rows
    ]


def _pressed(row: PressureQuestion, person: Person) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "after": row.after,
        "when": when(row.answered_at) if row.answered_at is not None else "",
        "words": row.words.markup() if row.words is not None else "",
        "found": row.found.markup() if row.found is not None else "",
        "notes": row.is_open and may(person, "pressure.note", row),
    }
