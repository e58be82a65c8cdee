"""The second step of staff: another authenticator, and recovery codes."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from board import audit
from board.db import transaction
from board.errors import Invalid, wants_json
from board.i18n import _, _l
from board.permissions import require
from people import attempts, myself, news, recovery, second_factor
from people.confirming import require_confirmed
from people.models import Person
from people.session import current_sign_in, login_required
from people.views import bp


def _own() -> Person:
    person = myself()
    require(person, "person.change_second_factor", person)
    require_confirmed()
    return person


def _page(person: Person, status: int = 200, errors: dict[str, Any] | None = None) -> Response:
    secret = second_factor.offered(person.owner)
    address = second_factor.address(person, secret) if secret is not None else ""
    html = render_template(
        "people/second_factor.html",
        address=address,
        errors=errors or {},
        picture=second_factor.picture(address) if address else "",
        secret=secret or "",
    )
    return _once(html, status)


def _once(html: str, status: int = 200) -> Response:
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/me/second-factor")
@login_required
def second_factor_page() -> Response:
    """Take another authenticator: what it is, or the code to be scanned."""
    return _page(_own())


@bp.post("/me/second-factor/offer")
@login_required
def offer_second_factor() -> Response:
    """Show me the code to be scanned. Until I have proved that my app has it, the old one stands."""
    _own()
    with transaction():
        second_factor.offer(myself().owner)
    return redirect(url_for("people.second_factor_page"), 303)  # type: ignore[return-value]


@bp.post("/me/second-factor")
@login_required
def change_second_factor() -> Response:
    """Six digits of the new app: from now on it is the one; 422 otherwise."""
    public_id = _own().public_id
    try:
        attempts.begin(factor=public_id)
        with transaction():
            person = Person.by_public_id(public_id)
            if not second_factor.take(person, person.owner, request.form.get("code", "")):
                raise Invalid(
                    _l("These six digits do not fit. Wait for the next ones in your app."), field="code"
                )
            attempts.forget(factor=public_id)
            audit.note("person.second_factor_changed", by=public_id, thing=f"person:{public_id}")
            news.tell("account.second_factor_changed", person, sign_in=current_sign_in())
    except Invalid as error:
        if wants_json():
            raise
        return _page(myself(), 422, error.errors)
    flash(_("The new app is your second step; the old one opens nothing any more."))
    return redirect(url_for("people.account"), 303)  # type: ignore[return-value]


@bp.post("/me/recovery-codes")
@login_required
def make_recovery_codes() -> Response:
    """Ten new codes, shown this once; those from before stop working."""
    public_id = _own().public_id
    with transaction():
        person = Person.by_public_id(public_id)
        codes = recovery.renew(person)
        audit.note("person.recovery_codes_made", by=public_id, thing=f"person:{public_id}")
        news.tell("account.recovery_codes_made", person, sign_in=current_sign_in())
    return _once(render_template("people/recovery_codes.html", codes=codes, next=url_for("people.account")))
