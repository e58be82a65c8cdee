"""What the public does not read: originals of masked words, and the poster's telephone. Each look is recorded."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy import or_, select

from board.db import db, transaction
from board.errors import NotFound
from board.i18n import _
from board.permissions import require
from boards.models import Case, CaseEvent, Text
from boards.models.timeline import Audience
from people import me, vault
from people.models import Person
from people.session import login_required

bp = Blueprint("originals", __name__)


@bp.post("/cases/<number>/originals/<text_id>")
@login_required
def uncover(number: str, text_id: str) -> Response:
    """The words as they were typed, once, on a page of their own that nothing keeps."""
    with transaction():
        officer, case = _at(number)
        text = _text_in(case, text_id)
        require(officer, "text.original", (text, case.thread))
        if text.author_id != officer.id:
            _record(case, officer, "text")
        words, where = text.original(), case.thread.title
    return _page(number, where, words)


@bp.post("/cases/<number>/contact")
@login_required
def contact(number: str) -> Response:
    """The poster's telephone number, to call back."""
    with transaction():
        officer, case = _at(number)
        require(officer, "poster.contact", case)
        poster = case.thread.poster
        phone = vault.get(poster.owner, "phone") if poster is not None else None
        if phone is not None:
            _record(case, officer, "phone")
        where = case.thread.title
    return _page(number, where, phone or _("No telephone number is known."), phone=phone or "")


def _at(number: str) -> tuple[Person, Case]:
    officer = me()
    assert officer is not None
    return officer, Case.numbered(number, reader=officer, for_change=True)


def _text_in(case: Case, text_id: str) -> Text:
    thread = case.thread
    first = [each.id for each in (thread.title_text, thread.body, thread.place_text) if each is not None]
    said = select(CaseEvent.public_text_id).where(
        CaseEvent.thread_id == thread.id, CaseEvent.public_text_id.is_not(None)
    )
    text = db.session.scalar(
        select(Text).where(Text.public_id == text_id, or_(Text.id.in_(first), Text.id.in_(said)))
    )
    if text is None:
        raise NotFound
    return text


def _record(case: Case, officer: Person, what: str) -> None:
    # An internal step, told to the one whose words or number they are.
    audience = Audience(followers=False)
    audience.add(case.thread.poster, reason="uncovered")
    case.record("text.uncovered", by=officer, visibility="internal", audience=audience, what=what)


def _page(number: str, title: str, words: str, phone: str = "") -> Response:
    html = render_template(
        "desk/original.html",
        number=number,
        title=title,
        words=words,
        phone=phone,
        desk=request.form.get("desk", "")[:600],
    )
    response = make_response(html)
    response.headers["Cache-Control"] = "no-store"
    return response
