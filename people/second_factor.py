"""The second factor of staff: six digits from an authenticator, each good once."""

from __future__ import annotations

import hmac

import pyotp
import segno
from flask import current_app

from board.clock import now
from board.db import db
from people import vault
from people.codes import normalise_code
from people.models.person import Person

FIELD = "totp"
WAITING = "totp_next"  # a secret that is shown, until its owner has proved that his app has it
STEP = 30  # seconds


def enrol(person: Person, secret: str | None = None) -> str:
    """A new secret inside the open transaction, sealed in the vault; the old one stops working. Shown this once."""
    secret = secret or pyotp.random_base32()
    vault.put(person.owner, FIELD, secret)
    vault.erase(person.owner, WAITING)
    person.totp_step = 0
    return secret


def enrolled(person: Person) -> bool:
    """Whether the person has an authenticator."""
    return vault.get(person.owner, FIELD) is not None


def offer(owner: str) -> str:
    """A secret to be put into an authenticator, inside the open transaction; the same one until it is taken."""
    secret = vault.get(owner, WAITING)
    if secret is None:
        secret = pyotp.random_base32()
        vault.put(owner, WAITING, secret)
    return secret


def offered(owner: str) -> str | None:
    """The secret that waits there, if one does."""
    return vault.get(owner, WAITING)


def take(person: Person, owner: str, code: str) -> bool:
    """Make the secret that waits at `owner` this person's, inside the open transaction, when `code` proves that his app
    has it; that code is used up."""
    secret = vault.get(owner, WAITING)
    step = None if secret is None else _step(secret, code)
    if secret is None or step is None:
        return False
    vault.erase(owner, WAITING)
    enrol(person, secret)
    person.totp_step = step
    return True


def picture(address: str) -> str:
    """The QR code of an address, as a `data:` address of an SVG."""
    return segno.make(address, error="m").svg_data_uri(scale=5, dark="#000", light="#fff", border=3)


def address(person: Person, secret: str) -> str:
    """The `otpauth:` address that authenticators read, also as a QR code."""
    issuer = current_app.config.get("CITY_NAME", "Station 24")
    return pyotp.TOTP(secret).provisioning_uri(name=person.badge or person.public_id, issuer_name=issuer)


def confirm(person: Person, code: str) -> bool:
    """Whether `code` is this person's now, one step early or late allowed. Used up inside the open transaction."""
    secret = vault.get(person.owner, FIELD)
    if secret is None:
        return False
    # Of two who send the same digits at once, the second waits here and then reads that they are used up.
    db.session.refresh(person, ["totp_step"], with_for_update=True)
    step = _step(secret, code, after=person.totp_step)
    if step is None:
        return False
    person.totp_step = step
    return True


def _step(secret: str, code: str, *, after: int = 0) -> int | None:
    """The half minute for which `code` is right, none before or at `after`."""
    given = normalise_code(code)
    if len(given) != 6:
        return None
    totp = pyotp.TOTP(secret)
    present = int(now().timestamp()) // STEP
    for step in (present - 1, present, present + 1):
        if hmac.compare_digest(totp.at(step * STEP), given) and step > after:
            return step
    return None
