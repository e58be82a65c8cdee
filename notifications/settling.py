"""A history that was loaded, not lived: nobody hears of it in his inbox, and nobody is called or written to for it.

A load plays its acts with the clock set back, while workers may run. So what is told of a loaded thread counts as
history from the moment the load began, and when it has ended everything that was still to come of it is settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from board import facts
from board.clock import now
from board.db import db
from board.facts import Fact
from board.seams import provides
from boards.cityload import FILLING, LOADED, STORY
from boards.models import Case, CaseEvent, Thread
from boards.policy import sees
from notifications.models import InboxItem, Page, PageState, inbox
from notifications.paging import pager
from people.models import Person

LIVED_SINCE = "lived_since"  # the fact that says until when loaded threads are history


@provides("settle_news")
def settle(sources: Sequence[str], before: datetime) -> None:
    """Let threads of these sources be history: news from before that moment were read, and every call is over."""
    facts.put({LIVED_SINCE: now().isoformat()})
    inbox.settle(sources, before)
    standing = (
        select(Page)
        .join(Case, Page.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Thread.source.in_(sources), Page.state != PageState.ENDED)
        .order_by(Page.id)
    )
    for page in db.session.scalars(standing).all():
        pager.silence(page)


@provides("forget_news")
def forget(thread: Thread) -> None:
    """Take what a thread told out of the inboxes of staff who may not read it any more: not even its number stays."""
    steps = select(CaseEvent.id).where(CaseEvent.thread_id == thread.id)
    told = (
        select(Person)
        .join(InboxItem, InboxItem.person_id == Person.id)
        .where(InboxItem.event_id.in_(steps), Person.kind == "staff")
        .distinct()
    )
    for person in db.session.scalars(told).all():
        if not sees(person, thread):
            inbox.forget_about(thread.id, of=person)


def is_history(event: CaseEvent) -> bool:
    """Whether this step was loaded, not lived. Read from the row: another process may be loading just now."""
    if not (event.thread.source or "").startswith(LOADED):
        return False
    story, filling, since = (db.session.get(Fact, key) for key in (STORY, FILLING, LIVED_SINCE))
    moments = [
        *([story.value["at"]] if story is not None and story.value else []),
        *(each.value for each in (filling, since) if each is not None and each.value),
    ]
    return any(event.at <= datetime.fromisoformat(each) for each in moments)
