"""After something was posted: whether a moderator should look at it. It is public meanwhile, and nothing is refused.

The looking itself is a job, so that posting waits for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from board import jobs
from board.db import db, transaction
from board.events import on
from boards.models.review_mark import ReviewMark
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.models.watched_word import WatchedWord, matched
from boards.repeats import MANY, keep_prints, threads_with
from people.models import Person

SAID = ("thread.posted", "thread.edited", "reply.posted", "case.supplemented")
LINKS = 3  # in one text: more, and somebody looks at it
LINK = re.compile(r"(?:https?://|www\.)\S+|\b[a-z0-9-]+\.(?:com|cn|net|org|top|xyz|vip|cc)\b", re.IGNORECASE)


def links_in(text: str) -> int:
    """How many addresses of other sites stand in a text."""
    return len(LINK.findall(text))


@on(*SAID)
def promise(event: CaseEvent) -> None:
    """Promise to look at what a resident has just made public."""
    if event.parameters.get("imported") or event.public_text is None or event.actor is None:
        return
    if event.thread.is_public and not event.actor.is_staff:
        jobs.put("review-text", key=f"review-text:{event.public_id}", event=event.public_id)


@jobs.handler("review-text")
def review(event: str) -> None:
    """Put the words of this step into the moderators' queue when there is a reason to look at them."""
    with transaction():
        row = db.session.scalar(select(CaseEvent).where(CaseEvent.public_id == event))
        if row is None or row.public_text is None or row.actor is None or not row.thread.is_public:
            return
        text, thread = row.public_text, row.thread
        said = [text.public]
        if text.id == thread.body_id:
            said.append(thread.title_text.public)
        why, words = reasons(said)
        if len(threads_with(keep_prints(text, thread))) >= MANY:
            why.add("repeat")
        if is_first(text, thread, row.actor):
            why.add("first_post")
        if why:
            ReviewMark.put(thread, text, why, words)


def settle(sources: Sequence[str], before: datetime) -> None:
    """Take what residents said in threads of these sources before that moment as looked at, as it would have been."""
    steps = (
        select(CaseEvent.public_id)
        .join(Thread, CaseEvent.thread_id == Thread.id)
        .where(Thread.source.in_(sources), CaseEvent.at < before, CaseEvent.kind.in_(SAID))
    )
    for step in db.session.scalars(steps).all():
        jobs.cancel(f"review-text:{step}")


def reasons(said: list[str]) -> tuple[set[str], set[str]]:
    """Why these words are looked at, and the public ids of the watched words in them."""
    folded = [matched(each) for each in said]
    words = {each.public_id for each in WatchedWord.all() if any(each.folded in text for text in folded)}
    why = {"watched"} if words else set()
    if sum(links_in(each) for each in said) > LINKS:
        why.add("links")
    return why, words


def is_first(text: Text, thread: Thread, person: Person) -> bool:
    """Whether it is the first that its writer ever made public; no count of anything is kept or shown."""
    earlier = select(Text.id).where(
        Text.author_id == person.id,
        Text.kind.in_(("body", "reply")),
        Text.id < text.id,
        Text.id.not_in([thread.title_id, thread.body_id]),
    )
    return db.session.scalar(earlier.limit(1)) is None
