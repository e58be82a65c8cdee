"""One's own account: nickname or password, and every device that is signed in."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import select

from board.db import db, transaction
from board.errors import Invalid, NotFound, wants_json
from board.i18n import _, ngettext
from board.permissions import may, require
from people import me, myself, passkeys, recovery, second_factor, staff
from people.members import rename
from people.models import Passkey, SignIn
from people.session import current_sign_in, login_required, sign_out_elsewhere
from people.views import bp


def _page(status: int = 200, errors: dict[str, Any] | None = None) -> Response:
    person = myself()
    html = render_template(
        "people/account.html",
        errors=errors or {},
        form=request.form,
        here=url_for("people.account"),
        passkeys=Passkey.of(person),
        passkeys_offered=passkeys.offered(),
        person=person,
        recovery_left=recovery.left(person) if person.is_staff else 0,
        second_factor=person.is_staff and second_factor.enrolled(person),
        sign_ins=[row for row in SignIn.open_of(person) if row.complete],
        this_one=current_sign_in(),
    )
    return make_response(html, status)


def _back(message: str) -> Response:
    if wants_json():
        return make_response("", 204)
    flash(message)
    return redirect(url_for("people.account"), 303)  # type: ignore[return-value]


@bp.get("/me")
@login_required
def account() -> Response:
    """Who am I here, and where am I signed in?"""
    return _page()


@bp.post("/me/nickname")
@login_required
def change_nickname() -> Response:
    """Take another nickname; 422 with the reason when the rules forbid it."""
    require(me(), "person.rename", me())
    try:
        with transaction():
            rename(myself(), request.form.get("nickname", ""))
    except Invalid as error:
        if wants_json():
            raise
        return _page(422, error.errors)
    return _back(_("Your nickname is changed."))


@bp.post("/me/password")
@login_required
def change_password() -> Response:
    """Staff: a new password, with the old one given; every other device is signed out."""
    person = myself()
    require(person, "person.change_password", person)
    try:
        staff.change_password(
            person,
            request.form.get("old_password", ""),
            request.form.get("password", ""),
            here=current_sign_in(),
        )
    except Invalid as error:
        if wants_json():
            raise
        return _page(422, error.errors)
    return _back(_("Your password is changed. Every other device is signed out."))


@bp.post("/me/sign-ins/<public_id>/revocation")
@login_required
def revoke_sign_in(public_id: str) -> Response:
    """Sign one of my devices out; somebody else's is not there (404)."""
    with transaction():
        row = db.session.scalar(select(SignIn).where(SignIn.public_id == public_id))
        if row is None or not may(me(), "sign_in.revoke", row):
            raise NotFound
        row.revoke()
    return _back(_("That device is signed out."))


@bp.post("/me/sign-ins/revocation")
@login_required
def revoke_other_sign_ins() -> Response:
    """Sign every device of mine out but this one."""
    with transaction():
        here = current_sign_in()
        assert here is not None
        count = sign_out_elsewhere(here)
    return _back(
        ngettext("%(num)d other device is signed out.", "%(num)d other devices are signed out.", count)
    )
