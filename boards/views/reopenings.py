"""It is not solved: the poster asks for it to be handled again."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from board.permissions import require
from board.typed import LONGEST
from boards.composition import token_of
from boards.models.case import Case
from boards.views.acting import SAID, Words, myself, on_case
from people import me
from people.signing_in import login_required

bp = Blueprint("reopenings", __name__)


def _words(number: str, typed: str) -> Words:
    return Words(
        action=f"/cases/{number}/reopening",
        heading=_l("Have it handled again"),
        label=_l("What is still not solved?"),
        button=_l("Have it handled again"),
        back=f"/cases/{number}",
        name="words",
        hidden={"once": token_of(request.form)},
        typed=typed,
    )


@bp.get("/cases/<number>/reopening")
@login_required
def new(number: str) -> Response:
    """Ask what is still wrong."""
    require(me(), "case.reopen", Case.numbered(number, reader=me()))
    return _words(number, "").page()


@bp.post("/cases/<number>/reopening")
@login_required
def create(number: str) -> Response:
    """Begin the next round; what was before is frozen."""
    typed = request.form.get("words", request.form.get("text", ""))[:LONGEST]
    return on_case(
        number,
        lambda case: case.reopen(by=myself(), words=typed),
        message=SAID["reopen"],
        words=_words(number, typed),
    )
