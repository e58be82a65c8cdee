"""Agreeing to the privacy page: noted at the first sign-in or post, where a sentence says so; asked anew when it changes.

Whoever agreed to an older version reads what is new before he writes again. Words of present danger never wait for it,
and neither does taking one's data along or deleting one's account.
"""

from __future__ import annotations

from datetime import date

from flask import Response, redirect, url_for

from board.clock import now
from board.db import db, insert
from board.errors import Invalid
from board.i18n import _l
from people import carried
from people.models import Consent, Person
from people.session import came_from

VERSION = "2026-11-22"  # of templates/boards/privacy.html; give it the day on which what it promises changes


def version_day() -> date:
    """The day of the version that stands."""
    return date.fromisoformat(VERSION)


def note(person: Person, place: str) -> None:
    """Note inside the open transaction that the person agreed to the version that stands; twice is once."""
    order = insert(Consent).values(person_id=person.id, version=VERSION, place=place, at=now())
    db.session.execute(order.on_conflict_do_nothing(index_elements=["person_id", "version"]))


def note_first(person: Person, place: str) -> None:
    """The same for whoever has never agreed to any version: the form that he sends says so."""
    if not person.is_staff and not Consent.of(person):
        note(person, place)


def asks_again(person: Person | None) -> bool:
    """Whether the person agreed to an older version, and not to the one that stands."""
    if person is None or person.is_staff:
        return False
    versions = {each.version for each in Consent.of(person)}
    return bool(versions) and VERSION not in versions


def agree(person: Person, version: str) -> None:
    """Agree to the version that was read, inside the open transaction. Invalid when another one stands by now."""
    if version != VERSION:
        raise Invalid(
            _l("The page has changed since you opened it. Please read it once more."), field="agree"
        )
    note(person, "page")


def ask(person: Person) -> Response:
    """303 to the page that asks; what was written is kept and given back when he has agreed. Opens a transaction."""
    back = came_from()
    kept = carried.keep(back, person)
    return redirect(url_for("people.consent", next=carried.PLACE if kept else back), 303)  # type: ignore[return-value]
