"""Handling a case internally: the leader's form, giving it back, and the stub that everybody reads meanwhile."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup
from sqlalchemy import select

from board.db import db
from board.errors import BoardError, Invalid, WrongState, wants_json
from board.i18n import _l
from board.jinja import when
from board.permissions import may, require
from board.seams import fill, provides
from boards import clockface
from boards.addresses import case_path
from boards.models import Case
from boards.sentences import by_when, chips, promised, tidy
from boards.views.acting import myself, once_only
from complaints.models.sealing import GROUNDS, Sealing, bar_to
from complaints.words import ground_words
from people import me
from people.session import login_required

bp = Blueprint("sealings", __name__)


@bp.get("/cases/<number>/seal")
@login_required
def new(number: str) -> Response:
    """On which ground, and what it means; for a case that is sealed already, giving it back."""
    case = Case.numbered(number, reader=me())
    require(me(), "case.seal", case)
    return _page(case)


@bp.post("/cases/<number>/seal")
@login_required
def create(number: str) -> Response:
    """Keep it from the public at once; an inspector confirms it within 24 hours."""

    def act() -> str:
        case = Case.numbered(number, reader=me(), for_change=True)
        ground, words = request.form.get("ground", "")[:16], request.form.get("words", "")[:20_000]
        Sealing.propose(case, by=myself(), ground=ground, words=words)
        return case_path(case)

    return _answer(number, act, _l("It is handled internally now. An inspector decides within 24 hours."))


@bp.post("/cases/<number>/seal/lifting")
@login_required
def lift(number: str) -> Response:
    """Give it back to the public."""

    def act() -> str:
        case = Case.numbered(number, reader=me(), for_change=True)
        standing = Sealing.standing(case)
        if standing is None:
            require(me(), "case.seal", case)
            raise WrongState(_l("Everybody can read this case again already."))
        standing.lift(by=myself())
        return case_path(case)

    return _answer(number, act, _l("Everybody can read it again."))


def _answer(number: str, act: Any, said: Any) -> Response:
    try:
        return once_only(act, said)
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        return _page(Case.numbered(number, reader=me()), error=error, status=error.status)


def _page(case: Case, *, error: BoardError | None = None, status: int = 200) -> Response:
    errors = dict(error.errors) if isinstance(error, Invalid) else {"": error.message} if error else {}
    standing = Sealing.standing(case)
    html = render_template(
        "complaints/seal.html",
        case=case,
        standing=standing,
        bar=bar_to(case) if standing is None else None,
        ground=ground_words(standing.ground) if standing is not None else "",
        grounds=[(each, ground_words(each)) for each in GROUNDS],
        typed=request.form,
        errors=errors,
        back=case_path(case),
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@fill("desk.case")
def at_the_desk(case: Case) -> Markup:
    """The leader's way to it, where it can be done, and what stands."""
    person, standing = me(), Sealing.standing(case)
    if not may(person, "case.seal", case) or (standing is None and bar_to(case) is not None):
        return Markup()
    return Markup(render_template("complaints/to_seal.html", case=case, standing=standing))


@provides("case_stub")
def stub(number: str) -> Response | None:
    """What everybody reads of a case that is handled internally: number, ground, unit, status and clocks, no word of it."""
    case = db.session.scalar(
        select(Case)
        .join(Sealing, Sealing.case_id == Case.id)
        .where(Case.number == number, Sealing.ended_at.is_(None))
    )
    if case is None:
        return None
    standing = Sealing.standing(case)
    assert standing is not None
    result = promised(case, "resolve")
    html = render_template(
        "complaints/stub.html",
        number=case.number,
        section=case.thread.section,
        unit=case.department,
        chips=chips(case),
        face=clockface.face(case),
        ground=ground_words(standing.ground),
        since=when(standing.asked_at),
        until=when(standing.due_at) if standing.is_open else "",
        decided=when(standing.decided_at) if standing.decided_at is not None else "",
        promised=tidy(by_when(result)) if result is not None and case.thread.section.shows_countdown else "",
    )
    response = make_response(html)
    response.headers["Cache-Control"] = "private, no-store"
    return response
