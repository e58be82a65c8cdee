"""The moderators' desk: reports that something is about somebody, and threads taken from the public for a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from board.db import db, transaction
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _, _l
from board.permissions import may
from boards.deskforms import typed_lines
from boards.models import Case, Report, Thread
from boards.models.case import dashed
from boards.models.report import texts_of
from boards.models.thread import HOLD_REASONS
from boards.photos import photos_of
from boards.policy import visible_to
from people import me, vault
from people.models import Person
from people.session import login_required

bp = Blueprint("moderation", __name__, url_prefix="/moderation")

REPORTS, HELD = 50, 50  # shown at once; the oldest reports and the newest held threads


def _moderator() -> Person:
    person = me()
    if person is None or not person.has_role("moderator"):
        raise NotFound
    return person


@bp.get("")
@login_required
def index() -> Response:
    """Open reports by their two hours, held threads, and the thread that `?thread=` looks up."""
    return _page()


def _page(
    *, status: int = 200, errors: dict[str, Any] | None = None, message: Any = "", report: str = ""
) -> Response:
    person = _moderator()
    wanted = (request.values.get("thread") or "").strip()
    found = _looked_up(wanted, person) if wanted else None
    html = render_template(
        "desk/moderation.html",
        reports=[_shown(each, person) for each in _open_reports(person)],
        held=_held(person),
        wanted=wanted,
        found=found,
        may_hold=found is not None and may(person, "thread.hold", found),
        may_pin=found is not None and may(person, "thread.pin", found),
        reasons=reasons(),
        kinds=report_kinds(),
        errors=errors or {},
        message=message,
        typed=request.form,
        failed=report,
    )
    return make_response(html, status)


def _looked_up(wanted: str, person: Person) -> Thread | None:
    reference = wanted.rstrip("/").rpartition("/")[2]
    query = select(Thread).outerjoin(Case, Case.thread_id == Thread.id)
    return db.session.scalar(
        query.where(or_(Thread.public_id == reference, Case.number == dashed(reference)), visible_to(person))
    )


def _open_reports(person: Person) -> list[Report]:
    rows = db.session.scalars(
        select(Report)
        .join(Thread, Report.thread_id == Thread.id)
        .where(Report.decided_at.is_(None), visible_to(person))
        .order_by(Report.due_at)
        .limit(REPORTS)
        .options(joinedload(Report.text), joinedload(Report.thread).joinedload(Thread.case))
    )
    return [each for each in rows.unique() if may(person, "report.settle", each)]


def _shown(report: Report, person: Person) -> dict[str, Any]:
    texts = texts_of(report.thread)
    photos = [file for files in photos_of(texts).values() for file in files]
    return {
        "row": report,
        "words": [text.public for text in texts],
        "photos": photos,
        "contact": vault.get(f"report:{report.public_id}", "contact") or "",
    }


def _held(person: Person) -> list[Thread]:
    rows = db.session.scalars(
        select(Thread)
        .where(Thread.visibility == "held", visible_to(person))
        .order_by(Thread.moved_at.desc(), Thread.id.desc())
        .limit(HELD)
        .options(joinedload(Thread.case))
    )
    return [each for each in rows.unique() if may(person, "thread.release", each)]


def reasons() -> list[tuple[str, str]]:
    """The closed list of reasons to hold a thread; criticism of a unit, an officer or the government is none."""
    words = {
        "private_data": _("Private data"),
        "danger": _("Danger to a person"),
        "unlawful": _("Unlawful content by a named article"),
        "advert": _("Advert"),
        "duplicate_flood": _("Many copies of one post"),
    }
    return [(name, words[name]) for name in HOLD_REASONS]


def report_kinds() -> dict[str, str]:
    """What a report says is about somebody."""
    return {
        "name": _("A name"),
        "face": _("A face"),
        "address": _("An address"),
        "phone": _("A telephone number"),
        "organisation": _("An organisation"),
        "other": _("Something else"),
    }


def _on_thread(public_id: str, act: Callable[[Thread, Person], Any], said: Any) -> Response:
    try:
        with transaction():
            person = _moderator()
            act(Thread.by_public_id(public_id, reader=person, for_change=True), person)
    except Invalid as error:
        return _page(status=422, errors=error.errors)
    except WrongState as error:
        return _page(status=409, message=error.message)
    flash(str(said), "ok")
    return redirect("/moderation", 303)  # type: ignore[return-value]


@bp.post("/threads/<public_id>/hold")
@login_required
def hold(public_id: str) -> Response:
    """Take it from the public for a reason of the list; no clock stops, the poster is told."""
    reason = request.form.get("reason", "")
    return _on_thread(
        public_id,
        lambda thread, person: thread.hold(by=person, reason=reason),
        _l("Taken from the public; the poster was told"),
    )


@bp.post("/threads/<public_id>/release")
@login_required
def release(public_id: str) -> Response:
    """Give it back to the public."""
    return _on_thread(public_id, lambda thread, person: thread.release(by=person), _l("Public again"))


@bp.post("/threads/<public_id>/pin")
@login_required
def pin(public_id: str) -> Response:
    """Keep it at the top of its section, or let it go."""
    pinned = request.form.get("pinned") == "1"
    said = _l("Pinned") if pinned else _l("No longer pinned")
    return _on_thread(public_id, lambda thread, person: thread.pin(by=person, pinned=pinned), said)


def _on_report(report_id: str, act: Callable[[Report, Person], Any], said: Any) -> Response:
    try:
        with transaction():
            person = _moderator()
            report = db.session.scalar(select(Report).where(Report.public_id == report_id))
            if report is None:
                raise NotFound
            Thread.by_public_id(report.thread.public_id, reader=person, for_change=True)
            act(report, person)
    except Invalid as error:
        return _page(status=422, errors=error.errors, report=report_id)
    except WrongState as error:
        return _page(status=409, message=error.message)
    flash(str(said), "ok")
    return redirect("/moderation", 303)  # type: ignore[return-value]


@bp.post("/reports/<report_id>/covers")
@login_required
def cover(report_id: str) -> Response:
    """Black out the words, one a line, wherever they stand, and take away photos."""
    words, photos = typed_lines(request.form.get("words")), request.form.getlist("photos")
    return _on_report(
        report_id,
        lambda report, person: report.cover(by=person, words=words, photos=photos),
        _l("Covered; the matter stays"),
    )


@bp.post("/reports/<report_id>/dismissal")
@login_required
def dismiss(report_id: str) -> Response:
    """Nothing in it is about a private person."""
    return _on_report(
        report_id, lambda report, person: report.dismiss(by=person), _l("Closed without covering anything")
    )
