"""`这里写到了我`: anybody, without an account, may say that a text is about him, or what else is wrong with it.

Whoever reported gets an address of his own at which the outcome stands; it names neither him nor the post.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from sqlalchemy import select
from werkzeug.exceptions import TooManyRequests

from board import once
from board.db import db, transaction
from board.errors import Invalid, NotFound
from board.i18n import _l
from board.limits import spend
from board.typed import LONGEST
from board.web import client_address
from boards.addresses import thread_path
from boards.composition import token_of
from boards.filing import file_report
from boards.models.report import ABOUT_ME, ABOUT_TEXT, Report
from boards.models.thread import Thread
from boards.modwords import decision_words, report_words
from boards.policy import sees
from people import me, vault
from people.csrf import visitors_too

bp = Blueprint("reports", __name__)

REPORTS = "10 per hour"  # from one address
PURPOSE = "report outcome"


def _page(thread: Thread, *, errors: dict[str, Any] | None = None, status: int = 200) -> Response:
    html = render_template(
        "compose/report.html",
        thread=thread,
        back=thread_path(thread),
        form=request.form,
        about_me=[(name, report_words()[name]) for name in ABOUT_ME],
        about_text=[(name, report_words()[name]) for name in ABOUT_TEXT],
        errors=errors or {},
        token=token_of(request.form),
    )
    return make_response(html, status)


@bp.get("/t/<public_id>/reports")
def new(public_id: str) -> Response:
    """What is about you, where, and how to reach you if you like."""
    return _page(Thread.by_public_id(public_id, reader=me()))


@bp.get("/reports/<token>")
def outcome(token: str) -> Response:
    """What became of a report, for whoever has its address. It says what was reported, and not about which post."""
    public_id, _dash, signature = token.partition("-")
    if not vault.signed(PURPOSE, public_id, signature):
        raise NotFound
    report = db.session.scalar(select(Report).where(Report.public_id == public_id))
    if report is None:
        raise NotFound
    thread = report.thread
    html = render_template(
        "compose/report_outcome.html",
        report=report,
        kind=report_words().get(report.kind, report.kind),
        says=decision_words(report.decision),
        back=thread_path(thread) if sees(me(), thread) else "",
    )
    response = make_response(html)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.post("/t/<public_id>/reports")
@visitors_too
def create(public_id: str) -> Response:
    """File it: the moderators hear at once."""
    token = token_of(request.form)
    before = once.used(token)
    if before is not None:
        return redirect(before, 303)  # type: ignore[return-value]
    form = request.form
    target = ""
    try:
        spend("report", REPORTS, client_address())
        with transaction():
            target = once.used(token) or ""
            if not target:
                thread = Thread.by_public_id(public_id, reader=me(), for_change=True)
                report = file_report(
                    thread,
                    kind=form.get("kind", ""),
                    words=form.get("words", "")[:LONGEST],
                    contact=form.get("contact", "")[:200],
                    by=me(),
                )
                target = f"/reports/{report.public_id}-{vault.signature(PURPOSE, report.public_id)}"
                once.use(token, target)
    except Invalid as error:
        return _page(Thread.by_public_id(public_id, reader=me()), errors=error.errors, status=422)
    except TooManyRequests as error:
        message = _l("That was a lot at once. What you wrote is still here; please try again a little later.")
        response = _page(Thread.by_public_id(public_id, reader=me()), errors={"": message}, status=429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    return redirect(target, 303)  # type: ignore[return-value]
