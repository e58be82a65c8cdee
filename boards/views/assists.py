"""Another department is asked to help, answers, or need not."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from board.permissions import require
from boards.deskforms import unit
from boards.models import Case, CaseEvent
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("assists", __name__)


@bp.post("/cases/<number>/assists")
@login_required
def create(number: str) -> Response:
    """Ask for help; the lead stays in charge."""

    def assist(case: Case, officer: Person) -> CaseEvent:
        require(officer, "case.assist", case)
        department = unit(request.form.get("department"), "department")
        return case.assist(by=officer, department=department, words=request.form.get("words", ""))

    return take_step(number, "assist", assist, _l("Asked for help"))


@bp.post("/cases/<number>/assists/<task>/answer")
@login_required
def answer(number: str, task: str) -> Response:
    """The department that was asked says what it did."""
    return take_step(
        number,
        "assist_answer",
        lambda case, officer: case.answer_assist(task, by=officer, words=request.form.get("words", "")),
        _l("Answered the department in charge"),
    )


@bp.post("/cases/<number>/assists/<task>/waiver")
@login_required
def waive(number: str, task: str) -> Response:
    """A leader lets it go unanswered."""
    return take_step(
        number,
        "assist_waive",
        lambda case, officer: case.waive_assist(task, by=officer),
        _l("The task is waived"),
    )
