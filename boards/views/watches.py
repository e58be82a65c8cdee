"""Following a case, and saying that it concerns you too."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, redirect, request, url_for

from board.db import transaction
from board.errors import wants_json
from board.web import safe_next
from boards.addresses import case_path, thread_path
from boards.models.case import Case
from boards.models.thread import Thread
from boards.models.watch import follow, unfollow
from boards.views.acting import SAID, done, myself
from people import me
from people.signing_in import ask_to_sign_in

bp = Blueprint("watches", __name__)


def _sign_in_first(path: str) -> Response:
    # The button also stands in forms where something else is being written: come back to the case itself.
    if wants_json():
        return cast(Response, ask_to_sign_in())
    return redirect(url_for("people.sign_in", next=path), 303)  # type: ignore[return-value]


@bp.post("/cases/<number>/watch")
def watch(number: str) -> Response:
    """Follow, and by `how` in which way one hears of it; with `follow=0` follow no more."""
    return _change(number, affected=False)


@bp.post("/cases/<number>/affected")
def affected(number: str) -> Response:
    """It concerns me too, so I follow; with `affected=0` it does not."""
    return _change(number, affected=True)


def _change(number: str, *, affected: bool) -> Response:
    if me() is None:
        return _sign_in_first(f"/cases/{number}")
    on = request.form.get("affected" if affected else "follow", "1") != "0"
    with transaction():
        case = Case.numbered(number, reader=me(), for_change=True)
        target = safe_next(request.form.get("next"), case_path(case))
        _follow(case.thread, on=on, affected=affected)
    return done(target, SAID[("affected" if affected else "watch") if on else "unwatch"])


@bp.post("/t/<public_id>/watch")
def watch_thread(public_id: str) -> Response:
    """The same for a thread without a case."""
    if me() is None:
        return _sign_in_first(f"/t/{public_id}")
    on = request.form.get("follow", "1") != "0"
    with transaction():
        thread = Thread.by_public_id(public_id, reader=me(), for_change=True)
        target = safe_next(request.form.get("next"), thread_path(thread))
        _follow(thread, on=on, affected=False)
    return done(target, SAID["watch" if on else "unwatch"])


def _follow(thread: Thread, *, on: bool, affected: bool) -> None:
    person = myself()
    if on:
        follow(thread, by=person, affected=True if affected else None, how=request.form.get("how"))
    elif affected:
        follow(thread, by=person, affected=False)
    else:
        unfollow(thread, by=person)
