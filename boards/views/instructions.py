"""A leader says what is to be done."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.i18n import _l
from board.permissions import require
from boards.deskforms import moment, officer_named
from boards.models import Case, CaseEvent
from boards.views.duty import take_step
from people.models import Person
from people.session import login_required

bp = Blueprint("instructions", __name__)


@bp.post("/cases/<number>/instructions")
@login_required
def create(number: str) -> Response:
    """Pinned on its owner's desk; it changes no outcome."""

    def instruct(case: Case, officer: Person) -> CaseEvent:
        require(officer, "case.instruct", case)
        form = request.form
        return case.instruct(
            by=officer,
            words=form.get("words", ""),
            owner=officer_named(form["owner"], "owner") if form.get("owner") else None,
            due=moment(form.get("due"), "due"),
            public=form.get("public") == "1",
        )

    return take_step(number, "instruct", instruct, _l("The instruction is given"))
