"""The roots of the audit log: one a day, published, so that nobody can write the log anew without being seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from flask import Blueprint, Flask, Response, jsonify, render_template
from sqlalchemy import func, select

from board import audit, jobs, retention
from board.audit import AuditEntry, AuditRoot
from board.clock import local, midnight, now, today
from board.db import db, transaction
from board.i18n import _, _l
from board.jinja import month, number
from board.seams import standing_promise
from board.web import cached_page

bp = Blueprint("transparency", __name__)

SHOWN = 14  # days on the page; the JSON has all
MONTHS = 3
FEWEST = 10  # below it a month's count is not told
AFTER_MIDNIGHT = timedelta(minutes=5)

CLASSES = {
    "steps": _l("Steps in cases and threads"),
    "readings": _l("Openings of closed cases and pages"),
    "uncoverings": _l("Originals, telephones and identities opened"),
    "accounts": _l("Accounts, appointments and sign-ins of staff"),
    "other": _l("Rosters, settings and everything else"),
}
UNCOVERED = ("text.uncovered", "identity.")
BY_FAMILY = {
    "case": "steps",
    "seal": "steps",
    "referral": "steps",
    "thread": "steps",
    "page": "readings",
    "person": "accounts",
}


def class_of(act: str) -> str:
    """Under which of CLASSES an act is counted in public."""
    if act.startswith(UNCOVERED):
        return "uncoverings"
    if act.endswith(".read"):
        return "readings"
    return BY_FAMILY.get(act.partition(".")[0], "other")


@dataclass(frozen=True)
class Month:
    """What is told of one month: a total for each class or kind, None for one below FEWEST."""

    first: date
    totals: dict[str, int | None]

    @property
    def name(self) -> str:
        """Such as 2026-11."""
        return f"{self.first:%Y-%m}"

    def words(self, name: str) -> str:
        """One total as the page says it."""
        total = self.totals[name]
        return _("fewer than %(count)s", count=FEWEST) if total is None else number(total)


# --- publishing ------------------------------------------------------------------------------------


def publish() -> list[date]:
    """Close every day that has ended and publish its root, inside the open transaction; the days.

    Whoever writes on waits for the head. That a root was published is a row of its own, written now: nothing can come
    before it any more, so the root never changes, and a day without any act does not show either.
    """
    audit.hold()
    last = db.session.scalar(select(func.max(AuditRoot.day)))
    first = db.session.scalar(select(func.min(AuditEntry.at)))
    if last is None and first is None:
        audit.note("audit.begun", by=None, thing="audit:1")
        return []
    day = last + timedelta(days=1) if last is not None else local(cast(datetime, first)).date()
    published = []
    while day < today():
        entry = audit.last_before(midnight(day + timedelta(days=1)))
        if entry is not None:
            db.session.add(AuditRoot(day=day, number=entry.number, hash=entry.hash, at=now()))
            audit.note("audit.rooted", by=None, thing=f"day:{day}")
            published.append(day)
        day += timedelta(days=1)
    return published


@standing_promise
def promise() -> None:
    """The roots of the days that have ended are published soon after midnight, or as soon as a worker runs again."""
    tomorrow = today() + timedelta(days=1)
    jobs.put("audit-root", key=f"audit-root:{tomorrow}", due_at=midnight(tomorrow) + AFTER_MIDNIGHT)


@jobs.handler("audit-root", single=True)
def publish_roots() -> None:
    """Publish what is due and promise the next day's."""
    with transaction():
        publish()
        promise()


# --- what everybody reads ----------------------------------------------------------------------------


def roots(limit: int | None = None) -> list[AuditRoot]:
    """The published roots, the newest first."""
    return list(db.session.scalars(select(AuditRoot).order_by(AuditRoot.day.desc()).limit(limit)))


def months(count: int = MONTHS) -> list[Month]:
    """The last whole months that the log knows, the newest first."""
    since = db.session.scalar(select(func.min(AuditEntry.at)))
    found: list[Month] = []
    end = today().replace(day=1)
    while since is not None and len(found) < count and midnight(end) > since:
        first = (end - timedelta(days=1)).replace(day=1)
        rows = db.session.execute(
            select(AuditEntry.act, func.count())
            .where(AuditEntry.at >= midnight(first), AuditEntry.at < midnight(end))
            .group_by(AuditEntry.act)
        )
        totals: Counter[str] = Counter()
        for act, lines in rows:
            totals[class_of(act)] += lines
        found.append(
            Month(first, {name: totals[name] if totals[name] >= FEWEST else None for name in CLASSES})
        )
        end = first
    return found


def removed(count: int = MONTHS) -> list[Month]:
    """How much was removed in the last whole months, by the kinds of the table of retention, the newest first."""
    since, end = retention.first_month(), today().replace(day=1)
    found: list[Month] = []
    while since is not None and len(found) < count and f"{end:%Y-%m}" > since:
        end = (end - timedelta(days=1)).replace(day=1)
        totals = retention.counts(end)
        found.append(
            Month(
                end,
                {name: totals[name] if totals[name] >= FEWEST else None for name in retention.LINES},
            )
        )
    return found


@bp.get("/transparency")
def show() -> Response:
    """What the log is, its last roots, how to hold it to them, and how much is in it."""

    def version() -> tuple[date, date | None]:
        return today(), db.session.scalar(select(func.max(AuditRoot.day)))

    def build() -> tuple[str, datetime | None]:
        shown, gone = months(), removed()
        html = render_template(
            "transparency.html",
            here="/transparency",
            roots=roots(SHOWN),
            head=[{"label": _("Class")}, *({"label": month(each.name), "numeric": True} for each in shown)],
            rows=[[str(words), *(each.words(name) for each in shown)] for name, words in CLASSES.items()]
            if shown
            else [],
            removed_head=[{"label": _("What")}, *({"label": each.name, "numeric": True} for each in gone)],
            removed=[[str(line.what), *(each.words(line.name) for each in gone)] for line in retention.TABLE]
            if gone
            else [],
        )
        return html, midnight(today() + timedelta(days=1))

    return cached_page(("transparency",), version, build, seconds=3600)


@bp.get("/transparency/roots.json")
def as_json() -> Response:
    """Every root by its day, for whoever keeps them."""
    response = jsonify(format=1, roots={root.day.isoformat(): root.hash for root in roots()})
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)
