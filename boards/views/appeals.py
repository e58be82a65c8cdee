"""Appealing against what a moderator did to one's own words: once, to another moderator."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from board.errors import Invalid, NotFound, WrongState
from board.i18n import _l
from board.jinja import when
from board.typed import LONGEST
from boards import appealing  # noqa: F401 - its job
from boards.addresses import thread_path
from boards.composition import token_of
from boards.models.appeal import Appeal, appealable, wrote
from boards.models.moderation_act import ModerationAct
from boards.models.thread import Thread
from boards.modwords import act_words, hold_words
from boards.views.acting import myself, once_only
from people import me
from people.signing_in import login_required

bp = Blueprint("appeals", __name__)


def _page(
    thread: Thread, *, errors: dict[str, Any] | None = None, message: Any = "", status: int = 200
) -> Response:
    person = myself()
    acts = appealable(thread, person)
    if not acts:
        raise NotFound
    html = render_template(
        "compose/appeal.html",
        thread=thread,
        back=thread_path(thread),
        acts=[
            {
                "id": act.public_id,
                "say": act_words(act.kind),
                "reason": hold_words().get(act.reason, ""),
                "when": when(act.at),
                "words": [
                    text.original() for text, _spans in act.texts_touched() if text.author_id == person.id
                ],
                "appeal": Appeal.on(act, by=person),
            }
            for act in acts
        ],
        form=request.form,
        errors=errors or {},
        message=message,
        once=token_of(request.form),
    )
    return make_response(html, status)


@bp.get("/t/<public_id>/appeals")
@login_required
def new(public_id: str) -> Response:
    """What was done to one's own words here, with the reason, and the form; NotFound where nothing was."""
    return _page(Thread.by_public_id(public_id, reader=me()))


@bp.post("/t/<public_id>/appeals")
@login_required
def create(public_id: str) -> Response:
    """Ask another moderator, saying why; answered within two working days."""
    words = request.form.get("words", "")[:LONGEST]

    def file() -> str:
        person = myself()
        thread = Thread.by_public_id(public_id, reader=person, for_change=True)
        act = ModerationAct.by_public_id(request.form.get("act", ""))
        if act.thread_id != thread.id or not wrote(act, person):
            raise NotFound
        Appeal.against(act, by=person, words=words)
        return thread_path(thread)

    try:
        return once_only(file, _l("Another moderator looks at it and answers here."))
    except Invalid as error:
        return _page(Thread.by_public_id(public_id, reader=me()), errors=error.errors, status=422)
    except WrongState as error:
        return _page(Thread.by_public_id(public_id, reader=me()), message=error.message, status=409)
