"""A department's roster: the month, what is changed by hand, its rotations, its promise, and publishing it."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request
from sqlalchemy import delete, select

from board.clock import local, now, today
from board.db import db, transaction
from board.errors import Invalid, NotFound, WrongState
from board.i18n import _
from board.permissions import may, require
from people import me, rosters
from people.models import Department, DutyWindow, Override, Person, Rotation
from people.rosterforms import GROUPS, change_from, date_of, hours_from, rotation_from, until_from
from people.rosterpage import (
    change_lines,
    dated_words,
    last_publication,
    month_of,
    next_month,
    read_month,
    weekday_words,
)
from people.rosters import Draft, Refused, Roster, for_change
from people.session import login_required
from people.views import bp

Errors = dict[str, Any]
Typed = defaultdict[str, str]  # what was not typed reads as empty


def readable(key: str) -> Department:
    """The department, where its roster may be read; else there is nothing here."""
    department = Department.by_key(key)
    if not may(me(), "roster.read", department):
        raise NotFound
    return department


def editable(key: str) -> Department:
    """The department, where its roster may be changed by this reader."""
    department = readable(key)
    require(me(), "roster.edit", department)
    return department


def _held(key: str) -> Roster:
    """The roster, held for a change."""
    editable(key)
    return for_change(key)


def _back(key: str, said: str, month: str = "") -> Response:
    flash(said, "ok")
    return redirect(f"/d/{key}/roster" + (f"?month={month}" if month else ""), 303)  # type: ignore[return-value]


def _typed() -> Typed:
    return defaultdict(str, {name: value[:200] for name, value in request.form.items()})


def _no_store(html: str, status: int = 200) -> Response:
    response = make_response(html, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


# --- the month --------------------------------------------------------------------------------------


def _month_page(key: str, *, errors: Errors | None = None, status: int = 200) -> Response:
    department = readable(key)
    edits = may(me(), "roster.edit", department)
    first = read_month(request.values.get("month", ""))
    month = month_of(department, first, edits=edits)
    typed = _typed()
    chosen = date_of(request.args.get("day", ""))
    if chosen is not None:
        typed |= {"from_day": chosen.isoformat(), "to_day": chosen.isoformat()}
    html = render_template(
        "people/roster/month.html",
        here=f"/d/{key}/roster",
        unit=department,
        month=month,
        edits=edits,
        published=last_publication(department),
        overrides=_listed(month.roster),
        colleagues=rosters.colleagues(department) if edits else [],
        weekdays=weekday_words(),
        errors=errors or {},
        typed=typed,
        opened=bool(errors or chosen),
    )
    return _no_store(html, status)


def _listed(roster: Roster) -> list[dict[str, Any]]:
    words = {"add": _("also on duty"), "remove": _("off duty"), "replace": _("replaced")}
    return [
        {
            "id": each.public_id,
            "what": words[each.kind],
            "name": each.person.duty_name,
            "instead": each.instead.duty_name if each.instead is not None else "",
            "when": dated_words(each.starts_at, each.ends_at),
            "reason": each.reason,
        }
        for each in sorted(roster.overrides, key=lambda each: each.starts_at)
    ]


@bp.get("/d/<key>/roster")
@login_required
def roster(key: str) -> Response:
    """A month of the roster, for colleagues; its leader changes it here."""
    return _month_page(key)


@bp.post("/d/<key>/roster/changes")
@login_required
def add_change(key: str) -> Response:
    """Somebody comes too, stays away or is replaced; it holds once it is published."""
    try:
        with transaction() as session:
            roster = _held(key)
            change = change_from(request.form, roster, by=me())
            session.add(change)
            month = f"{local(change.starts_at):%Y-%m}" if change.starts_at > now() else ""
    except Invalid as error:
        return _month_page(key, errors=error.errors, status=422)
    return _back(key, _("The change is noted. It holds once you publish."), month)


@bp.post("/d/<key>/roster/changes/<public_id>/removal")
@login_required
def remove_change(key: str, public_id: str) -> Response:
    """Take a change back; it stops holding once that is published."""
    with transaction() as session:
        roster = _held(key)
        change = session.scalar(
            select(Override).where(
                Override.public_id == public_id, Override.department_id == roster.department.id
            )
        )
        if change is None:
            raise NotFound
        session.delete(change)
    return _back(
        key, _("The change is taken back. It is gone once you publish."), request.form.get("month", "")[:7]
    )


# --- rotations --------------------------------------------------------------------------------------


def _rotation(roster: Roster, public_id: str) -> Rotation:
    for each in roster.rotations:
        if each.public_id == public_id:
            return each
    raise NotFound


def _rotation_page(
    key: str, rotation: Rotation | None, *, errors: Errors | None = None, status: int = 200
) -> Response:
    department = editable(key)
    typed = _typed() if errors else _as_typed(rotation)
    html = render_template(
        "people/roster/rotation.html",
        here=f"/d/{key}/roster",
        unit=department,
        rotation=rotation,
        colleagues=rosters.colleagues(department),
        groups=[(letter, _("group %(letter)s", letter=letter)) for letter in GROUPS],
        weekdays=weekday_words(),
        typed=typed,
        errors=errors or {},
    )
    return _no_store(html, status)


def _as_typed(rotation: Rotation | None) -> Typed:
    if rotation is None:
        every = {f"weekday_{number}": "1" for number in range(7)}
        plain = {
            "starts_on": today().isoformat(),
            "starts": "08:30",
            "hours": "24",
            "days_each": "1",
            "days": "weekdays",
        }
        return defaultdict(str, {**plain, **every})
    values = {
        "name": rotation.name,
        "starts_on": rotation.starts_on.isoformat(),
        "ends_on": rotation.ends_on.isoformat() if rotation.ends_on else "",
        "starts": f"{rotation.starts:%H:%M}",
        "hours": f"{rotation.minutes / 60:g}",
        "days_each": str(rotation.days_each),
        "days": rotation.days,
        "season_from": rotation.season_from or "",
        "season_to": rotation.season_to or "",
        **{f"weekday_{number}": "1" for number in rotation.weekdays},
        **{f"group_{each.person.public_id}": GROUPS[each.place] for each in rotation.members},
    }
    return defaultdict(str, values)


@bp.get("/d/<key>/roster/rotations/new")
@login_required
def new_rotation(key: str) -> Response:
    """A form for a rotation."""
    return _rotation_page(key, None)


@bp.post("/d/<key>/roster/rotations")
@login_required
def add_rotation(key: str) -> Response:
    """One more rotation; it holds once it is published."""
    try:
        with transaction() as session:
            roster = _held(key)
            rotation = Rotation(department_id=roster.department.id)
            rotation_from(request.form, roster, rotation)
            session.add(rotation)
    except Invalid as error:
        return _rotation_page(key, None, errors=error.errors, status=422)
    return _back(key, _("The rotation is noted. It holds once you publish."))


@bp.get("/d/<key>/roster/rotations/<public_id>")
@login_required
def rotation(key: str, public_id: str) -> Response:
    """A rotation, to change or to take away."""
    return _rotation_page(key, _rotation(Roster.of(editable(key)), public_id))


@bp.post("/d/<key>/roster/rotations/<public_id>")
@login_required
def change_rotation(key: str, public_id: str) -> Response:
    """Other groups, other hours."""
    try:
        with transaction():
            roster = _held(key)
            rotation_from(request.form, roster, _rotation(roster, public_id))
    except Invalid as error:
        found = _rotation(Roster.of(editable(key)), public_id)
        return _rotation_page(key, found, errors=error.errors, status=422)
    return _back(key, _("The rotation is noted. It holds once you publish."))


@bp.post("/d/<key>/roster/rotations/<public_id>/removal")
@login_required
def remove_rotation(key: str, public_id: str) -> Response:
    """Take a rotation away; its turns go once that is published."""
    with transaction() as session:
        session.delete(_rotation(_held(key), public_id))
    return _back(key, _("The rotation is taken away. Its turns go once you publish."))


# --- what the department promises --------------------------------------------------------------------


def _hours_page(key: str, *, errors: Errors | None = None, status: int = 200) -> Response:
    department = editable(key)
    windows = Roster.of(department).windows
    typed = defaultdict(
        str, {"promise": "hours" if windows else "always", "opens": "09:00", "closes": "17:00"}
    )
    for window in windows[:1]:
        end = (window.starts.hour * 60 + window.starts.minute + window.minutes) % 1440
        typed |= {"opens": f"{window.starts:%H:%M}", "closes": f"{end // 60:02d}:{end % 60:02d}"}
    typed["days"] = windows[0].days if windows else "working"
    typed |= {f"weekday_{number}": "1" for number in (windows[0].weekdays if windows else "01234")}
    if errors:
        typed = _typed()
    html = render_template(
        "people/roster/hours.html",
        here=f"/d/{key}/roster",
        unit=department,
        weekdays=weekday_words(),
        typed=typed,
        errors=errors or {},
    )
    return _no_store(html, status)


@bp.get("/d/<key>/roster/hours")
@login_required
def duty_hours(key: str) -> Response:
    """For which hours the department promises somebody on duty."""
    return _hours_page(key)


@bp.post("/d/<key>/roster/hours")
@login_required
def change_duty_hours(key: str) -> Response:
    """Every hour, or office hours; publishing is judged by it."""
    try:
        with transaction() as session:
            roster = _held(key)
            windows = hours_from(request.form, roster)
            session.execute(delete(DutyWindow).where(DutyWindow.department_id == roster.department.id))
            session.add_all(windows)
    except Invalid as error:
        return _hours_page(key, errors=error.errors, status=422)
    return _back(key, _("The promise is noted."))


# --- publishing -------------------------------------------------------------------------------------


def _people_of(draft: Draft) -> dict[int, Person]:
    ids = {turn.person for turn in (*draft.added, *draft.dropped, *draft.gone)}
    return {each.id: each for each in db.session.scalars(select(Person).where(Person.id.in_(ids)))}


def _preview(key: str, *, errors: Errors | None = None, status: int = 200, said: Any = "") -> Response:
    department = editable(key)
    month = read_month(request.values.get("month", ""))
    until = date_of(request.values.get("until", ""))
    if until is None or errors:
        last = next_month(month) - timedelta(days=1)
        until = min(max(rosters.first_until(), last), today() + rosters.LONGEST)
    draft = Roster.of(department).draft(until)
    people = _people_of(draft)
    html = render_template(
        "people/roster/publication.html",
        here=f"/d/{key}/roster",
        unit=department,
        draft=draft,
        until=request.values.get("until", "")[:10] if errors else until.isoformat(),
        changes=change_lines(draft, people),
        holes=[dated_words(*gap) for gap in draft.holes],
        unreachable=[each.duty_name for each in draft.unreachable],
        gone=[
            {"name": people[turn.person].duty_name, "when": dated_words(turn.starts_at, turn.ends_at)}
            for turn in draft.gone
        ],
        errors=errors or {},
        said=str(said),
    )
    return _no_store(html, status)


@bp.get("/d/<key>/roster/publication")
@login_required
def publication(key: str) -> Response:
    """What publishing would change, and what speaks against it; changes nothing."""
    if request.args.get("until"):
        try:
            until_from(request.args)
        except Invalid as error:
            return _preview(key, errors=error.errors, status=422)
    return _preview(key)


@bp.post("/d/<key>/roster/publication")
@login_required
def publish(key: str) -> Response:
    """Make the plan the roster; 422 with the list when somebody is missing or out of reach."""
    try:
        with transaction():
            until = until_from(request.form)
            done = _held(key).publish(by=me(), until=until, seen=request.form.get("seen", "")[:16])
            said = (
                _("Nothing to publish: the roster is that already.")
                if done is None
                else _("Published up to %(until)s.", until=until.isoformat())
            )
    except Invalid as error:
        return _preview(key, errors=error.errors, status=422)
    except Refused as error:
        return _preview(key, status=422, said=error.message)
    except WrongState as error:
        return _preview(key, status=409, said=error.message)
    return _back(key, said)
