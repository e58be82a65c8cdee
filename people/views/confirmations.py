"""Showing once more that it is oneself, before what is sensitive."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template, request

from board.errors import Invalid, wants_json
from board.web import client_address, safe_next
from people import confirming
from people.codes import Started
from people.models import SignIn
from people.session import current_sign_in, login_required
from people.views import bp

WAYS = {
    "password": lambda row: confirming.by_password(row, request.form.get("password", "")),
    "app": lambda row: confirming.by_app(row, request.form.get("code", "")),
    "phone": lambda row: confirming.by_phone(row, request.form.get("code", "")),
    "passkey": lambda row: confirming.by_passkey(row, request.form.get("passkey", "")),
    "cast": confirming.by_press,
}


def _here() -> SignIn:
    row = current_sign_in()
    assert row is not None
    return row


def _page(
    status: int = 200, *, started: Started | None = None, errors: dict[str, Any] | None = None
) -> Response:
    html = render_template(
        "people/confirm.html",
        errors=errors or {},
        next=safe_next(request.values.get("next"), "/me"),
        started=started,
        waits_for_code=started is not None or request.form.get("way") == "phone",
        ways=confirming.ways(_here().person),
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/me/confirmation")
@login_required
def confirmation() -> Response:
    """By what can I show it here?"""
    return _page()


@bp.post("/me/confirmation")
@login_required
def confirm() -> Response:
    """It is I: on to what I was doing, or 422 with the page."""
    try:
        if request.form.get("step") == "send":
            return _page(started=confirming.send_code(_here().person, client_address()))
        way = WAYS.get(request.form.get("way", ""))
        if way is None:
            return _page(422)
        way(_here())
    except Invalid as error:
        if wants_json():
            raise
        return _page(422, errors=error.errors)
    return redirect(safe_next(request.form.get("next"), "/me"), 303)  # type: ignore[return-value]
