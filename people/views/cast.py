"""The demo city's cast, one tap each."""

from __future__ import annotations

from flask import Response, redirect, request

from board.web import safe_next
from people.csrf import visitors_too
from people.links import play
from people.session import sign_in as begin
from people.views import bp


@bp.post("/sign-in/cast")
@visitors_too
def play_cast() -> Response:
    """Sign in as one of the cast; 404 outside a demo city."""
    person = play(request.form.get("person", ""))
    begin(person, second_factor=True, method="cast")
    home = "/desk" if person.departments else "/"
    target = safe_next(request.form.get("next"))
    return redirect(home if target == "/" else target, 303)  # type: ignore[return-value]
