"""A case is offered to another department, taken, or given back."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from board.permissions import require
from boards.deskforms import unit
from boards.models import Case, CaseEvent
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("handovers", __name__)


@bp.post("/cases/<number>/handovers")
@login_required
def create(number: str) -> Response:
    """Offer it; until it is taken nothing changes."""

    def offer(case: Case, officer: Person) -> CaseEvent:
        require(officer, "case.offer", case)
        return case.offer(
            by=officer, to=unit(request.form.get("to"), "to"), reason=request.form.get("reason", "")
        )

    return take_step(
        number, "offer", offer, _l("Offered; your department stays responsible until it is taken")
    )


@bp.post("/cases/<number>/handovers/<handover>/taking")
@login_required
def take(number: str, handover: str) -> Response:
    """Yours from now on, with the clocks as they stand."""
    return take_step(number, "take", lambda case, officer: case.take(handover, by=officer), _l("Taken over"))


@bp.post("/cases/<number>/handovers/<handover>/return")
@login_required
def give_back(number: str, handover: str) -> Response:
    """Not ours; the second time the desk decides."""
    return take_step(
        number,
        "return",
        lambda case, officer: case.return_(handover, by=officer, reason=request.form.get("reason", "")),
        _l("Given back"),
    )
