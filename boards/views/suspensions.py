"""A case rests for a legal reason."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from board.permissions import require
from boards.deskforms import moment
from boards.models import Case, CaseEvent
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("suspensions", __name__)


@bp.post("/cases/<number>/suspension")
@login_required
def create(number: str) -> Response:
    """An officer asks, a leader grants."""

    def suspend(case: Case, officer: Person) -> CaseEvent:
        require(officer, "case.suspend", case)
        until = moment(request.form.get("until"), "until")
        return case.suspend(by=officer, reason=request.form.get("reason", ""), until=until)

    return take_step(number, "suspend", suspend, _l("Suspended by law; everybody reads the reason"))
