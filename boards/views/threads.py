"""The page of a thread and its case: one cached page for visitors, the same parts with his own around them for a reader."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request
from sqlalchemy import Select, bindparam, select

from board import live, once
from board.db import ask
from board.errors import NotFound
from board.permissions import may
from board.seams import provided
from board.web import cached_page
from boards import cards, casepage, known, reads, turns
from boards.models.appeal import appealable
from boards.models.case import Case, dashed
from boards.models.section import Section
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
    try:
        return _answer(("case", number), lambda: _numbered(number), f"/cases/{number}")
    except NotFound:
        # Of what is handled internally number, status and clocks stay public.
        stub: Response | None = None if request.args else provided("case_stub", dashed(number))
        if stub is None:
            raise
        return stub


def _numbered(number: str) -> tuple[str, int]:
    row = _visible(_by_number, dashed(number))
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
    row = _visible(_by_public_id, public_id)
    if row.number is not None:
        abort(redirect(f"/cases/{row.number}", 301))
    return row.public_id, row.version


def _by_number() -> Select[str, int, str]:
    return (
        select(Thread.public_id, Thread.version, Case.number)
        .join(Case, Case.thread_id == Thread.id)
        .where(Case.number == bindparam("given"))
    )


def _by_public_id() -> Select[str, int, str]:
    return (
        select(Thread.public_id, Thread.version, Case.number)
        .outerjoin(Case, Case.thread_id == Thread.id)
        .where(Thread.public_id == bindparam("given"))
    )


@cache
def _for_everybody(query: Callable[[], Select[str, int, str]]) -> Select[str, int, str]:
    return query().where(visible_to(None))


def _visible(query: Callable[[], Select[str, int, str]], given: str) -> Any:
    """The one row of `query` that the reader may see; NotFound. What everybody sees is asked for first: it is
    nearly everything, and the rule for staff is a long one."""
    row = ask(_for_everybody(query), given=given).first()
    if row is None and me() is not None:
        row = ask(query().where(visible_to(me())), given=given).first()
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
        thread = casepage.framed(public_id)
        thread.open_for(person)
        response = make_response(page(thread, person, here))
        response.headers["Cache-Control"] = "private, no-store"
        if person.is_staff:
            if not thread.is_public:
                provided("reading", person, thread)
            provided("thread_opened", person, thread.id)
        return response
    found: list[tuple[str, int]] = []

    def version() -> tuple[str, int]:
        found.append(find())
        return found[-1]

    def build() -> tuple[str, Any]:
        public_id, number = found[-1]
        live.watching(f"case:{public_id}")
        shared = casepage.drawn(public_id, number, "public")
        return visitors_page(public_id, number, shared, here), shared.until

    return cached_page(key, version, build, counted=key[0] == "thread")


def _fragment(public_id: str, version: int, person: Person | None) -> Response:
    """The parts that change while somebody looks: the status card and the timeline, as `data-part` elements."""
    thread = casepage.framed(public_id)
    thread.open_for(person)
    shared = casepage.drawn(public_id, thread.version, casepage.variant_for(thread, person))
    if person is not None and not thread.is_public:
        provided("reading", person, thread)
    response = make_response(str(shared.now) + str(shared.timeline))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Version"] = str(thread.version)
    return response


def visitors_page(public_id: str, version: int, shared: casepage.Drawn, here: str) -> str:
    """The page as every visitor reads it. What stands in it changes with the thread's version and its time words only,
    but for the number of an earlier case: whether that may be named is asked each time."""
    similar = similar_to(public_id, shared.title)
    about = tuple((row["public_id"], row["title"], *map(row.get, CHIPS)) for row in similar)
    site_url = _site_url()
    frame = cache(lambda: _frame(casepage.framed(public_id)))
    return render_template(
        "boards/case.html",
        **NOBODY,
        frame=frame,
        as_it_is=None if shared.continues else (public_id, version, shared.until, about, here, site_url),
        public=True,
        version=version,
        shared=shared,
        title=shared.whole_title,
        here=here,
        site_url=site_url,
        watch_url=f"{here}/watch",
        similar=similar,
    )


# What the chips of a similar matter are drawn from (`case_chips`): a page that was kept with others is drawn anew.
CHIPS = ("status", "outcome", "verdict", "overdue", "supervised", "round")

# What a visitor is and can do.
NOBODY: dict[str, Any] = {
    **dict.fromkeys(
        ("signed_in", "staff", "own", "asked", "may_reply", "watching", "affected", "editable"), False
    ),
    "releasable": False,
    "appeal": False,
    "known": None,
    "lookup_url": "",
    "acts": frozenset(),
    "turn": None,
    "rated": None,
    "once": "",
    "desk_url": "",
}


def _frame(thread: Thread) -> tuple[Thread, dict[str, Any] | None, Section]:
    return thread, _view(thread.case), thread.section


def _site_url() -> str:
    return current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/")


def page(thread: Thread, person: Person, here: str) -> str:
    """The whole page as HTML for `person`: the shared parts, and around them what is his own."""
    shared = casepage.drawn(thread.public_id, thread.version, casepage.variant_for(thread, person))
    framed = _frame(thread)
    found = thread.case
    own = person.id == thread.poster_id
    watch = watch_of(thread, person)
    # Whoever is no poster here has verbs only where his own case was merged into this one; then he follows it.
    concerned = found is not None and (own or watch is not None)
    open_acts = turns.acts(found, person) if found is not None and concerned else set()
    works = found is not None and person.is_staff and may(person, "case.note", found)
    return render_template(
        "boards/case.html",
        frame=lambda: framed,
        as_it_is=None,
        public=thread.is_public,
        version=thread.version,
        shared=shared,
        title=shared.whole_title,
        here=here,
        site_url=_site_url(),
        signed_in=True,
        staff=person.is_staff,
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
        once=once.fresh(),
        desk_url=f"/desk?case={found.number}" if works and found is not None else "",
        known=known.known(thread, person) if own and not person.is_staff else None,
        lookup_url=_lookup_url(found, person),
        similar=similar_to(thread.public_id, thread.title) if thread.is_public else [],
        appeal=not person.is_staff and bool(appealable(thread, person)),
    )


def _lookup_url(found: Case | None, person: Person | None) -> str:
    """Where an inspector looks up a sealed poster; whoever has a desk does it there."""
    if found is None or found.thread.identity != "sealed" or not may(person, "poster.contact", found):
        return ""
    return f"/cases/{found.number}/contact"


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


@cache
def _versions() -> Select[str, int]:
    wanted = Thread.public_id.in_(bindparam("wanted", expanding=True))
    return select(Thread.public_id, Thread.version).where(wanted, visible_to(None))


def similar_to(public_id: str, title: str) -> list[dict[str, Any]]:
    """Up to three public threads about much the same as a public one; who may read them is asked anew each time."""
    ids = kept(
        ("similar", public_id),
        lambda: [each.public_id for each in provided("similar_threads", title, default=[])],
        seconds=300,
    )
    wanted = [each for each in ids if each != public_id][:3]
    if not wanted:
        return []
    found = {each: version for each, version in ask(_versions(), wanted=wanted)}
    return cards.rows([(each, found[each]) for each in wanted if each in found])
