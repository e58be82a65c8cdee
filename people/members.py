"""Members: known by a phone in the vault, seen by a nickname."""

from __future__ import annotations

import secrets

from sqlalchemy import select

from board.db import db, transaction
from board.errors import Invalid, NotAllowed
from board.i18n import _l
from people import attempts, codes, consenting, contacts, nicknames, vault
from people.models import Department, Person
from people.models.person import nickname_lookup


def verify_phone(phone: str, code: str, address: str) -> Person:
    """The member with this phone, after the right code; a new one gets a proposed nickname.

    Opens its own transactions. Invalid (field `phone` or `code`) when something does not fit or when too many codes
    were guessed from this address, NotAllowed for a closed account. It does not sign in: call sign_in() with what it
    returns.
    """
    phone = codes.normalise_phone(phone)
    tries = attempts.begin(guess=address)
    with transaction():
        fits = codes.confirm(phone, code)
        person = join(phone) if fits else None
        if fits:
            attempts.right(tries)
        if person is not None and person.active:
            consenting.note_first(person, "sign-in")
    # Raised only here: inside, it would also undo the count of this try.
    if person is None:
        raise Invalid(
            _l(
                "This code does not fit, or its five minutes are over. Check the digits or ask for a new one."
            ),
            field="code",
        )
    if not person.active:
        raise NotAllowed(_l("This account is closed."))
    return person


def join(phone: str, nickname: str | None = None) -> Person:
    """The member with this phone (normalised), made if new, inside the open transaction.

    `nickname` is taken as it is for a new member; without one a free one is proposed. Invalid for the private
    phone of a staff account.
    """
    owner = vault.lookup("phone", phone)
    if owner is not None:
        person = Person.by_public_id(owner.partition(":")[2])
        if person.is_staff:
            raise Invalid(
                _l("This number belongs to a staff account: please sign in as staff."), field="phone"
            )
        return person
    person = Person(kind="member")
    db.session.add(person)
    if nickname is None:
        give_free_nickname(person)
    else:
        person.nickname = nickname
    db.session.flush()
    vault.put(person.owner, "phone", phone, findable=True)
    contacts.known_phone(person)
    return person


def give_free_nickname(person: Person) -> None:
    """Give `person` a proposed nickname that nobody has, inside the open transaction."""
    for _try in range(20):
        proposed = nicknames.propose()
        if not _taken(proposed):
            break
    else:
        proposed = f"{nicknames.propose()}{secrets.randbelow(10_000):04d}"
    person.nickname = proposed


def rename(person: Person, nickname: str) -> None:
    """Give `person` the nickname he chose, inside the open transaction; Invalid (field `nickname`) by the rules."""
    nickname = " ".join(nickname.split())
    nicknames.check(nickname, [name for _key, name in Department.name_book()])
    if nickname_lookup(nickname) != person.nickname_lookup and _taken(nickname):
        raise Invalid(_l("Somebody has this nickname already; please choose another"), field="nickname")
    person.nickname = nickname


def _taken(nickname: str) -> bool:
    return db.session.scalar(select(Person.id).where(Person.nicknamed(nickname))) is not None
