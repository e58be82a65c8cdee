"""How a poster turns to the inspectors: an appeal, a report that somebody gives him trouble, whether he was pressed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup

from board.errors import BoardError, Invalid, NotFound, WrongState, wants_json
from board.i18n import _l
from board.jinja import when
from board.permissions import may, require
from board.seams import fill
from boards.addresses import case_path
from boards.models import Case
from boards.views.acting import myself, once_only
from complaints import publishing
from complaints.landing import may_refer
from complaints.models.pressure_question import PressureQuestion
from complaints.models.referral import Referral, referable
from complaints.models.reprisal import Reprisal
from complaints.models.sealing import Sealing
from complaints.words import decision_word, ground_words, referral_word
from people import me
from people.models import Person
from people.session import login_required

bp = Blueprint("turnings", __name__)

LONGEST = 20_000


# --- an appeal ---------------------------------------------------------------------------------------------


@bp.get("/cases/<number>/appeal")
@login_required
def new_appeal(number: str) -> Response:
    """What the inspectors should look at, and why?"""
    return _appeal(number)


@bp.post("/cases/<number>/appeal")
@login_required
def appeal(number: str) -> Response:
    """Put it to the inspectors."""

    def act() -> str:
        case = Case.numbered(number, reader=me(), for_change=True)
        kinds = referable(case, me())
        kind = request.form.get("kind", "")[:16] or (kinds[0] if len(kinds) == 1 else "")
        Referral.file(case, by=myself(), kind=kind, words=request.form.get("words", "")[:LONGEST])
        return case_path(case)

    try:
        return once_only(act, _l("The inspectors have it. Their answer will stand on this page."))
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        return _appeal(number, error=error, status=error.status)


def _appeal(number: str, *, error: BoardError | None = None, status: int = 200) -> Response:
    case = Case.numbered(number, reader=me())
    require(me(), "referral.file", case)
    kinds = referable(case, me())
    if not kinds and error is None:
        raise NotFound
    return _page(
        "complaints/appeal.html", case, error, status, kinds=[(each, referral_word(each)) for each in kinds]
    )


# --- somebody gives him trouble ----------------------------------------------------------------------------


@bp.get("/cases/<number>/reprisal")
@login_required
def new_reprisal(number: str) -> Response:
    """Who gives you trouble, and how? With what was reported before and its answers."""
    return _reprisal(number)


@bp.post("/cases/<number>/reprisal")
@login_required
def reprisal(number: str) -> Response:
    """Tell the inspectors, and nobody else."""

    def act() -> str:
        case = Case.numbered(number, reader=me(), for_change=True)
        Reprisal.file(case, by=myself(), words=request.form.get("words", "")[:LONGEST])
        return f"/cases/{case.number}/reprisal"

    try:
        return once_only(act, _l("Only the inspectors have it. They answer within 24 hours, here."))
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        return _reprisal(number, error=error, status=error.status)


def _reprisal(number: str, *, error: BoardError | None = None, status: int = 200) -> Response:
    case = Case.numbered(number, reader=me())
    require(me(), "reprisal.file", case)
    rows = Reprisal.of(case)
    return _page(
        "complaints/reprisal.html",
        case,
        error,
        status,
        waits=any(each.is_open for each in rows),
        rows=[_reported(each) for each in rows],
    )


def _reported(row: Reprisal) -> dict[str, Any]:
    return {
        "when": when(row.filed_at),
        "words": row.text.original(),
        "due": when(row.due_at),
        "late": row.is_open and row.breached_at is not None,
        "answer": row.answer.markup() if row.answer is not None else "",
        "answered": when(row.answered_at) if row.answered_at is not None else "",
    }


# --- whether he was pressed --------------------------------------------------------------------------------


@bp.get("/pressure-questions/<public_id>")
@login_required
def question(public_id: str) -> Response:
    """The question by itself; for everybody who was not asked there is none."""
    return _question(public_id)


@bp.post("/pressure-questions/<public_id>/answer")
@login_required
def answer(public_id: str) -> Response:
    """Say whether somebody asked for it. Nobody has to."""

    def act() -> str:
        row = _asked(public_id)
        form = request.form
        row.give(
            by=myself(), answer=form.get("pressed", "")[:3], words=form.get("pressed_words", "")[:LONGEST]
        )
        return case_path(row.case)

    try:
        return once_only(act, _l("Thank you. Only the inspectors see your answer."))
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        return _question(public_id, error=error, status=error.status)


def _asked(public_id: str) -> PressureQuestion:
    row = PressureQuestion.by_public_id(public_id, reader=me())
    if not may(me(), "pressure.answer", row):
        raise NotFound
    return row


def _question(public_id: str, *, error: BoardError | None = None, status: int = 200) -> Response:
    row = _asked(public_id)
    return _page("complaints/pressure.html", row.case, error, status, row=row)


def _page(template: str, case: Case, error: BoardError | None, status: int, **values: Any) -> Response:
    errors = dict(error.errors) if isinstance(error, Invalid) else {"": error.message} if error else {}
    html = render_template(
        template, case=case, typed=request.form, errors=errors, back=case_path(case), **values
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


# --- the places on other pages ------------------------------------------------------------------------------


@fill("case.told")
def told(case: Case) -> Markup:
    """On the page of a case, for whoever is signed in: why it is not public, what the inspectors have of it, a question."""
    person = me()
    standing = Sealing.standing(case) if case.thread.is_restricted else None
    own = person is not None and person.id == case.thread.poster_id
    asked = PressureQuestion.open_for(person, case)[:1] if person is not None and own else []
    referrals = [each for each in Referral.of(case) if each.round == case.round] if own else []
    reprisals = Reprisal.of(case)[-1:] if own else []
    if standing is None and not asked and not referrals and not reprisals:
        return Markup()
    return Markup(
        render_template(
            "complaints/told.html",
            case=case,
            own=own,
            sealed=_standing(standing) if standing is not None else None,
            refers=may_refer(person, case),
            asked=asked,
            referrals=[_referred(each) for each in referrals],
            reprisals=[_reported(each) for each in reprisals],
        )
    )


def _standing(row: Sealing) -> dict[str, str]:
    return {"ground": ground_words(row.ground), "until": when(row.due_at) if row.is_open else ""}


def _referred(row: Referral) -> dict[str, Any]:
    return {
        "what": referral_word(row.kind),
        "due": when(row.due_at),
        "waits": row.is_open,
        "late": row.breached_at is not None,
        "decision": decision_word(row.decision, row.kind),
    }


@fill("case.own_acts")
def own_acts(case: Case) -> Markup:
    """Among what the poster can do."""
    person = me()
    if not may(person, "reprisal.file", case):
        return Markup()
    return Markup(
        render_template("complaints/own_acts.html", number=case.number, refers=may_refer(person, case))
    )


@fill("case.ways")
def ways(case: dict[str, Any]) -> Markup:
    """On every public case: complaining about how it was handled, in private."""
    section = publishing.complaints_section()
    if section is None or section.is_closed:
        return Markup()
    return Markup(render_template("complaints/ways.html", key=section.key, number=case["number"]))


@fill("mine.first")
def mine_first(person: Person) -> Markup:
    """Among one's own cases: the questions that nobody but the inspectors sees the answer to."""
    asked = PressureQuestion.open_for(person)[:3]
    return Markup(render_template("complaints/asked.html", asked=asked)) if asked else Markup()
