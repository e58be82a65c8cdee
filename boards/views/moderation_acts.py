"""What a moderator does: each act in one transaction with the thread it is about, then the next thing that waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from sqlalchemy import select

from board.db import db, transaction
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _l
from boards.deskforms import typed_lines
from boards.models import Appeal, Case, ModerationAct, Section, Text, Thread
from boards.modqueue import Item, item_at, settle_thread, source_named
from boards.views.moderation import moderator, next_path, page
from people.models import Person
from people.session import login_required

bp = Blueprint("moderation_acts", __name__, url_prefix="/moderation")

Act = Callable[[Thread, Person], Any]


def _do(public_id: str, act: Act, said: Any, *, decision: str = "", key: str | None = None) -> Response:
    """Do `act` to a thread, loaded for change in one transaction, and go on with what waits next.

    The item that the form came from (`item`) is settled with `decision`; a colleague who was first is told of by 409.
    """
    key = request.form.get("item", "") if key is None else key
    kind = request.form.get("kind", "")
    item: Item | None = None
    try:
        with transaction():
            person = moderator()
            thread = Thread.by_public_id(public_id, reader=person, for_change=True)
            item = item_at(key, person)
            if item is not None:
                if item.thread.id != thread.id:
                    raise NotFound
                if not source_named(item.source).waits(item.row, person):
                    raise WrongState(
                        _l("A colleague was first: this was decided already. Nothing of yours was done.")
                    )
            act(thread, person)
            if item is not None and decision:
                source_named(item.source).settle(item.row, person, decision)
            settled = [item.key] if item is not None else []
            if decision == "held":
                settled += settle_thread(thread, by=person, decision=decision)
            last = ModerationAct.last_on(thread)
            if last is not None and decision not in ("", "kept"):
                last.answers(settled)
    except Invalid as error:
        return page(item=_again(key), status=422, errors=error.errors)
    except WrongState as error:
        return page(item=_again(key), status=409, message=error.message)
    flash(str(said), "ok")
    return redirect(next_path(moderator(), _again(key), kind), 303)  # type: ignore[return-value]


def _again(key: str) -> Item | None:
    # As it stands now; it may have left this moderator's sight.
    try:
        return item_at(key, moderator())
    except NotFound:
        return None


@bp.post("/threads/<public_id>/hold")
@login_required
def hold(public_id: str) -> Response:
    """Take it from the public for a reason of the list; no clock stops, the poster is told."""
    reason = request.form.get("reason", "")
    return _do(
        public_id,
        lambda thread, person: thread.hold(by=person, reason=reason),
        _l("Taken from the public; the poster was told"),
        decision="held",
    )


@bp.post("/threads/<public_id>/release")
@login_required
def release(public_id: str) -> Response:
    """Give it back to the public."""
    return _do(public_id, lambda thread, person: thread.release(by=person), _l("Public again"))


@bp.post("/threads/<public_id>/pin")
@login_required
def pin(public_id: str) -> Response:
    """Keep it at the top of its section, or let it go."""
    pinned = request.form.get("pinned") == "1"
    said = _l("Pinned") if pinned else _l("No longer pinned")
    return _do(public_id, lambda thread, person: thread.pin(by=person, pinned=pinned), said)


@bp.post("/threads/<public_id>/covers")
@login_required
def cover(public_id: str) -> Response:
    """Black out words, one a line, wherever they stand in a thread, and take away photos."""
    words, photos = typed_lines(request.form.get("words")), request.form.getlist("photos")
    reason = request.form.get("reason", "")
    return _do(
        public_id,
        lambda thread, person: thread.mask(by=person, words=words, photos=photos, reason=reason),
        _l("Covered; the matter stays"),
        decision="covered",
    )


@bp.post("/threads/<public_id>/hiding")
@login_required
def hide(public_id: str) -> Response:
    """Take one reply from the public for a reason of the list."""
    reason, text_id = request.form.get("reason", ""), request.form.get("text", "")
    return _do(
        public_id,
        lambda thread, person: thread.hide(by=person, text=_text(text_id), reason=reason),
        _l("The reply is hidden; its author was told"),
        decision="hidden",
    )


@bp.post("/threads/<public_id>/showing")
@login_required
def show(public_id: str) -> Response:
    """Give a hidden reply back to the public."""
    text_id = request.form.get("text", "")
    return _do(
        public_id,
        lambda thread, person: thread.show(by=person, text=_text(text_id, thread)),
        _l("The reply is public again"),
    )


def _text(public_id: str, thread: Thread | None = None) -> Text:
    from boards.models.report import texts_of

    text = db.session.scalar(select(Text).where(Text.public_id == public_id))
    if text is None or (thread is not None and all(each.id != text.id for each in texts_of(thread))):
        raise Invalid(_l("Choose the reply."), field="text")
    return text


@bp.post("/threads/<public_id>/move")
@login_required
def move(public_id: str) -> Response:
    """Put a thread without a case into another section; the move of a case is proposed to the dispatch desk."""
    key = request.form.get("section", "")

    def act(thread: Thread, person: Person) -> None:
        section = db.session.scalar(select(Section).where(Section.key == key))
        if section is None:
            raise Invalid(_l("Choose another section that is open to everybody."), field="section")
        if thread.case is None:
            thread.move_to(by=person, section=section)
        else:
            thread.propose_move(by=person, section=section)

    case = db.session.scalar(
        select(Case.id).join(Thread, Case.thread_id == Thread.id).where(Thread.public_id == public_id)
    )
    said = _l("Moved") if case is None else _l("Proposed to the command desk, which decides")
    return _do(public_id, act, said, decision="moved" if case is None else "proposed")


@bp.post("/threads/<public_id>/merge-proposal")
@login_required
def propose_merge(public_id: str) -> Response:
    """Two cases look like one matter: the dispatch desk looks, and merges them or does not."""
    number = request.form.get("into", "")

    def act(thread: Thread, person: Person) -> None:
        try:
            into = Case.numbered(number, reader=person)
        except NotFound:
            raise Invalid(_l("There is no case with this number. Please check it."), field="into") from None
        thread.propose_merge(by=person, into=into)

    return _do(public_id, act, _l("Proposed to the command desk, which decides"), decision="proposed")


@bp.post("/acts/<act_id>/undoing")
@login_required
def undo(act_id: str) -> Response:
    """Take an act back within ten minutes."""
    thread = ModerationAct.by_public_id(act_id).thread.public_id if moderator() else ""
    return _do(
        thread,
        lambda thread, person: ModerationAct.by_public_id(act_id).undo(by=person),
        _l("Taken back; it stands as before"),
        key="",
    )


@bp.post("/<source>/<item_id>/keeping")
@login_required
def keep(source: str, item_id: str) -> Response:
    """Looked at: it stays as it is."""
    item = source_named(source).find(item_id, moderator())
    return _do(
        item.thread.public_id,
        lambda thread, person: None,
        _l("It stays as it is"),
        decision="kept",
        key=item.key,
    )


@bp.post("/appeals/<appeal_id>/decision")
@login_required
def decide(appeal_id: str) -> Response:
    """Another moderator decides an appeal, and says why; poster and public are told."""
    item = source_named("appeal").find(appeal_id, moderator())
    form = request.form

    def act(thread: Thread, person: Person) -> None:
        appeal = db.session.get_one(Appeal, item.row.id)
        appeal.decide(by=person, decision=form.get("decision", ""), words=form.get("words", ""))

    return _do(item.thread.public_id, act, _l("Decided; the author was told"), key=item.key)


@bp.post("/contact/<item_id>/release")
@login_required
def release_contacts(item_id: str) -> Response:
    """Let everybody read the telephone, mail or link in a reply."""
    item = source_named("contact").find(item_id, moderator())
    return _do(
        item.thread.public_id,
        lambda thread, person: thread.release_contacts(by=person, text=db.session.get_one(Text, item.row.id)),
        _l("Everybody can read it now"),
        key=item.key,
    )
