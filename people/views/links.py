"""One-time links: opening one shows a button, because mail and chat programs open links by themselves."""

from __future__ import annotations

from flask import Response, redirect, render_template, url_for

from board.db import transaction
from board.errors import NotFound
from board.i18n import _l
from people.csrf import visitors_too
from people.invitations import invite, needs_second_factor
from people.links import open_link
from people.models import Person, SignInLink
from people.session import sign_in as begin
from people.views import bp


@bp.get("/sign-in/link/<token>")
def sign_in_link(token: str) -> str:
    """One button; 404 for a link that is old or was used."""
    link = SignInLink.by_token(token)
    if link is None:
        raise NotFound(_l("This link was used already, or it is older than five minutes."))
    return render_template("people/link.html", person=link.person, token=token)


@bp.post("/sign-in/link/<token>")
@visitors_too
def use_sign_in_link(token: str) -> Response:
    """Sign in and use the link up. Staff who have no second factor yet are led to set one first."""
    person = open_link(token)
    if needs_second_factor(person):
        with transaction():
            _row, invitation = invite(Person.by_public_id(person.public_id), by=None, way="link")
        return redirect(url_for("people.invitation", token=invitation), 303)  # type: ignore[return-value]
    begin(person, second_factor=True, method="link")
    return redirect("/desk" if person.is_staff else "/", 303)  # type: ignore[return-value]
