"""Replies in which a way to reach somebody waits for a moderator: a telephone, a mail, a chat id, a link."""

from __future__ import annotations

from sqlalchemy import select

from board.db import db
from board.errors import NotFound
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent


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
