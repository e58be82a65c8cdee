"""Rows of lists: each thread as components/case_card.html takes it, read in bulk and kept while its version stands.

A row is equal for all readers, so it is kept per thread, version and language until its next time word changes.
What a list may hold is decided by its query (`visible_to`); this file only draws what it is given.
"""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from flask import current_app
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, bindparam, or_, select
from sqlalchemy.orm import joinedload, lazyload, selectinload

from board.clock import now
from board.db import ask, db
from board.i18n import _, language
from board.jinja import iso, when
from boards import clockface
from boards.lines import poster_name
from boards.models.case import Case
from boards.models.section import Section
from boards.models.status import Status
from boards.models.thread import Thread
from boards.policy import visible_to
from boards.sentences import NOTHING, chips, quote_of, say
from people.models import Person

PAGE = 20
FEW = 200  # rows that are sorted sooner than looked for
FENCE = 1_000_000_000
KEPT = 4000
SORTS = ("moved", "posted")

# The filters of a list of cases: the statuses each stands for.
FILTERS: dict[str, tuple[Status, ...]] = {
    "pending": (Status.PENDING,),
    "working": (Status.ACCEPTED, Status.IN_PROGRESS, Status.SUSPENDED),
    "waiting": (Status.WAITING_POSTER,),
    "done": (Status.RESOLVED, Status.CLOSED),
    "overdue": (),
}

Row = dict[str, Any]

_rows: OrderedDict[tuple[str, int, str], tuple[datetime, Row]] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class Page:
    """One page of a list: (public id, version) pairs in order, and the cursor of the next one."""

    keys: tuple[tuple[str, int], ...]
    older: str | None = None


def forget() -> None:
    """Empty the store of rows (tests, and a city loaded anew)."""
    with _lock:
        _rows.clear()


# --- which threads ----------------------------------------------------------------------------------------


def cursor(moment: datetime, public_id: str) -> str:
    """An opaque `before` of a list ordered by time: no table id leaves the server."""
    raw = f"{int(moment.timestamp() * 1_000_000)}.{public_id}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_cursor(raw: str | None) -> tuple[datetime, str] | None:
    """The moment and public id of a cursor; None for none and for what is not one."""
    if not raw or len(raw) > 80:
        return None
    try:
        stamp, dot, public_id = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode().partition(".")
        moment = datetime.fromtimestamp(int(stamp) / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return (moment, public_id) if dot and public_id else None


def page_of(
    *conditions: ColumnElement[bool],
    reader: Person | None,
    sort: str = "moved",
    before: str | None = None,
    size: int = PAGE,
    cases: Sequence[ColumnElement[bool]] = (),
    few: bool = False,
) -> Page:
    """One page of the threads that meet `conditions` and that `reader` may see, newest first by `sort`.

    `cases` are conditions on the thread's case. `few` says that they are met by few: those are found first and
    sorted, not looked for along the whole list. Keyset paging: the deepest page costs what the first one does.
    """
    place = read_cursor(before)
    return _page(_query(*conditions, reader=reader, sort=sort, cases=cases, few=few), {}, sort, place, size)


def page_of_section(section: int, *, sort: str, before: str | None) -> Page:
    """The same for what everybody sees of a section, but for what is pinned: asked more often than anything else, so its
    query is put together once."""
    return _page(_of_section(sort), {"section": section}, sort, read_cursor(before), PAGE)


@cache
def _of_section(sort: str) -> Select[Any]:
    here = (Thread.section_id == bindparam("section"), Thread.pinned_at.is_(None))
    return _query(*here, reader=None, sort=sort)


def _query(
    *conditions: ColumnElement[bool],
    reader: Person | None,
    sort: str,
    cases: Sequence[ColumnElement[bool]] = (),
    few: bool = False,
) -> Select[Any]:
    column = _column(sort)
    query: Any = select(Thread.public_id, Thread.version, column)
    if cases and few:
        # The limit, never reached, is a fence: without it the planner walks the list and asks each thread's case.
        found = select(Case.thread_id).where(*cases).limit(FENCE).subquery()
        query = query.join(found, found.c.thread_id == Thread.id)
    elif cases:
        query = query.join(Case, Case.thread_id == Thread.id).where(*cases)
    found_query: Select[Any] = query.where(visible_to(reader), *conditions)
    return found_query.order_by(column.desc(), Thread.id.desc())


def _column(sort: str) -> Any:
    return Thread.posted_at if sort == "posted" else Thread.moved_at


def _page(
    query: Select[Any], values: dict[str, Any], sort: str, place: tuple[datetime, str] | None, size: int
) -> Page:
    if place is not None:
        column, (moment, public_id) = _column(sort), place
        last = db.session.scalar(select(Thread.id).where(Thread.public_id == public_id))
        # Said so that the index can begin at the cursor: an `or` alone would read everything above it.
        query = query.where(column <= moment, or_(column < moment, Thread.id < (last or 0)))
    rows = ask(query.limit(size + 1), **values).all()
    older = cursor(rows[size - 1][2], rows[size - 1][0]) if len(rows) > size else None
    return Page(tuple((row[0], row[1]) for row in rows[:size]), older)


def filtered(name: str) -> list[ColumnElement[bool]]:
    """The conditions on a case of one of FILTERS."""
    if name == "overdue":
        running = [str(status) for status in Status if status != Status.CLOSED]
        return [Case.overdue.is_(True), Case.status.in_(running)]
    return [Case.status.in_([str(status) for status in FILTERS[name]])]


def counts_of(tally: dict[str, int]) -> dict[str, int]:
    """How many of each filter, from a tally: `all` and the names of FILTERS."""
    found = {name: sum(tally.get(str(status), 0) for status in kinds) for name, kinds in FILTERS.items()}
    found["overdue"] = tally.get("overdue", 0)
    found["all"] = sum(tally.get(str(status), 0) for status in Status)
    return {name: max(0, value) for name, value in found.items()}


# --- how they look ----------------------------------------------------------------------------------------


def rows(keys: Sequence[tuple[str, int]]) -> list[Row]:
    """The rows of these (public id, version) pairs, in their order; a bounded number of queries for those not kept."""
    tongue, moment = language(), now()
    found: dict[str, Row] = {}
    missing: list[str] = []
    for public_id, version in keys:
        kept = _rows.get((public_id, version, tongue))
        if kept is not None and kept[0] > moment:
            found[public_id] = kept[1]
        else:
            missing.append(public_id)
    if missing:
        for thread, row, until in _drawn(missing):
            found[thread.public_id] = row
            with _lock:
                _rows[thread.public_id, thread.version, tongue] = (until, row)
                while len(_rows) > KEPT:
                    _rows.popitem(last=False)
    return [found[public_id] for public_id, _version in keys if public_id in found]


def listed(found: Sequence[Row], *, level: int = 3, live: bool = False) -> Markup:
    """The rows as one list: what `case_list` of components/case_card.html draws, each row drawn once while it is kept."""
    macros: Any = current_app.jinja_env.get_template("components/case_card.html").module
    items = []
    for row in found:
        kept = row["drawn"].get((level, live))
        if kept is None:
            kept = row["drawn"][level, live] = Markup("<li>{}</li>\n").format(
                macros.case_card(row, level, live)
            )
        items.append(kept)
    return Markup('<ul class="case-list">\n') + Markup("").join(items) + Markup("</ul>")


def fresh_until(keys: Iterable[tuple[str, int]]) -> datetime | None:
    """Until when the time words of these rows stay true."""
    tongue = language()
    ends = [kept[0] for key in keys if (kept := _rows.get((*key, tongue))) is not None]
    return min(ends, default=None)


def _drawn(public_ids: list[str]) -> Iterable[tuple[Thread, Row, datetime]]:
    threads = list(
        db.session.scalars(
            select(Thread)
            .where(Thread.public_id.in_(public_ids))
            .options(
                joinedload(Thread.poster),
                joinedload(Thread.section).joinedload(Section.department),
                joinedload(Thread.case).options(
                    lazyload(Case.thread),
                    joinedload(Case.department),
                    joinedload(Case.handler),
                    selectinload(Case.deadlines),
                    selectinload(Case.handovers),
                    selectinload(Case.parent).options(lazyload(Case.thread), lazyload(Case.department)),
                ),
            )
        ).unique()
    )
    quotes = quote_of(thread.case for thread in threads if thread.case is not None)
    for thread in threads:
        case = thread.case
        until = clockface.fresh_until(case) if case is not None else clockface.next_midnight()
        if thread.section.counts_views:
            until = min(until, now() + timedelta(minutes=1))  # reads are counted without a new version
        yield thread, row_of(thread, quotes.get(case.id, NOTHING) if case is not None else NOTHING), until


def kind_word(kind: str) -> str:
    """What a thread is that is no plain post: a notice, a refutation, a guide; else empty."""
    return {"notice": _("Notice"), "refutation": _("Refutation"), "guide": _("Guide")}.get(kind, "")


def row_of(thread: Thread, quote: Any = None) -> Row:
    """One thread as components/case_card.html takes it."""
    case = thread.case
    common: Row = {
        "title": thread.title,
        "url": f"/cases/{case.number}" if case is not None else f"/t/{thread.public_id}",
        "replies": thread.replies_count,
        "by": poster_name(thread.poster, thread.identity),
        "when": when(thread.posted_at),
        "when_iso": iso(thread.posted_at),
        "pinned": thread.pinned_at is not None,
        "section": thread.section.title,
        "views": thread.views_count if thread.section.counts_views else None,
        "public_id": thread.public_id,
        "drawn": {},
    }
    if case is None:
        office = thread.section.department
        return {
            **common,
            "number": None,
            "status": None,
            "say": "",
            "clock": None,
            "department": office.title if office is not None else "",
            "by": "" if thread.poster is not None and thread.poster.is_staff else common["by"],
            "kind_word": kind_word(thread.kind),
        }
    return {
        **common,
        **chips(case),
        "number": case.number,
        "say": say(case, quote),
        "clock": clockface.face(case),
        "department": case.department.title,
    }


__all__ = [
    "FILTERS",
    "PAGE",
    "SORTS",
    "Page",
    "counts_of",
    "cursor",
    "filtered",
    "forget",
    "page_of",
    "row_of",
    "rows",
]
