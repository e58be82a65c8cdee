"""What moderators did, for everybody: `/moderation-log`."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import Blueprint, Response, render_template, request

from board.i18n import _, is_english
from board.web import cached_page
from boards import modlog
from boards.modwords import act_words, reason_words

bp = Blueprint("moderation_log", __name__)

CURSOR = re.compile(r"\d{4}-\d\d-\d\d\.[0-9a-z]{1,16}")


@bp.get("/moderation-log")
def index() -> Response:
    """Day, act, reason, section, outcome of appeals; monthly totals by reason. No name of anybody."""
    asked = request.args.get("before", "")
    before = asked if CURSOR.fullmatch(asked) else ""
    found: list[Any] = []

    def version() -> Any:
        # All of a page is its version: a case that was taken from the public since loses its number at once.
        rows, more = modlog.entries(before)
        found[:] = [rows, more, modlog.totals() if not before else []]
        return modlog.today(), tuple(rows), more, repr(found[2])

    def build() -> tuple[str, Any]:
        rows, more, totals = found
        html = render_template(
            "boards/moderation_log.html",
            here="/moderation-log",
            rows=[_row(each) for each in rows],
            older=f"/moderation-log?before={more}" if more else "",
            first=not before,
            months=[
                (_month(month), [(reason_words().get(name, name), _count(count)) for name, count in each])
                for month, each in totals
            ],
        )
        return html, None

    return cached_page(("moderation-log", before), version, build)


def _row(entry: modlog.Entry) -> dict[str, Any]:
    appeals = {
        "": "",
        "waiting": _("Appealed; another moderator looks at it"),
        "upheld": _("Appealed; it stays"),
        "overturned": _("Appealed; given back"),
    }
    section = (entry.section_en or entry.section) if is_english() else entry.section
    return {
        "day": entry.day,
        "act": act_words(entry.kind),
        "reason": reason_words().get(entry.reason, entry.reason),
        "section": section or _("A section that is not public"),
        "number": entry.number,
        "after": _("Taken back within minutes") if entry.undone else appeals[entry.appeal],
    }


def _month(month: str) -> str:
    moment = date.fromisoformat(f"{month}-01")
    return (
        f"{moment:%B %Y}" if is_english() else _("%(year)s-%(month)s", year=moment.year, month=moment.month)
    )


def _count(count: int | None) -> str:
    return _("fewer than 10") if count is None else str(count)
