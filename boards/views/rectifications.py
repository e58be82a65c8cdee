"""Another officer answers anew after a bad rating."""

from __future__ import annotations

from flask import Blueprint, Response

from board.i18n import _l
from boards.views.answerbox import public_words
from boards.views.duty import take_step
from people.session import login_required

bp = Blueprint("rectifications", __name__)


@bp.post("/cases/<number>/rectification")
@login_required
def create(number: str) -> Response:
    """Called back, mended, answered anew; the poster rates again."""
    return take_step(
        number,
        "rectify",
        lambda case, officer: case.rectify(by=officer, answer=public_words()),
        _l("Answered anew: the poster is asked to rate it again"),
        photos=True,
    )
