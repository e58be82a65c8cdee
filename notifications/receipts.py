"""What comes back: that a message arrived, or that it never will. A receipt that comes twice says nothing new."""

from __future__ import annotations

import logging

from board.clock import now
from notifications.models.delivery import Delivery, Purpose
from people import contacts, vault
from people.models import Contact, Person
from people.models.contact import Kind

log = logging.getLogger(__name__)


PURPOSE = "push receipt"


def receipt_path(delivery: Delivery, contact: Contact) -> str:
    """Where a browser says that it has shown this delivery; only what this one browser was sent tells the address."""
    signature = vault.signature(PURPOSE, f"{delivery.public_id}:{contact.public_id}")
    return f"/receipts/push/{delivery.public_id}/{contact.public_id}/{signature}"


def fits(delivery: str, contact: str, signature: str) -> bool:
    """Whether this receipt was handed out by this board."""
    return vault.signed(PURPOSE, f"{delivery}:{contact}", signature)


def arrived(delivery: Delivery, contact: Contact | None) -> None:
    """It was shown, or lies on the telephone; inside the open transaction. A check proves its browser by this."""
    moment = now()
    delivery.sent_at = delivery.sent_at or moment  # the receipt may be faster than the worker's own note
    delivery.delivered_at = delivery.delivered_at or moment
    delivery.failed_at = None
    if contact is None:
        return
    if contact.verified_at is None and contact.kind == Kind.PUSH and delivery.purpose == Purpose.CHECK:
        contacts.verify(contact)
    elif contact.failing_since is not None:
        contacts.works(contact)


def lost(delivery: Delivery, person: Person, reason: str) -> None:
    """The gateway took it and could not hand it over to its person; inside the open transaction. The number does not count now."""
    if delivery.delivered_at is not None or delivery.failed_at is not None:
        return
    delivery.failed_at, delivery.last_error = now(), f"not handed over: {reason}"[:120]
    log.warning("delivery %s came back", delivery.public_id)
    for contact in contacts.of(person, kind=Kind.PHONE):
        contacts.fails(contact, "not handed over")
