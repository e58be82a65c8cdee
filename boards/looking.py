"""Who of the colleagues has a case open at the desk: for officers, never for the public and never beyond their rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from board import presence
from board.db import db
from board.facts import facts
from board.i18n import _
from board.permissions import may
from board.seams import provides
from boards.models.case import Case
from boards.models.thread import Thread
from boards.policy import visible_to, whispered
from people.models import Person

NAMED = 2  # beyond that a number says enough
LOOKING = "moderation:looking"  # says when a moderator opens or leaves something of the queue


@provides("may_be_seen")
def may_be_seen(person: Person | None, thing: str) -> bool:
    """Whether `person` stands at a desk with this case: staff with a department who may read it; or, for a thing of
    the moderators' queue, a moderator who may act on it. No desk ever sees that a moderator looks at a case."""
    prefix, _colon, public_id = thing.partition(":")
    if prefix == "moderation":
        thread = db.session.scalar(select(Thread).where(Thread.public_id == public_id))
        return thread is not None and may(person, "thread.hold", thread)
    if prefix != "case" or person is None or not person.is_staff or not person.departments:
        return False
    query = select(Thread.id).join(Case, Case.thread_id == Thread.id)
    return db.session.scalar(query.where(Thread.public_id == public_id, visible_to(person))) is not None


@provides("presence_streams")
def presence_streams(thing: str) -> list[str]:
    """The desks whose rows show this case: its lead, and whoever is asked to help, to take it or to decide."""
    if thing.startswith("moderation:"):
        return [LOOKING]
    thread = db.session.scalar(select(Thread).where(Thread.public_id == thing.partition(":")[2]))
    case = thread.case if thread is not None else None
    if thread is None or case is None or whispered(thread):
        return []
    near = [case.department, *case.assisting()]
    handover = case.open_handover()
    if handover is not None:
        near.append(handover.to_department)
    return sorted({f"presence:{each.key}" for each in near})


def seen_by(cases: Mapping[str, str], reader: Person, where: str = "case") -> dict[str, str]:
    """Who else has these cases open, in words: by whatever key the case's thread (public id) has in `cases`.

    `where`: at the desks (`case`) or in the moderators' queue (`moderation`).
    """
    found = presence.lookers(f"{where}:{thread}" for thread in cases.values())
    if not found:
        return {}
    wanted = set().union(*found.values()) - {reader.public_id}
    people = {
        person.public_id: person
        for person in db.session.scalars(
            select(Person).where(Person.public_id.in_(wanted), Person.active, Person.kind == "staff")
        )
    }
    words = {}
    for key, thread in cases.items():
        here = [people[each] for each in sorted(found.get(f"{where}:{thread}", ())) if each in people]
        if here:
            words[key] = said(here)
    return words


def said(people: Iterable[Person]) -> str:
    """`吴警官正在看`, by number only where the city wants it so; more than a few become a number."""
    names = [called(person) for person in people]
    if len(names) > NAMED:
        return _("%(name)s and %(num)s others are looking", name=names[0], num=len(names) - 1)
    if len(names) == 1:
        return _("%(name)s is looking", name=names[0])
    return _("%(names)s are looking", names=_(", ").join(names))


def called(person: Person) -> str:
    """A colleague's surname and title, or the number where no surname is shown."""
    surname = "" if facts().get("officers_by_number_only") else person.surname
    if not surname:
        return person.number_words
    police = any(each.kind != "city" for each in person.departments)
    return (
        _("Officer %(surname)s", surname=surname) if police else _("Colleague %(surname)s", surname=surname)
    )
