"""The staff's own door: name or badge and password, then the second factor."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from board.errors import Invalid, wants_json
from board.web import client_address, safe_next
from people import passkeys
from people.csrf import visitors_too
from people.session import current_sign_in
from people.session import sign_in as begin
from people.staff import check_password, check_recovery_code, check_second_factor
from people.views import bp


def _page(template: str, status: int = 200, errors: dict[str, Any] | None = None) -> Response:
    html = render_template(
        template,
        errors=errors or {},
        form=request.form,
        here=request.path,
        next=safe_next(request.values.get("next"), "/desk"),
        passkeys_offered=passkeys.offered(),
    )
    return make_response(html, status)


@bp.get("/staff/sign-in")
def staff_sign_in() -> Response:
    """The first step."""
    return _page("people/staff_sign_in.html")


@bp.post("/staff/sign-in")
@visitors_too
def staff_password() -> Response:
    """Name or badge and password; on to the second factor, or 422 with the one answer for everything wrong."""
    login, password = request.form.get("login", ""), request.form.get("password", "")
    try:
        person = check_password(login, password, client_address())
    except Invalid as error:
        if wants_json():
            raise
        return _page("people/staff_sign_in.html", 422, error.errors)
    begin(person)
    target = safe_next(request.form.get("next"), "/desk")
    return redirect(url_for("people.staff_code", next=target), 303)  # type: ignore[return-value]


@bp.get("/staff/sign-in/code")
def staff_code() -> Response:
    """The second step, for whoever has just given the right password."""
    row = current_sign_in()
    if row is None or not row.person.is_staff or row.complete:
        return redirect(url_for("people.staff_sign_in"), 303)  # type: ignore[return-value]
    return _page("people/staff_code.html")


@bp.post("/staff/sign-in/code")
@visitors_too
def staff_second_factor() -> Response:
    """Six digits, or a recovery code in their place: a complete sign-in with a new token, or 422."""
    by_paper = "recovery" in request.form
    try:
        if by_paper:
            person = check_recovery_code(request.form["recovery"])
        else:
            person = check_second_factor(request.form.get("code", ""))
    except Invalid as error:
        if wants_json():
            raise
        return _page("people/staff_code.html", 422, error.errors)
    begin(person, second_factor=True, method="recovery" if by_paper else "app")
    return redirect(safe_next(request.form.get("next"), "/desk"), 303)  # type: ignore[return-value]
