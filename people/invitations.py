"""Inviting staff: an account is made with its office, and its owner sets password and second factor by one link."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import select

from board import audit
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotFound
from board.i18n import _l
from people import attempts, passwords, recovery, second_factor, vault
from people.models import Appointment, Department, Invitation, Passkey, Person, Role
from people.staff import sign_out_everywhere

# Whom an administrator invites on his page. Who watches over others, or may invite himself, is appointed at the console.
BY_PAGE = (Role.OFFICER, Role.LEADER, Role.MODERATOR, Role.EXPERT)
NEEDS_DEPARTMENT = frozenset({"officer", "leader"})
GONE = _l("This invitation was used, taken back, or is older than three days. Ask for a new one.")


def invite(person: Person, *, by: Person | None, **details: str) -> tuple[Invitation, str]:
    """An invitation for a member of staff and its token, inside the open transaction; earlier ones do nothing any more.

    `details` go into the log with it.
    """
    for earlier in Invitation.open(person):
        _revoke(earlier)
    row, token = Invitation.make(person, by=by)
    second_factor.offer(row.owner)
    _note("person.invited", row, by, **details)
    return row, token


def new_account(
    *,
    name: str,
    badge: str,
    name_en: str,
    department: Department | None,
    role: str,
    by: Person | None,
    **details: str,
) -> Person:
    """A new member of staff with his first office, inside the open transaction; he cannot sign in yet.

    Invalid (field `name`, `badge` or `department`) when something is missing or somebody has this number already.
    """
    name, badge, name_en = (" ".join(each.split()) for each in (name, badge, name_en))
    errors: dict[str, Any] = {}
    if not 0 < len(name) <= 40:
        errors["name"] = _l("Enter the name, at most 40 characters")
    if not 0 < len(badge) <= 20:
        errors["badge"] = _l("Enter the badge or staff number, at most 20 characters")
    elif db.session.scalar(select(Person.id).where(Person.badge == badge)) is not None:
        errors["badge"] = _l("Badge %(badge)s belongs to somebody already.", badge=badge)
    if department is None and role in NEEDS_DEPARTMENT:
        errors["department"] = _l("Choose the department")
    if errors:
        raise Invalid(errors=errors)
    person = Person(kind="staff", name=name, name_en=name_en[:80] or None, badge=badge)
    db.session.add(person)
    db.session.flush()
    person.appointments.append(Appointment(department=department, role=role))
    key = department.key if department is not None else None
    audit.note(
        "person.appointed",
        by=by.public_id if by is not None else None,
        thing=f"person:{person.public_id}",
        role=role,
        department=key,
        **details,
    )
    return person


def needs_second_factor(person: Person) -> bool:
    """Whether nothing may be opened for this member of staff before he has set one. The cast of a demo city has none."""
    if not person.is_staff or current_app.config["SETTINGS"].demo:
        return False
    return not second_factor.enrolled(person) and not Passkey.of(person)


def revoke(row: Invitation, *, by: Person | None, **details: str) -> None:
    """Take an invitation back, inside the open transaction."""
    _revoke(row)
    _note("person.invitation_revoked", row, by, **details)


def _revoke(row: Invitation) -> None:
    row.revoked_at = row.revoked_at or now()
    vault.erase(row.owner)


def opened(token: str) -> Invitation:
    """The invitation of this token while it may be used; NotFound otherwise."""
    row = Invitation.by_token(token)
    if row is None:
        raise NotFound(GONE)
    return row


def accept(token: str, *, password: str, code: str) -> tuple[Person, list[str]]:
    """Set the guest's password and authenticator and use the invitation up: the person, and his recovery codes, once.

    Opens its own transactions. Invalid (field `password` or `code`) leaves the invitation as it was; after some wrong
    codes the next try must wait. NotFound when somebody was first.
    """
    person = opened(token).person
    passwords.check(password, person)
    tries = attempts.begin(factor=person.public_id)
    with transaction():
        row = Invitation.by_token(token, for_change=True)
        if row is None:
            raise NotFound(GONE)
        # Argon2 takes a twentieth of a second; nobody but this guest waits for this row.
        passwords.set_password(row.person, password)
        if not second_factor.take(row.person, row.owner, code):
            raise Invalid(
                _l("These six digits do not fit. Wait for the next ones in your app."), field="code"
            )
        attempts.right(tries)
        row.used_at = now()
        vault.erase(row.owner)
        sign_out_everywhere(row.person)  # whoever had the account before, if somebody had
        codes = recovery.renew(row.person)
        public_id = row.person.public_id
        audit.note("person.invitation_used", by=public_id, thing=f"person:{public_id}")
        db.session.flush()
        return row.person, codes


def _note(act: str, row: Invitation, by: Person | None, **details: str) -> None:
    audit.note(
        act,
        by=by.public_id if by is not None else None,
        thing=f"person:{row.person.public_id}",
        **details,
    )
