"""The contacts of persons and the chat rooms of departments: added, proven, failing and well again.

A person who has none that works and that this board can send to cannot be reached.

Every function that changes a row wants an open transaction; nothing here sends anything.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select

from board.clock import now
from board.db import db
from board.seams import provided
from people import vault
from people.models.contact import CODE_LASTS, PROOF_LASTS, PROOF_TRIES, Contact, Kind
from people.models.department import Department
from people.models.person import Person
from people.models.sign_in import hashed

PHONE = "phone"  # the lookup of a telephone: one a person, and its number stands with the person

COUNTS = (Contact.verified_at.is_not(None), Contact.failing_since.is_(None))


def reachable(person: Person) -> bool:
    """Whether the person can be told while no page of his is open: one contact that is verified and works, of a kind
    that this board can send to."""
    return not unreachable([person])


def unreachable(persons: Iterable[Person]) -> list[Person]:
    """Those of `persons` without any such contact, in their order; one query for all."""
    asked = list(persons)
    kinds = [kind for kind in Kind if provided("notifications.can_send", kind, default=True)]
    query = select(Contact.person_id).where(
        Contact.person_id.in_([person.id for person in asked]), Contact.kind.in_(kinds), *COUNTS
    )
    found = set(db.session.scalars(query.distinct()))
    return [person for person in asked if person.id not in found]


def of(person: Person, *, kind: str | None = None, counting: bool = False) -> list[Contact]:
    """The person's contacts, oldest first; `counting`: only those that are verified and work."""
    query = select(Contact).where(Contact.person_id == person.id).order_by(Contact.id)
    if kind is not None:
        query = query.where(Contact.kind == kind)
    if counting:
        query = query.where(*COUNTS)
    return list(db.session.scalars(query))


def own(person: Person, public_id: str) -> Contact | None:
    """The person's own contact with this public id, None when there is none."""
    return db.session.scalar(
        select(Contact).where(Contact.public_id == public_id, Contact.person_id == person.id)
    )


def lookup_of(kind: str, address: str) -> str:
    """The keyed hash under which an address of this kind is found."""
    return PHONE if kind == Kind.PHONE else vault.keyed_hash(f"contact {kind}", address)


def add(person: Person, kind: str, address: str, *, label: str = "") -> Contact:
    """A contact that does not count yet; the one with the same address where the person has it already.

    A push address belongs to one browser, so whoever used that browser before him loses it.
    """
    lookup = lookup_of(kind, address)
    if kind == Kind.PUSH:
        others = select(Contact).where(
            Contact.kind == kind, Contact.lookup == lookup, Contact.person_id != person.id
        )
        for other in db.session.scalars(others):
            remove(other)
    contact = db.session.scalar(
        select(Contact).where(Contact.person_id == person.id, Contact.kind == kind, Contact.lookup == lookup)
    )
    if contact is None:
        contact = Contact(person=person, kind=kind, lookup=lookup, created_at=now())
        db.session.add(contact)
        db.session.flush()
    elif kind == Kind.PHONE and contact.address != address:
        contact.verified_at = contact.failing_since = contact.last_error = None
    contact.label = label[:60] or contact.label or ""
    vault.put(*contact.sealed, address, findable=contact.sealed[1] == "phone")
    return contact


def rooms_of(department: Department, *, counting: bool = False) -> list[Contact]:
    """The department's chat rooms, oldest first; `counting`: only those that are verified and work."""
    query = select(Contact).where(Contact.department_id == department.id, Contact.removed_at.is_(None))
    if counting:
        query = query.where(*COUNTS)
    return list(db.session.scalars(query.order_by(Contact.id)))


def room(department: Department, public_id: str) -> Contact | None:
    """The department's room with this public id, None when there is none."""
    return next((each for each in rooms_of(department) if each.public_id == public_id), None)


def add_room(department: Department, address: str, name: str) -> Contact:
    """A chat room that does not count yet; the one with the same address where the department has it already."""
    lookup = lookup_of(Kind.CHAT, address)
    contact = db.session.scalar(
        select(Contact).where(
            Contact.department_id == department.id, Contact.kind == Kind.CHAT, Contact.lookup == lookup
        )
    )
    if contact is None:
        contact = Contact(department=department, kind=Kind.CHAT, lookup=lookup, created_at=now())
        db.session.add(contact)
        db.session.flush()
    contact.label, contact.removed_at = name[:60], None
    vault.put(*contact.sealed, address)
    return contact


def remove_room(contact: Contact) -> None:
    """Send nothing there any more and forget its address; its name stays with what was sent."""
    vault.erase(*contact.sealed)
    contact.removed_at = now()
    contact.verified_at = contact.failing_since = contact.last_error = None
    contact.proof = contact.proof_until = None


def known_phone(person: Person) -> Contact:
    """Note that the telephone which the vault holds for `person` is proven: by a code, or given by the office."""
    contact = next(iter(of(person, kind=Kind.PHONE)), None)
    if contact is None:
        contact = Contact(person=person, kind=Kind.PHONE, lookup=PHONE, created_at=now())
        db.session.add(contact)
    verify(contact)
    return contact


def link_proof(contact: Contact, mark: str) -> str:
    """The token that proves the contact when it comes back, good for a day. The same `mark` gives the same one."""
    token = link_token(contact, mark)
    _ask(contact, hashed(token), PROOF_LASTS)
    return token


def link_token(contact: Contact, mark: str) -> str:
    """What link_proof gave, or would give, for this mark."""
    return vault.keyed_hash("contact link", f"{contact.public_id}:{mark}")


def code_proof(contact: Contact, mark: str) -> str:
    """Six digits that prove the contact, good for ten minutes and five tries. The same `mark` gives the same ones."""
    code = f"{int(vault.keyed_hash('contact digits', f'{contact.public_id}:{mark}'), 16) % 1_000_000:06d}"
    _ask(contact, _code_hash(contact, code), CODE_LASTS)
    return code


def _ask(contact: Contact, proof: str, lasts: timedelta) -> None:
    if contact.proof != proof:  # asked for again: neither time nor tries begin anew
        contact.proof, contact.proof_until, contact.proof_tries = proof, now() + lasts, 0


def _code_hash(contact: Contact, code: str) -> str:
    return vault.keyed_hash("contact code", f"{contact.public_id}:{code}")


def by_link(token: str, *, for_change: bool = False) -> Contact | None:
    """The contact that this token proves, None when the link is old, used or never was."""
    query = select(Contact).where(Contact.proof == hashed(token))
    if for_change:
        query = query.with_for_update(of=Contact)
    contact = db.session.scalar(query)
    fresh = contact is not None and contact.proof_until is not None and now() < contact.proof_until
    return contact if fresh else None


def prove(contact: Contact, code: str) -> bool:
    """Try a code: the right one verifies the contact, a wrong one counts; after five it must be sent anew."""
    if contact.proof is None or contact.proof_until is None or now() >= contact.proof_until:
        return False
    if contact.proof_tries >= PROOF_TRIES:
        return False
    contact.proof_tries += 1
    if not hmac.compare_digest(contact.proof, _code_hash(contact, code)):
        return False
    verify(contact)
    return True


def verify(contact: Contact) -> None:
    """It reached its owner, who said so: from now on it counts."""
    contact.verified_at = contact.verified_at or now()
    contact.failing_since = contact.last_error = None
    contact.proof = contact.proof_until = None


def fails(contact: Contact, reason: str) -> None:
    """What was sent there came back for good: it does not count until something arrives again."""
    contact.failing_since = contact.failing_since or now()
    contact.last_error = reason[:80]


def works(contact: Contact) -> None:
    """Something arrived there again."""
    contact.failing_since = contact.last_error = None


def remove(contact: Contact) -> None:
    """Forget the contact and its address. A member's telephone stays his: he signs in with it."""
    owner, field = contact.sealed
    if field != "phone":
        vault.erase(owner, field)
    db.session.delete(contact)
    db.session.flush()
