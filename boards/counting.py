"""The nightly look at the counters: what differs from the rows is written into the log and set right."""

from __future__ import annotations

import logging
from datetime import timedelta

from board import jobs
from board.clock import midnight, now, today
from board.db import db, transaction
from board.seams import standing_promise
from boards.models import tally

log = logging.getLogger(__name__)

AT = timedelta(hours=3, minutes=30)  # after midnight in the city: the hour in which the least is posted


@standing_promise
def promise_reconciliation() -> None:
    """Promise the next look, inside the open transaction."""
    due_at = midnight(today()) + AT
    if due_at <= now():
        due_at = midnight(today() + timedelta(days=1)) + AT
    jobs.put("reconcile-tallies", key=f"reconcile-tallies:{due_at:%Y%m%d}", due_at=due_at)


@jobs.handler("reconcile-tallies", single=True)
def reconcile_tallies() -> None:
    """Look, set right what is wrong, and promise the next night's look."""
    wrong = tally.drift()  # read outside of transaction(), so that nobody waits meanwhile
    db.session.rollback()
    for scope, name, kept, true in wrong:
        log.warning("the counter %s of %s stood at %s and is %s; it is set right", name, scope, kept, true)
    with transaction():
        tally.correct(wrong)
        promise_reconciliation()
