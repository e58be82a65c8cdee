"""What the poster decides about his own thread: that everybody may read it, and whether other members may reply."""

from __future__ import annotations

from flask import Blueprint, Response, request

from board.db import transaction
from boards.addresses import thread_path
from boards.models.thread import Thread
from boards.views.acting import SAID, done, myself
from people import me
from people.signing_in import login_required

bp = Blueprint("releases", __name__)


@bp.post("/t/<public_id>/release")
@login_required
def agree(public_id: str) -> Response:
    """Agree that everybody may read what the desk has released."""
    with transaction():
        thread = Thread.by_public_id(public_id, reader=me(), for_change=True)
        thread.agree_release(by=myself())
        target = thread_path(thread)
    return done(target, SAID["release"])


@bp.post("/t/<public_id>/replies-switch")
@login_required
def switch(public_id: str) -> Response:
    """`closed=1` switches off other members' replies, `closed=0` on again."""
    closed = request.form.get("closed", "") == "1"
    with transaction():
        thread = Thread.by_public_id(public_id, reader=me(), for_change=True)
        thread.switch_replies(by=myself(), closed=closed)
        target = thread_path(thread)
    return done(target, SAID["replies_closed" if closed else "replies_opened"])
