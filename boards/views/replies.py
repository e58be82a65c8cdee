"""Replies under a thread: the poster's ends a wait, a department's is an answer."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from sqlalchemy.exc import IntegrityError

from board import once
from board.db import transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.i18n import _l
from board.limits import spend
from board.permissions import may
from board.typed import LONGEST
from boards import coach
from boards.addresses import step_path, thread_path
from boards.composition import token_of
from boards.models import text
from boards.models.posting import reply
from boards.models.thread import Thread
from boards.newcomers import expect_reply
from boards.photos import Pending
from boards.views.acting import SAID, Words, done, myself, sent
from boards.words import danger
from people import consenting, me
from people.models import Person
from people.signing_in import login_required

bp = Blueprint("replies", __name__)

REPLIES = "120 per hour"  # by one person


@bp.post("/t/<public_id>/replies")
@login_required
def create(public_id: str) -> Response:
    """Say something; sent twice it stands once. 422, 403 and 409 give the words and photos back."""
    token = token_of(request.form)
    before = once.used(token)
    if before is not None:
        return redirect(before, 303)  # type: ignore[return-value]
    person = myself()
    if consenting.asks_again(person) and not danger(request.form.get("body", "")[:LONGEST]):
        return consenting.ask(person)
    spend("reply", REPLIES, person.public_id)
    thread = Thread.by_public_id(public_id, reader=person)
    back = thread_path(thread)
    photos = Pending.of(token, request.form.getlist("files_kept"), request.files.getlist("files"))
    words = Words(
        action=f"/t/{public_id}/replies",
        heading=_l("Your reply"),
        label=_l("Your reply"),
        button=_l("Send the reply"),
        back=back,
        typed=request.form.get("body", "")[:LONGEST],
        hidden={"once": token},
        photos=photos,
    )
    if photos.error:
        return words.page(errors={"files": photos.error}, status=422)
    asked = _coached(thread, person, words)
    if asked is not None:
        return asked
    typed = words.typed
    if request.form.get("step") == "cover":
        typed = coach.look({"body": typed}, reply=True).covered("body")
    try:
        with transaction():
            before = once.used(token)
            if before is not None:
                return redirect(before, 303)  # type: ignore[return-value]
            thread = Thread.by_public_id(public_id, reader=me(), for_change=True)
            expect_reply(myself(), thread, typed)
            event = reply(thread, typed, by=myself(), attach=photos.hang_on)
            target = step_path(event)
            once.use(token, target)
    except (Invalid, NotAllowed, WrongState) as error:
        return words.page(error=error)
    except IntegrityError:
        before = once.used(token)
        if before is None:
            raise
        target = before
    return sent(done(target, SAID["reply"]), f"reply:{public_id}")


def _coached(thread: Thread, person: Person, words: Words) -> Response | None:
    """The page that marks what the board will cover in a member's reply; None when there is nothing, or he has seen it."""
    if (
        person.is_staff
        or "private" in request.form.getlist("seen")
        or not may(person, "thread.reply", thread)
        or len(words.typed) > text.LONGEST  # refused as it stands
    ):
        return None
    coaching = coach.look({"body": words.typed}, reply=True)
    if not coaching or not words.typed.strip():
        return None
    return make_response(render_template("compose/reply_check.html", it=words, coaching=coaching))
