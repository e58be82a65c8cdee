"""A leader gives a case to an officer."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from board.permissions import require
from boards.deskforms import officer_named
from boards.models import Case, CaseEvent
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("assignments", __name__)


@bp.post("/cases/<number>/assignment")
@login_required
def create(number: str) -> Response:
    """One of the department's own officers."""

    def assign(case: Case, officer: Person) -> CaseEvent:
        require(officer, "case.assign", case)  # before the list of colleagues is looked at
        return case.assign(by=officer, to=officer_named(request.form.get("to"), "to"))

    return take_step(number, "assign", assign, _l("Given to the officer"))
