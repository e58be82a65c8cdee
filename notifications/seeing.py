"""Whoever was told of a case and opens it has seen what told him: his messages note the moment, once.

Seen is neither acknowledged nor an answer: it stops no call. What has not left yet told nobody, so it is not seen either.
"""

from __future__ import annotations

from sqlalchemy import Select, select, union, update

from board.clock import now
from board.db import db, transaction, writing
from board.seams import provides
from boards.models import CaseEvent
from notifications.models.delivery import Delivery
from notifications.models.page import Telling
from people.models import Person


@provides("thread_opened")
def opened(person: Person, thread_id: int) -> None:
    """Note that `person` has this thread before him. One statement; a second one only where something was unseen.

    In a transaction() of its own unless one is open, so a page calls it when it has been drawn.
    """
    unseen = list(db.session.scalars(_unseen(person.id, thread_id)))
    if not unseen:
        return
    if writing():
        _note(unseen)
        return
    with transaction():
        _note(unseen)


def _unseen(person_id: int, thread_id: int) -> Select[int]:
    """What told this person of a step of this thread, by itself or riding with other calls, and was not seen yet."""
    steps = select(CaseEvent.id).where(CaseEvent.thread_id == thread_id)
    # Found from the thread, whose steps are few, not from the person, whose messages grow with the years.
    told = union(
        select(Delivery.id).where(Delivery.event_id.in_(steps), Delivery.person_id == person_id),
        select(Telling.delivery_id).where(Telling.event_id.in_(steps), Telling.person_id == person_id),
    )
    return select(Delivery.id).where(
        Delivery.id.in_(told),
        Delivery.sent_at.is_not(None),
        Delivery.failed_at.is_(None),
        Delivery.seen_at.is_(None),
    )


def _note(deliveries: list[int]) -> None:
    db.session.execute(
        update(Delivery)
        .where(Delivery.id.in_(deliveries), Delivery.seen_at.is_(None))
        .values(seen_at=now())
        .execution_options(synchronize_session=False)
    )
