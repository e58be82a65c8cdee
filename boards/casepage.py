"""The page of a thread, read once: what all readers share is drawn and kept, what one reader sees is drawn around it.

Four variants are shared: `public`; `own` for the poster (a link to his earlier words); `staff` for whoever works on
the case (internal steps); `lead` for those of them who may read the poster's earlier words as well. Each is kept per
version and language until its next time word changes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import contains_eager, joinedload, lazyload, selectinload

from board.clock import local, now
from board.db import db
from board.files import StoredFile
from board.i18n import _, language
from board.jinja import clock_time, day, duration, iso, when
from board.permissions import may
from boards import clockface, lines, reckoning
from boards.cards import kind_word
from boards.models.assist import AssistTask
from boards.models.case import Case
from boards.models.section import Section
from boards.models.status import Outcome, Status
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.photos import addresses, photos_of
from boards.sentences import Quote, by_when, chip, chips, outcome_words, quote_of, say, tidy, time_used
from people.models import Person

KEPT = 600

STEPS = ("posted", "accepted", "working", "answered", "rated")


@dataclass(frozen=True)
class Drawn:
    """The shared parts of one page as HTML, and what its frame needs to know."""

    now: Markup
    post: Markup
    timeline: Markup
    facts: Markup
    newest: str
    status: str
    title: str
    continues: bool
    until: datetime

    @property
    def whole_title(self) -> str:
        """What the browser's tab says."""
        return f"{self.status} · {self.title}" if self.status else self.title


_pages: OrderedDict[tuple[str, int, str, str], Drawn] = OrderedDict()
_lock = threading.Lock()


def forget() -> None:
    """Empty the store of drawn pages (tests, and a city loaded anew)."""
    with _lock:
        _pages.clear()


def variant_for(thread: Thread, person: Person | None) -> str:
    """Which of the shared variants `person` reads."""
    if person is None:
        return "public"
    if person.id == thread.poster_id:
        return "own"
    if person.is_staff and thread.case is not None and may(person, "case.note", thread.case):
        changed = thread.edited_at is not None
        return "lead" if changed and may(person, "thread.revisions", thread) else "staff"
    return "public"


def framed(public_id: str) -> Thread:
    """The thread with what the frame of its page needs, in one query; who may read it was asked before."""
    return db.session.scalars(_framed(), {"public_id": public_id}).unique().one()


@cache
def _framed() -> Select[Thread]:
    return (
        select(Thread)
        .where(Thread.public_id == bindparam("public_id"))
        .options(
            joinedload(Thread.section).lazyload(Section.department),
            joinedload(Thread.case).options(lazyload(Case.thread), joinedload(Case.department)),
        )
    )


def load(public_id: str) -> Thread:
    """The thread with everything its page shows, in a bounded number of queries; who may read it was asked before."""
    return db.session.scalars(_whole(), {"public_id": public_id}).unique().one()


@cache
def _whole() -> Select[Thread]:
    return (
        select(Thread)
        .where(Thread.public_id == bindparam("public_id"))
        .options(
            joinedload(Thread.poster),
            joinedload(Thread.body),
            joinedload(Thread.title_text),
            joinedload(Thread.case).options(
                lazyload(Case.thread),
                joinedload(Case.department),
                joinedload(Case.handler),
                selectinload(Case.deadlines),
                selectinload(Case.handovers),
                selectinload(Case.assists).joinedload(AssistTask.department),
                selectinload(Case.parent).options(lazyload(Case.thread), lazyload(Case.department)),
            ),
        )
    )


def events_of(thread: Thread) -> list[CaseEvent]:
    """Every step with its actor and words, oldest first, in one query."""
    return list(db.session.scalars(_steps(), {"thread": thread.id}).unique())


@cache
def _steps() -> Select[CaseEvent]:
    return (
        select(CaseEvent)
        .where(CaseEvent.thread_id == bindparam("thread"))
        .order_by(CaseEvent.seq)
        .outerjoin(Text, CaseEvent.public_text_id == Text.id)
        .options(
            contains_eager(CaseEvent.public_text),
            joinedload(CaseEvent.actor),
            selectinload(CaseEvent.internal_text),
        )
    )


def drawn(public_id: str, version: int, variant: str) -> Drawn:
    """The shared parts of a thread's page as they are at `version`, kept or drawn anew."""
    key = (public_id, version, variant, language())
    kept = _pages.get(key)
    if kept is not None and kept.until > now():
        return kept
    fresh = draw(load(public_id), variant)
    with _lock:
        _pages[key] = fresh
        _pages.move_to_end(key)
        while len(_pages) > KEPT:
            _pages.popitem(last=False)
    return fresh


def draw(thread: Thread, variant: str) -> Drawn:
    """Draw the shared parts of a page."""
    case = thread.case
    events = events_of(thread)
    internal = variant in ("staff", "lead")
    texts = [event.public_text for event in events if event.public_text is not None]
    if internal:
        texts += [event.internal_text for event in events if event.internal_text is not None]
    photos = {
        text_id: [photo(each) for each in files]
        for text_id, files in photos_of([thread.body, *texts]).items()
    }
    scene = lines.Scene(thread.poster_id, thread.identity, lines.department_names(), photos)
    steps_ = lines.entries(events, scene, internal=internal)
    standing = _standing(case, events) if case is not None else None
    html = {
        name: Markup(render_template(f"boards/parts/{name}.html", **values))
        for name, values in (
            ("now", {"standing": standing, "case": case}),
            ("post", {"post": _post(thread, scene, variant), "id": thread.public_id}),
            ("timeline", {"entries": steps_, "thread": thread}),
            ("facts", {"facts": _facts(thread), "clocks": _clocks(case)}),
        )
    }
    until = clockface.fresh_until(case) if case is not None else clockface.next_midnight()
    return Drawn(
        **html,
        newest=steps_[-1]["id"] if steps_ else "",
        status=chip(case) if case is not None else kind_word(thread.kind),
        title=thread.title,
        continues=case is not None and case.origin_id is not None,
        until=until,
    )


def photo(file: StoredFile) -> dict[str, Any]:
    """A photo as components/photos.html shows it."""
    return {
        **addresses(file),
        "width": file.width,
        "height": file.height,
        "caption": file.caption,
    }


def _earlier(thread: Thread, variant: str) -> str:
    """The address of what stood there before; "" where this variant's readers may not read it, or nothing is kept."""
    official = thread.poster is not None and thread.poster.is_staff
    readable = official or variant in ("own", "lead")  # as the rule thread.revisions has it
    return f"/t/{thread.public_id}/earlier" if readable and thread.changed_texts() else ""


def _post(thread: Thread, scene: lines.Scene, variant: str) -> dict[str, Any]:
    staff = thread.poster is not None and thread.poster.is_staff
    office = thread.section.department
    name = office.title if staff and office is not None else lines.poster_name(thread.poster, thread.identity)
    edited = thread.edited_at is not None
    line = [thread.poster.display_name] if staff and thread.poster is not None else []
    earlier = _earlier(thread, variant) if edited else ""
    if edited and not earlier:
        line.append(_("edited %(when)s", when=when(thread.edited_at)))
    hidden = thread.body.hidden_at is not None
    return {
        "id": thread.body.public_id,
        "author": name,
        "initial": name[:1],
        "line": " · ".join(line),
        "when": when(thread.posted_at),
        "when_iso": iso(thread.posted_at),
        "html": Markup("<p>{}</p>").format(_("These words are hidden.")) if hidden else thread.body.markup(),
        "photos": scene.photos.get(thread.body.id, []),
        "place": thread.place,
        "edited_url": earlier,
        "masked": bool(thread.body.masked),
        "official": staff,
        "tag": None,
    }


# --- where it stands ------------------------------------------------------------------------------------


def _standing(case: Case, events: list[CaseEvent]) -> dict[str, Any]:
    quote = quote_of([case]).get(case.id, Quote())
    return {
        **chips(case),
        "number": case.number,
        "say": say(case, quote),
        "clock": clockface.face(case),
        "steps": steps(case, events),
        "parent": case.parent.number if case.parent is not None else None,
    }


def _short(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return clock_time(moment) if local(moment).date() == local(now()).date() else day(moment)


def steps(case: Case, events: list[CaseEvent]) -> list[dict[str, str]]:
    """The five steps of this round as components/steps.html takes them: done, current or still to come."""
    begun = _("Reopened") if case.round > 1 else _("Posted")
    names = [begun, _("Accept"), _("Working"), _("Answer"), _("Rating")]
    claimed = next(
        (
            each.at
            for each in events
            if each.round == case.round and each.kind in ("case.claimed", "case.assigned")
        ),
        None,
    )
    rated = next(
        (each.at for each in reversed(events) if each.round == case.round and each.kind == "case.rated"), None
    )
    times = [case.round_at, case.accepted_at, claimed, case.resolved_at, rated]
    status = Status(case.status)
    if status == Status.CLOSED and case.resolved_at is None:
        ended = {
            Outcome.DECLINED: _("Not taken on"),
            Outcome.DUPLICATE: _("Merged"),
            Outcome.WITHDRAWN: _("Withdrawn"),
        }.get(Outcome(case.outcome) if case.outcome else None, _("Closed"))  # type: ignore[arg-type]
        return [
            {"label": begun, "time": _short(case.round_at), "state": "done"},
            {"label": ended, "time": _short(case.closed_at), "state": "done"},
        ]
    current = {
        Status.PENDING: 1,
        Status.ACCEPTED: 2,
        Status.IN_PROGRESS: 2,
        Status.WAITING_POSTER: 2,
        Status.SUSPENDED: 2,
        Status.RESOLVED: 4,
        Status.CLOSED: 5,
    }[status]
    waits = {
        Status.WAITING_POSTER: _("Needs reply"),
        Status.SUSPENDED: _("Suspended"),
        Status.IN_PROGRESS: _short(claimed) or _("under way"),
    }.get(status, _("waiting"))
    found = []
    for place, name in enumerate(names):
        state = "done" if place < current else "current" if place == current else "todo"
        words = _short(times[place]) if state == "done" else waits if state == "current" else ""
        if place == 4 and status == Status.CLOSED and rated is None:
            words = _("not rated")
        found.append({"label": name, "time": words, "state": state})
    return found


def _facts(thread: Thread) -> list[dict[str, Any]]:
    case = thread.case
    found: list[dict[str, Any]] = []
    if case is not None:
        link = Markup('<a href="/d/{}">{}</a>').format(case.department.key, case.department.title)
        found.append({"label": _("Department in charge"), "value": link})
        if case.handler is not None:
            found.append({"label": _("Officer"), "value": case.handler.display_name})
        helping = case.assisting()
        if helping:
            found.append({"label": _("Helping"), "value": _(", ").join(each.title for each in helping)})
        if case.answered_at is not None:
            found.append(
                {
                    "label": _("First answer"),
                    "value": duration(case.answered_at - case.round_at),
                    "ok": _kept(case, "reply"),
                    "late": _broken(case, "reply"),
                }
            )
        resolve = case.clock("resolve")
        if resolve is not None and thread.section.shows_countdown:
            paused = resolve.paused_at is not None and resolve.is_open
            words = _("clock stopped") if paused or resolve.due_at is None else by_when(resolve.due_at)
            found.append({"label": _("Promised result"), "value": tidy(words)})
        used = time_used(case)
        if used is not None:
            found.append(
                {
                    "label": _("Time used"),
                    "value": duration(used),
                    "ok": _kept(case, "resolve"),
                    "late": _broken(case, "resolve"),
                }
            )
        if case.outcome and case.resolved_at is not None:
            found.append({"label": _("Outcome"), "value": outcome_words(case)})
        if case.ever_overdue:
            found.append({"label": _("Promises broken"), "value": _breaches(case)})
    if thread.followers_count:
        followers = str(thread.followers_count)
        if thread.affected_count:
            followers = _("%(n)s, %(m)s of them affected too", n=followers, m=thread.affected_count)
        found.append({"label": _("Followers"), "value": followers})
    if thread.section.counts_views:
        found.append({"label": _("Times read"), "value": f"{thread.views_count:,}"})
    return found


def _kept(case: Case, kind: str) -> str:
    clock = case.clock(kind)
    return (
        _("in time")
        if clock is not None and clock.stopped_at is not None and clock.breached_at is None
        else ""
    )


def _broken(case: Case, kind: str) -> str:
    clock = case.clock(kind)
    return _("late") if clock is not None and clock.breached_at is not None else ""


def _breaches(case: Case) -> str:
    return _(", ").join(
        f"{reckoning.kind_words(each.kind)} {day(each.breached_at)}"
        for each in case.breaches
        if each.breached_at is not None
    )


def _clocks(case: Case | None) -> list[dict[str, Any]]:
    """The arithmetic of this round's promises."""
    if case is None or not case.thread.section.shows_countdown:
        return []
    shown = [case.clock(kind) for kind in ("reply", "accept", "resolve", "poster", "rectification")]
    return [
        {"name": reckoning.kind_words(clock.kind), "lines": reckoning.explain(clock)}
        for clock in shown
        if clock is not None
    ]


__all__ = ["Drawn", "draw", "drawn", "events_of", "forget", "framed", "load", "photo", "steps", "variant_for"]
