"""Challenges for passkeys: random, signed, five minutes old at most, bound to what they are for, answered once.

A challenge carries its own proof, so asking for one writes nothing; the answer to it writes one row, which a second
answer finds there. `bound_to` is the sign-in in which it was asked for, "" for a visitor.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from flask import current_app

from board.clock import now
from board.db import db, insert
from people.codes import promise_forgetting
from people.models.passkey import SpentChallenge

LASTS = 300  # seconds
_RANDOM, _TIME, _SIGN = 24, 8, 32  # bytes


def issue(purpose: str, bound_to: str = "") -> bytes:
    """A new challenge."""
    body = secrets.token_bytes(_RANDOM) + int(now().timestamp()).to_bytes(_TIME, "big")
    return body + _sign(body, purpose, bound_to)


def spend(challenge: bytes, purpose: str, bound_to: str = "") -> bool:
    """Whether this challenge was issued here for this purpose and sign-in, is fresh, and was not answered before.

    It counts as answered from now on, inside the open transaction; of two answers at once one gets True.
    """
    if len(challenge) != _RANDOM + _TIME + _SIGN:
        return False
    body, sign = challenge[:-_SIGN], challenge[-_SIGN:]
    age = now().timestamp() - int.from_bytes(body[_RANDOM:], "big")
    if not hmac.compare_digest(sign, _sign(body, purpose, bound_to)) or not -1 <= age < LASTS:
        return False
    row = insert(SpentChallenge).values(hash=sha256(challenge).hexdigest(), at=now())
    spent = db.session.execute(row.on_conflict_do_nothing().returning(SpentChallenge.hash))
    promise_forgetting()
    return spent.first() is not None


def _sign(body: bytes, purpose: str, bound_to: str) -> bytes:
    key: str = current_app.config["SETTINGS"].secret_key
    return hmac.new(key.encode(), b"passkey\0" + f"{purpose}\0{bound_to}\0".encode() + body, sha256).digest()
