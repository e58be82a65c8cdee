"""A suspended case goes on."""

from __future__ import annotations

from flask import Blueprint, Response

from board.i18n import _l
from boards.views.duty import take_step
from people.session import login_required

bp = Blueprint("resumptions", __name__)


@bp.post("/cases/<number>/resumption")
@login_required
def create(number: str) -> Response:
    """Before its date; on the date it goes on by itself."""
    return take_step(number, "resume", lambda case, officer: case.resume(by=officer), _l("It goes on"))
