"""What a request leaves in the audit log besides what verbs note: readings of what is closed, and any other act of staff.

A page that shows something closed says so with opened(). The readings are noted when the page is drawn, in a
transaction of their own, each once an hour for a person and a thing; when that fails, the page is not shown. What a
member of staff sends with a form and what is done at the console is noted by its address or its name, unless a verb has
noted it in its own words: so an act that somebody forgets to note is in the log all the same.
"""

from __future__ import annotations

import getpass
import logging

import click
from flask import Flask, Response, g, has_request_context, request
from sqlalchemy.orm import Session

from board import audit, errors
from board.db import before_commit, transaction
from board.i18n import _
from board.seams import provided
from board.web import KEY_PARTS, SAFE_METHODS

log = logging.getLogger(__name__)

# What everybody does with his own account and his own view of the board is no act in office.
OWN = (
    "/prefs", "/sign-in", "/sign-out", "/staff/sign-in", "/me/", "/inbox", "/contacts", "/follows", "/settings/", "/unsubscribe",
    "/desk/looking", "/desk/case/<number>/preview", "/t/<public_id>/watch", "/cases/<number>/watch", "/cases/<number>/affected",
    "/receipts/",
)  # fmt: skip
# Pages that gather what is closed, or show the inside of the installation: that they were opened is noted, too.
GATHERED = ("/admin/", "/moderation", "/inspection")
QUIET = {"worker", "run", "shell"}  # commands that do nothing in office themselves


def _under(rule: str, places: tuple[str, ...]) -> bool:
    return any(rule == place or rule.startswith(f"{place.rstrip('/')}/") for place in places)


def opened(act: str, *, by: str, thing: str) -> None:
    """Say that the page being made shows `thing`, which is closed, to the person `by` (public id).

    Outside of a request nobody reads, and nothing is noted.
    """
    if has_request_context():
        g.setdefault("opened", {})[act, by, thing] = None


def listed(*, by: str, page: str) -> None:
    """Say that a list shows titles of what is closed to `by`: one reading of that list, not one of each case in it.

    Whoever reads more of a case than its line opens it, and that is noted by itself.
    """
    opened("list.read", by=by, thing=f"page:{page}"[:80])


def _gathered() -> None:
    if request.url_rule is not None and _under(request.url_rule.rule, GATHERED):
        person = provided("officer_at_work")
        if person is not None:
            opened("page.read", by=person, thing=f"page:{request.url_rule.rule}"[:80])


def _note_readings(response: Response) -> Response:
    """Note what the page shows, before it is sent; 503 instead of the page when that cannot be done."""
    if errors.database_away() or response.status_code in (403, 404) or 300 <= response.status_code < 400:
        return response
    try:
        if request.method in SAFE_METHODS and response.status_code < 300:
            _gathered()
        readings = g.pop("opened", {})
        missing = [each for each in readings if not audit.within_the_hour(*each)]
        if missing:
            with transaction():
                for act, by, thing in missing:
                    audit.note_hourly(act, by=by, thing=thing)
    except Exception:
        log.exception("a reading could not be noted: the page is not shown")
        errors.without_the_database()
        response = errors.answer(
            503,
            _("This page is not shown, because it could not be noted that you read it. Please try again."),
        )
        response.headers["Retry-After"] = "5"
    return response


@before_commit
def _whatever_was_done(session: Session) -> None:
    """Note what no verb has noted: a form of a member of staff by its address, a command by its name."""
    if has_request_context():
        _by_form()
    elif not session.info.get("audit"):
        _by_command()


def _by_form() -> None:
    rule = request.url_rule
    if rule is None or request.method in SAFE_METHODS or _under(rule.rule, OWN):
        return
    person = provided("officer_at_work")
    if person is None or audit.noted(person) or g.get("act_noted"):
        return
    g.act_noted = True
    given = {key: str(value) for key, value in (request.view_args or {}).items() if key not in KEY_PARTS}
    audit.note(f"form.{rule.endpoint}"[:60], by=person, thing=f"page:{rule.rule}"[:80], **given)


def _by_command() -> None:
    context = click.get_current_context(silent=True)
    names: list[str] = []
    while context is not None and context.parent is not None:
        if context.meta.get("station.noted"):
            return
        names.insert(0, context.info_name or "")
        context = context.parent
    if not names or QUIET & set(names):
        return
    click.get_current_context().meta["station.noted"] = True
    audit.note("console.command", by=None, thing=f"command:{' '.join(names)}"[:80], account=account())


def account() -> str:
    """Under which account of the machine a command runs."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in a container
        return ""


def init_app(app: Flask) -> None:
    app.after_request(_note_readings)
