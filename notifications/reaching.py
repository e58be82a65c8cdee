"""Which channels reach a person: what he proved to be his, what works, and what this board can send at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from flask import current_app
from sqlalchemy import select

from board.db import db
from board.seams import provides
from board.transports import push
from people import contacts
from people.models import Person
from people.models.contact import Contact, Kind

CHANNEL = {Kind.PUSH: "push", Kind.MAIL: "mail", Kind.CHAT: "chat", Kind.PHONE: "sms"}
# A message to a telephone costs the city money, so the many who follow get none.
WITHOUT = {"news": frozenset({"sms"}), "digest": frozenset({"sms"})}


@provides("notifications.can_send")
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
    return channels_of_many([person.id], purpose)[person.id]


def channels_of_many(person_ids: Iterable[int], purpose: str) -> dict[int, list[str]]:
    """The same for many persons, by table id; one query for all."""
    wanted = list(person_ids)
    proven = select(Contact.person_id, Contact.kind).where(Contact.person_id.in_(wanted), *contacts.COUNTS)
    kinds: dict[int, set[str]] = defaultdict(set)
    for person_id, kind in db.session.execute(proven):
        if person_id is not None:
            kinds[person_id].add(kind)
    without = WITHOUT.get(purpose, frozenset())
    usable = {name: kind for kind, name in CHANNEL.items() if name not in without and can_send(kind)}
    return {key: ["live", *(name for name, kind in usable.items() if kind in kinds[key])] for key in wanted}
