"""Before what is sensitive: whoever is signed in shows once more that it is he, unless he did so in the last ten minutes.

A view calls require_confirmed() after it has asked whether its reader may. Whoever must confirm first is led to a page
that asks for his password, a passkey or a code, and back to what he was doing; what he wrote is kept until then.
"""

from __future__ import annotations

from flask import Response, redirect, request, url_for

from board.clock import now
from board.db import transaction
from board.errors import Invalid, NotAllowed, WrongState, answer, wants_json
from board.i18n import _l
from board.web import SAFE_METHODS
from people import attempts, carried, codes, passkeys, passwords, second_factor, vault
from people.links import cast
from people.models import Passkey, Person, SignIn
from people.session import came_from, current_sign_in


class NotConfirmed(NotAllowed):
    """The act is yours, but show first that it is still you (403 for programs, a page for people)."""

    default = _l("Please confirm first that it is you.")


def require_confirmed() -> SignIn:
    """This request's sign-in, confirmed within the last ten minutes; NotConfirmed otherwise."""
    row = current_sign_in()
    if row is None or not row.complete or not row.confirmed:
        raise NotConfirmed
    return row


def ask(error: NotConfirmed) -> Response:
    """Lead the reader to the page that asks, and let it lead back: to this page, to what was written, or to the form."""
    if wants_json():
        return answer(error.status, error.message)
    if request.method in SAFE_METHODS:
        target = request.full_path.rstrip("?")
    else:
        target = came_from()
        row = current_sign_in()
        if carried.keep(target, row.person if row is not None else None):
            target = f"{carried.PLACE}?confirmed=1"
    return redirect(url_for("people.confirmation", next=target), 303)  # type: ignore[return-value]


# --- by what ---------------------------------------------------------------------------------------------------------


def ways(person: Person) -> set[str]:
    """By what this person can confirm here: `password`, `app`, `phone`, `passkey`, `cast`."""
    found = set()
    if person.is_staff and person.password_hash is not None:
        found.add("password")
    if person.is_staff and second_factor.enrolled(person):
        found.add("app")
    if not person.is_staff and codes.can_send() and vault.get(person.owner, "phone"):
        found.add("phone")
    if passkeys.offered() and Passkey.of(person):
        found.add("passkey")
    if any(each["person"] == person.public_id for each in cast()):
        found.add("cast")  # nobody of a demo city has a password
    return found


def send_code(person: Person, address: str) -> codes.Started:
    """Send a member a code to the telephone he signs in with; WrongState where there is none. Opens its own transaction."""
    phone = vault.get(person.owner, "phone")
    if person.is_staff or not phone:
        raise WrongState(_l("No telephone number is known."))
    return codes.start_code(phone, address)


def by_password(row: SignIn, password: str) -> None:
    """Staff: the present password. Opens its own transactions; Invalid (field `password`), and guessing gets slower."""
    person = row.person
    public_id, kept = person.public_id, person.password_hash if person.is_staff else None
    row_id = row.public_id
    try:
        tries = attempts.begin(password=public_id)
    except Invalid as error:
        raise Invalid(error.message, field="password") from None
    if not passwords.fits(kept, password):
        raise Invalid(_l("This is not your present password"), field="password")
    with transaction():
        attempts.right(tries)
        _confirm(row_id)


def by_app(row: SignIn, code: str) -> None:
    """Staff: six digits of the authenticator. Opens its own transactions; Invalid (field `code`)."""
    row_id, public_id = row.public_id, row.person.public_id
    tries = attempts.begin(factor=public_id)
    with transaction():
        fits = second_factor.confirm(Person.by_public_id(public_id), code)
        if fits:
            attempts.right(tries)
            _confirm(row_id)
    if not fits:
        raise Invalid(_l("These six digits do not fit. Wait for the next ones in your app."), field="code")


def by_phone(row: SignIn, code: str) -> None:
    """Members: the code that was sent to their telephone. Opens its own transaction; Invalid (field `code`)."""
    row_id, phone = row.public_id, vault.get(row.person.owner, "phone")
    with transaction():
        fits = phone is not None and not row.person.is_staff and codes.confirm(phone, code)
        if fits:
            _confirm(row_id)
    if not fits:
        raise Invalid(
            _l(
                "This code does not fit, or its five minutes are over. Check the digits or ask for a new one."
            ),
            field="code",
        )


def by_passkey(row: SignIn, given: str) -> None:
    """A passkey of one's own. Opens its own transaction; Invalid (field `passkey`)."""
    row_id = row.public_id
    with transaction():
        found = SignIn.by_public_id(row_id)
        assert found is not None
        passkeys.confirm(given, found)
        _confirm(row_id)


def by_press(row: SignIn) -> None:
    """One of the cast of a demo city: a press will do. NotAllowed for everybody else. Opens its own transaction."""
    if "cast" not in ways(row.person):
        raise NotAllowed
    row_id = row.public_id
    with transaction():
        _confirm(row_id)


def _confirm(public_id: str) -> None:
    row = SignIn.by_public_id(public_id)
    assert row is not None
    row.confirmed_at = now()
