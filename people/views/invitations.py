"""Invitations: the administrator's page, and that of the guest, who sets his password and his second factor, once."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup

from board.db import transaction
from board.errors import Invalid, NotFound, wants_json
from board.i18n import _, _l
from board.permissions import may
from board.seams import fill
from people import invitations, me, myself, second_factor
from people.confirming import require_confirmed
from people.csrf import visitors_too
from people.models import Department, Invitation, Person
from people.session import login_required
from people.session import sign_in as begin
from people.views import bp


def _page(token: str, row: Invitation, status: int = 200, errors: dict[str, Any] | None = None) -> Response:
    secret = second_factor.offered(row.owner) or ""
    address = second_factor.address(row.person, secret)
    html = render_template(
        "people/invitation.html",
        address=address,
        errors=errors or {},
        invitation=row,
        picture=second_factor.picture(address),
        secret=secret,
        token=token,
    )
    return _once(html, status)


def _once(html: str, status: int = 200) -> Response:
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/sign-in/invitation/<token>")
def invitation(token: str) -> Response:
    """Whose it is, a password to choose, and the code to be scanned; 404 for one that is old, used or taken back."""
    return _page(token, invitations.opened(token))


@bp.post("/sign-in/invitation/<token>")
@visitors_too
def accept_invitation(token: str) -> Response:
    """Password and six digits: signed in, with the recovery codes on the page; 422 otherwise."""
    try:
        person, codes = invitations.accept(
            token, password=request.form.get("password", ""), code=request.form.get("code", "")
        )
    except Invalid as error:
        if wants_json():
            raise
        return _page(token, invitations.opened(token), 422, error.errors)
    begin(person, second_factor=True, method="invitation")
    return _once(render_template("people/recovery_codes.html", codes=codes, next="/desk"))


# --- the administrator ---------------------------------------------------------------------------------------------


def _administrator() -> Person:
    person = me()
    if person is None or not may(person, "staff.invite", None):
        raise NotFound
    require_confirmed()
    return person


def _list(
    status: int = 200, errors: dict[str, Any] | None = None, link: str = "", guest: str = ""
) -> Response:
    html = render_template(
        "people/invitations.html",
        departments=[("", ""), *((each.key, each.title) for each in Department.all())],
        errors=errors or {},
        form=request.form if errors else {},
        guest=guest,
        here="/admin/invitations",
        invitations=Invitation.open(),
        link=link,
        roles=[(role.value, ROLES[role.value]) for role in invitations.BY_PAGE],
    )
    return _once(html, status)


ROLES = {
    "officer": _l("Officer on duty"),
    "leader": _l("Leader"),
    "moderator": _l("Moderator"),
    "expert": _l("Expert"),
}


@bp.get("/admin/invitations")
@login_required
def list_invitations() -> Response:
    """Who is invited and has not come yet, and a form for the next one."""
    _administrator()
    return _list()


@bp.post("/admin/invitations")
@login_required
def invite() -> Response:
    """A new account with its office, and the link for its owner, shown this once; 422 when something is missing."""
    _administrator()
    form = request.form
    try:
        role = form.get("role", "")
        if role not in invitations.BY_PAGE:
            raise Invalid(_l("Choose what the person is appointed as"), field="role")
        with transaction():
            key = form.get("department", "")
            person = invitations.new_account(
                name=form.get("name", ""),
                badge=form.get("badge", ""),
                name_en=form.get("name_en", ""),
                department=Department.by_key(key) if key else None,
                role=role,
                by=myself(),
            )
            _row, token = invitations.invite(person, by=myself())
            guest = person.duty_name
    except Invalid as error:
        if wants_json():
            raise
        return _list(422, error.errors)
    base = current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/")
    return _list(link=base + url_for("people.invitation", token=token), guest=guest)


@bp.post("/admin/invitations/<public_id>/revocation")
@login_required
def revoke_invitation(public_id: str) -> Response:
    """Take it back: its link opens nothing any more."""
    _administrator()
    with transaction():
        row = next((each for each in Invitation.open() if each.public_id == public_id), None)
        if row is None:
            raise NotFound
        invitations.revoke(row, by=myself())
    flash(_("The invitation is taken back."))
    return redirect(url_for("people.list_invitations"), 303)  # type: ignore[return-value]


@fill("mine.links")
def invitations_link(person: Person) -> Markup:
    """The way there from an administrator's own page."""
    if not may(person, "staff.invite", None):
        return Markup()
    return Markup('<a href="/admin/invitations">{}</a>').format(_("Invite colleagues"))
