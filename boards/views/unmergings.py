"""The poster, or the desk, says that a merged case is not the same matter."""

from __future__ import annotations

from flask import Blueprint, Response

from boards.views.acting import SAID, myself, on_case
from people.signing_in import login_required

bp = Blueprint("unmergings", __name__)


@bp.post("/cases/<number>/unmerging")
@login_required
def create(number: str) -> Response:
    """Everything stands again as it stood before the merge."""
    return on_case(number, lambda case: case.unmerge(by=myself()), message=SAID["unmerge"])
