"""Changing your own words within ten minutes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy import select

from board.db import db
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _l
from board.permissions import require
from board.typed import LONGEST
from boards.addresses import thread_path
from boards.composition import token_of
from boards.models.text import Text
from boards.models.thread import EDITABLE, Thread
from boards.models.timeline import CaseEvent
from boards.views.acting import SAID, myself, once_only
from people import me
from people.signing_in import login_required

bp = Blueprint("edits", __name__)


def _page(
    thread: Thread, title: str, body: str, *, errors: dict[str, Any] | None = None, status: int = 200
) -> Response:
    html = render_template(
        "compose/edit.html",
        thread=thread,
        back=thread_path(thread),
        title=title,
        body=body,
        until=thread.posted_at + EDITABLE,
        once=token_of(request.form),
        errors=errors or {},
    )
    return make_response(html, status)


@bp.get("/t/<public_id>/edits")
@login_required
def new(public_id: str) -> Response:
    """The words as they were typed, to be changed."""
    thread = Thread.by_public_id(public_id, reader=me())
    require(me(), "thread.edit", thread)
    if not thread.editable_by(me()):
        raise WrongState(_l("Ten minutes are over. Please add what is missing as a reply."))
    return _page(thread, thread.title_text.original(), thread.body.original())


@bp.post("/t/<public_id>/edits")
@login_required
def create(public_id: str) -> Response:
    """Put the new words; what stood before is kept for the poster and the department. Sent twice it is one change."""
    title = request.form.get("title", "")[:LONGEST]
    body = request.form.get("body", "")[:LONGEST].replace("\r\n", "\n")

    def edit() -> str:
        thread = Thread.by_public_id(public_id, reader=me(), for_change=True)
        thread.edit(by=myself(), title=title, body=body)
        return thread_path(thread)

    try:
        return once_only(edit, SAID["edit"])
    except (Invalid, WrongState) as error:
        errors = error.errors if isinstance(error, Invalid) else {"": error.message}
        thread = Thread.by_public_id(public_id, reader=me())
        return _page(thread, title, body, errors=errors, status=error.status)


def text_in(thread: Thread, text_id: str) -> Text:
    """The text with this public id that stands in `thread`; NotFound for any other."""
    for text in (thread.title_text, thread.body, thread.place_text):
        if text is not None and text.public_id == text_id:
            return text
    found = db.session.scalar(
        select(Text)
        .join(CaseEvent, CaseEvent.public_text_id == Text.id)
        .where(CaseEvent.thread_id == thread.id, CaseEvent.visibility == "public", Text.public_id == text_id)
        .limit(1)
    )
    if found is None:
        raise NotFound
    return found
