"""A leader gives a case a later date."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from board.permissions import require
from boards.deskforms import moment
from boards.models import Case, CaseEvent
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("extensions", __name__)


@bp.post("/cases/<number>/extension")
@login_required
def create(number: str) -> Response:
    """Before the old date is over, once a round, with a public reason."""

    def extend(case: Case, officer: Person) -> CaseEvent:
        require(officer, "case.extend", case)
        until = moment(request.form.get("until"), "until")
        return case.extend(by=officer, until=until, reason=request.form.get("reason", ""))

    return take_step(number, "extend", extend, _l("The deadline is extended"))
