"""Replies in which a way to reach somebody waits for a moderator: a telephone, a mail, a chat id, a link."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from board.db import db
from board.errors import NotFound
from board.permissions import may
from boards.models.status import Visibility
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from people.models import Person

SHOWN = 50  # at once; the oldest


@dataclass(frozen=True)
class Waiting:
    """A reply, where it stands, and the step with which it came."""

    text: Text
    thread: Thread
    event: CaseEvent


def thread_of(text: Text) -> Thread:
    """The thread in which a reply stands. NotFound for a text that stands in none."""
    thread = db.session.scalar(
        select(Thread)
        .join(CaseEvent, CaseEvent.thread_id == Thread.id)
        .where(CaseEvent.public_text_id == text.id)
        .limit(1)
    )
    if thread is None:
        raise NotFound
    return thread


def waiting_contacts(person: Person) -> list[Waiting]:
    """The replies that wait for this moderator's look, oldest first; none for who moderates nothing."""
    from boards.policy import visible_to

    if not person.has_role("moderator"):
        return []
    rows = db.session.execute(
        select(Text, Thread, CaseEvent)
        .join(CaseEvent, CaseEvent.public_text_id == Text.id)
        .join(Thread, CaseEvent.thread_id == Thread.id)
        .where(Text.contacts == "waiting", Thread.visibility != Visibility.RESTRICTED, visible_to(person))
        .order_by(Text.id, CaseEvent.seq)
        .limit(2 * SHOWN)
        .options(joinedload(Thread.case))
    ).unique()
    first = {text.id: Waiting(text, thread, event) for text, thread, event in reversed(rows.all())}
    found = sorted(first.values(), key=lambda each: each.text.id)
    return [each for each in found if may(person, "text.release_contacts", each.text)][:SHOWN]
