"""The change of shift: the leaving officer writes what the relief must know, the relief says that it has taken over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from board import masking
from board.clock import now
from board.db import db
from board.errors import Invalid
from board.i18n import _l
from board.live import append
from board.permissions import require
from board.text import normalise
from people.models import Department, HandoverNote, Person, Shift
from people.models.shift import STILL_TOLD, told_apart
from people.rosters import hold

LONGEST = 2000  # characters of a note


@dataclass(frozen=True)
class Change:
    """A change of shift that the relief has not confirmed: when it was, who left, and what they wrote."""

    at: datetime
    leaving: tuple[Person, ...]
    notes: tuple[HandoverNote, ...]


def pending(department: Department) -> Change | None:
    """The newest change of shift in `department` that nobody has confirmed; None when there is none to confirm."""
    _here, earlier = told_apart(department)
    if not earlier:
        return None
    ends = db.session.execute(
        select(Shift.ends_at)
        .where(
            Shift.department_id == department.id,
            Shift.person_id.in_([person.id for person in earlier]),
            Shift.ends_at <= now(),
            Shift.ends_at > now() - STILL_TOLD,
        )
        .order_by(Shift.ends_at.desc())
    ).scalars()
    at = next(iter(ends))
    return Change(at, tuple(earlier), tuple(_untaken(department, at)))


def _untaken(department: Department, at: datetime) -> list[HandoverNote]:
    return list(
        db.session.scalars(
            select(HandoverNote)
            .where(
                HandoverNote.department_id == department.id,
                HandoverNote.changes_at <= at,
                HandoverNote.changes_at > now() - STILL_TOLD,
                HandoverNote.taken_over_at.is_(None),
            )
            .order_by(HandoverNote.changes_at.desc())
        )
    )


def leaving(person: Person, department: Department) -> Shift | None:
    """The shift at whose end `person` leaves, or just left without being relieved; None when he holds none."""
    last = _last(person, _around(person, department))
    if last is not None and last.ends_at <= now() and person not in told_apart(department)[1]:
        return None
    return last


def at_desk(person: Person, department: Department) -> tuple[Shift | None, bool]:
    """The shift at whose end `person` leaves, None when he is not on duty, and whether a shift ended here lately.

    One statement, for every page of the desk.
    """
    rows = _around(person, department)
    last = _last(person, rows)
    running = last if last is not None and last.ends_at > now() else None
    return running, any(row.ends_at <= now() for row in rows)


def _around(person: Person, department: Department) -> list[Shift]:
    """Everybody's shifts that ended lately, and this person's own that have not ended, by their start."""
    moment = now()
    query = select(Shift).where(
        Shift.department_id == department.id,
        Shift.ends_at > moment - STILL_TOLD,
        or_(Shift.person_id == person.id, Shift.ends_at <= moment),
    )
    return list(db.session.scalars(query.order_by(Shift.starts_at)))


def _last(person: Person, rows: list[Shift]) -> Shift | None:
    # Shifts that follow upon one another without a gap are one to whoever holds them.
    last: Shift | None = None
    for row in rows:
        if row.person_id != person.id:
            continue
        if row.starts_at <= now() or (last is not None and last.ends_at == row.starts_at):
            last = row if last is None or row.ends_at > last.ends_at else last
    return last


def note_of(department: Department, at: datetime) -> HandoverNote | None:
    """What is written down for the change at `at`."""
    return db.session.scalar(
        select(HandoverNote).where(HandoverNote.department_id == department.id, HandoverNote.changes_at == at)
    )


def write(key: str, words: str, cases: list[str], *, by: Person) -> HandoverNote:
    """Write, or write anew, what the relief must know; `cases` are the numbers of what is open.

    Wants an open transaction. NotAllowed for whoever has no shift there, Invalid without words and for more than fit
    beside what somebody else wrote for the same change.
    """
    department = hold(key)
    require(by, "shift.hand_over", department)
    shift = leaving(by, department)
    assert shift is not None
    kept = masking.mask(normalise(words[: 4 * LONGEST], lines=True), leave=masking.OFFICE).text
    note = note_of(department, shift.ends_at)
    other = note.words if note is not None and note.written_by_id != by.id else ""
    if kept and other not in ("", kept):
        kept = f"{other}\n\n{kept}"  # two who leave together: neither writes over the other
    if not kept or len(kept) > LONGEST:
        raise Invalid(
            _l("Write what your relief must know, at most %(num)s characters.", num=LONGEST), field="words"
        )
    if note is None:
        note = HandoverNote(department_id=department.id, changes_at=shift.ends_at)
        db.session.add(note)
    note.shift_id, note.words, note.cases = shift.id, kept, cases
    note.written_by_id, note.written_at = by.id, now()
    append(f"department:{key}", kind="shift")
    return note


def take_over(key: str, *, by: Person) -> HandoverNote | None:
    """The relief has taken over: from now on the earlier shift is told no more. None when somebody has said so already.

    Wants an open transaction. NotAllowed for whoever is not on duty there.
    """
    department = hold(key)
    require(by, "shift.take_over", department)
    change = pending(department)
    if change is None:
        return None
    note = note_of(department, change.at)
    if note is None:
        note = HandoverNote(department_id=department.id, changes_at=change.at)
        db.session.add(note)
    for each in {note, *change.notes}:
        each.taken_over_at, each.taken_over_by_id = now(), by.id
    append(f"department:{key}", kind="shift")
    return note
