"""Staff: name or badge and password first, then a second factor."""

from __future__ import annotations

from sqlalchemy import or_, select

from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotFound
from board.i18n import _l
from people import attempts, codes, passwords, second_factor
from people.models import Person, SignIn
from people.models.person import nickname_key
from people.session import current_sign_in


def check_password(login: str, password: str, address: str) -> Person:
    """The member of staff with this name or badge and this password.

    A wrong name, a wrong password and a closed account get the same answer after the same work; after some
    failures the next try must wait. Invalid (field `password`) in each case.
    """
    login = " ".join(login.split())[:80]
    typed = nickname_key(login)
    where = codes.address_key(address)
    attempts.check(name=typed, address=where)
    person = _staff_called(login)
    db.session.rollback()  # Argon2 takes its time; hold nothing meanwhile
    if not passwords.fits(person, password):
        attempts.failed(name=typed, address=where)
        raise Invalid(
            _l("Name or password does not fit. Check both; the badge number works in place of the name."),
            field="password",
        )
    assert person is not None
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
    row = current_sign_in()
    if row is None or not row.person.is_staff:
        raise NotFound(_l("Ten minutes are over. Please begin with your name and password."))
    public_id = row.person.public_id
    attempts.check(factor=public_id)
    with transaction():
        person = Person.by_public_id(public_id)
        fits = second_factor.confirm(person, code)
        if fits:
            typed = [nickname_key(each) for each in (person.badge, person.name, person.name_en) if each]
            for name in typed:
                attempts.forget(name=name)
            attempts.forget(factor=public_id)
    if not fits:
        attempts.failed(factor=public_id)
        raise Invalid(_l("These six digits do not fit. Wait for the next ones in your app."), field="code")
    return person


def sign_out_everywhere(person: Person) -> int:
    """End every sign-in of `person`, and every one-time link made so far, inside the open transaction; how many were open."""
    person.signed_out_at = now()
    rows = SignIn.open_of(person)
    for row in rows:
        row.revoke()
    return len(rows)
