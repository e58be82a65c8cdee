"""Stepping back: one page with a reason, and the words of those who did at the desk of whoever is free."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup

from board.errors import BoardError, Invalid, WrongState, wants_json
from board.i18n import _l
from board.permissions import may, require
from board.seams import fill
from boards.addresses import case_path
from boards.models import Case
from boards.policy import whispered
from boards.views.acting import myself, once_only
from complaints import recusing
from people import me
from people.session import login_required

bp = Blueprint("recusals", __name__)


def _page(case: Case, *, errors: dict[str, Any] | None = None, status: int = 200) -> Response:
    html = render_template(
        "complaints/recusal.html",
        case=case,
        bound=whispered(case.thread),
        typed=request.form,
        errors=errors or {},
        back=case_path(case),
    )
    return make_response(html, status)


@bp.get("/cases/<number>/recusal")
@login_required
def new(number: str) -> Response:
    """What stepping back means, and why?"""
    case = Case.numbered(number, reader=me())
    require(me(), "case.step_back", case)
    return _page(case)


@bp.post("/cases/<number>/recusal")
@login_required
def create(number: str) -> Response:
    """Step back; the way leads to the desk, as the case is out of sight now."""

    def act() -> str:
        case = Case.numbered(number, reader=me(), for_change=True)
        kind, words = request.form.get("kind", ""), request.form.get("words", "")
        recusing.step_back(case, by=myself(), kind=kind, words=words)
        return "/desk" if whispered(case.thread) else case_path(case)

    try:
        return once_only(act, _l("You keep away from this case from now on. Your colleagues have been told."))
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        return _again(number, error)


def _again(number: str, error: BoardError) -> Response:
    errors = dict(error.errors) if isinstance(error, Invalid) else {"": error.message}
    return _page(Case.numbered(number, reader=me()), errors=errors, status=error.status)


@fill("desk.case")
def at_the_desk(case: Case) -> Markup:
    """Who has stepped back and why, and the way to do so; nothing on the public's cases."""
    person = me()
    if person is None or not whispered(case.thread):
        return Markup()
    rows, own = recusing.said(case), may(person, "case.step_back", case)
    return Markup(render_template("complaints/recusals.html", rows=rows, may=own, number=case.number))
