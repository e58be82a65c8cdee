"""A department takes a case on."""

from __future__ import annotations

from flask import Blueprint, Response

from board.i18n import _l
from boards.models import Case, CaseEvent
from boards.views.answerbox import next_result, public_words
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("acceptances", __name__)


@bp.post("/cases/<number>/acceptance")
@login_required
def create(number: str) -> Response:
    """Take it on, with the first public answer where one was written; `next_result` promises the next one."""

    def accept(case: Case, officer: Person) -> CaseEvent:
        return case.accept(by=officer, answer=public_words(), expected=next_result())

    return take_step(number, "accept", accept, _l("Accepted: the poster was told"), photos=True)
