"""The home page: the duty board, pinned notices, the doors of the sections, and what was answered just now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, g, render_template
from markupsafe import Markup
from sqlalchemy import select

from board import live
from board.clock import local, now
from board.db import db
from board.i18n import _, ngettext
from board.jinja import clock_time, day, iso, number
from board.web import cached_page
from boards import cards, pulse
from boards.lists import FRONT
from boards.models.case import Case
from boards.models.section import Section
from boards.models.status import OPEN, Status
from boards.models.tally import tallies
from boards.models.thread import Thread
from boards.policy import visible_to
from people.models import Department
from people.models.department import WATCHING

bp = Blueprint("home", __name__)

SHOWN_NOTICES = 3
SHOWN_RESULTS = 5
SHOWN_UNITS = 6
FRESH = 30  # seconds


@bp.get("/")
def show() -> Response:
    """The home page, for visitors at most half a minute old and never older than what was posted or concluded."""
    return cached_page("home", _moved, lambda: (_page(), now() + timedelta(seconds=FRESH)), seconds=FRESH)


def _moved() -> int:
    live.watching(FRONT)
    return int(g.live_cursors[FRONT])


def _page() -> str:
    sections = Section.all()
    if not sections:
        return render_template("boards/empty.html", here="/")
    counts = pulse.pulse()
    return render_template(
        "boards/home.html",
        here="/",
        stream=FRONT,
        figures=figures(counts),
        on_duty=ngettext("%(num)s person is on duty", "%(num)s people are on duty", counts.on_duty),
        updated=_("today %(time)s", time=clock_time(counts.at)),
        updated_iso=iso(counts.at),
        notices=notices(sections),
        section_doors=doors(sections),
        results=_listed(_results()),
        units=_units(),
        promises=_promises(),
    )


def figures(counts: pulse.Pulse) -> list[dict[str, str]]:
    """The three numbers of the duty board; where there is nothing to count yet, a dash says so."""
    answer = counts.first_answer
    amount, unit = ("–", "") if answer is None else _split(answer)
    share = counts.on_time
    return [
        {"number": number(counts.open), "unit": _("cases"), "label": _("open now")},
        {"number": amount, "unit": unit, "label": _("usual first answer")},
        {
            "number": "–" if share is None else str(share),
            "unit": "" if share is None else "%",
            "label": _("in time today"),
        },
    ]


def _split(span: timedelta) -> tuple[str, str]:
    minutes = max(1, round(span.total_seconds() / 60))
    if minutes < 90:
        return str(minutes), _("min")
    hours = round(minutes / 60)
    return (str(hours), _("hours")) if hours < 48 else (str(round(hours / 24)), _("days"))


def notices(sections: list[Section]) -> list[dict[str, str]]:
    """Pinned notices, then the newest ones, as components/notices.html takes them."""
    own = [section.id for section in sections if section.staff_posts and section.is_public]
    rows = db.session.execute(
        select(Thread.public_id, Thread.title, Thread.posted_at, Thread.pinned_at)
        .where(visible_to(None), Thread.section_id.in_(own))
        .order_by(Thread.pinned_at.is_(None), Thread.pinned_at.desc(), Thread.posted_at.desc())
        .limit(SHOWN_NOTICES)
    ).all()
    return [
        {
            "url": f"/t/{row.public_id}",
            "title": row.title,
            "when": short_day(row.posted_at),
            "when_iso": iso(row.posted_at),
            "icon": "pin" if row.pinned_at is not None else "megaphone",
        }
        for row in rows
    ]


def short_day(moment: Any) -> str:
    """`今天`, `昨天`, or the date."""
    days = (local(now()).date() - local(moment).date()).days
    return _("today") if days == 0 else _("yesterday") if days == 1 else day(moment)


def doors(sections: list[Section]) -> list[dict[str, Any]]:
    """The section cards, live counts only where everybody may read, and the door for who is not sure."""
    counted = tallies(*(f"section:{section.key}" for section in sections if section.shows_counts))
    today = pulse.posted_today()
    found: list[dict[str, Any]] = []
    for section in sections:
        live = counted.get(f"section:{section.key}")
        found.append(
            {
                "url": f"/s/{section.key}",
                "name": section.title,
                "icon": section.icon,
                "examples": section.words("examples"),
                "open": None if live is None else sum(live.get(str(each), 0) for each in OPEN),
                "today": today.get(section.id, 0) if section.is_public and not section.is_closed else None,
            }
        )
    found.append(
        {
            "url": "/new",
            "name": _("Not sure"),
            "icon": "circle-question-mark",
            "examples": _("Write it down first, we find who is in charge"),
            "open": None,
            "today": None,
        }
    )
    return found


def _listed(keys: list[tuple[str, int]]) -> Markup | str:
    found = cards.rows(keys)
    return cards.listed(found) if found else ""


def _results() -> list[tuple[str, int]]:
    # One ordered read for each status, so that the index answers both from its end.
    rows = [
        row
        for status in (Status.RESOLVED, Status.CLOSED)
        for row in db.session.execute(
            select(Case.resolved_at, Thread.public_id, Thread.version)
            .join(Thread, Case.thread_id == Thread.id)
            .where(Case.status == status, Case.resolved_at.is_not(None), visible_to(None))
            .order_by(Case.resolved_at.desc())
            .limit(SHOWN_RESULTS)
        ).all()
    ]
    rows.sort(key=lambda row: row[0] or now(), reverse=True)
    return [(row[1], row[2]) for row in rows[:SHOWN_RESULTS]]


def _units() -> list[dict[str, Any]]:
    """Who is on duty, the largest units first; the rest in one line."""
    duty = pulse.on_duty()
    found = sorted(
        (
            (duty[unit.id], unit)
            for unit in Department.all()
            if duty.get(unit.id) and unit.kind not in WATCHING
        ),
        key=lambda pair: (not pair[1].is_desk, -pair[0], pair[1].position),
    )
    rows = [
        {"name": unit.title, "url": f"/d/{unit.key}", "number": count} for count, unit in found[:SHOWN_UNITS]
    ]
    rest = found[SHOWN_UNITS:]
    if rest:
        rows.append(
            {
                "name": ngettext("%(num)s other department", "%(num)s other departments", len(rest)),
                "url": "/d",
                "number": sum(count for count, _unit in rest),
            }
        )
    return rows


def _promises() -> list[str]:
    return [
        _("How soon we answer and conclude stands over every section."),
        _("Every step, every handover and every delay stands on the page of the case."),
        _("It is solved when you say so. Silence is never counted as content."),
        _("Not solved? Another officer takes it up, or you have it handled again."),
    ]
