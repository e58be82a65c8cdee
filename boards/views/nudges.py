"""The poster reminds the department's leader."""

from __future__ import annotations

from flask import Blueprint, Response

from boards.views.acting import SAID, myself, on_case
from people.signing_in import login_required

bp = Blueprint("nudges", __name__)


@bp.post("/cases/<number>/nudge")
@login_required
def create(number: str) -> Response:
    """Once a working day, after half of the promised time."""
    return on_case(number, lambda case: case.nudge(by=myself()), message=SAID["nudge"])
