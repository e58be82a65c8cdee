"""Supervision at the inspectors' desk: what waits for them, drafts, new orders from ticked cases, and reviews of units."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy import and_, func, or_, select

from board import once
from board.clock import now
from board.db import db
from board.errors import BoardError, Invalid, NotFound, WrongState, wants_json
from board.i18n import _, _l
from board.jinja import when
from board.permissions import may
from boards.models import Case, Thread
from boards.policy import visible_to
from boards.views.acting import myself, once_only
from complaints import supervision_words as words
from complaints.models.supervision import (
    CHOSEN,
    DAYS,
    DEMANDS,
    LATEST,
    LEVELS,
    MOST,
    STANDING,
    SupervisionOrder,
    default_due,
)
from complaints.models.unit_review import UnitReview
from complaints.supervising import issuable
from complaints.views.demanding import LONGEST, day_of, demand_typed
from people.models import Person
from people.session import login_required

bp = Blueprint("ordering", __name__)

SHOWN = 50


def _inspector() -> Person:
    person = myself()
    if not may(person, "inspection.open"):
        raise NotFound
    return person


# --- what waits -------------------------------------------------------------------------------------------


@bp.get("/inspection/supervision")
@login_required
def index() -> Response:
    """Drafts, orders that were answered or are overdue, those that run, and units to look at."""
    return _overview()


def _overview(*, review: str = "", errors: dict[str, Any] | None = None, status: int = 200) -> Response:
    person = _inspector()
    standing = _mine(person, SupervisionOrder.state.in_(STANDING))
    html = render_template(
        "complaints/supervision.html",
        drafts=[_draft_row(each) for each in _mine(person, SupervisionOrder.state == "draft")],
        decide=[_row(each) for each in standing if each.state == "answered" or each.is_late],
        running=[_row(each) for each in standing if each.state == "issued" and not each.is_late],
        reviews=[_review(each) for each in UnitReview.waiting_for(person)],
        open_review=review,
        typed=request.form.get("found", "") if review else "",
        errors=errors or {},
        once=once.fresh(),
        here="/inspection/supervision",
    )
    return _private(html, status)


def waiting(person: Person) -> int:
    """How much stands on this page that waits for an inspector: drafts, answers, what is overdue, units."""
    late = and_(SupervisionOrder.state == "issued", SupervisionOrder.due_at <= now())
    orders = or_(SupervisionOrder.state.in_(("draft", "answered")), late)
    query = select(func.count(SupervisionOrder.id)).where(orders, issuable(person))
    return int(db.session.scalar(query) or 0) + len(UnitReview.waiting_for(person))


def _mine(person: Person, condition: Any) -> list[SupervisionOrder]:
    """The orders that this inspector may decide over, what is due first before the others."""
    return list(
        db.session.scalars(
            select(SupervisionOrder)
            .where(condition, issuable(person))
            .order_by(SupervisionOrder.due_at.is_(None), SupervisionOrder.due_at, SupervisionOrder.id)
            .limit(SHOWN)
        )
    )


def _row(order: SupervisionOrder) -> dict[str, Any]:
    return {**words.notice(order), "unit": order.department.title, "due": when(order.due_at)}


def _draft_row(order: SupervisionOrder) -> dict[str, Any]:
    return {
        "url": f"/inspection/supervision/drafts/{order.public_id}",
        "unit": order.department.title,
        "reason": words.reason_word(order.reason),
        "count": len(order.covered),
        "weekly": bool(order.slot and order.slot.startswith("week:")),
        "when": when(order.drafted_at),
    }


def _review(review: UnitReview) -> dict[str, Any]:
    said = {"n": review.counted}
    return {
        "id": review.public_id,
        "unit": review.department.title,
        "url": f"/d/{review.department.key}",
        "why": _("%(n)s first answers late within 30 days", **said)
        if review.why == "unanswered"
        else _("%(n)s bad ratings within 30 days", **said),
        "since": when(review.opened_at),
    }


@bp.post("/inspection/reviews/<public_id>/closing")
@login_required
def close_review(public_id: str) -> Response:
    """Say what the look at a unit gave."""

    def act() -> str:
        person = _inspector()
        review = UnitReview.by_public_id(public_id, reader=person)
        review.close(by=person, words=request.form.get("found", "")[:LONGEST])
        return "/inspection/supervision"

    try:
        return once_only(act, _l("Noted. The review of the unit is closed."))
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        return _overview(review=public_id, errors=_errors(error), status=error.status)


# --- a new order, from ticked cases -----------------------------------------------------------------------


@bp.get("/inspection/supervision/new")
@login_required
def new() -> Response:
    """The form over the ticked cases."""
    return _new(request.args.getlist("case"))


def _new(numbers: list[str], errors: dict[str, Any] | None = None, status: int = 200) -> Response:
    person = _inspector()
    wanted = [each.strip() for each in numbers[:MOST]]
    cases = list(
        db.session.scalars(
            select(Case)
            .join(Thread, Case.thread_id == Thread.id)
            .where(Case.number.in_(wanted), visible_to(person))
            .order_by(Case.number)
        )
    )
    found = dict(errors or {})
    if not cases and not found:
        found = {"": _l("Tick at least one case.")}
    if len({case.department_id for case in cases}) > 1:
        found.setdefault("cases", _l("One order is for one unit: tick cases of the same unit."))
    barred = [case.number for case in cases if not may(person, "inspection.order", case)]
    if barred:
        found.setdefault(
            "cases", _l("You must keep away from %(number)s: leave it to a colleague.", number=barred[0])
        )
    reason = request.args.get("queue", "")
    reason = {"dissatisfied": "dissatisfied", "passed": "passed", "empty": "empty"}.get(reason, "overdue")
    return _form(cases, None, reason=reason, errors=found, status=status, typed=request.method == "POST")


@bp.post("/inspection/supervision")
@login_required
def create() -> Response:
    """Issue an order over the ticked cases, or keep it as a draft (`act`)."""
    numbers = request.form.getlist("case")[: MOST + 1]

    def act() -> str:
        person = _inspector()
        order = SupervisionOrder.begin(numbers, by=person, reason=request.form.get("reason", ""))
        return _issue_or_keep(order, person, numbers)

    return _do(act, lambda errors, status: _new(numbers, errors, status))


def _issue_or_keep(order: SupervisionOrder, person: Person, numbers: list[str]) -> str:
    if request.form.get("act") == "keep":
        order.keep(by=person, said=demand_typed(), numbers=numbers)
        return f"/inspection/supervision/drafts/{order.public_id}"
    order.issue(by=person, said=demand_typed(), numbers=numbers)
    return f"/supervision/{order.number}"


def _do(act: Any, again: Any) -> Response:
    kept = request.form.get("act") == "keep"
    said = (
        _l("Kept as a draft.")
        if kept
        else _l("Issued. The unit's leader was told, and it stands on every case.")
    )
    try:
        return once_only(act, said)
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        answer: Response = again(_errors(error), error.status)
        return answer


# --- drafts -----------------------------------------------------------------------------------------------


@bp.get("/inspection/supervision/drafts/<public_id>")
@login_required
def draft(public_id: str) -> Response:
    """A draft, made by the board or kept by a colleague."""
    return _draft(public_id)


def _draft(public_id: str, errors: dict[str, Any] | None = None, status: int = 200) -> Response:
    person = _inspector()
    order = SupervisionOrder.draft(public_id, reader=person)
    if not order.is_draft:
        if order.number:
            errors = errors or {"": _l("A colleague was first: this step is done. Please look again.")}
            return _overview(errors=errors, status=max(status, 409))
        raise NotFound
    return _form(
        list(order.covered), order, errors=errors or {}, status=status, typed=request.method == "POST"
    )


@bp.post("/inspection/supervision/drafts/<public_id>")
@login_required
def change(public_id: str) -> Response:
    """Issue a draft, or keep what was changed (`act`)."""
    numbers = request.form.getlist("case")[: MOST + 1]

    def act() -> str:
        person = _inspector()
        order = SupervisionOrder.draft(public_id, reader=person, for_change=True)
        return _issue_or_keep(order, person, numbers)

    return _do(act, lambda errors, status: _draft(public_id, errors, status))


@bp.post("/inspection/supervision/drafts/<public_id>/discarding")
@login_required
def discard(public_id: str) -> Response:
    """Nothing comes of a draft."""

    def act() -> str:
        person = _inspector()
        SupervisionOrder.draft(public_id, reader=person, for_change=True).discard(by=person)
        return "/inspection/supervision"

    return once_only(act, _l("Discarded. What still waits joins the next week's draft."))


# --- the form ---------------------------------------------------------------------------------------------


def _form(
    cases: list[Case],
    order: SupervisionOrder | None,
    *,
    errors: dict[str, Any],
    status: int,
    typed: bool,
    reason: str = "overdue",
) -> Response:
    standing = _values(order, reason)
    values = {name: request.form.get(name, "")[:LONGEST] for name in standing} if typed else standing
    ticked = set(request.form.getlist("case")) if typed else {case.number for case in cases}
    html = render_template(
        "complaints/order_form.html",
        order=order,
        cases=[
            {
                "number": case.number,
                "title": case.thread.title,
                "unit": case.department.title,
                "moved": order is not None and case.department_id != order.department_id,
                "ticked": case.number in ticked,
            }
            for case in cases
        ],
        unit=order.department.title if order is not None else cases[0].department.title if cases else "",
        weekly=bool(order is not None and order.slot and order.slot.startswith("week:")),
        values=values,
        levels=[
            (each, words.level_word(each), _("%(n)s working days unless you say otherwise", n=DAYS[each]))
            for each in LEVELS
        ],
        reasons=[(each, words.reason_word(each)) for each in CHOSEN],
        demands=[(each, words.demand_word(each)) for each in DEMANDS],
        earliest=day_of(now()),
        latest=day_of(now() + LATEST),
        errors=errors,
        once=once.fresh(),
        here="/inspection/supervision",
    )
    return _private(html, status)


def _values(order: SupervisionOrder | None, reason: str) -> dict[str, str]:
    level = order.level if order is not None else "order"
    reason = order.reason if order is not None else reason
    said = order.words.public if order is not None and order.words is not None else ""
    skipped = order.skipped.public if order is not None and order.skipped is not None else ""
    return {
        "level": level,
        "reason": reason,
        "demand": order.demand if order is not None else "answer",
        "words": said or words.suggestion(reason),
        "due": day_of(order.due_at if order is not None and order.due_at else default_due(level)),
        "skipped": skipped,
    }


def _errors(error: BoardError) -> dict[str, Any]:
    return dict(getattr(error, "errors", None) or {"": error.message})


def _private(html: str, status: int) -> Response:
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


__all__ = ["bp", "waiting"]
