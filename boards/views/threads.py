"""The page of a thread and its case: one cached page for visitors, the same parts with his own around them for a reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request
from sqlalchemy import select

from board import live, once
from board.db import db
from board.errors import NotFound
from board.permissions import may
from board.seams import provided
from board.web import cached_page
from boards import cards, casepage, reads, turns
from boards.models.case import Case, dashed
from boards.models.status import Status
from boards.models.thread import Thread
from boards.models.watch import watch_of
from boards.policy import visible_to
from boards.pulse import kept
from people import me
from people.models import Person

bp = Blueprint("threads", __name__)


@bp.get("/cases/<number>")
def case(number: str) -> Response:
    """A case by its number; however the number was typed, it is found under one address."""
    return _answer(("case", number), lambda: _numbered(number), f"/cases/{number}")


def _numbered(number: str) -> tuple[str, int]:
    row = _visible(
        select(Thread.public_id, Thread.version, Case.number)
        .join(Case, Case.thread_id == Thread.id)
        .where(Case.number == dashed(number))
    )
    if row.number != number:
        abort(redirect(f"/cases/{row.number}", 301))
    return row.public_id, row.version


@bp.get("/t/<public_id>")
def show(public_id: str) -> Response:
    """A thread; one that has a case stands at the address of its case."""
    response = _answer(("thread", public_id), lambda: _without_case(public_id), f"/t/{public_id}")
    if request.method == "GET":
        reads.count(public_id)
        reads.write()
    return response


def _without_case(public_id: str) -> tuple[str, int]:
    row = _visible(
        select(Thread.public_id, Thread.version, Case.number)
        .outerjoin(Case, Case.thread_id == Thread.id)
        .where(Thread.public_id == public_id)
    )
    if row.number is not None:
        abort(redirect(f"/cases/{row.number}", 301))
    return row.public_id, row.version


def _visible(query: Any) -> Any:
    """The one row of `query` that the reader may see; NotFound. What everybody sees is asked for first: it is
    nearly everything, and the rule for staff is a long one."""
    row = db.session.execute(query.where(visible_to(None))).first()
    if row is None and me() is not None:
        row = db.session.execute(query.where(visible_to(me()))).first()
    if row is None:
        raise NotFound
    return row


def _answer(key: tuple[str, str], find: Callable[[], tuple[str, int]], here: str) -> Response:
    """The page of what `find` gives: (public id, version), after it has asked whether the reader may see it."""
    person = me()
    if request.args.get("fragment") == "timeline":
        return _fragment(*find(), person)
    if person is not None:
        public_id, _version = find()
        live.watching(f"case:{public_id}", person.stream)
        response = make_response(page(casepage.framed(public_id), person, here))
        response.headers["Cache-Control"] = "private, no-store"
        return response
    found: list[tuple[str, int]] = []

    def version() -> tuple[str, int]:
        found.append(find())
        return found[-1]

    def build() -> tuple[str, Any]:
        public_id, number = found[-1]
        live.watching(f"case:{public_id}")
        shared = casepage.drawn(public_id, number, "public")
        return page(casepage.framed(public_id), None, here), shared.until

    return cached_page(key, version, build)


def _fragment(public_id: str, version: int, person: Person | None) -> Response:
    """The parts that change while somebody looks: the status card and the timeline, as `data-part` elements."""
    thread = casepage.framed(public_id)
    shared = casepage.drawn(public_id, thread.version, casepage.variant_for(thread, person))
    response = make_response(str(shared.now) + str(shared.timeline))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Version"] = str(thread.version)
    return response


def page(thread: Thread, person: Person | None, here: str) -> str:
    """The whole page as HTML for `person`: the shared parts, and around them what is his own."""
    shared = casepage.drawn(thread.public_id, thread.version, casepage.variant_for(thread, person))
    found = thread.case
    own = person is not None and person.id == thread.poster_id
    watch = watch_of(thread, person)
    # Whoever is no poster here has verbs only where his own case was merged into this one; then he follows it.
    concerned = found is not None and (own or watch is not None)
    open_acts = turns.acts(found, person) if found is not None and concerned else set()
    works = found is not None and person is not None and person.is_staff and may(person, "case.note", found)
    return render_template(
        "boards/case.html",
        thread=thread,
        case=_view(found),
        section=thread.section,
        shared=shared,
        title=f"{shared.status} · {thread.title}" if shared.status else thread.title,
        here=here,
        site_url=current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/"),
        signed_in=person is not None,
        own=own,
        asked=own and found is not None and found.status == Status.WAITING_POSTER,
        acts=open_acts,
        turn=turns.turn(found, person, open_acts) if found is not None else None,
        may_reply=may(person, "thread.reply", thread),
        watch_url=f"{here}/watch",
        watching=watch is not None,
        affected=watch is not None and watch.affected,
        editable=thread.editable_by(person),
        releasable=own and thread.release_asked and thread.is_restricted and thread.section.is_public,
        rated=_rated(found, person) if concerned else None,
        once=once.fresh() if person is not None else "",
        desk_url=f"/desk?case={found.number}" if works and found is not None else "",
        similar=similar_to(thread),
    )


def _view(found: Case | None) -> dict[str, Any] | None:
    if found is None:
        return None
    parent = found.parent if found.parent_id is not None else None
    origin = found.origin if found.origin_id is not None else None
    return {
        "number": found.number,
        "status": str(found.status),
        "outcome": found.outcome,
        "parent_number": parent.number if parent is not None else None,
        "origin_number": origin.number if origin is not None and origin.thread.is_public else None,
    }


def _rated(found: Case | None, person: Person | None) -> dict[str, str] | None:
    """The rating that this person may still correct, as the form takes it."""
    if found is None or person is None:
        return None
    given = turns.ratings_of(found.parent or found, person)
    if not given or given[-1].answer < (found.parent or found).answers_given():
        return None
    last = given[-1]
    return {
        "solved": last.solved,
        "satisfaction": last.satisfaction,
        "text": last.text.original() if last.text is not None else "",
    }


def similar_to(thread: Thread) -> list[dict[str, Any]]:
    """Up to three public threads about much the same; who may read them is asked anew each time."""
    if not thread.is_public:
        return []
    ids = kept(
        ("similar", thread.public_id),
        lambda: [each.public_id for each in provided("similar_threads", thread.title, default=[])],
        seconds=300,
    )
    wanted = [each for each in ids if each != thread.public_id][:3]
    if not wanted:
        return []
    rows = db.session.execute(
        select(Thread.public_id, Thread.version).where(Thread.public_id.in_(wanted), visible_to(None))
    )
    found = {public_id: version for public_id, version in rows}
    return cards.rows([(each, found[each]) for each in wanted if each in found])
