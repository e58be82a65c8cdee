"""The desk passes a case to 110. It cannot be undone, so a page asks first."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from board import once
from board.db import transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.i18n import _l
from board.permissions import may
from boards.models import Case
from boards.views.duty import onward
from people import me
from people.session import login_required

bp = Blueprint("relays", __name__)


def _page(
    number: str, *, status: int = 200, errors: dict[str, Any] | None = None, message: Any = ""
) -> Response:
    case = Case.numbered(number, reader=me())
    if not may(me(), "case.relay", case):
        raise NotAllowed
    html = render_template(
        "desk/relay.html",
        case=case,
        errors=errors or {},
        message=message,
        form=request.form,
        desk=request.form.get("desk") or request.query_string.decode()[:600],
    )
    return make_response(html, status)


@bp.get("/cases/<number>/relay")
@login_required
def new(number: str) -> Response:
    """What is asked before it happens."""
    return _page(number)


@bp.post("/cases/<number>/relay")
@login_required
def create(number: str) -> Response:
    """Passed on with the receipt number of 110, the poster called back."""
    form, token = request.form, request.form.get("once", "")[:64]
    done = once.used(token)
    if done is not None:
        return redirect(done, 303)  # type: ignore[return-value]
    try:
        with transaction():
            officer = me()
            assert officer is not None
            case = Case.numbered(number, reader=officer, for_change=True)
            case.relay(
                by=officer, receipt=form.get("receipt", ""), called_back=form.get("called_back") == "1"
            )
            kept = case.number
            once.use(token, f"/desk?case={kept}")
    except Invalid as error:
        return _page(number, status=422, errors=error.errors)
    except WrongState as error:
        return _page(number, status=409, message=error.message)
    return onward(kept, _l("Passed to 110; everybody reads when"))
