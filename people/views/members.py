"""Signing in by phone and code, and signing out."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from board.errors import Invalid, wants_json
from board.web import client_address, safe_next
from people import codes, me, passkeys
from people.codes import Started, start_code
from people.csrf import visitors_too
from people.links import cast
from people.members import verify_phone
from people.session import sign_in as begin
from people.session import sign_out as end
from people.views import bp


def _page(
    status: int = 200, *, started: Started | None = None, errors: dict[str, Any] | None = None
) -> Response:
    html = render_template(
        "people/sign_in.html",
        cast=cast(),
        can_send=codes.can_send(),
        errors=errors or {},
        form=request.form,
        here=url_for("people.sign_in"),
        next=safe_next(request.values.get("next")),
        passkeys_offered=passkeys.offered(),
        remember="remember" in request.form if "phone" in request.form else True,
        started=started,
        waits_for_code=started is not None or "code" in request.form,
    )
    return make_response(html, status)


@bp.get("/sign-in")
def sign_in() -> Response:
    """The form: phone first, then the code that came to it."""
    if me() is not None and "next" in request.args:
        return redirect(safe_next(request.args["next"]), 303)  # type: ignore[return-value]
    return _page()


@bp.post("/sign-in", endpoint="enter")
@visitors_too
def enter() -> Response:
    """With a code: sign in. Without one, or when asked to: send a code. 422 with what was typed when it does not fit."""
    phone, code = request.form.get("phone", ""), request.form.get("code", "")
    try:
        if request.form.get("step") == "send" or not code.strip():
            return _page(started=start_code(phone, client_address()))
        person = verify_phone(phone, code, client_address())
    except Invalid as error:
        if wants_json():
            raise
        return _page(422, errors=error.errors)
    begin(person, remember="remember" in request.form, method="phone")
    return redirect(safe_next(request.form.get("next")), 303)  # type: ignore[return-value]


@bp.post("/sign-out")
@visitors_too
def sign_out() -> Response:
    """End this browser's sign-in and go to the front page."""
    end()
    return redirect("/", 303)  # type: ignore[return-value]
