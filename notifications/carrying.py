"""Carrying one delivery to its person or room: read again what stands, send outside of any transaction, note what became of it.

A worker that is killed between sending and noting sends once more; each channel's own name for the message is the
same then, so that whoever receives it can drop the second (docs/decisions/0015-what-once-means.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from board import jobs
from board.clock import now
from board.db import db, transaction
from board.facts import site
from board.i18n import _, speaking
from board.transports import chat, mail, push, sms
from board.transports.errors import CarryError
from notifications import accounts, checking
from notifications.models.delivery import Delivery, Purpose
from notifications.notes import Note, note_of
from notifications.reaching import CHANNEL
from notifications.receipts import receipt_path
from notifications.settling import is_history
from people import contacts
from people.models import Contact
from people.models.contact import Kind

log = logging.getLogger(__name__)

# Seconds before the next try: a mail server may be down for an hour and more.
BACK_OFF = (2, 5, 15, 60, 180, 600, 1200, 1800, 3600)
ATTEMPTS = len(BACK_OFF) + 1
KINDS = {name: kind for kind, name in CHANNEL.items()}


@dataclass(frozen=True)
class Parcel:
    """One message to one address, as everything that is needed to send it."""

    contact: int
    to: str
    receipt: str


@dataclass(frozen=True)
class Load:
    """What the worker takes along when it leaves the database."""

    delivery: str
    channel: str
    note: Note
    parcels: tuple[Parcel, ...]


@jobs.handler("carry")
def carry(delivery: str) -> None:
    """Send one delivery, unless it was sent, or nobody needs to hear of it any more."""
    with transaction():
        load = _loaded(delivery)
    if load is None:
        return
    errors: dict[int, CarryError | None] = {}
    for parcel in load.parcels:
        try:
            SENDERS[load.channel](load, parcel)
            errors[parcel.contact] = None
        except CarryError as error:
            errors[parcel.contact] = error
    with transaction():
        wait = _note(load, errors)
    if wait is not None:
        raise jobs.Later(wait)


def _locked(public_id: str) -> Delivery | None:
    query = select(Delivery).where(Delivery.public_id == public_id).with_for_update(of=Delivery)
    return db.session.scalar(query)


def _loaded(public_id: str) -> Load | None:
    """What is to be sent, inside the open transaction; None when there is nothing, which is noted."""
    delivery = _locked(public_id)
    if delivery is None or not delivery.is_waiting:
        return None
    if delivery.channel == "live":
        delivery.sent_at = now()  # the hint is a row of its own, written with the promise
        return None
    if delivery.event is not None and is_history(delivery.event):
        delivery.dropped_at = now()
        return None
    if delivery.purpose == Purpose.CHECK:
        checked = checking.contact_of(delivery)
        note = None if checked is None else checking.note_of(delivery, checked)
        found = [] if checked is None else [checked]
    elif delivery.purpose == Purpose.ACCOUNT:
        note, found = accounts.note_of(delivery), _contacts(delivery)
    else:
        note = note_of(delivery)
        found = _contacts(delivery)
    if note is None:
        delivery.dropped_at = now()
        return None
    parcels = [
        Parcel(each.id, address, receipt_path(delivery, each)) for each in found if (address := each.address)
    ]
    if not parcels:
        delivery.failed_at, delivery.last_error = now(), "no contact that works"
        return None
    return Load(public_id, delivery.channel, note, tuple(parcels))


def _contacts(delivery: Delivery) -> list[Contact]:
    """Where the delivery goes now: the room, or whatever works of its person."""
    if delivery.person is not None:
        return contacts.of(delivery.person, kind=KINDS[delivery.channel], counting=True)
    return [delivery.room] if delivery.room is not None and delivery.room.counts else []


def _note(load: Load, errors: dict[int, CarryError | None]) -> float | None:
    """Note what became of it, inside the open transaction; how many seconds to wait before the next try, if any."""
    delivery = _locked(load.delivery)
    if delivery is None or not delivery.is_waiting:
        return None
    delivery.attempts += 1
    last = delivery.attempts >= ATTEMPTS
    for key, error in errors.items():
        contact = db.session.get(Contact, key)
        if contact is not None:
            _judge(contact, error, last, checked=delivery.purpose == Purpose.CHECK)
    if None in errors.values():
        # One of several devices is enough; to send again for the others would ring twice on this one.
        delivery.sent_at, delivery.last_error = now(), None
        return None
    reasons = [error for error in errors.values() if error is not None]
    delivery.last_error = str(reasons[-1])
    again = [error for error in reasons if not error.final]
    if not again or last:
        delivery.failed_at = now()
        log.warning("delivery %s by %s is given up: %s", load.delivery, load.channel, delivery.last_error)
        return None
    return max(BACK_OFF[delivery.attempts - 1], *(error.wait or 0.0 for error in again))


def _judge(contact: Contact, error: CarryError | None, last: bool, *, checked: bool) -> None:
    if error is None:
        if checked and contact.kind == Kind.CHAT and contact.verified_at is not None:
            contacts.works(contact)  # no receipt will ever come; a robot that takes a test is well again
        return
    if error.gone and contact.kind == Kind.PUSH:
        contacts.remove(contact)
    elif error.gone or (last and contact.kind == Kind.CHAT):  # a chat robot never says that it is gone
        contacts.fails(contact, str(error))


# --- one message as each channel wants it


def _address(path: str) -> str:
    """The whole address of a page; empty where nobody told the board its own."""
    base: str = current_app.config["SETTINGS"].public_url
    return f"{base}{path}" if base and path else ""


def _by_push(load: Load, parcel: Parcel) -> None:
    driver = push.driver()
    if driver is None:
        raise CarryError("this board cannot push", final=True)
    note = load.note
    driver.send(
        push.Push(
            to=parcel.to,
            note={
                "title": note.title,
                "body": note.text,
                "url": note.path,
                "tag": load.delivery,
                "receipt": parcel.receipt,
                "urgent": note.urgent,
            },
            topic=load.delivery,
            lasts=note.lasts,
            urgent=note.urgent,
        )
    )


def _by_mail(load: Load, parcel: Parcel) -> None:
    note = load.note
    subject = note.title if note.body else note.text
    mail.driver().send(
        mail.Mail(
            to=parcel.to,
            subject=subject,
            text=note.body or _letter(note),
            reference=load.delivery,
            unsubscribe=note.unsubscribe,
        )
    )


def _letter(note: Note) -> str:
    with speaking(note.language):
        link = _address(note.path)
        lines = [note.text, ""]
        if link:
            lines += [_("%(act)s: %(link)s", act=note.act or _("Read more"), link=link), ""]
        else:
            lines += [_("Please sign in to read it."), ""]
        if note.unsubscribe:
            lines += [_("No more such mails, with one tap:"), note.unsubscribe, ""]
        return "\n".join([*lines, str(site()["name"]), ""])


def _line(note: Note) -> str:
    return " ".join(filter(None, [note.text, _address(note.path)]))


def _by_chat(load: Load, parcel: Parcel) -> None:
    chat.driver().send(chat.Chat(parcel.to, load.note.title, _line(load.note)))


def _by_sms(load: Load, parcel: Parcel) -> None:
    with speaking(load.note.language):
        words = _("[%(site)s] %(words)s", site=site()["name"], words=_line(load.note))
    sms.driver().send(sms.Sms(to=parcel.to, text=words, reference=load.delivery))


SENDERS: dict[str, Callable[[Load, Parcel], None]] = {
    "push": _by_push,
    "mail": _by_mail,
    "chat": _by_chat,
    "sms": _by_sms,
}
