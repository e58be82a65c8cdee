"""Supervision in public: the list of orders, the page of each and its sheet for paper; what its unit does, and what the
inspectors decide."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template, request
from sqlalchemy import or_, select

from board import once
from board.clock import now, today
from board.db import db
from board.errors import BoardError, Invalid, WrongState, wants_json
from board.i18n import _l
from board.jinja import when
from board.permissions import may
from board.seams import provided
from board.web import cached_page
from boards import clockface
from boards.models import Thread
from boards.sentences import chips
from boards.views.acting import myself, once_only
from complaints import supervision_words as words
from complaints.models.supervision import DEMANDS, LEVELS, SupervisionOrder, default_due, next_level
from complaints.views.demanding import LONGEST, day_of, demand_typed
from people import me
from people.models import Person
from people.session import login_required

bp = Blueprint("supervision", __name__)

PAGE = 20


# --- what everybody reads ---------------------------------------------------------------------------------


@bp.get("/supervision")
def index() -> Response:
    """Every order that the reader may read, the newest first; `?year=` one year, `?before=` what is older."""
    person, year = me(), _year()
    before = request.args.get("before", "")[:80]
    found: list[list[SupervisionOrder]] = []

    def version() -> Any:
        found[:] = [_listed(person, year, before)]
        return today(), tuple((each.number, words.state_word(each)) for each in found[0])

    def build() -> tuple[str, Any]:
        rows = found[0]
        html = render_template(
            "complaints/orders.html",
            orders=[_row(each) for each in rows[:PAGE]],
            years=_years(person),
            year=year,
            first=not before,
            older=_older(rows, year),
            here="/supervision",
        )
        return html, clockface.next_midnight()

    return cached_page(("supervision", year, before), version, build)


def _year() -> int | None:
    typed = request.args.get("year", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) == 4 else None


def _listed(person: Person | None, year: int | None, before: str) -> list[SupervisionOrder]:
    query = select(SupervisionOrder).where(SupervisionOrder.readable(person))
    if year is not None:
        query = query.where(SupervisionOrder.year == year)
    place = _read_cursor(before)
    if place is not None:
        at, public_id = place
        issued = SupervisionOrder.issued_at
        query = query.where(or_(issued < at, (issued == at) & (SupervisionOrder.public_id < public_id)))
    order = (SupervisionOrder.issued_at.desc(), SupervisionOrder.public_id.desc())
    return list(db.session.scalars(query.order_by(*order).limit(PAGE + 1)))


def _years(person: Person | None) -> list[int]:
    rows = db.session.scalars(
        select(SupervisionOrder.year).where(SupervisionOrder.readable(person)).distinct()
    )
    return sorted((year for year in rows if year is not None), reverse=True)


def _older(rows: list[SupervisionOrder], year: int | None) -> str | None:
    if len(rows) <= PAGE:
        return None
    last = rows[PAGE - 1]
    assert last.issued_at is not None
    raw = f"{int(last.issued_at.timestamp() * 1_000_000)}.{last.public_id}"
    cursor = base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")
    return f"/supervision?before={cursor}" + (f"&year={year}" if year is not None else "")


def _read_cursor(raw: str) -> tuple[datetime, str] | None:
    if not raw:
        return None
    try:
        stamp, dot, public_id = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode().partition(".")
        seconds, rest = divmod(int(stamp), 1_000_000)
        moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    except (ValueError, OverflowError, OSError):
        return None
    return (moment, public_id) if dot and public_id else None


def _row(order: SupervisionOrder) -> dict[str, Any]:
    return {
        **words.notice(order),
        "unit": order.department.title,
        "level": words.level_word(order.level),
        "issued": when(order.issued_at),
        "due": when(order.due_at),
        "late": order.overdue_at is not None,
    }


@bp.get("/supervision/<number>")
def show(number: str) -> Response:
    """One order: what is demanded, over which cases, what the unit answered and what came of it."""
    return _page(number)


@bp.get("/supervision/<number>/print")
def sheet(number: str) -> Response:
    """The same as a formal sheet of paper."""
    person = me()
    found: list[SupervisionOrder] = []

    def version() -> Any:
        found[:] = [SupervisionOrder.numbered(number, reader=person)]
        return today(), *_standing(found[0], person)

    def build() -> tuple[str, Any]:
        order = found[0]
        site_url = current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/")
        html = render_template(
            "complaints/order_sheet.html",
            **_facts(order, person),
            day=words.issued_day(order),
            number=words.number_word(order.number),
            page_url=f"{site_url}/supervision/{number}",
            printed_at=when(now()),
        )
        return html, clockface.next_midnight()

    answer = cached_page(("supervision-sheet", number), version, build, seconds=30)
    _note_reading(number, person)
    return answer


def _standing(order: SupervisionOrder, person: Person | None) -> tuple[Any, ...]:
    cases = tuple((case.number, case.thread.version) for case in order.visible_cases(person))
    moments = (order.state, order.overdue_at, order.read_at, order.answered_at, order.is_late)
    return (*moments, _after(order, person), cases)


def _page(
    number: str,
    *,
    form: str = "",
    errors: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    person = me()
    found: list[SupervisionOrder] = []

    def version() -> Any:
        found[:] = [SupervisionOrder.numbered(number, reader=person)]
        return today(), *_standing(found[0], person)

    def build() -> tuple[str, Any]:
        order = found[0]
        html = render_template(
            "complaints/order.html",
            **_facts(order, person),
            **_forms(order, person),
            form=form,
            errors=errors or {},
            typed=request.form if form else {},
            once=once.fresh() if person is not None else "",
            here=f"/supervision/{number}",
        )
        return html, clockface.next_midnight()

    if status != 200:
        version()
        answer = make_response(build()[0], status)
        answer.headers["Cache-Control"] = "private, no-store"
        return answer
    answer = cached_page(("supervision-order", number), version, build, seconds=30)
    _note_reading(number, person)
    return answer


def _note_reading(number: str, person: Person | None) -> None:
    """What a member of staff reads of what is not public is noted, once it was drawn."""
    if person is None or not person.is_staff:
        return
    order = SupervisionOrder.numbered(number, reader=person)
    closed = [case.thread for case in order.visible_cases(person) if not case.thread.is_public]
    for thread in closed:
        thread.open_for(person)
    for public_id in [thread.public_id for thread in closed]:
        provided("reading", me(), Thread.by_public_id(public_id, reader=me()))


def _after(order: SupervisionOrder, person: Person | None) -> str:
    upper = db.session.scalar(
        select(SupervisionOrder).where(
            SupervisionOrder.previous_id == order.id, SupervisionOrder.readable(person)
        )
    )
    return upper.number if upper is not None else ""


def _facts(order: SupervisionOrder, person: Person | None) -> dict[str, Any]:
    after = _after(order, person)
    previous = order.previous.number if order.previous is not None else ""
    return {
        "order": order,
        "title": words.number_word(order.number),
        "level": words.level_word(order.level),
        "say": words.sentence(order),
        "state": words.state_word(order),
        "tone": words.tone(order),
        "reason": words.reason_word(order.reason),
        "demand": words.demand_word(order.demand),
        "previous": (previous, words.number_word(previous)) if previous else None,
        "after": (after, words.number_word(after)) if after else None,
        "cases": [
            {
                "number": case.number,
                "title": case.thread.title,
                "unit": case.department.title,
                "chips": chips(case),
            }
            for case in order.visible_cases(person)
        ],
    }


def _forms(order: SupervisionOrder, person: Person | None) -> dict[str, Any]:
    """Which forms this reader may use now."""
    answers = order.state == "issued" and may(person, "supervision.answer", order)
    decides = order.is_standing and may(person, "supervision.issue", order)
    above = next_level(order.level)
    return {
        "reads": order.is_standing and order.read_at is None and may(person, "supervision.answer", order),
        "answers": answers,
        "fulfils": decides and order.state == "answered",
        "climbs": decides and (order.state == "answered" or order.is_late),
        "waits": decides and order.state == "issued" and not order.is_late,
        "levels": [
            (each, words.level_word(each)) for each in LEVELS if LEVELS.index(each) >= LEVELS.index(above)
        ],
        "above": above,
        "above_due": day_of(default_due(above)) if decides else "",
        "demands": [(each, words.demand_word(each)) for each in DEMANDS],
        "suggestion": words.suggestion("unfulfilled"),
    }


# --- what the unit does, and what the inspectors decide ---------------------------------------------------


def _act(
    number: str, form: str, act: Callable[[SupervisionOrder, Person], str | None], said: Any
) -> Response:
    """Do `act` in one transaction, once; what was typed is given back with what is wrong."""

    def do() -> str:
        person = myself()
        order = SupervisionOrder.numbered(number, reader=person, for_change=True)
        return act(order, person) or f"/supervision/{number}"

    try:
        return once_only(do, said)
    except (Invalid, WrongState) as error:
        if wants_json():
            raise
        return _page(number, form=form, errors=_errors(error), status=error.status)


def _errors(error: BoardError) -> dict[str, Any]:
    return dict(getattr(error, "errors", None) or {"": error.message})


@bp.post("/supervision/<number>/receipt")
@login_required
def receipt(number: str) -> Response:
    """The unit's leader says that he has read it."""

    def act(order: SupervisionOrder, person: Person) -> None:
        order.acknowledge(by=person)

    return _act(number, "receipt", act, _l("Noted: you have read it. The answer is still to come."))


@bp.post("/supervision/<number>/answer")
@login_required
def answer(number: str) -> Response:
    """The unit answers, in public."""

    def act(order: SupervisionOrder, person: Person) -> None:
        order.answer(by=person, words=request.form.get("answer", "")[:LONGEST])

    return _act(number, "answer", act, _l("Answered. Everybody can read it; the cases can be concluded now."))


@bp.post("/supervision/<number>/decision")
@login_required
def decide(number: str) -> Response:
    """An inspector decides: `fulfilled` yes closes it, no issues the next rung."""

    def act(order: SupervisionOrder, person: Person) -> str | None:
        choice = request.form.get("fulfilled", "")
        if choice == "yes":
            order.fulfil(by=person)
            return None
        if choice != "no":
            raise Invalid(_l("Please choose one."), field="fulfilled")
        return f"/supervision/{order.climb(by=person, said=demand_typed()).number}"

    return _act(number, "decision", act, _l("Decided. It stands on every case."))


__all__ = ["bp"]
