"""The second factor of staff: six digits from an authenticator, each good once."""

from __future__ import annotations

import hmac

import pyotp
from flask import current_app

from board.clock import now
from board.db import db
from people import vault
from people.codes import normalise_code
from people.models.person import Person

FIELD = "totp"
STEP = 30  # seconds


def enrol(person: Person) -> str:
    """A new secret inside the open transaction, sealed in the vault; the old one stops working. Shown this once."""
    secret = pyotp.random_base32()
    vault.put(person.owner, FIELD, secret)
    person.totp_step = 0
    return secret


def address(person: Person, secret: str) -> str:
    """The `otpauth:` address that authenticators read, also as a QR code."""
    issuer = current_app.config.get("CITY_NAME", "Station 24")
    return pyotp.TOTP(secret).provisioning_uri(name=person.badge or person.public_id, issuer_name=issuer)


def confirm(person: Person, code: str) -> bool:
    """Whether `code` is this person's now, one step early or late allowed. Used up inside the open transaction."""
    secret = vault.get(person.owner, FIELD)
    given = normalise_code(code)
    if secret is None or len(given) != 6:
        return False
    # Of two who send the same digits at once, the second waits here and then reads that they are used up.
    db.session.refresh(person, ["totp_step"], with_for_update=True)
    totp = pyotp.TOTP(secret)
    present = int(now().timestamp()) // STEP
    for step in (present - 1, present, present + 1):
        if hmac.compare_digest(totp.at(step * STEP), given) and step > person.totp_step:
            person.totp_step = step
            return True
    return False
