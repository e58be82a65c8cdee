"""A leader decides what an officer asked for."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.errors import Invalid
from board.i18n import _l
from board.permissions import require
from boards.models import Case, CaseEvent
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("approvals", __name__)


@bp.post("/cases/<number>/approvals/<approval>/decision")
@login_required
def create(number: str, approval: str) -> Response:
    """Agreeing performs it in the same moment; refusing needs a reason."""

    def decide(case: Case, officer: Person) -> CaseEvent:
        require(officer, "case.approve", case)
        decision = request.form.get("decision")
        if decision not in ("approve", "refuse"):
            raise Invalid(_l("Agree, or say why not."), field="reason")
        reason = request.form.get("reason", "")
        return case.decide(approval, by=officer, approve=decision == "approve", reason=reason)

    return take_step(number, "decide", decide, _l("Decided"))
