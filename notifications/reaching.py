"""Which channels reach a person: what he proved to be his, what works, and what this board can send at all."""

from __future__ import annotations

from flask import current_app

from board.seams import provides
from board.transports import push
from people import contacts
from people.models import Person
from people.models.contact import Kind

CHANNEL = {Kind.PUSH: "push", Kind.MAIL: "mail", Kind.CHAT: "chat", Kind.PHONE: "sms"}
# A message to a telephone costs the city money, so the many who follow get none.
WITHOUT = {"news": frozenset({"sms"}), "digest": frozenset({"sms"})}


def can_send(kind: str) -> bool:
    """Whether this board can send anything to contacts of this kind. A demo city only writes into its log."""
    settings = current_app.config["SETTINGS"]
    if kind == Kind.PHONE:
        return bool(settings.sms_url or settings.demo)
    if kind == Kind.MAIL:
        return bool(settings.smtp_url or settings.demo)
    return kind != Kind.PUSH or push.driver() is not None


@provides("notifications.channels")
def channels_of(person: Person, purpose: str) -> list[str]:
    """The channels by which `person` can be reached for this purpose, open pages first."""
    kinds = {each.kind for each in contacts.of(person, counting=True)}
    found = ["live", *(name for kind, name in CHANNEL.items() if kind in kinds and can_send(kind))]
    return [name for name in found if name not in WITHOUT.get(purpose, ())]
