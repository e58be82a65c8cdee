"""The inbox: what happened to a person's cases, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, redirect, render_template, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from board import live
from board.db import db, transaction
from board.errors import NotFound
from board.i18n import _
from board.noting import listed
from board.seams import fill
from board.web import see_other
from boards.addresses import step_path
from boards.lines import department_names
from boards.models import CaseEvent, Thread
from boards.modsources import place_of
from boards.policy import visible_to
from notifications import accounts, seeing
from notifications.models import AccountNotice, InboxItem, inbox, unread_of
from notifications.sentences import sentence
from people import myself
from people.models import Person
from people.session import login_required

bp = Blueprint("inbox", __name__)

PAGE = 30


@dataclass(frozen=True)
class Row:
    """One line of the list. `title` is empty where the thread may not be read any more."""

    public_id: str
    say: str
    title: str
    at: datetime
    unread: bool
    fresh: bool


def rows_of(person: Person, before: str | None = None) -> tuple[list[Row], str | None]:
    """A page of `person`'s items older than the item `before`, newest first, and where the next page begins."""
    query = (
        select(InboxItem)
        .where(InboxItem.person_id == person.id)
        .order_by(InboxItem.id.desc())
        .limit(PAGE + 1)
        .options(
            joinedload(InboxItem.event).joinedload(CaseEvent.thread).joinedload(Thread.case),
            joinedload(InboxItem.event).joinedload(CaseEvent.actor),
            joinedload(InboxItem.event).joinedload(CaseEvent.public_text),
        )
    )
    if before:
        last = inbox.item_of(person, before)
        if last is None:
            raise NotFound
        query = query.where(InboxItem.id < last.id)
    items = list(db.session.scalars(query))
    more = items[PAGE - 1].public_id if len(items) > PAGE else None
    items = items[:PAGE]
    threads = {item.event.thread_id for item in items}
    readable = set(db.session.scalars(select(Thread.id).where(Thread.id.in_(threads), visible_to(person))))
    if person.is_staff and any(
        not item.event.thread.is_public for item in items if item.event.thread_id in readable
    ):
        listed(by=person.public_id, page="/inbox")
    names = department_names()
    rows = [
        Row(
            item.public_id,
            sentence(item, names) if item.event.thread_id in readable else "",
            item.event.thread.title if item.event.thread_id in readable else "",
            item.created_at,
            item.read_at is None,
            item.seen_at is None,
        )
        for item in items
    ]
    return rows, more


@bp.get("/inbox")
@login_required
def index() -> str:
    """The list. What it shows is seen; it is read when it is opened."""
    person = myself()
    live.watching(person.stream)
    rows, more = rows_of(person, request.args.get("before"))
    if any(row.fresh for row in rows):
        with transaction():
            inbox.note_seen(person, [row.public_id for row in rows])
    first = "before" not in request.args
    return render_template(
        "notifications/inbox.html",
        rows=rows,
        more=more,
        notices=[(each, accounts.line(each)) for each in AccountNotice.of(person)] if first else [],
        unread=unread_of(person),
        here="/inbox",
    )


@bp.get("/inbox/unread")
@login_required
def unread() -> dict[str, int]:
    """How many items are unread, for a page that has missed too much."""
    person = myself()
    return {"unread": unread_of(person)}


@bp.get("/inbox/<public_id>")
@login_required
def show(public_id: str) -> Response:
    """Open an item: the reader stands before the step it tells of, and has read all there is about that thread."""
    with transaction():
        person = myself()
        item = inbox.item_of(person, public_id)
        if item is None:
            raise NotFound
        event = item.event
        inbox.read_about(event.thread_id, by=person)
        thread = db.session.scalar(select(Thread).where(Thread.id == event.thread_id, visible_to(person)))
        place = "" if thread is None else place_of(event, person) or step_path(event)
        if thread is not None:
            seeing.opened(person, thread.id)
    if not place:
        raise NotFound
    return redirect(place, 303)  # type: ignore[return-value]


@bp.post("/inbox/reading")
@login_required
def read_all() -> Response:
    """Everything is read."""
    with transaction():
        inbox.read_all(by=myself())
        accounts.read_all(by=myself())
    return see_other("inbox.index")


@fill("shell.badge")
def badge(person: Person | None) -> Markup:
    """The number of unread items; it stands there hidden when there are none, so that a script can show it."""
    if person is None:
        return Markup()
    return Markup(render_template("notifications/badge.html", count=unread_of(person)))


@fill("mine.links")
def inbox_link(person: Person) -> Markup:
    """The way to the inbox from a person's own page."""
    return Markup('<a href="{}">{} {}</a>').format("/inbox", _("Messages"), badge(person))


@fill("case.live")
def new_steps(thread: Thread) -> Markup:
    """The bar `有 N 条新进展` above a timeline, hidden until there are some; a plain link without scripts."""
    return Markup(render_template("notifications/newbar.html", thread=thread))
