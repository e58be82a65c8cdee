"""Staff: name or badge and password first, then a second factor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import delete, or_, select

from board import audit
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotFound
from board.i18n import _l
from people import attempts, contacts, news, passkeys, passwords, recovery, second_factor
from people.models import CalendarFeed, Passkey, Person, SignIn
from people.models.contact import Kind
from people.models.person import nickname_key
from people.session import current_sign_in


def check_password(login: str, password: str, address: str) -> Person:
    """The member of staff with this name or badge and this password.

    A wrong name, a wrong password and a closed account get the same answer after the same work; after some
    failures the next try must wait. Invalid (field `password`) in each case.
    """
    login = " ".join(login.split())[:80]
    typed = nickname_key(login)
    tries = attempts.begin(name=typed, address=address)
    person = _staff_called(login)
    kept = person.password_hash if person is not None and person.active else None
    db.session.rollback()  # Argon2 takes its time; hold nothing meanwhile
    if not passwords.fits(kept, password) or person is None:  # the work comes first, whoever it is
        raise Invalid(
            _l("Name or password does not fit. Check both; the badge number works in place of the name."),
            field="password",
        )
    with transaction():
        attempts.right(tries)
    return person


def _staff_called(login: str) -> Person | None:
    staff = select(Person).where(Person.kind == "staff")
    by_badge: Person | None = db.session.scalar(staff.where(Person.badge == login))
    if by_badge is not None:
        return by_badge
    named: list[Person] = list(
        db.session.scalars(staff.where(or_(Person.name == login, Person.name_en == login)).limit(2))
    )
    return named[0] if len(named) == 1 else None  # two of one name: only the badge tells them apart


def check_second_factor(code: str) -> Person:
    """The member of staff whose password was right on this browser, after the right second factor.

    Opens its own transaction. NotFound when no password came before, Invalid (field `code`) when it does not fit.
    """
    with _second_step() as person:
        if not second_factor.confirm(person, code):
            raise Invalid(
                _l("These six digits do not fit. Wait for the next ones in your app."), field="code"
            )
    return person


def check_recovery_code(code: str) -> Person:
    """The same, after one of his recovery codes in the place of the second factor: it is used up, and he is told.

    Opens its own transaction. NotFound when no password came before, Invalid (field `recovery`) when it does not fit.
    """
    try:
        with _second_step() as person:
            if not recovery.use(person, code):
                raise Invalid(_l("This recovery code does not fit, or it was used."), field="recovery")
            left = recovery.left(person)
            audit.note(
                "person.recovery_code_used",
                by=person.public_id,
                thing=f"person:{person.public_id}",
                left=left,
            )
            news.tell("account.recovery_code_used", person, left=left)
    except Invalid as error:
        raise Invalid(error.message, field="recovery") from None
    return person


@contextmanager
def _second_step() -> Iterator[Person]:
    """Whoever gave his password on this browser, in a transaction; the try is noted before, and forgotten after it held."""
    row = current_sign_in()
    if row is None or not row.person.is_staff:
        raise NotFound(_l("Ten minutes are over. Please begin with your name and password."))
    public_id = row.person.public_id
    attempts.begin(factor=public_id)
    with transaction():
        person = Person.by_public_id(public_id)
        yield person
        typed = [nickname_key(each) for each in (person.badge, person.name, person.name_en) if each]
        for name in typed:
            attempts.forget(name=name)
        attempts.forget(factor=public_id)


def change_password(person: Person, old: str, new: str, *, here: SignIn | None) -> None:
    """Give `person` the password `new`, and end every sign-in but `here` and every one-time link made so far.

    Opens its own transactions. Invalid (field `old_password` or `password`) when one of them does not do; after some
    wrong old ones the next try must wait.
    """
    public_id, kept = person.public_id, person.password_hash
    staying = here.id if here is not None else None
    tries = attempts.begin(password=public_id)
    db.session.rollback()
    if not passwords.fits(kept, old):
        raise Invalid(_l("This is not your present password"), field="old_password")
    with transaction():
        attempts.right(tries)
    with transaction():
        person = Person.by_public_id(public_id)
        if person.password_hash != kept:  # an administrator gave him another one in this moment
            raise Invalid(_l("This is not your present password"), field="old_password")
        passwords.set_password(person, new)
        audit.note("person.password_changed", by=public_id, thing=f"person:{public_id}")
        _end_all(person, but=staying)


def deny(person: Person, public_id: str, *, here: SignIn) -> None:
    """`person` says that this sign-in of his (public id) was not he: it ends, and so does every passkey that was added in
    it, inside the open transaction. Raises NotFound for somebody else's."""
    row = SignIn.by_public_id(public_id)
    if row is not None and row.person_id != person.id:
        raise NotFound
    if row is not None:
        row.revoke()
    for key in Passkey.of(person):
        if key.made_in == public_id:
            passkeys.remove(key, here)
    if person.is_staff:
        audit.note("person.sign_in_denied", by=person.public_id, thing=f"person:{person.public_id}")


def sign_out_everywhere(person: Person) -> int:
    """End every sign-in of `person`, and whatever else his devices hold that opens something without one: one-time
    links made so far, passkeys, the address of his calendar, and pushes. Inside the open transaction; how many were open.
    """
    CalendarFeed.revoke(person)
    db.session.execute(delete(Passkey).where(Passkey.person_id == person.id))
    for contact in contacts.of(person, kind=Kind.PUSH):
        contacts.remove(contact)
    return _end_all(person)


def _end_all(person: Person, *, but: int | None = None) -> int:
    person.signed_out_at = now()
    rows = [row for row in SignIn.open_of(person) if row.id != but]
    for row in rows:
        row.revoke()
    return len(rows)
