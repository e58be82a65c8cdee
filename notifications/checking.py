"""Trying a contact: the message that proves it, and the test that its owner asks for.

A check is a delivery of its own, whose topic names the contact. What it holds as proof, a link or a code, is worked out
from the delivery, so that a message that is sent a second time proves as well as the first.
"""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from board.clock import now
from board.db import db
from board.facts import site
from board.i18n import _, speaking
from notifications.following import rhythm_of
from notifications.models.delivery import Delivery, Purpose, queue
from notifications.notes import ROOM_LANGUAGE, Note
from notifications.reaching import CHANNEL
from people import contacts
from people.models import Contact
from people.models.contact import Kind

LASTS = 3600  # seconds


def check(contact: Contact) -> Delivery:
    """Promise, inside the open transaction, to send a check to this contact; one a second at most."""
    key = f"check:{contact.public_id}:{int(now().timestamp())}"
    topic = f"contact:{contact.public_id}"
    owner = contact.person or contact  # a room is told itself
    made = queue(owner, CHANNEL[Kind(contact.kind)], key=key, purpose=Purpose.CHECK, topic=topic)
    return made or db.session.scalars(select(Delivery).where(Delivery.key == key)).one()


def contact_of(delivery: Delivery) -> Contact | None:
    """The contact that a check is sent to; None when it was removed."""
    if delivery.person is None:
        return delivery.room if delivery.room is not None and delivery.room.removed_at is None else None
    return contacts.own(delivery.person, (delivery.topic or "").removeprefix("contact:"))


def demo_link(contact: Contact) -> str:
    """Where a demo city, which sends no mails, lets the link in the newest one be seen; empty everywhere else."""
    settings = current_app.config["SETTINGS"]
    if contact.kind != Kind.MAIL or contact.verified_at is not None or settings.smtp_url or not settings.demo:
        return ""
    newest = (
        select(Delivery.public_id)
        .where(Delivery.topic == f"contact:{contact.public_id}", Delivery.person_id == contact.person_id)
        .order_by(Delivery.id.desc())
        .limit(1)
    )
    mark = db.session.scalar(newest)
    token = contacts.link_token(contact, mark) if mark else ""
    return f"/contacts/link/{token}" if token and contacts.by_link(token) is not None else ""


def note_of(delivery: Delivery, contact: Contact) -> Note | None:
    """What a check says, inside the open transaction: the proof that is asked for, or that everything works."""
    language = rhythm_of(delivery.person).language if delivery.person is not None else ROOM_LANGUAGE
    with speaking(language):
        title = str(site()["name"])
        if contact.verified_at is None and contact.kind == Kind.MAIL:
            token = contacts.link_proof(contact, delivery.public_id)
            return Note(
                title,
                _("Please confirm this address"),
                f"/contacts/link/{token}",
                act=_("Confirm it with the button on this page, within a day"),
                language=language,
            )
        if contact.verified_at is None and contact.kind == Kind.CHAT:
            code = contacts.code_proof(contact, delivery.public_id)
            return Note(
                title,
                _("Your code is %(code)s, valid for ten minutes.", code=code),
                "",
                lasts=LASTS,
                language=language,
            )
        path = "/settings" if delivery.person is not None else ""
        return Note(title, _("A test: reminders arrive here."), path, lasts=LASTS, language=language)
