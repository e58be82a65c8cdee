"""From a cookie to a person and back: one random token a browser, one row a token.

The cookie ends with the browser, or after 30 days when asked to be remembered. Its row says whose it is, so
ending the row ends pages and sockets. Each sign-in gets a new token.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import (
    Response,
    after_this_request,
    current_app,
    g,
    has_request_context,
    redirect,
    request,
    url_for,
)
from flask_login import LoginManager

from board import audit
from board.db import transaction
from board.errors import NotAllowed, answer, wants_json
from board.i18n import _l
from board.web import SAFE_METHODS, safe_next
from people import codes, devices, news
from people.models import Person, SignIn
from people.models.sign_in import HALF_WAY, REMEMBERED

COOKIE = "sign_in"
CHANGED = "station.sign_in"  # where this request's new token stands, before the browser has it

login_manager = LoginManager()

V = TypeVar("V", bound=Callable[..., Any])


def _token() -> str:
    given = request.environ.get(CHANGED)  # set when this very request signed in or out
    return str(given if given is not None else request.cookies.get(COOKIE, ""))


def current_sign_in() -> SignIn | None:
    """The sign-in of this request's cookie, whether or not its second factor is still to come."""
    if not has_request_context():
        return None
    token = _token()
    if not token:
        return None
    # Kept under its token, so that two requests that share a context can never share a person.
    kept: tuple[str, SignIn | None] | None = g.get("sign_in_row")
    if kept is None or kept[0] != token:
        row = SignIn.by_token(token)
        kept = g.sign_in_row = (token, row if row is not None and row.alive else None)
    return kept[1]


def reader() -> Person | None:
    """The person who reads this page, None for a visitor and for staff between password and second factor."""
    row = current_sign_in()
    return row.person if row is not None and row.complete else None


def login_required(view: V) -> V:
    """Send visitors to the sign-in page and back afterwards; programs get 401 as JSON."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if reader() is None:
            return login_manager.unauthorized()
        return view(*args, **kwargs)

    return cast(V, guarded)


@login_manager.request_loader
def _load(_request: Any) -> Person | None:
    return reader()


@login_manager.unauthorized_handler
def ask_to_sign_in() -> Response:
    """401 as JSON, or 303 to the sign-in page, which leads back here (after a POST: to where it came from, or to
    what was written there)."""
    if wants_json():
        return answer(401, _l("Please sign in first."))
    if request.method in SAFE_METHODS:
        target = request.full_path.rstrip("?")
    else:
        from people import carried

        target = came_from()
        row = SignIn.by_token(_token())
        if carried.keep(target, row.person if row is not None else None):
            target = carried.PLACE
    return redirect(url_for("people.sign_in", next=target), 303)  # type: ignore[return-value]


def came_from() -> str:
    """The page of this site on which this request's form stood, "/" when the browser does not say."""
    address = request.referrer
    if not address or not address.startswith(request.host_url):
        return "/"
    return safe_next("/" + address[len(request.host_url) :])


def sign_in(
    person: Person, *, remember: bool = False, second_factor: bool = False, method: str = ""
) -> SignIn:
    """Sign `person` in on this browser: a new row, a new token, and the old sign-in of this browser ended.

    Opens its own transaction and sets the cookie on this request's response. Staff are signed in only with
    `second_factor`; without it the sign-in opens no page and lasts ten minutes. `method`: by what, one of METHODS.
    Whoever has signed in elsewhere before is told when the browser is new. NotAllowed for a closed account.
    """
    public_id, before = person.public_id, _token()
    with transaction():
        owner = Person.by_public_id(public_id)
        if not owner.active:
            raise NotAllowed(_l("This account is closed."))
        old = SignIn.by_token(before) if before else None
        if old is not None:
            old.revoke()
        row, token = SignIn.begin(
            owner,
            remember=remember,
            second_factor=second_factor,
            method=method,
            user_agent=request.user_agent.string,
        )
        codes.promise_forgetting()
        if owner.is_staff and second_factor:
            audit.note("person.signed_in", by=public_id, thing=f"person:{public_id}")
        # The cast of a demo city is everybody's: each visitor there is a new device.
        if row.complete and method != "cast" and devices.note_device(owner):
            news.tell("account.signed_in", owner, sign_in=row)
        age = _age(row)
    _set_cookie(token, age)
    return row


def sign_out_elsewhere(row: SignIn) -> int:
    """End every sign-in of its person but `row`, inside the open transaction; how many there were."""
    others = [each for each in SignIn.open_of(row.person) if each.id != row.id]
    for each in others:
        each.revoke()
    return len(others)


def _age(row: SignIn) -> int | None:
    if row.person.is_staff and row.second_factor_at is None:
        return int(HALF_WAY.total_seconds())
    return int(REMEMBERED.total_seconds()) if row.remembered else None


def sign_out() -> None:
    """End this browser's sign-in, if it has one. Opens its own transaction."""
    token = _token()
    if token:
        with transaction():
            row = SignIn.by_token(token)
            if row is not None:
                if row.person.is_staff and row.complete:
                    public_id = row.person.public_id
                    audit.note("person.signed_out", by=public_id, thing=f"person:{public_id}")
                row.revoke()
    _set_cookie("", 0)


def _set_cookie(token: str, age: int | None) -> None:
    request.environ[CHANGED] = token

    @after_this_request
    def put(response: Response) -> Response:
        response.set_cookie(
            COOKIE,
            token,
            max_age=age,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure or bool(current_app.config["SESSION_COOKIE_SECURE"]),
        )
        # A page that changes who reads must never come from a cache.
        response.headers["Cache-Control"] = "private, no-store"
        return response
