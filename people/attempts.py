"""Guessing gets slower: after some failures in a row the next try must wait, twice as long each time.

A try is noted before it is looked at, and struck out when it was right: many that are sent at once find each other.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select

from board.clock import now
from board.db import db, one_at_a_time, transaction
from board.errors import Invalid
from board.i18n import _l
from board.jinja import clock_time
from people import vault
from people.codes import promise_forgetting
from people.models.attempt import Attempt

WINDOW = timedelta(hours=1)
LONGEST = timedelta(minutes=5)
# Failures an hour that cost nothing.
FREE = {"name": 5, "address": 20, "factor": 5, "password": 5, "guess": 30}  # nosec B105
FIELD = {
    "name": "password",
    "address": "password",
    "factor": "code",
    "password": "old_password",  # nosec B105
    "guess": "code",
}


def _lookup(kind: str, value: str) -> str:
    return vault.keyed_hash(f"attempt {kind}", value)


def begin(**values: str) -> list[int]:
    """Note a try of each of `values` (name=…, address=…, factor=…, password=…, guess=…), in a transaction of its own.

    The answer is for right(). Invalid, with the time of the next try, when one of them must wait; then nothing is
    noted. It depends on what was typed, never on whether such an account exists.
    """
    lookups = {kind: _lookup(kind, value) for kind, value in values.items()}
    with transaction() as session:
        for lookup in sorted(lookups.values()):
            one_at_a_time(lookup)
        for kind, lookup in lookups.items():
            _check(kind, lookup)
        rows = [Attempt(lookup=lookup, at=now()) for lookup in lookups.values()]
        session.add_all(rows)
        promise_forgetting()
        session.flush()
        return [row.id for row in rows]


def _check(kind: str, lookup: str) -> None:
    count, last = db.session.execute(
        select(func.count(Attempt.id), func.max(Attempt.at)).where(
            Attempt.lookup == lookup, Attempt.at > now() - WINDOW
        )
    ).one()
    over = count - FREE[kind]
    if over < 0 or last is None:
        return
    free_at = last + min(timedelta(seconds=2 ** min(over, 10)), LONGEST)
    if now() < free_at:
        raise Invalid(
            _l(
                "Too many tries. Please try again after %(when)s.",
                when=clock_time(free_at + timedelta(minutes=1)),
            ),
            field=FIELD[kind],
        )


def right(rows: list[int]) -> None:
    """Strike out the tries that begin() noted, inside the open transaction: the answer was right."""
    db.session.execute(delete(Attempt).where(Attempt.id.in_(rows)))


def forget(**values: str) -> None:
    """Start `values` anew inside the open transaction: whoever tries has shown who he is."""
    for kind, value in values.items():
        db.session.execute(delete(Attempt).where(Attempt.lookup == _lookup(kind, value)))
