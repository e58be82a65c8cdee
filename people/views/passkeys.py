"""Passkeys: what a browser is asked, and what it answers."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import select

from board.db import db, transaction
from board.errors import Invalid, NotFound, wants_json
from board.i18n import _
from board.limits import spend
from board.permissions import may
from board.web import client_address, safe_next
from people import me, passkeys
from people.confirming import require_confirmed
from people.csrf import visitors_too
from people.models import Passkey, SignIn
from people.session import current_sign_in, login_required, reader
from people.session import sign_in as begin
from people.views import bp

OFTEN = "60 per minute"  # answers from one address: each costs the check of a signature


def _json(options: str) -> Response:
    response = current_app.response_class(options, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/sign-in/passkey")
def passkey_to_sign_in() -> Response:
    """What a browser asks its owner at the door, as JSON."""
    row = current_sign_in()
    half_way = row is not None and row.person.is_staff and not row.complete
    return _json(passkeys.to_sign_in(row.person if row is not None and half_way else None))


@bp.post("/sign-in/passkey")
@visitors_too
def enter_by_passkey() -> Response:
    """A passkey: a complete sign-in with a new token; 422 with the door it stood at otherwise."""
    spend("passkey", OFTEN, client_address())
    try:
        person = passkeys.person_of(request.form.get("passkey", ""))
    except Invalid as error:
        if wants_json():
            raise
        return _again(error.errors)
    remember = "remember" in request.form and not person.is_staff
    begin(person, remember=remember, second_factor=person.is_staff, method="passkey")
    home = "/desk" if person.is_staff else "/"
    target = safe_next(request.form.get("next"), home)
    return redirect(home if target == "/" else target, 303)  # type: ignore[return-value]


def _again(errors: dict[str, Any]) -> Response:
    html = render_template(
        "people/passkey_again.html",
        errors=errors,
        next=safe_next(request.form.get("next")),
        door=url_for("people.sign_in" if request.form.get("door") != "staff" else "people.staff_sign_in"),
    )
    return make_response(html, 422)


@bp.get("/me/confirmation/passkey")
@login_required
def passkey_to_confirm() -> Response:
    """What a browser asks its owner before something sensitive, as JSON."""
    return _json(passkeys.to_confirm(_here()))


@bp.get("/me/passkeys/options")
@login_required
def passkey_to_add() -> Response:
    """What a browser needs to make a passkey, as JSON; only for whoever has just confirmed that it is he."""
    return _json(passkeys.to_add(require_confirmed()))


@bp.get("/me/passkeys/new")
@login_required
def new_passkey() -> Response:
    """Its name, and the button that makes it."""
    require_confirmed()
    return _new()


def _new(status: int = 200, errors: dict[str, Any] | None = None) -> Response:
    if not passkeys.offered():
        raise NotFound
    html = render_template(
        "people/passkey_new.html",
        errors=errors or {},
        name=request.form.get("name", _here().device)[: passkeys.LONGEST_NAME],
    )
    return make_response(html, status)


@bp.post("/me/passkeys")
@login_required
def add_passkey() -> Response:
    """Keep the passkey that this device made."""
    require_confirmed()
    spend("passkey", OFTEN, client_address())
    try:
        with transaction():
            passkeys.add(request.form.get("passkey", ""), request.form.get("name", ""), _here())
    except Invalid as error:
        if wants_json():
            raise
        return _new(422, error.errors)
    flash(_("The passkey is kept. From now on you can sign in with it."))
    return redirect(url_for("people.account"), 303)  # type: ignore[return-value]


@bp.post("/me/passkeys/<public_id>/removal")
@login_required
def remove_passkey(public_id: str) -> Response:
    """Take one of my passkeys away; somebody else's is not there (404)."""
    with transaction():
        key = db.session.scalar(select(Passkey).where(Passkey.public_id == public_id))
        if key is None or not may(me(), "passkey.remove", key):
            raise NotFound
        passkeys.remove(key, require_confirmed())
    flash(_("The passkey opens nothing any more. You can delete it on the device, too."))
    return redirect(url_for("people.account"), 303)  # type: ignore[return-value]


def _here() -> SignIn:
    row = current_sign_in()
    assert row is not None
    assert reader() is not None
    return row
