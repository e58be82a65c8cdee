"""The watched words, kept by moderators and administrators: each with a reason and the day on which it ends."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from markupsafe import Markup

from board.clock import local, midnight, now
from board.db import transaction
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _, _l
from board.jinja import day
from board.permissions import may
from board.seams import fill
from boards.models.watched_word import LONGEST, WatchedWord
from people import me
from people.models import Person
from people.session import login_required

bp = Blueprint("watched_words", __name__, url_prefix="/moderation/words")


def _keeper() -> Person:
    person = me()
    if person is None or not may(person, "words.watch", None):
        raise NotFound
    return person


def _page(*, errors: dict[str, Any] | None = None, message: Any = "", status: int = 200) -> Response:
    person = _keeper()
    html = render_template(
        "desk/watched_words.html",
        words=[
            {"id": each.public_id, "word": each.word, "reason": each.reason, "until": day(each.expires_at)}
            for each in WatchedWord.all()
        ],
        queue=may(person, "moderation.open", None),
        typed=request.form,
        latest=f"{local(now() + LONGEST):%Y-%m-%d}",
        errors=errors or {},
        message=message,
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@fill("mine.links")
def words_link(person: Person) -> Markup:
    """The way there from an administrator's own page; a moderator has it beside his queue."""
    if not may(person, "words.watch"):
        return Markup()
    return Markup('<a href="/moderation/words">{}</a>').format(_("Watched words"))


@bp.get("")
@login_required
def index() -> Response:
    """The words that are watched now, and the form for one more."""
    return _page()


@bp.post("")
@login_required
def create() -> Response:
    """Watch a word until the end of a day."""
    form = request.form
    try:
        with transaction():
            WatchedWord.watch(
                form.get("word", "")[:80],
                reason=form.get("reason", "")[:400],
                expires_at=_end_of(form.get("until", "")),
                by=_keeper(),
            )
    except Invalid as error:
        return _page(errors=error.errors, status=422)
    flash(str(_l("Watched from now on. What holds it stays public, and a moderator looks at it.")), "ok")
    return redirect("/moderation/words", 303)  # type: ignore[return-value]


def _end_of(typed: str) -> datetime | None:
    try:
        return midnight(date.fromisoformat(typed.strip()[:10]) + timedelta(days=1)) - timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None


@bp.post("/<word_id>/ending")
@login_required
def end(word_id: str) -> Response:
    """Watch it no longer."""
    _keeper()
    try:
        with transaction():
            WatchedWord.by_public_id(word_id).end(by=_keeper())
    except WrongState as error:
        return _page(message=error.message, status=409)
    flash(str(_l("No longer watched.")), "ok")
    return redirect("/moderation/words", 303)  # type: ignore[return-value]
