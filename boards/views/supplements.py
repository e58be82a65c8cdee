"""The poster answers the department's question."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from board.typed import LONGEST
from boards.composition import token_of
from boards.views.acting import SAID, Words, myself, on_case
from people.signing_in import login_required

bp = Blueprint("supplements", __name__)


@bp.post("/cases/<number>/supplements")
@login_required
def create(number: str) -> Response:
    """Add what was asked for; the clock goes on."""
    typed = request.form.get("body", "")[:LONGEST]
    words = Words(
        action=f"/cases/{number}/supplements",
        heading=_l("Answer the department's question"),
        label=_l("Your answer"),
        button=_l("Send the answer"),
        back=f"/cases/{number}",
        hidden={"once": token_of(request.form)},
        typed=typed,
    )
    return on_case(
        number,
        lambda case: case.supplement(by=myself(), words=typed),
        message=SAID["supplement"],
        words=words,
    )
