"""The search page: a form that works without scripts, rows with what was found, newest first."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from board.db import db
from board.errors import NotFound
from board.i18n import _, _l
from board.limits import spend
from board.noting import listed
from board.web import client_address
from boards import cards
from boards.models.case import Case
from boards.models.section import Section
from boards.models.status import Status, Visibility
from boards.models.thread import Thread
from people import me
from people.models import Department
from search import engine
from search.engines import SearchUnavailable
from search.finding import Results, find
from search.highlights import excerpt, marked
from search.query import LONGEST, Filters, Query
from search.saved import written

bp = Blueprint("search", __name__)

SEARCHES = "90 per minute"  # by one address, which may be that of a whole office

STATUS_WORDS = {
    Status.PENDING: _l("Waiting"),
    Status.ACCEPTED: _l("Accepted"),
    Status.IN_PROGRESS: _l("In progress"),
    Status.WAITING_POSTER: _l("Needs reply"),
    Status.SUSPENDED: _l("Suspended by law"),
    Status.RESOLVED: _l("Please rate"),
    Status.CLOSED: _l("Closed"),
}


@bp.get("/search")
def results() -> Response | str | tuple[str, int]:
    """What the board says about `q`; a case number alone leads to its case."""
    query = Query.parse(request.args.get("q", ""))
    if query.text:
        spend("search", SEARCHES, client_address())
    if query.number and (case := _case(query.number)) is not None:
        return redirect(f"/cases/{case.number}")
    sections = [section for section in Section.all() if section.is_public and not section.is_closed]
    departments = Department.all()
    filters = Filters(
        section=_one_of("section", [section.key for section in sections]),
        department=_one_of("department", [department.key for department in departments]),
        status=_one_of("status", list(STATUS_WORDS)),
    )
    before, by_letter = _cursor(), request.args.get("letters") == "1"
    try:
        found = find(engine(), query, filters, reader=me(), before=before, by_letter=by_letter)
    except SearchUnavailable:
        found = None
    page = render_template(
        "search/results.html",
        here=request.full_path.rstrip("?"),
        query=query,
        filters=filters,
        saved=written(query, filters),
        found=found,
        rows=_rows(found) if found else [],
        first_page=before is None,
        older=_older(query, filters, found) if found else None,
        everywhere=url_for("search.results", q=query.text),
        longest=LONGEST,
        section_options=[("", _("All sections")), *((each.key, each.title) for each in sections)],
        department_options=[("", _("All departments")), *((each.key, each.title) for each in departments)],
        status_options=[("", _("Every state")), *STATUS_WORDS.items()],
    )
    return page if found is not None else (page, 503)


def _case(digits: str) -> Case | None:
    try:
        return Case.numbered(f"{digits[:8]}-{digits[8:]}", reader=me())
    except NotFound:
        return None


def _one_of(name: str, known: list[str]) -> str:
    value = request.args.get(name, "")
    return value if value in known else ""


def _cursor() -> int | None:
    value = request.args.get("before", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


def _older(query: Query, filters: Filters, found: Results) -> str | None:
    if found.older is None:
        return None
    kept: dict[str, Any] = {
        "section": filters.section or None,
        "department": filters.department or None,
        "status": filters.status or None,
        "letters": 1 if found.by_letter else None,
    }
    return url_for("search.results", q=query.text, before=found.older, **kept)


def _note(public_ids: list[str]) -> None:
    """Note that staff read lines of something closed among what was found."""
    person = me()
    if person is None or not person.is_staff:
        return
    closed = select(Thread.id).where(Thread.public_id.in_(public_ids), Thread.visibility != Visibility.PUBLIC)
    if db.session.scalar(closed.limit(1)) is not None:
        listed(by=person.public_id, page="/search")


def _rows(found: Results) -> list[dict[str, Any]]:
    """The results as `components/case_card.html` takes them, each with the place where it was found."""
    _note([each.document.id for each in found.rows])
    drawn = {row["public_id"]: row for row in cards.rows([each.key for each in found.rows])}
    rows = []
    for each in found.rows:
        document = each.document
        if document.id in drawn:
            rows.append(
                {
                    **drawn[document.id],
                    "pinned": False,
                    "title_html": marked(document.title, found.query),
                    "excerpt": excerpt((document.body, *document.replies, *document.names), found.query),
                }
            )
    return rows
