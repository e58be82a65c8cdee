"""What inspectors do with what came from ordinary cases: confirm or refuse a sealing, answer a referral or a reprisal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from board import once
from board.db import transaction
from board.errors import Invalid, NotFound, WrongState, wants_json
from board.i18n import _l
from board.permissions import may
from boards.models import Case
from boards.views.acting import done, myself
from complaints.models.pressure_question import PressureQuestion
from complaints.models.referral import Referral
from complaints.models.reprisal import Reprisal
from complaints.models.sealing import Sealing
from complaints.views.inspection import Typed, show
from people import me
from people.models import Person
from people.session import login_required

bp = Blueprint("landed", __name__)

LONGEST = 20_000


def _word(name: str) -> str:
    return request.form.get(name, "")[:LONGEST]


def _act(
    model: Any, public_id: str, form: str, rule: str, act: Callable[[Any, Person], Any], said: Any
) -> Response:
    """Do `act` in one transaction; what was typed is given back with what is wrong. Sent twice it acts once.

    Whoever is no inspector finds nothing here, and so does one who is tied to the case.
    """
    if not may(me(), "inspection.open"):
        raise NotFound
    token, number = request.form.get("once", "")[:64], ""
    before = once.used(token)
    if before is not None:
        return done(before)
    try:
        with transaction():
            person = myself()
            row = model.by_public_id(public_id, reader=person)
            if not may(person, rule, row):
                raise NotFound
            number = row.case.number
            act(row, person)
            target = _after(row.case)
            once.use(token, target)
    except (Invalid, WrongState) as error:
        if wants_json() or not number:
            raise
        return show(number, typed=Typed(public_id, form, error), status=error.status)
    return done(target, said)


def _after(case: Case) -> str:
    return f"/inspection?case={case.number}"


@bp.post("/sealings/<public_id>/decision")
@login_required
def decide_sealing(public_id: str) -> Response:
    """An inspector from elsewhere confirms that a case is handled internally, or does not, with words."""

    def act(row: Sealing, person: Person) -> None:
        if _word("agree") not in ("yes", "no"):
            raise Invalid(_l("Please choose one."), field="agree")
        if _word("agree") == "yes":
            row.confirm(by=person)
        else:
            row.refuse(by=person, words=_word("seal_words"))

    return _act(Sealing, public_id, "sealing", "sealing.decide", act, _l("Noted."))


@bp.post("/referrals/<public_id>/decision")
@login_required
def decide_referral(public_id: str) -> Response:
    """It stays so, or it does not: with words that the poster reads."""
    return _act(
        Referral,
        public_id,
        "referral",
        "referral.decide",
        lambda row, person: row.decide(
            by=person, decision=_word("decision")[:12], words=_word("referral_words")
        ),
        _l("Answered. The poster reads it at once."),
    )


@bp.post("/reprisals/<public_id>/answer")
@login_required
def answer_reprisal(public_id: str) -> Response:
    """Answer whoever is given trouble; he alone reads it."""
    return _act(
        Reprisal,
        public_id,
        "reprisal",
        "reprisal.answer",
        lambda row, person: row.give(by=person, words=_word("reprisal_words")),
        _l("Answered. Only the poster reads it."),
    )


@bp.post("/pressure-questions/<public_id>/note")
@login_required
def note_pressure(public_id: str) -> Response:
    """Keep what was found of it; it leaves the queue."""
    return _act(
        PressureQuestion,
        public_id,
        "pressure",
        "pressure.note",
        lambda row, person: row.note(by=person, words=_word("pressure_words")),
        _l("Noted. The case left this queue."),
    )
