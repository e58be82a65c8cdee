"""What stood in a post before it was changed: an officer's for everybody, a member's for himself and the department."""

from __future__ import annotations

from flask import Blueprint, render_template

from board.errors import NotFound
from board.i18n import _
from board.permissions import may
from boards.addresses import thread_path
from boards.models.thread import Thread
from people import me

bp = Blueprint("revisions", __name__)


@bp.get("/t/<public_id>/earlier")
def show(public_id: str) -> str:
    """Every earlier version of title and post, oldest first; NotFound for whoever may not read them."""
    thread = Thread.by_public_id(public_id, reader=me())
    texts = thread.changed_texts()
    if not texts or not may(me(), "thread.revisions", thread):
        raise NotFound
    return render_template(
        "boards/earlier.html",
        thread=thread,
        here=f"/t/{public_id}/earlier",
        back=thread_path(thread),
        official=thread.poster is not None and thread.poster.is_staff,
        texts=[
            {"name": _("Title") if text.id == thread.title_id else _("The post"), "versions": text.revisions}
            for text in texts
        ],
    )
