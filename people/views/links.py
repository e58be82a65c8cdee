"""One-time links: opening one shows a button, because mail and chat programs open links by themselves."""

from __future__ import annotations

from flask import Response, redirect, render_template

from board.errors import NotFound
from board.i18n import _l
from people.csrf import visitors_too
from people.links import open_link
from people.models import SignInLink
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
    """Sign in and use the link up."""
    person = open_link(token)
    begin(person, second_factor=True)
    return redirect("/desk" if person.is_staff else "/", 303)  # type: ignore[return-value]
