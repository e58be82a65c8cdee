"""Blacking out words of your own texts, at any time and for good."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import rjieba
from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy import select

from board.db import db
from board.errors import Invalid, NotFound
from board.i18n import _
from board.permissions import require
from boards.addresses import thread_path
from boards.composition import token_of
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.views.acting import SAID, myself, once_only
from boards.views.edits import text_in
from people import me
from people.models import Person
from people.signing_in import login_required

bp = Blueprint("covers", __name__)

SPAN = re.compile(r"(\d{1,6})-(\d{1,6})")
MOST = 2_000  # spans that one form may name


def own_texts(thread: Thread, person: Person) -> list[Text]:
    """What this person wrote here: title, post, place, replies; oldest first."""
    first = [text for text in (thread.title_text, thread.body, thread.place_text) if text is not None]
    said = db.session.scalars(
        select(Text)
        .join(CaseEvent, CaseEvent.public_text_id == Text.id)
        .where(CaseEvent.thread_id == thread.id, Text.author_id == person.id)
        .order_by(CaseEvent.seq)
    )
    return list(dict.fromkeys(text for text in [*first, *said] if text.author_id == person.id))


def pieces(text: Text) -> Iterator[list[dict[str, Any]]]:
    """The original words line by line: pieces with `at` and `end` (characters), whether they are words, or covered."""
    original = text.original()
    at = 0
    for line in original.split("\n"):
        row: list[dict[str, Any]] = []
        place = at
        for piece in _cut(line):
            end = place + len(piece)
            covered = any(start < end and place < stop for start, stop in text.covers)
            row.append(
                {"text": piece, "at": place, "end": end, "word": not _plain(piece), "covered": covered}
            )
            place = end
        at += len(line) + 1
        yield row


def _cut(line: str) -> list[str]:
    found = list(rjieba.cut(line, False))
    return found if "".join(found) == line else list(line)


def _plain(piece: str) -> bool:
    return not any(character.isalnum() for character in piece)


def _page(thread: Thread, text: Text, *, errors: dict[str, Any] | None = None, status: int = 200) -> Response:
    person = myself()
    names = {thread.title_id: _("Title"), thread.body_id: _("Your post"), thread.place_id: _("Place")}
    texts = [
        {"id": each.public_id, "name": names.get(each.id, _("Your reply")), "current": each.id == text.id}
        for each in own_texts(thread, person)
    ]
    html = render_template(
        "compose/cover.html",
        thread=thread,
        text=text,
        texts=texts,
        lines=list(pieces(text)),
        marked=set(request.form.getlist("spans")),
        back=thread_path(thread),
        once=token_of(request.form),
        errors=errors or {},
    )
    return make_response(html, status)


@bp.get("/t/<public_id>/covers")
@login_required
def new(public_id: str) -> Response:
    """Choose the words, in the post or in `?text=` one of your replies."""
    thread = Thread.by_public_id(public_id, reader=me())
    person = myself()
    mine = own_texts(thread, person)
    if not mine:
        raise NotFound
    wanted = request.args.get("text")
    chosen = next((each for each in mine if each.public_id == wanted), None) if wanted else None
    if wanted and chosen is None:
        raise NotFound
    default = next((each for each in mine if each.id == thread.body_id), mine[0])
    return _page(thread, chosen or default)


@bp.post("/t/<public_id>/covers")
@login_required
def create(public_id: str) -> Response:
    """Cover the marked words, `spans` as `from-to` in characters of the original. Sent twice it acts once."""
    text_id = request.form.get("text", "")
    found = [SPAN.fullmatch(each) for each in request.form.getlist("spans")[:MOST]]
    spans = [(int(match[1]), int(match[2])) for match in found if match is not None]

    def cover() -> str:
        thread = Thread.by_public_id(public_id, reader=me(), for_change=True)
        text = text_in(thread, text_id)
        require(me(), "text.cover", text)
        length = len(text.original())
        within = [(start, min(end, length)) for start, end in spans if start < length]
        thread.cover(by=myself(), text=text, spans=within)
        return thread_path(thread)

    try:
        return once_only(cover, SAID["cover"])
    except Invalid as error:
        thread = Thread.by_public_id(public_id, reader=me())
        return _page(thread, text_in(thread, text_id), errors=error.errors, status=422)
