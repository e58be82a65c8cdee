"""The chat rooms of a department: a leader adds one, proves it with the code that is shown there, tries it, takes it away.

Its calls are told there, too. The address lies in the vault and is never shown again; the room goes by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, flash, make_response, redirect, render_template, request
from sqlalchemy import select

from board import limits
from board.db import db, transaction
from board.errors import Invalid, NotFound
from board.i18n import _, _l
from board.jinja import when
from board.permissions import may, require, rule
from board.text import normalise
from board.transports import chat
from boards.models import Case
from notifications import checking
from notifications.models.delivery import Delivery
from notifications.models.page import Page, Telling
from notifications.paging.policies import may_edit
from people import codes, contacts, me, myself
from people.models import Contact, Department, Person
from people.session import login_required

bp = Blueprint("rooms", __name__, url_prefix="/desk/paging/<key>/rooms")

MOST = 5  # rooms of one department
CHECKS = "10 per hour"
LONGEST_NAME = 40  # characters


@rule("room.edit")
def may_change(person: Person | None, department: Department) -> bool:
    """Whoever may change who is called when: leaders of the department or above it, and administrators."""
    return may_edit(person, department)


@bp.post("")
@login_required
def add(key: str) -> Response:
    """Take a robot's address and send it a code; 422 with the reason for what cannot be one."""
    try:
        name, address = _typed()
        _spend(key)
        with transaction():
            department = _editable(key)
            if len(contacts.rooms_of(department)) >= MOST:
                raise Invalid(_l("A department has five rooms at most. Remove one first."), field="address")
            checking.check(contacts.add_room(department, address, name))
    except Invalid as error:
        return _page(key, errors=error.errors)
    return _back(key, _("A code is on its way to the room. Enter it here."))


def _typed() -> tuple[str, str]:
    errors: dict[str, Any] = {}
    name = normalise(request.form.get("name", "")[:200], lines=False).strip()
    if not name or len(name) > LONGEST_NAME:
        errors["name"] = _l("Give the room a name of at most %(most)s characters.", most=LONGEST_NAME)
    address = ""
    try:
        address = chat.address(request.form.get("address", ""), current_app.config["SETTINGS"].carry_hosts)
    except ValueError:
        errors["address"] = _l(
            "This address is not taken. Please enter one such as wecombot://…, dingtalk://…, feishu://… or "
            "barks://…; for others ask the administrator."
        )
    if errors:
        raise Invalid(errors=errors)
    return name, address


@bp.post("/<public_id>/code")
@login_required
def prove(key: str, public_id: str) -> Response:
    """The code that was shown in the room; 422 for a wrong one."""
    with transaction():
        fits = contacts.prove(_room(key, public_id), codes.normalise_code(request.form.get("code")))
    if not fits:
        says = _l("This code does not fit, or its time is over. Ask for a new one.")
        return _page(key, errors={"code": says}, room=public_id)
    return _back(key, _("It counts now: calls are told there, too."))


@bp.post("/<public_id>/check")
@login_required
def check(key: str, public_id: str) -> Response:
    """Send the code once more, or a test to a room that is proven."""
    _spend(key)
    with transaction():
        checking.check(_room(key, public_id))
    return _back(key, _("A test is on its way."))


@bp.post("/<public_id>/removal")
@login_required
def remove(key: str, public_id: str) -> Response:
    """Tell that room nothing any more."""
    with transaction():
        contacts.remove_room(_room(key, public_id))
    return _back(key, _("Nothing is sent there any more."))


def _editable(key: str) -> Department:
    """The department, where its rooms may be changed by this reader."""
    department = Department.by_key(key)
    if not may(me(), "paging.read", department):
        raise NotFound
    require(me(), "room.edit", department)
    return department


def _room(key: str, public_id: str) -> Contact:
    found = contacts.room(_editable(key), public_id)
    if found is None:
        raise NotFound
    return found


def _spend(key: str) -> None:
    _editable(key)
    limits.spend("contact-check", CHECKS, myself().public_id)


def _back(key: str, said: str) -> Response:
    flash(said, "ok")
    return redirect(f"/desk/paging/{key}#rooms", 303)  # type: ignore[return-value]


def _page(key: str, *, errors: dict[str, Any], room: str = "") -> Response:
    """What was typed once more, with the reason beside it; never the address, which is a key to the room."""
    department = _editable(key)
    found = contacts.room(department, room) if room else None
    typed = {"name": request.form.get("name", "")[:LONGEST_NAME]}
    html = render_template("paging/room.html", department=department, room=found, typed=typed, errors=errors)
    return make_response(html, 422)


# --- what a case's room was told --------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """One message to one room: its name and what became of it."""

    name: str
    state: str


def told_rooms(case: Case) -> Sequence[Told]:
    """Every message about this case to a room, oldest first."""
    carried = (
        select(Telling.delivery_id).join(Page, Telling.page_id == Page.id).where(Page.case_id == case.id)
    )
    rows = db.session.execute(
        select(Delivery, Contact.label)
        .join(Contact, Delivery.room_id == Contact.id)
        .where(Delivery.id.in_(carried))
        .order_by(Delivery.id)
    )
    return [Told(name, _state(delivery)) for delivery, name in rows]


def _state(delivery: Delivery) -> str:
    if delivery.failed_at is not None:
        return _("not delivered, given up %(time)s", time=when(delivery.failed_at))
    if delivery.sent_at is not None:
        return _("told %(time)s", time=when(delivery.sent_at))
    if delivery.dropped_at is not None:
        return _("answered before it was told")
    return _("on its way")
