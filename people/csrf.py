"""The token that stands in the forms of signed-in readers: an HMAC over their sign-in, so pages of visitors need none."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, current_app, make_response, render_template, request

from board.errors import NotAllowed, wants_json
from board.i18n import _, _l
from board.web import SAFE_METHODS
from people import carried
from people.session import came_from, current_sign_in, reader

FIELD, HEADER = "csrf_token", "X-CSRF-Token"

# Their forms stand in fragments that are equal for all readers; the check of the origin guards them.
WITHOUT_TOKEN = frozenset({"prefs.change"})

V = TypeVar("V", bound=Callable[..., Any])


def csrf_token() -> str:
    """This reader's token, the same for the whole sign-in; empty for a visitor."""
    row = current_sign_in()
    if row is None or reader() is None:
        return ""
    key: str = current_app.config["SETTINGS"].secret_key
    return hmac.new(key.encode(), f"csrf {row.public_id}".encode(), hashlib.sha256).hexdigest()


def visitors_too(view: V) -> V:
    """Mark a view whose form visitors fill in as well: a form from before the sign-in has no token, and is taken
    when the browser says that it came from this site."""
    view.visitors_too = True  # type: ignore[attr-defined]
    return view


def check_token() -> Response | None:
    """Refuse a signed-in reader's POST whose token is wrong; runs after the check of the origin.

    Whoever signed in again in another tab gets back what he wrote, filled in and not sent.
    """
    if request.method in SAFE_METHODS or request.endpoint in {None, *WITHOUT_TOKEN} or reader() is None:
        return None
    given = request.headers.get(HEADER)
    if given is None:
        given = request.form.get(FIELD)
    if not given:
        view = current_app.view_functions.get(request.endpoint or "")
        if getattr(view, "visitors_too", False) and request.headers.get("Origin", "null") != "null":
            return None
    if hmac.compare_digest((given or "").encode(), csrf_token().encode()):
        return None
    written = None if wants_json() else carried.sent(came_from())
    if written is None:
        raise NotAllowed(
            _l("This page is from an earlier sign-in. Go back, load it again and send it once more.")
        )
    why = _("The page was from an earlier sign-in, so nothing was sent. Here is what you wrote; send it now.")
    return make_response(
        render_template("people/carried.html", it=written, here=carried.PLACE, why=why), NotAllowed.status
    )


def init_app(app: Flask) -> None:
    app.before_request(check_token)
    app.jinja_env.globals["csrf_token"] = csrf_token
