"""A question is answered at once."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from boards.models import Case, CaseEvent, Outcome
from boards.views.answerbox import public_words
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("answers", __name__)


@bp.post("/cases/<number>/answer")
@login_required
def create(number: str) -> Response:
    """Acknowledge, accept and conclude in one press; the outcome is `explained` unless `solved` was chosen."""

    def answer(case: Case, officer: Person) -> CaseEvent:
        outcome = request.form.get("outcome") or Outcome.EXPLAINED
        return case.answer(by=officer, answer=public_words(), outcome=outcome)

    return take_step(
        number, "answer", answer, _l("Answered and concluded: the poster is asked to rate it"), photos=True
    )
