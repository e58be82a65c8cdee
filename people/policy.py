"""Who may do what to persons and departments, and who may hear their streams."""

from __future__ import annotations

from sqlalchemy import select

from board.db import db
from board.permissions import rule
from board.seams import provides, stream
from people.models import Department, Passkey, Person, Role, SignIn
from people.session import current_sign_in, reader


@rule("person.rename")
def may_rename(person: Person | None, other: Person) -> bool:
    """Members choose their own nickname; staff stand under their duty name."""
    return person is not None and person.id == other.id and not person.is_staff


@rule("person.change_password")
def may_change_password(person: Person | None, other: Person) -> bool:
    """Staff change their own password and nobody else's."""
    return person is not None and person.id == other.id and person.is_staff


@rule("person.change_second_factor")
def may_change_second_factor(person: Person | None, other: Person) -> bool:
    """Staff have a second step, and change their own."""
    return may_change_password(person, other)


@rule("passkey.remove")
def may_remove_passkey(person: Person | None, key: Passkey) -> bool:
    """Everybody removes his own passkeys."""
    return person is not None and key.person_id == person.id


@rule("staff.invite")
def may_invite(person: Person | None, thing: object = None) -> bool:
    """Administrators look after accounts."""
    return person is not None and person.has_role(Role.ADMINISTRATOR)


@rule("person.export")
def may_export(person: Person | None, other: Person) -> bool:
    """Everybody takes along what the board holds about himself; staff too, whose acts in office are not theirs."""
    return person is not None and person.active and person.id == other.id


@rule("person.delete")
def may_delete(person: Person | None, other: Person) -> bool:
    """Members delete their own account; the one of an officer ends with his office, by an administrator."""
    return person is not None and person.active and person.id == other.id and not person.is_staff


@rule("board.examine")
def may_examine(person: Person | None, thing: object = None) -> bool:
    """Administrators look after the installation."""
    return person is not None and person.has_role(Role.ADMINISTRATOR)


@rule("sign_in.revoke")
def may_revoke(person: Person | None, row: SignIn) -> bool:
    """Everybody ends his own sign-ins."""
    return person is not None and row.person_id == person.id


@rule("department.read_names")
def may_read_names(person: Person | None, department: Department | None = None) -> bool:
    """Names of who is on duty are for colleagues; the public reads how many."""
    return person is not None and person.is_staff and bool(person.current_appointments())


@stream("person")
def may_hear_person(person: Person | None, ref: str) -> bool:
    """A person's stream is his alone."""
    return person is not None and person.public_id == ref


@stream("presence")
@stream("department")
def may_hear_department(person: Person | None, ref: str) -> bool:
    """A department's stream is for whoever serves it now, and for the leaders above it, who may open its desk.

    That of inspectors is for those who serve there alone.
    """
    if person is None or not person.is_staff:
        return False
    department = db.session.scalar(select(Department).where(Department.key == ref))
    if department is None:
        return False
    return person.serves(department) or (not department.is_apart and person.leads(department))


@provides("reader")
def this_reader() -> Person | None:
    """Who is at the other end of this request or socket."""
    return reader()


@provides("sign_in")
def this_sign_in() -> str | None:
    """The public id of the sign-in that opened this page or socket, None for a visitor."""
    row = current_sign_in()
    return row.public_id if row is not None and row.complete else None


@provides("signed_in_as")
def still_signed_in(sign_in: str) -> Person | None:
    """Who is signed in by this sign-in (public id) while it stands, for sockets that stay open; else None."""
    row: SignIn | None = db.session.scalar(select(SignIn).where(SignIn.public_id == sign_in))
    return row.person if row is not None and row.complete else None


@provides("officer_at_work")
def officer_at_work() -> str | None:
    """The public id of the member of staff at the other end of this request, for the audit log; else None."""
    person = reader()
    return person.public_id if person is not None and person.is_staff else None


@rule("roster.read")
def may_read_roster(person: Person | None, department: Department) -> bool:
    """Rosters name who works when: for colleagues only."""
    return may_read_names(person, department)


@rule("roster.edit")
def may_edit_roster(person: Person | None, department: Department) -> bool:
    """A department's leader, or one above it."""
    return person is not None and person.is_staff and person.leads(department)


@rule("shift.hand_over")
def may_hand_over(person: Person | None, department: Department) -> bool:
    """Whoever holds a shift there, and who just left without being relieved."""
    from people.shift_changes import leaving

    return person is not None and person.serves(department) and leaving(person, department) is not None


@rule("shift.take_over")
def may_take_over(person: Person | None, department: Department) -> bool:
    """Whoever is on duty there now."""
    return person is not None and person.on_duty_for(department)
