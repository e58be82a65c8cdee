"""A department's stock phrases, kept by its leaders."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from sqlalchemy import select

from board.db import db, transaction
from board.errors import Invalid, NotFound
from board.i18n import _, _l
from board.permissions import may
from board.text import normalise
from boards import deskpolicy  # noqa: F401  its rules are asked below
from boards.models import StockPhrase
from boards.models.phrase import phrases_of
from people import me
from people.models import Department
from people.session import login_required

bp = Blueprint("phrases", __name__, url_prefix="/desk/phrases")

TITLE, WORDS, MOST = 40, 500, 60


def _department() -> Department:
    person = me()
    key = request.values.get("department", "")
    if person is None or not (key or person.departments):
        raise NotFound
    department = Department.by_key(key) if key else person.departments[0]
    if not may(person, "phrase.keep", department):
        raise NotFound
    return department


def _phrase(phrase_id: str) -> StockPhrase:
    phrase: StockPhrase | None = db.session.scalar(
        select(StockPhrase).where(StockPhrase.public_id == phrase_id)
    )
    if phrase is None or not may(me(), "phrase.keep", phrase.department):
        raise NotFound
    return phrase


def _page(
    department: Department, *, status: int = 200, errors: dict[str, Any] | None = None, failed: str = ""
) -> Response:
    html = render_template(
        "desk/phrases.html",
        department=department,
        phrases=phrases_of(department),
        errors=errors or {},
        failed=failed,
        typed=request.form,
        limits={"title": TITLE, "words": WORDS},
    )
    return make_response(html, status)


def _typed() -> tuple[str, str]:
    title = normalise(request.form.get("title", "")[:1_000], lines=False)
    words = normalise(request.form.get("words", "")[:10_000], lines=True)
    errors: dict[str, Any] = {}
    if not title or len(title) > TITLE:
        errors["title"] = _l("Give it a title of at most %(num)s characters.", num=TITLE)
    if not words or len(words) > WORDS:
        errors["words"] = _l("Write the phrase, at most %(num)s characters.", num=WORDS)
    if errors:
        raise Invalid(errors=errors)
    return title, words


def _back(key: str, said: str) -> Response:
    flash(said, "ok")
    return redirect(f"/desk/phrases?department={key}", 303)  # type: ignore[return-value]


@bp.get("")
@login_required
def index() -> Response:
    """The phrases, each to change or take away, and a form for a new one."""
    return _page(_department())


@bp.post("")
@login_required
def create() -> Response:
    """Add one at the end."""
    try:
        with transaction():
            department = _department()
            title, words = _typed()
            kept = phrases_of(department)
            if len(kept) >= MOST:
                raise Invalid(_l("There are %(num)s phrases; take one away first.", num=MOST), field="title")
            position = max((each.position for each in kept), default=-1) + 1
            db.session.add(StockPhrase(department=department, title=title, words=words, position=position))
            key = department.key
    except Invalid as error:
        return _page(_department(), status=422, errors=error.errors)
    return _back(key, _("The phrase is added"))


@bp.post("/<phrase_id>")
@login_required
def change(phrase_id: str) -> Response:
    """Other words for it."""
    try:
        with transaction():
            phrase = _phrase(phrase_id)
            phrase.title, phrase.words = _typed()
            key = phrase.department.key
    except Invalid as error:
        return _page(_phrase(phrase_id).department, status=422, errors=error.errors, failed=phrase_id)
    return _back(key, _("The phrase is changed"))


@bp.get("/<phrase_id>/removal")
@login_required
def ask(phrase_id: str) -> str:
    """Really?"""
    return render_template("desk/phrase_removal.html", phrase=_phrase(phrase_id))


@bp.post("/<phrase_id>/removal")
@login_required
def remove(phrase_id: str) -> Response:
    """Gone; answers that used it stay as they are."""
    with transaction():
        phrase = _phrase(phrase_id)
        key = phrase.department.key
        db.session.delete(phrase)
    return _back(key, _("The phrase is taken away"))
