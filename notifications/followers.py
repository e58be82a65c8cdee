"""The many who follow a thread are told by one job, in chunks, so that no verb ever waits for them."""

from __future__ import annotations

import time

from sqlalchemy import or_, select

from board import jobs
from board.db import db, transaction
from boards.models.timeline import CaseEvent
from boards.models.watch import Watch
from notifications.models import inbox
from notifications.models.inbox import Recipient
from notifications.recipients import may_hear
from people.models import Person

CHUNK = 200
BREATH = 0.005  # seconds between two chunks, in which whoever waits to write gets his turn


@jobs.handler("tell-followers")
def tell_followers(event: str) -> None:
    """Put a step into the inbox of everybody who followed its thread when it happened. Run twice, it tells once."""
    last = 0
    while True:
        with transaction():
            step = db.session.scalar(select(CaseEvent).where(CaseEvent.public_id == event))
            if step is None:
                return
            watchers, last_seen = _chunk(step, last)
            if last_seen is None:
                return
            inbox.deliver(step, watchers)
            last = last_seen
        time.sleep(BREATH)


def _chunk(step: CaseEvent, last: int) -> tuple[dict[int, Recipient], int | None]:
    """The next followers behind the watch `last`, and the last watch read; None at the end."""
    thread = step.thread
    query = (
        select(Watch.id, Watch.affected, Person.id, Person.public_id)
        .join(Person, Watch.person_id == Person.id)
        .where(Watch.thread_id == thread.id, Watch.id > last, Watch.since <= step.at, Person.active)
        .order_by(Watch.id)
        .limit(CHUNK)
    )
    if not thread.is_public:
        # Members who only follow may not read it any more, whatever it was when it happened.
        query = query.where(or_(Person.kind == "staff", Person.id == thread.poster_id))
    rows = db.session.execute(query).all()
    if not rows:
        return {}, None
    told = {
        person_id: Recipient(person_id, public_id, ("affected" if affected else "follower",))
        for _watch, affected, person_id, public_id in rows
        if person_id != step.actor_id
    }
    if not thread.is_public:
        people = db.session.scalars(select(Person).where(Person.id.in_(list(told))))
        allowed = {person.id for person in people if may_hear(person, step, "follower")}
        told = {key: value for key, value in told.items() if key in allowed}
    return told, rows[-1][0]
