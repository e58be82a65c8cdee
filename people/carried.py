"""What somebody wrote and sent when his sign-in had ended: kept sealed for an hour and given back once he is in again.

The way back is a cookie of the browser that sent it, so no address holds the words, and where an earlier sign-in
says whose they are nobody else is shown them. Whoever is signed in again already, in another tab, gets them at once:
then nothing is kept (people/csrf.py).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from flask import Response, after_this_request, current_app, request
from sqlalchemy import and_
from werkzeug.exceptions import TooManyRequests

from board import jobs, retention, typed
from board.clock import now
from board.db import transaction
from board.errors import WrongState
from board.i18n import _l
from board.limits import spend
from board.web import client_address
from people import vault
from people.models import Person

COOKIE = "carried"
PLACE = "/carried"
KEPT = timedelta(hours=1)
OFTEN = "30 per hour"  # from one address
LONGEST = 2 * typed.LONGEST  # characters of one form
SECRET = frozenset({"csrf_token", "password", "old_password", "code", "phone", "recovery", "passkey"})


class NotKept(WrongState):
    """What was written cannot be kept until the sign-in: the page of this refusal gives it back."""

    default = _l("Your sign-in had ended. Copy what you wrote, sign in and send it again.")


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
        return [(name, value) for name, value in self.fields if typed.is_words(name, value)]

    def others(self) -> list[tuple[str, str]]:
        """Everything else that the form held."""
        written = {name for name, _value in self.words()}
        return [(name, value) for name, value in self.fields if name not in written]


def _owner(token: str) -> str:
    return f"carried:{vault.keyed_hash('carried', token)[:40]}"


def sent(back: str, owner: str = "") -> Carried | None:
    """This request's form without what is secret in it; None when nobody typed anything."""
    fields = [
        [name, value]
        for name, value in request.form.items(multi=True)
        if name not in SECRET and len(name) <= 60
    ]
    if not any(typed.is_words(name, value) for name, value in fields):
        return None
    photos = any(file.filename for file in request.files.values())
    return Carried(request.full_path.rstrip("?"), back, fields, photos, owner)


def keep(back: str, before: Person | None) -> bool:
    """Keep this request's form, sent by whoever was `before` signed in here; False when nobody typed anything.

    NotKept when it is too long, or one address sends too many. Opens its own transaction and sets a cookie on this
    request's response.
    """
    found = sent(back, before.public_id if before is not None else "")
    if found is None:
        return False
    if sum(len(value) for _name, value in found.fields) > LONGEST:
        raise NotKept
    try:
        spend("carried", OFTEN, client_address())
    except TooManyRequests:
        raise NotKept from None  # somebody fills our shelves
    token = secrets.token_urlsafe(24)
    with transaction():
        vault.put(_owner(token), "form", json.dumps(asdict(found), ensure_ascii=False))
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
        retention.noted("carried", vault.erase(owner))


@retention.removes("carried")
def forget_old(before: datetime, dry_run: bool) -> int:
    """What has lain here for longer, should its own job have been lost."""
    ours = and_(vault.VaultItem.owner.startswith("carried:"), vault.VaultItem.created_at < before)
    return retention.rows_gone("carried", vault.VaultItem, ours, dry_run=dry_run)
