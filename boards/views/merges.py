"""The desk finds that two cases are one matter."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.errors import Invalid, NotFound
from board.i18n import _l
from board.permissions import require
from boards.models import Case, CaseEvent
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("merges", __name__)


@bp.post("/cases/<number>/merge")
@login_required
def create(number: str) -> Response:
    """Its poster follows the main case, and may say within seven days that it is another matter."""

    def merge(case: Case, officer: Person) -> CaseEvent:
        require(officer, "case.merge", case)
        return case.merge(by=officer, into=_main(request.form.get("into", ""), officer))

    return take_step(number, "merge", merge, _l("Merged; its poster follows the main case"))


def _main(number: str, officer: Person) -> Case:
    try:
        return Case.numbered(number, reader=officer, for_change=True)
    except NotFound:
        raise Invalid(_l("There is no case with this number. Please check it."), field="into") from None
