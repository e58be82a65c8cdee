"""Guessing gets slower: after some failures in a row the next try must wait, twice as long each time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select

from board.clock import now
from board.db import db, transaction
from board.errors import Invalid
from board.i18n import _l
from board.jinja import clock_time
from people import vault
from people.codes import promise_forgetting
from people.models.attempt import Attempt

WINDOW = timedelta(hours=1)
LONGEST = timedelta(minutes=5)
FREE = {"name": 5, "address": 20, "factor": 5}  # failures an hour that cost nothing


def _lookup(kind: str, value: str) -> str:
    return vault.keyed_hash(f"attempt {kind}", value)


def check(**values: str) -> None:
    """Raise Invalid with the time of the next try when one of `values` (name=…, address=…, factor=…) must wait.

    It depends on what was typed, never on whether such an account exists.
    """
    for kind, value in values.items():
        count, last = db.session.execute(
            select(func.count(Attempt.id), func.max(Attempt.at)).where(
                Attempt.lookup == _lookup(kind, value), Attempt.at > now() - WINDOW
            )
        ).one()
        over = count - FREE[kind]
        if over < 0 or last is None:
            continue
        free_at = last + min(timedelta(seconds=2 ** min(over, 10)), LONGEST)
        if now() < free_at:
            raise Invalid(
                _l(
                    "Too many tries. Please try again after %(when)s.",
                    when=clock_time(free_at + timedelta(minutes=1)),
                ),
                field="code" if kind == "factor" else "password",
            )


def failed(**values: str) -> None:
    """Note one failure of each of `values`, in a transaction of its own."""
    with transaction() as session:
        for kind, value in values.items():
            session.add(Attempt(lookup=_lookup(kind, value), at=now()))
        promise_forgetting()


def forget(**values: str) -> None:
    """Start `values` anew inside the open transaction, after a right answer."""
    for kind, value in values.items():
        db.session.execute(delete(Attempt).where(Attempt.lookup == _lookup(kind, value)))
