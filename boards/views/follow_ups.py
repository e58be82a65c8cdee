"""The poster says what became of a plan or of a transfer."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.errors import Invalid
from board.i18n import _l
from boards.views.acting import SAID, myself, on_case
from people.signing_in import login_required

bp = Blueprint("follow_ups", __name__)


@bp.post("/cases/<number>/follow-up")
@login_required
def create(number: str) -> Response:
    """`done=yes`, or `done=no`: then it opens again."""
    answer = request.form.get("done", "")
    if answer not in ("yes", "no"):
        raise Invalid(_l("Please choose yes or no."), field="done")
    return on_case(
        number, lambda case: case.follow_up(by=myself(), done=answer == "yes"), message=SAID["follow_up"]
    )
