"""The poster takes his case back; whether somebody asked him to is for the inspectors only."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from board.errors import WrongState
from board.i18n import _l
from board.permissions import require
from boards.models.case import Case
from boards.views.acting import SAID, myself, on_case
from people import me
from people.signing_in import login_required

bp = Blueprint("withdrawals", __name__)


@bp.get("/cases/<number>/withdrawal")
@login_required
def new(number: str) -> Response:
    """Are you sure, and did somebody ask you to?"""
    case = Case.numbered(number, reader=me())
    require(me(), "case.withdraw", case)
    if not case.can("withdraw"):
        raise WrongState(_l("It is closed already."))
    return make_response(render_template("compose/withdraw.html", case=case))


@bp.post("/cases/<number>/withdrawal")
@login_required
def create(number: str) -> Response:
    """Withdraw it."""
    pressed = request.form.get("pressed", "")
    return on_case(number, lambda case: case.withdraw(by=myself(), pressed=pressed), message=SAID["withdraw"])
