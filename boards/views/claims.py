"""An officer works on a case himself."""

from __future__ import annotations

from flask import Blueprint, Response

from board.i18n import _l
from boards.views.duty import take_step
from people.session import login_required

bp = Blueprint("claims", __name__)


@bp.post("/cases/<number>/claim")
@login_required
def create(number: str) -> Response:
    """It is yours now."""
    return take_step(number, "claim", lambda case, officer: case.claim(by=officer), _l("You work on it now"))
