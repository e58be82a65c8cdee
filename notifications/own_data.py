"""What somebody was told and what he follows, for the copy he takes along: that something happened, never the words or
names of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from board.db import db
from board.i18n import _l
from boards.models import CaseEvent, Thread
from notifications import accounts
from notifications.models import AccountNotice, Follow, InboxItem, Rhythm
from notifications.sentences import kind_words
from people.models import Person
from people.own_data import tells

CHUNK = 200
AT = _l("When")


@tells(
    "inbox",
    _l("My messages"),
    {
        "at": AT,
        "number": _l("Number of the post"),
        "what": _l("What"),
        "kind": _l("Kind"),
        "read_at": _l("Read"),
    },
)
def messages(person: Person) -> Iterator[dict[str, Any]]:
    """Every message of the inbox, oldest first, and what the board told of the account."""
    mine, last = person.id, 0
    while True:
        rows = db.session.scalars(
            select(InboxItem)
            .where(InboxItem.person_id == mine, InboxItem.id > last)
            .order_by(InboxItem.id)
            .limit(CHUNK)
            .options(joinedload(InboxItem.event).joinedload(CaseEvent.thread).joinedload(Thread.case))
        ).all()
        if not rows:
            break
        last = rows[-1].id
        for row in rows:
            thread = row.event.thread
            yield {
                "at": row.created_at,
                "number": thread.case.number if thread.case is not None else thread.public_id,
                "what": kind_words(row.event, row.reasons[0] if row.reasons else ""),
                "kind": row.event.kind,
                "read_at": row.read_at,
            }
        db.session.rollback()
        db.session.expunge_all()
    own = select(AccountNotice).where(AccountNotice.person_id == mine).order_by(AccountNotice.id)
    for notice in db.session.scalars(own):
        yield {
            "at": notice.at,
            "number": "",
            "what": accounts.line(notice),
            "kind": notice.kind,
            "read_at": notice.read_at,
        }


@tells(
    "follows",
    _l("Sections, departments, places and searches I follow"),
    {"kind": _l("Kind"), "target": _l("What"), "how": _l("How I hear of it"), "since": _l("Since")},
)
def follows(person: Person) -> Iterator[dict[str, Any]]:
    """What he follows besides single cases."""
    for row in db.session.scalars(select(Follow).where(Follow.person_id == person.id).order_by(Follow.id)):
        yield {"kind": row.kind, "target": row.target, "how": row.how, "since": row.since}


@tells(
    "hours",
    _l("When I want to hear"),
    {
        "digest_hour": _l("Daily mail at (hour)"), "quiet_from": _l("Quiet from (hour)"),
        "quiet_until": _l("Quiet until (hour)"), "language": _l("Language"), "mails": _l("Mails"),
    },
)  # fmt: skip
def hours(person: Person) -> Iterator[dict[str, Any]]:
    """The hours he chose, where he chose any."""
    row = db.session.get(Rhythm, person.id)
    if row is not None:
        yield {
            "digest_hour": row.digest_hour,
            "quiet_from": row.quiet_from,
            "quiet_until": row.quiet_until,
            "language": row.language,
            "mails": row.mails,
        }
