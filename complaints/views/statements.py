"""The page of a unit that is asked: the question, and nothing else of what made the inspectors ask."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from board import once
from board.errors import Invalid, WrongState
from board.i18n import _l
from boards.views.acting import myself, once_only
from complaints.models.statement import Statement
from people import me
from people.session import login_required

bp = Blueprint("statements", __name__)


@bp.get("/statements/<public_id>")
@login_required
def show(public_id: str) -> Response:
    """The question; for everybody who was not asked there is no such page."""
    return _page(Statement.by_public_id(public_id, reader=me()))


@bp.post("/statements/<public_id>/answer")
@login_required
def answer(public_id: str) -> Response:
    """Answer it, once."""

    def act() -> str:
        asked = Statement.by_public_id(public_id, reader=me(), for_change=True)
        asked.give(by=myself(), words=request.form.get("words", "")[:20_000])
        return f"/statements/{public_id}"

    try:
        return once_only(act, _l("Your statement reached the inspectors."))
    except (Invalid, WrongState) as error:
        errors = getattr(error, "errors", None) or {"words": error.message}
        asked = Statement.by_public_id(public_id, reader=me())
        return _page(asked, typed=request.form.get("words", ""), errors=errors, status=error.status)


def _page(
    asked: Statement, *, typed: str = "", errors: dict[str, object] | None = None, status: int = 200
) -> Response:
    html = render_template(
        "complaints/statement.html", it=asked, typed=typed, errors=errors or {}, once=once.fresh()
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
