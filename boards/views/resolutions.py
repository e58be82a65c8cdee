"""A department gives its final answer."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from boards.deskforms import moment
from boards.models import Case, CaseEvent
from boards.views.answerbox import public_words
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("resolutions", __name__)


@bp.post("/cases/<number>/resolution")
@login_required
def create(number: str) -> Response:
    """Conclude with an outcome and what it needs: a date, an outside number and contact, or a reason."""

    def resolve(case: Case, officer: Person) -> CaseEvent:
        form = request.form
        return case.resolve(
            by=officer,
            answer=public_words(),
            outcome=form.get("outcome", ""),
            date=moment(form.get("date"), "date"),
            number=form.get("number", ""),
            contact=form.get("contact", ""),
            reason=form.get("reason", ""),
        )

    return take_step(number, "resolve", resolve, _l("The final answer is given"), photos=True)
