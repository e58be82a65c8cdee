"""Which browsers a person signs in on: a cookie that goes to the doors of the house alone, and a row for each browser.

The cookie tells nobody anything and opens nothing. It does not go along when somebody reads, so shared caches keep one
page for all.
"""

from __future__ import annotations

import secrets

from flask import Response, after_this_request, current_app, request
from sqlalchemy import select

from board.clock import now
from board.db import db, insert
from people import vault
from people.models.known_device import KEPT, KnownDevice
from people.models.person import Person

COOKIE = "device"
PLACES = ("/sign-in", "/staff")  # the paths to which browsers send it
LONGEST = 60


def note_device(person: Person) -> bool:
    """Note, inside the open transaction, that `person` signs in on this request's browser, and set its cookie.

    True when the browser is new to somebody who has signed in on others before.
    """
    given = request.cookies.get(COOKIE, "")
    token = given if 20 <= len(given) <= LONGEST else secrets.token_urlsafe(24)
    lookup = vault.keyed_hash("device", f"{person.public_id}:{token}")
    known = set(
        db.session.scalars(
            select(KnownDevice.lookup).where(
                KnownDevice.person_id == person.id, KnownDevice.seen_at > now() - KEPT
            )
        )
    )
    row = insert(KnownDevice).values(person_id=person.id, lookup=lookup, seen_at=now())
    db.session.execute(
        row.on_conflict_do_update(index_elements=["person_id", "lookup"], set_={"seen_at": now()})
    )
    _hand_over(token)
    return bool(known) and lookup not in known


def _hand_over(token: str) -> None:
    @after_this_request
    def put(response: Response) -> Response:
        for place in PLACES:
            response.set_cookie(
                COOKIE,
                token,
                max_age=int(KEPT.total_seconds()),
                path=place,
                httponly=True,
                samesite="Lax",
                secure=request.is_secure or bool(current_app.config["SESSION_COOKIE_SECURE"]),
            )
        return response
