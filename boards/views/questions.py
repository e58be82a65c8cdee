"""An officer asks the poster for what is missing."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from boards.views.duty import take_step
from people.session import login_required

bp = Blueprint("questions", __name__)


@bp.post("/cases/<number>/questions")
@login_required
def create(number: str) -> Response:
    """One exact question; the result's clock stands still until the answer."""
    return take_step(
        number,
        "ask",
        lambda case, officer: case.ask(by=officer, question=request.form.get("question", "")),
        _l("The question is asked"),
    )
