"""Handing the shift over: a note with the open cases in it, and the button by which the relief takes over."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request

from board.db import transaction
from board.errors import Invalid, NotFound
from board.i18n import _
from board.permissions import may
from boards.shift_changes import open_cases, shown
from people import me, shift_changes
from people.models import Department, Person
from people.session import login_required

bp = Blueprint("shift_changes", __name__, url_prefix="/desk")


def _department() -> tuple[Person, Department]:
    person = me()
    if person is None:
        raise NotFound
    department = Department.by_key(request.values.get("department", "")[:60])
    if not may(person, "desk.open", department):
        raise NotFound
    return person, department


def _page(*, errors: dict[str, Any] | None = None, status: int = 200) -> Response:
    person, department = _department()
    shift = shift_changes.leaving(person, department) if person.serves(department) else None
    if shift is None:
        raise NotFound
    note = shift_changes.note_of(department, shift.ends_at)
    own = note is not None and note.written_by_id == person.id
    html = render_template(
        "desk/handing_over.html",
        unit=department,
        ends_at=shift.ends_at,
        note=note,
        words=request.form.get("words", "") if errors else note.words if note is not None and own else "",
        cases=shown(open_cases(department, person), person),
        longest=shift_changes.LONGEST,
        errors=errors or {},
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.get("/handing-over")
@login_required
def form() -> Response:
    """What the relief must know, and the open cases."""
    return _page()


@bp.post("/handing-over")
@login_required
def write() -> Response:
    """Keep the note; the relief finds it on top of the desk."""
    try:
        with transaction():
            person, department = _department()
            key = department.key
            cases = open_cases(department, person)
            shift_changes.write(key, request.form.get("words", ""), cases, by=person)
    except Invalid as error:
        return _page(errors=error.errors, status=422)
    flash(_("Your note is on top of the desk for your relief."), "ok")
    return redirect(f"/desk?department={key}", 303)  # type: ignore[return-value]


@bp.post("/taking-over")
@login_required
def take_over() -> Response:
    """Whoever is on duty says that the shift is his: the earlier one is told no more."""
    with transaction():
        person, department = _department()
        key = department.key
        done = shift_changes.take_over(key, by=person)
    if done is None:
        flash(_("Somebody has taken over already."))
    else:
        flash(_("You have taken over. The earlier shift is told no more."), "ok")
    return redirect(f"/desk?department={key}", 303)  # type: ignore[return-value]
