"""What somebody wrote and sent when his sign-in had ended: kept sealed for an hour and given back once he is in again.

The way back is a cookie of the browser that sent it, so no address holds the words, and where an earlier sign-in
says whose they are nobody else is shown them.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Response, after_this_request, current_app, request
from werkzeug.exceptions import TooManyRequests

from board import jobs
from board.clock import now
from board.db import transaction
from board.limits import spend
from board.web import client_address
from people import vault
from people.models import Person

COOKIE = "carried"
PLACE = "/carried"
KEPT = timedelta(hours=1)
OFTEN = "30 per hour"  # from one address
LONGEST = 40_000  # characters of one form
SECRET = frozenset({"csrf_token", "password", "old_password", "code", "phone"})
WORDS = ("body", "text", "words", "note", "question", "answer", "reason", "advice", "title")


@dataclass(frozen=True)
class Carried:
    """A form that was not taken: where it goes, whose it is if that is known, and what stood in it."""

    action: str
    back: str
    fields: list[list[str]]
    photos: bool
    owner: str

    def words(self) -> list[tuple[str, str]]:
        """What was typed, by field, in the order of the form."""
        return [(name, value) for name, value in self.fields if name in WORDS and value.strip()]

    def others(self) -> list[tuple[str, str]]:
        """Everything else that the form held."""
        typed = {name for name, _value in self.words()}
        return [(name, value) for name, value in self.fields if name not in typed]


def _owner(token: str) -> str:
    return f"carried:{vault.keyed_hash('carried', token)[:40]}"


def keep(back: str, before: Person | None) -> bool:
    """Keep this request's form, sent by whoever was `before` signed in here; False when nobody typed anything.

    Opens its own transaction and sets a cookie on this request's response.
    """
    fields = [
        [name, value]
        for name, value in request.form.items(multi=True)
        if name not in SECRET and len(name) <= 60
    ]
    typed = any(name in WORDS and value.strip() for name, value in fields)
    if not typed or sum(len(value) for _name, value in fields) > LONGEST:
        return False
    try:
        spend("carried", OFTEN, client_address())
    except TooManyRequests:
        return False  # somebody fills our shelves: he is asked to sign in like everybody
    kept: dict[str, Any] = {
        "action": request.full_path.rstrip("?"),
        "back": back,
        "fields": fields,
        "photos": any(file.filename for file in request.files.values()),
        "owner": before.public_id if before is not None else "",
    }
    token = secrets.token_urlsafe(24)
    with transaction():
        vault.put(_owner(token), "form", json.dumps(kept, ensure_ascii=False))
        jobs.put("forget-carried", key=f"forget:{_owner(token)}", due_at=now() + KEPT, owner=_owner(token))

    @after_this_request
    def hand_over(response: Response) -> Response:
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(KEPT.total_seconds()),
            path=PLACE,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure or bool(current_app.config["SESSION_COOKIE_SECURE"]),
        )
        return response

    return True


def of(person: Person) -> Carried | None:
    """What this browser carries for `person`; None when there is nothing, or somebody else's."""
    token = request.cookies.get(COOKIE, "")
    found = vault.get(_owner(token), "form") if 0 < len(token) <= 60 else None
    if found is None:
        return None
    carried = Carried(**json.loads(found))
    return carried if carried.owner in ("", person.public_id) else None


@jobs.handler("forget-carried")
def forget(owner: str) -> None:
    """The hour is over."""
    with transaction():
        vault.erase(owner)
