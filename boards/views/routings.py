"""The desk sends a case where it belongs."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from board.permissions import require
from boards.deskforms import unit
from boards.models import Case, CaseEvent
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("routings", __name__)


@bp.post("/cases/<number>/routing")
@login_required
def create(number: str) -> Response:
    """It binds; a fresh one may come back once within two hours."""

    def route(case: Case, officer: Person) -> CaseEvent:
        require(officer, "case.route", case)
        return case.route(
            by=officer, to=unit(request.form.get("to"), "to"), note=request.form.get("note", "")
        )

    return take_step(number, "route", route, _l("Sent there; the people on duty were told"))
