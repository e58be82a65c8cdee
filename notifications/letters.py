"""What a bundle says, made when it is carried: what its reader may still see, has not read, and still follows.

A letter names numbers, states and addresses of pages: no title, no place, no word that somebody wrote (ux-guide §8).
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from board.db import db
from board.i18n import _, ngettext, speaking
from boards.addresses import thread_path
from boards.models import CaseEvent, Thread
from boards.models.watch import INBOX
from boards.policy import visible_to
from boards.sentences import short
from notifications.following import rhythm_of, ways_of
from notifications.models import Delivery, InboxItem
from notifications.models.follow import Tiding
from notifications.unsubscribing import address as unsubscribe_address
from people.models import Person

MOST = 50  # cases that one letter lists


@dataclass(frozen=True)
class Letter:
    """What is carried: the `subject`, which is all that a telephone shows, the whole `text`, plain, and where one tap
    ends such mails ('' where the board does not know its own address). `language`: in which all of it is written."""

    subject: str
    text: str
    unsubscribe: str
    language: str


def is_bundle(delivery: Delivery) -> bool:
    """Whether this delivery carries a bundle, and not one step."""
    return delivery.key.startswith("digest:")


def letter_of(delivery: Delivery) -> Letter | None:
    """The letter of a bundle as it reads now; None when there is nothing left to say."""
    person = delivery.person
    if person is None:
        return None
    rhythm = rhythm_of(person)
    if not person.active or (delivery.channel == "mail" and not rhythm.mails):
        return None
    steps = _steps(person, delivery.key.split(":")[1])
    if not steps:
        return None
    with speaking(rhythm.language):
        return _written(person, steps, rhythm.language)


def _steps(person: Person, bundle: str) -> dict[Thread, list[CaseEvent]]:
    """By thread, newest step first, what the bundle holds and its reader has still to hear."""
    rows = db.session.execute(
        select(Tiding.ways, CaseEvent)
        .join(CaseEvent, Tiding.event_id == CaseEvent.id)
        .join(Thread, CaseEvent.thread_id == Thread.id)
        .join(InboxItem, (InboxItem.event_id == CaseEvent.id) & (InboxItem.person_id == Tiding.person_id))
        .where(
            Tiding.bundle == bundle,
            Tiding.person_id == person.id,
            CaseEvent.visibility == "public",
            InboxItem.read_at.is_(None),
            visible_to(person),
        )
        .options(joinedload(CaseEvent.thread).joinedload(Thread.case))
        .order_by(Thread.moved_at.desc(), Thread.id.desc(), CaseEvent.seq)
    ).all()
    now_followed = {way for way, how in ways_of(person).items() if how != INBOX} if rows else set()
    found: dict[Thread, list[CaseEvent]] = {}
    for ways, event in rows:
        if now_followed.intersection(ways):
            found.setdefault(event.thread, []).append(event)
    return found


def _written(person: Person, steps: dict[Thread, list[CaseEvent]], language: str) -> Letter:
    site = current_app.config["SETTINGS"].public_url
    count = sum(map(len, steps.values()))
    subject = str(
        ngettext(
            "%(num)s piece of news of what you follow", "%(num)s pieces of news of what you follow", count
        )
    )
    lines = []
    for thread, events in list(steps.items())[:MOST]:
        where = f"{thread_path(thread)}#e{events[-1].seq}" if thread.is_public else "/inbox"
        lines += [_line(thread, events), f"{site}{where}", ""]
    if len(steps) > MOST:
        more = len(steps) - MOST
        lines += [str(ngettext("And %(num)s more:", "And %(num)s more:", more)), f"{site}/inbox", ""]
    link = unsubscribe_address(person)
    lines += [_("What you follow, and how you hear of it:"), f"{site}/follows"]
    if link:
        lines += [_("No more such mails, with one tap:"), link]
    return Letter(subject, "\n".join(lines) + "\n", link, language)


def _line(thread: Thread, events: list[CaseEvent]) -> str:
    """`编号 20261121-0042：办理中，明天 18:00 前 · 3 条新进展`: one thread in one line."""
    case = thread.case
    if not thread.is_public:
        return _("News of something you follow that not everybody may read")
    if case is None:
        return _("A new post in “%(section)s”", section=thread.section.title)
    words = [thread.section.title, short(case)]
    steps = sum(event.kind != "thread.posted" for event in events)
    if steps < len(events):
        words.append(_("new"))
    if steps:
        words.append(str(ngettext("%(num)s new step", "%(num)s new steps", steps)))
    return " · ".join(words)
