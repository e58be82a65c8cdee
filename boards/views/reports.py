"""`这里写到了我`: anybody, without an account, may say that a text is about him. Answered within two hours."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import TooManyRequests

from board import once
from board.db import transaction
from board.errors import Invalid
from board.i18n import _l
from board.limits import spend
from board.web import client_address, see_other
from boards.composition import LONGEST, token_of
from boards.filing import file_report
from boards.models.report import KINDS
from boards.models.thread import Thread
from people import me
from people.csrf import visitors_too

bp = Blueprint("reports", __name__)

REPORTS = "10 per hour"  # from one address


def _page(
    thread: Thread, *, errors: dict[str, Any] | None = None, status: int = 200, done: bool = False
) -> Response:
    html = render_template(
        "compose/report.html",
        thread=thread,
        back=f"/t/{thread.public_id}",
        form=request.form,
        kinds=KINDS,
        errors=errors or {},
        token=token_of(request.form),
        done=done,
    )
    return make_response(html, status)


@bp.get("/t/<public_id>/reports")
def new(public_id: str) -> Response:
    """What is about you, where, and how to reach you if you like."""
    return _page(Thread.by_public_id(public_id, reader=me()))


@bp.get("/t/<public_id>/reports/received")
def received(public_id: str) -> Response:
    """It has arrived."""
    return _page(Thread.by_public_id(public_id, reader=me()), done=True)


@bp.post("/t/<public_id>/reports")
@visitors_too
def create(public_id: str) -> Response:
    """File it: the moderators hear at once."""
    token = token_of(request.form)
    answer = see_other("reports.received", public_id=public_id)
    if once.used(token) is not None:
        return answer
    form = request.form
    try:
        spend("report", REPORTS, client_address())
        with transaction():
            if once.used(token) is None:
                thread = Thread.by_public_id(public_id, reader=me(), for_change=True)
                file_report(
                    thread,
                    kind=form.get("kind", ""),
                    words=form.get("words", "")[:LONGEST],
                    contact=form.get("contact", "")[:200],
                    by=me(),
                )
                once.use(token, answer.location or "")
    except Invalid as error:
        return _page(Thread.by_public_id(public_id, reader=me()), errors=error.errors, status=422)
    except TooManyRequests as error:
        message = _l("That was a lot at once. What you wrote is still here; please try again a little later.")
        response = _page(Thread.by_public_id(public_id, reader=me()), errors={"": message}, status=429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    return answer
