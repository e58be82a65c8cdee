"""Sections: their list, and the threads of one with filters, an order and older pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, g, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import select

from board import live, markup
from board.db import db
from board.i18n import _, ngettext
from board.jinja import number
from board.permissions import may
from board.web import cached_page
from boards import cards
from boards.lists import section_stream
from boards.models.section import Section
from boards.models.tally import tallies
from boards.models.thread import Thread
from boards.policy import visible_to
from boards.views.home import doors
from people import me

bp = Blueprint("sections", __name__)

PINNED = 10


@bp.get("/sections")
def index() -> Response:
    """Every section with what it is for."""

    def build() -> tuple[str, Any]:
        return render_template(
            "boards/sections.html", here="/sections", section_doors=doors(Section.all())
        ), None

    return cached_page("sections", "sections", build, seconds=30)


@bp.get("/s/<key>")
def show(key: str) -> Response:
    """A section: pinned threads first, then the others by the chosen filter and order, a page at a time."""
    chosen = request.args.get("status", "")
    sort = request.args.get("sort", "moved")
    before = request.args.get("before", "")
    asked = Asked(
        key,
        chosen if chosen in cards.FILTERS else "",
        sort if sort in cards.SORTS else "moved",
        before if cards.read_cursor(before) is not None else "",
    )
    found: list[Listing] = []

    def version() -> Any:
        found.append(Listing(asked))
        return found[-1].version

    return cached_page(("section", asked), version, lambda: found[-1].draw(), seconds=60)


@dataclass(frozen=True)
class Asked:
    """Which page of which section: the filter, the order, and the cursor it begins behind, empty for none."""

    key: str
    chosen: str
    sort: str
    before: str


class Listing:
    """One page of a section as its reader may see it: read when made, drawn when asked to."""

    def __init__(self, asked: Asked) -> None:
        self.section = section = Section.by_key(asked.key)
        self.shown = section.is_public and not section.is_closed
        if not self.shown:
            self.version: Any = section.closed_text
            return
        self.chosen = asked.chosen if section.makes_cases else ""
        self.sort, self.first = asked.sort, not asked.before
        # Only the whole list from its top has a bar: on others most news would show nothing new.
        self.stream = section_stream(section.key) if self.first and not self.chosen else ""
        if self.stream:
            live.watching(self.stream)
        self.pinned = _pinned(section) if not self.chosen and self.first else ()
        conditions = [Thread.section_id == section.id]
        if not self.chosen:
            conditions.append(Thread.pinned_at.is_(None))
        scope = f"section:{section.key}"
        self.counts = cards.counts_of(tallies(scope)[scope] if section.makes_cases else {})
        self.page = cards.page_of(
            *conditions,
            reader=me(),
            sort=self.sort,
            before=asked.before or None,
            cases=cards.filtered(self.chosen) if self.chosen else (),
            few=bool(self.chosen) and self.counts[self.chosen] <= cards.FEW,
        )
        at = g.live_cursors[self.stream] if self.stream else 0
        self.version = (self.pinned, self.page.keys, tuple(sorted(self.counts.items())), at)

    def draw(self) -> tuple[str, Any]:
        """Its HTML, and until when its time words stay true."""
        section = self.section
        if not self.shown:
            return _closed(section), None
        reader = me()
        keys = [*self.pinned, *self.page.keys]
        rows = cards.rows(keys)
        html = render_template(
            "boards/section.html",
            section=section,
            here=request.full_path.rstrip("?"),
            guide=_guide(section.words("guide")),
            rows=cards.listed(rows, level=2, live=True) if rows else "",
            filters=_filters(section, self.counts, self.chosen, self.sort) if section.makes_cases else [],
            chosen=self.chosen,
            sort=self.sort,
            sorts=[("moved", _("Latest steps")), ("posted", _("Newest posts"))],
            older=_older(section, self.page.older, self.chosen, self.sort),
            first=self.first,
            stream=self.stream,
            total=_total(self.counts, self.chosen) if section.makes_cases else "",
            may_post=not section.staff_posts and (reader is None or may(reader, "section.post", section)),
        )
        return html, cards.fresh_until(keys)


@lru_cache(maxsize=64)
def _guide(words: str) -> Markup:
    return Markup(markup.render(words)) if words else Markup("")


def _closed(section: Section) -> str:
    text = markup.render(section.words("closed_text") or _("This section takes no posts."))
    return render_template("boards/closed.html", section=section, here=f"/s/{section.key}", text=Markup(text))


def _pinned(section: Section) -> tuple[tuple[str, int], ...]:
    rows = db.session.execute(
        select(Thread.public_id, Thread.version)
        .where(Thread.section_id == section.id, Thread.pinned_at.is_not(None), visible_to(None))
        .order_by(Thread.pinned_at.desc())
        .limit(PINNED)
    )
    return tuple((public_id, version) for public_id, version in rows)


def _filters(section: Section, counts: dict[str, int], chosen: str, sort: str) -> list[dict[str, Any]]:
    kept: dict[str, Any] = {"sort": sort} if sort != "moved" else {}
    words = {
        "": _("All"),
        "pending": _("Waiting"),
        "working": _("In progress"),
        "waiting": _("Needs reply"),
        "done": _("Concluded"),
        "overdue": _("Overdue"),
    }
    return [
        {
            "label": label,
            "url": url_for("sections.show", key=section.key, **_named(name), **kept),
            "count": counts[name or "all"],
            "current": name == chosen,
        }
        for name, label in words.items()
    ]


def _named(status: str) -> dict[str, Any]:
    return {"status": status} if status else {}


def _older(section: Section, cursor: str | None, chosen: str, sort: str) -> str | None:
    if cursor is None:
        return None
    kept: dict[str, Any] = {}
    if chosen:
        kept["status"] = chosen
    if sort != "moved":
        kept["sort"] = sort
    return url_for("sections.show", key=section.key, before=cursor, **kept)


def _total(counts: dict[str, int], chosen: str) -> str:
    count = counts[chosen or "all"]
    return (
        ngettext("%(num)s case", "%(num)s cases", count)
        if count < 1000
        else _("%(n)s cases", n=number(count))
    )
