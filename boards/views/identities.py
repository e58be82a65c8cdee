"""Who posted: the poster chooses who may know it, and whoever looks it up in office writes down why."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from board.db import transaction
from board.errors import Invalid, WrongState, wants_json
from board.i18n import _l
from board.permissions import require
from boards import known
from boards.addresses import thread_path
from boards.models import Case, Thread
from boards.models.identity import levels_for, may_change, open_identity
from boards.sentences import tidy
from boards.views.acting import myself, once_only
from people import me
from people.confirming import require_confirmed
from people.models import Person
from people.session import login_required

bp = Blueprint("identities", __name__)


# --- the poster ------------------------------------------------------------------------------------------


@bp.get("/t/<public_id>/identity")
@login_required
def edit(public_id: str) -> Response:
    """The levels there are for this thread, each with who would know."""
    thread = Thread.by_public_id(public_id, reader=me())
    require(me(), "thread.change_identity", thread)
    return _choices(thread)


@bp.post("/t/<public_id>/identity")
@login_required
def change(public_id: str) -> Response:
    """From now on it stands like that, on every page."""
    level = request.form.get("identity", "")

    def act() -> str:
        thread = Thread.by_public_id(public_id, reader=me(), for_change=True)
        thread.change_identity(by=myself(), level=level)
        return thread_path(thread)

    try:
        return once_only(act, _l("Done. It stands like that on every page from now on."))
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        thread = Thread.by_public_id(public_id, reader=me())
        return _choices(thread, {"identity": error.message}, error.status)


def _choices(thread: Thread, errors: dict[str, Any] | None = None, status: int = 200) -> Response:
    person = myself()
    unit = thread.case.department if thread.case is not None else thread.section.department
    nickname = person.shown_nickname
    html = render_template(
        "compose/identity.html",
        thread=thread,
        back=thread_path(thread),
        changeable=may_change(thread, person),
        levels=[
            (level, known.title_of(level, nickname), tidy(" ".join(known.knowers(level, unit))))
            for level in levels_for(thread)
        ],
        errors=errors or {},
    )
    return make_response(html, status)


# --- whoever acts in office ----------------------------------------------------------------------------------


@bp.post("/cases/<number>/contact")
@login_required
def contact(number: str) -> Response:
    """The poster's telephone number and nickname, once, for this case and a reason; on a page that nothing keeps."""
    reason = request.form.get("reason", "")
    try:
        with transaction():
            officer, case = _at(number)
            require(officer, "poster.contact", case)
            require_confirmed()  # a desk that was left open looks nobody up
            opened = open_identity(case, by=officer, reason=reason)
            sealed, title = case.thread.identity == "sealed", case.thread.title
    except Invalid as error:
        if wants_json():
            raise
        return _ask(number, error.errors)
    return _page("desk/identity.html", 200, number=number, title=title, opened=opened, sealed=sealed)


def _ask(number: str, errors: dict[str, Any]) -> Response:
    officer, case = _at(number)
    require(officer, "poster.contact", case)
    values = {"number": number, "title": case.thread.title, "errors": errors}
    return _page("desk/reason.html", 422, **values, typed=request.form.get("reason", ""))


def _at(number: str) -> tuple[Person, Case]:
    officer = myself()
    return officer, Case.numbered(number, reader=officer, for_change=True)


def _page(template: str, status: int, **values: Any) -> Response:
    html = render_template(template, desk=request.form.get("desk", "")[:600], **values)
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response
