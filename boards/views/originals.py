"""What the public does not read: originals of masked words. Each look is recorded."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy import or_, select

from board import audit
from board.db import db, transaction
from board.errors import Invalid, NotFound
from board.i18n import _l
from board.masking import LINK
from board.permissions import require
from board.text import normalise
from boards.models import Case, CaseEvent, Text
from boards.models.text import masked
from boards.models.timeline import Audience
from people import me
from people.models import Person
from people.session import login_required

bp = Blueprint("originals", __name__)


SHORTEST, LONGEST = 4, 200  # characters of a reason


@bp.post("/cases/<number>/originals/<text_id>")
@login_required
def uncover(number: str, text_id: str) -> Response:
    """The words as they were typed, once, on a page of their own that nothing keeps; 422 without a `reason`."""
    try:
        with transaction():
            officer, case = _at(number)
            text = _text_in(case, text_id)
            require(officer, "text.original", (text, case.thread))
            if text.author_id != officer.id:
                reason = _reason()
                audit.note(
                    "text.uncovered",
                    by=officer.public_id,
                    thing=f"text:{text.public_id}",
                    reason=reason,
                    case=case.number,
                )
                _record(case, officer, owner=text.author, reason=reason)
            words, where = text.original(), case.thread.title
    except Invalid as error:
        return _ask_why(number, text_id, error)
    return _page(number, where, words)


def _reason() -> str:
    """Why an officer opens it, masked: it is kept, and told to whoever wrote the words."""
    reason = normalise(request.form.get("reason", "")[: 10 * LONGEST], lines=False)
    if len(reason) < SHORTEST or not any(each.isalpha() for each in reason):
        raise Invalid(
            _l("Say in a few words why you need it, for example: to call the poster back."), field="reason"
        )
    if len(reason) > LONGEST:
        raise Invalid(_l("At most %(most)s characters, please.", most=LONGEST), field="reason")
    return masked(reason, leave=LINK)


def _ask_why(number: str, text_id: str, error: Invalid) -> Response:
    html = render_template(
        "desk/uncovering.html",
        number=number,
        text_id=text_id,
        typed=request.form.get("reason", "")[: 2 * LONGEST],
        errors=error.errors,
        desk=request.form.get("desk", "")[:600],
    )
    return make_response(html, Invalid.status)


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


def _record(case: Case, officer: Person, *, owner: Person | None, reason: str) -> None:
    # An internal step, told to the one whose words they are, and to whoever opened the case.
    audience = Audience(followers=False)
    audience.add(owner, case.thread.poster, reason="uncovered")
    case.record(
        "text.uncovered",
        by=officer,
        visibility="internal",
        audience=audience,
        details={"reason": reason},
        what="text",
    )


def _page(number: str, title: str, words: str) -> Response:
    html = render_template(
        "desk/original.html",
        number=number,
        title=title,
        words=words,
        desk=request.form.get("desk", "")[:600],
    )
    response = make_response(html)
    response.headers["Cache-Control"] = "no-store"
    return response
