"""Sections: their list, and the threads of one with filters, an order and older pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from flask import Blueprint, Response, g, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import Select, bindparam, select

from board import live, markup
from board.db import ask
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
            self.version: Any = (section.closed_text, section.guide, section.guide_en)
            return
        self.chosen = asked.chosen if section.makes_cases else ""
        self.sort, self.first = asked.sort, not asked.before
        # Only the whole list from its top has a bar: on others most news would show nothing new.
        self.stream = section_stream(section.key) if self.first and not self.chosen else ""
        if self.stream:
            live.watching(self.stream)
        self.pinned = _pinned(section) if not self.chosen and self.first else ()
        scope = f"section:{section.key}"
        self.counts = cards.counts_of(tallies(scope)[scope] if section.makes_cases else {})
        self.page = self._page(asked.before or None)
        at = g.live_cursors[self.stream] if self.stream else 0
        self.version = (self.pinned, self.page.keys, tuple(sorted(self.counts.items())), at)

    def _page(self, before: str | None) -> cards.Page:
        reader = me()
        if not self.chosen and reader is None:
            return cards.page_of_section(self.section.id, sort=self.sort, before=before)
        conditions = [Thread.section_id == self.section.id]
        if not self.chosen:
            conditions.append(Thread.pinned_at.is_(None))
        return cards.page_of(
            *conditions,
            reader=reader,
            sort=self.sort,
            before=before,
            cases=cards.filtered(self.chosen) if self.chosen else (),
            few=bool(self.chosen) and self.counts[self.chosen] <= cards.FEW,
        )

    def draw(self) -> tuple[str, Any]:
        """Its HTML, and until when its time words stay true."""
        section = self.section
        if not self.shown:
            return _closed(section), None
        keys = [*self.pinned, *self.page.keys]
        rows = cards.rows(keys)
        until = cards.fresh_until(keys)
        html = render_template(
            "boards/section.html",
            section=section,
            here=request.full_path.rstrip("?"),
            listing=self,
            as_it_is=(self.version, self.page.older, until),
            rows=rows,
            chosen=self.chosen,
            chosen_name=_filter_names()[self.chosen] if self.chosen else "",
            sort=self.sort,
            first=self.first,
            stream=self.stream,
            may_post=_may_write(section),
        )
        return html, until

    # What the template asks for only when it draws the list anew.

    def guide(self) -> Markup:
        """What to know before one writes here."""
        return _guide(self.section.words("guide"))

    def filters(self) -> list[dict[str, Any]]:
        """The links to parts of the list with their numbers, as components/filters.html takes them."""
        return _filters(self.section, self.counts, self.chosen, self.sort) if self.section.makes_cases else []

    def sorts(self) -> list[tuple[str, str]]:
        """The orders to choose from."""
        return [("moved", _("Latest steps")), ("posted", _("Newest posts"))]

    def older(self) -> str | None:
        """The address of the next page."""
        return _older(self.section, self.page.older, self.chosen, self.sort)

    def total(self) -> str:
        """How many there are, in words."""
        return _total(self.counts, self.chosen) if self.section.makes_cases else ""

    def drawn(self, rows: list[cards.Row]) -> Markup:
        """The rows as a list."""
        return cards.listed(rows, level=2, live=True)


def _may_write(section: Section) -> bool:
    reader = me()
    return not section.staff_posts and (reader is None or may(reader, "section.post", section))


@lru_cache(maxsize=64)
def _guide(words: str) -> Markup:
    return Markup(markup.render(words)) if words else Markup("")


def _closed(section: Section) -> str:
    if not section.is_closed:
        guide = _guide(section.words("guide"))
        return render_template(
            "boards/confined.html",
            section=section,
            here=f"/s/{section.key}",
            guide=guide,
            may_post=_may_write(section),
        )
    text = markup.render(section.words("closed_text") or _("This section takes no posts."))
    return render_template("boards/closed.html", section=section, here=f"/s/{section.key}", text=Markup(text))


@cache
def _pinned_query() -> Select[str, int]:
    return (
        select(Thread.public_id, Thread.version)
        .where(Thread.section_id == bindparam("section"), Thread.pinned_at.is_not(None), visible_to(None))
        .order_by(Thread.pinned_at.desc())
        .limit(PINNED)
    )


def _pinned(section: Section) -> tuple[tuple[str, int], ...]:
    rows = ask(_pinned_query(), section=section.id)
    return tuple((public_id, version) for public_id, version in rows)


def _filters(section: Section, counts: dict[str, int], chosen: str, sort: str) -> list[dict[str, Any]]:
    kept: dict[str, Any] = {"sort": sort} if sort != "moved" else {}
    return [
        {
            "label": label,
            "url": url_for("sections.show", key=section.key, **_named(name), **kept),
            "count": counts[name or "all"],
            "current": name == chosen,
        }
        for name, label in _filter_names().items()
    ]


def _filter_names() -> dict[str, str]:
    return {
        "": _("All"),
        "pending": _("Waiting"),
        "working": _("In progress"),
        "waiting": _("Needs reply"),
        "done": _("Concluded"),
        "overdue": _("Overdue"),
    }


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
