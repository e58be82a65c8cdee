"""The link at the end of a mail: one tap ends such mails, without signing in; and takes that back.

The token is signed, so nobody makes one for somebody else. It does not run out: a mail may lie for years before its
reader has had enough, and all it can do is to stop mails or to let them come again.
"""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from board.db import db
from board.errors import NotFound
from people import vault
from people.models import Person

PURPOSE = "unsubscribe"


def token_of(person: Person) -> str:
    """The token that stands in this person's mails."""
    return f"{person.public_id}-{vault.signature(PURPOSE, person.public_id)}"


def address(person: Person) -> str:
    """The whole address of the link; empty where nobody told the board its own (BOARD_PUBLIC_URL)."""
    base: str = current_app.config["SETTINGS"].public_url
    return f"{base}/unsubscribe/{token_of(person)}" if base else ""


def person_of(token: str) -> Person:
    """Whose mails this token is about; NotFound for one that nobody signed."""
    public_id, _dash, signature = token.partition("-")
    if not vault.signed(PURPOSE, public_id, signature):
        raise NotFound
    person: Person | None = db.session.scalar(
        select(Person).where(Person.public_id == public_id, Person.active)
    )
    if person is None:
        raise NotFound
    return person
