"""The first week: how many posts a day, how many replies, and how many links a new member may send.

A limit says what to do instead, and gives back what was typed. It never stands before a cry for help, and never before
what the poster says in his own case.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from board.clock import now
from board.db import db
from board.errors import Invalid
from board.i18n import _l
from boards.models.text import Text
from boards.models.thread import Thread
from boards.reviewing import links_in
from boards.words import URGENT, danger
from people.models import Person

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
POSTS, REPLIES, LINKS = 5, 30, 1  # a day, a day, in one text


def is_new(person: Person) -> bool:
    """Whether somebody has been a member for less than a week."""
    return not person.is_staff and now() < person.created_at + WEEK


def expect_post(person: Person, title: str, body: str) -> None:
    """Invalid when a new member has posted five times within a day, or puts more than one link into a post."""
    if not is_new(person) or set(danger(f"{title}\n{body}")) & URGENT:
        return
    _expect_links(f"{title}\n{body}")
    posted = select(func.count()).select_from(Thread).where(
        Thread.poster_id == person.id, Thread.posted_at > now() - DAY
    )  # fmt: skip
    if (db.session.scalar(posted) or 0) >= POSTS:
        raise Invalid(
            errors={
                "": _l(
                    "In your first week you can post %(most)s times a day. What you wrote is still here: send it "
                    "tomorrow, or add it to one of your posts as a reply. In danger call 110.",
                    most=POSTS,
                )
            }
        )


def expect_reply(person: Person, thread: Thread, words: str) -> None:
    """Invalid when a new member has replied thirty times within a day, or puts more than one link into a reply."""
    if not is_new(person) or thread.poster_id == person.id:
        return
    _expect_links(words)
    said = select(func.count()).select_from(Text).where(
        Text.author_id == person.id, Text.kind == "reply", Text.created_at > now() - DAY
    )  # fmt: skip
    if (db.session.scalar(said) or 0) >= REPLIES:
        raise Invalid(
            _l(
                "In your first week you can send %(most)s replies a day. What you wrote is still here: please send it tomorrow.",
                most=REPLIES,
            ),
            field="body",
        )


def _expect_links(words: str) -> None:
    if links_in(words) > LINKS:
        raise Invalid(
            _l(
                "In your first week one link fits into a text. Please take the others out, or say in words where to find it."
            ),
            field="body",
        )
