"""The desk has nothing against everybody reading what it keeps to itself; the poster decides."""

from __future__ import annotations

from flask import Blueprint, Response

from board.i18n import _l
from boards.views.duty import take_step
from people.session import login_required

bp = Blueprint("release_proposals", __name__)


@bp.post("/cases/<number>/release-proposal")
@login_required
def create(number: str) -> Response:
    """It becomes public when the poster agrees."""
    return take_step(
        number,
        "propose_release",
        lambda case, officer: case.thread.propose_release(by=officer),
        _l("The poster is asked whether everybody may read it"),
    )
