"""A department does not take a case on."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from boards.views.duty import take_step
from people.session import login_required

bp = Blueprint("declinations", __name__)


@bp.post("/cases/<number>/declination")
@login_required
def create(number: str) -> Response:
    """An officer proposes it with a reason and where to go instead; a leader confirms."""
    return take_step(
        number,
        "decline",
        lambda case, officer: case.decline(
            by=officer, reason=request.form.get("reason", ""), advice=request.form.get("advice", "")
        ),
        _l("Not taken on; the poster reads why and where to go instead"),
    )
