"""Departments: their list, and the page of one: who is on duty, how fast it answers, what is open there."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Blueprint, Response, make_response, render_template, request, url_for

from board.clock import now
from board.jinja import duration, number
from board.permissions import may
from board.web import cached_page
from boards import cards, pulse
from boards.models.case import Case
from boards.models.status import OPEN
from boards.models.tally import tallies
from people import me
from people.models import Department, Person

bp = Blueprint("departments", __name__)


@bp.get("/d")
def index() -> Response:
    """Every department with how many are on duty there, police first, the city's offices after them."""

    def build() -> tuple[str, Any]:
        duty = pulse.on_duty()
        groups: dict[str, list[dict[str, Any]]] = {"police": [], "city": []}
        for unit in Department.all():
            groups["city" if unit.kind == "city" else "police"].append(
                {"unit": unit, "on_duty": duty.get(unit.id, 0), "deep": unit.parent_id is not None}
            )
        return render_template("boards/departments.html", here="/d", groups=groups), None

    return cached_page("departments", "departments", build, seconds=30)


@bp.get("/d/<key>")
def show(key: str) -> Response:
    """A department. Names of who is on duty are for colleagues; the public reads how many, and the duty phone."""
    before = request.args.get("before", "")
    before = before if cards.read_cursor(before) is not None else ""
    person = me()
    if person is not None:
        response = make_response(_page(_shown(key, before), person, first=not before)[0])
        response.headers["Cache-Control"] = "private, no-store"
        return response
    found: list[_Shown] = []

    def version() -> Any:
        found.append(_shown(key, before))
        shown = found[-1]
        return shown.page.keys, tuple(sorted(shown.tally.items())), shown.on_duty

    return cached_page(("department", key, before), version, lambda: _page(found[-1], None, first=not before))


class _Shown(NamedTuple):
    unit: Department
    page: cards.Page
    tally: dict[str, int]
    on_duty: int


def _shown(key: str, before: str) -> _Shown:
    unit = Department.by_key(key)
    tally = tallies(f"department:{key}")[f"department:{key}"]
    open_cases = max(0, sum(tally.get(str(status), 0) for status in OPEN))
    page = cards.page_of(
        cases=[Case.department_id == unit.id, Case.status.in_([str(status) for status in OPEN])],
        reader=None,  # the list is a public one, for staff too: theirs is the desk
        before=before or None,
        few=open_cases <= cards.FEW,
    )
    return _Shown(unit, page, tally, pulse.on_duty().get(unit.id, 0))


def _page(shown: _Shown, person: Person | None, *, first: bool) -> tuple[str, Any]:
    unit, page, tally, on_duty = shown
    usual = pulse.kept(("first-answer", unit.key), lambda: pulse.first_answer(unit), 600)
    names = (
        [each.duty_name for each in unit.on_duty(now())] if may(person, "department.read_names", unit) else []
    )
    found = cards.rows(page.keys)
    html = render_template(
        "boards/department.html",
        unit=unit,
        here=request.full_path.rstrip("?"),
        on_duty=on_duty,
        names=names,
        usual=duration(usual) if usual is not None else "",
        open_count=number(max(0, sum(tally.get(str(status), 0) for status in OPEN))),
        late_count=max(0, tally.get("overdue", 0)),
        rows=cards.listed(found, live=True) if found else "",
        older=url_for("departments.show", key=unit.key, before=page.older) if page.older else None,
        first=first,
        below=sorted(unit.children, key=lambda each: each.position),
        desk_url=f"/desk?department={unit.key}" if may(person, "desk.open", unit) else "",
    )
    return html, cards.fresh_until(page.keys)
