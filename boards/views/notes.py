"""Progress that everybody reads, and notes that only the departments read."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from boards.models import Case, CaseEvent
from boards.views.answerbox import next_result, public_words
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("notes", __name__)


@bp.post("/cases/<number>/notes")
@login_required
def create(number: str) -> Response:
    """`audience=internal` keeps a note; otherwise it is public progress, with the date of the next result."""
    if request.form.get("audience") == "internal":
        return take_step(
            number,
            "note",
            lambda case, officer: case.note(by=officer, note=request.form.get("text", "")),
            _l("The note is kept; the public cannot see it"),
            photos=True,
        )

    def progress(case: Case, officer: Person) -> CaseEvent:
        return case.progress(by=officer, note=public_words(), expected=next_result())

    return take_step(number, "progress", progress, _l("Progress is public now"), photos=True)
