"""The change of shift on the desk: which cases are open, and what the desk shows of a note."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, literal, select

from board.clock import now
from board.db import UTCDateTime, db
from board.i18n import _
from board.jinja import when
from board.permissions import may
from boards.desk import FAR, Desk
from boards.models import Case, Thread
from boards.models.status import OPEN
from boards.policy import visible_to
from boards.sentences import at_moment
from people import shift_changes
from people.models import Department, HandoverNote, Person

MOST = 30  # cases in a note
SOON = timedelta(hours=2)  # before his shift ends an officer is reminded to write


@dataclass(frozen=True)
class Open:
    """One case of a note as its reader sees it now."""

    number: str
    title: str
    status: str
    due: str


@dataclass(frozen=True)
class Note:
    """One note: who wrote it, what, and its cases."""

    by: str
    words: str
    cases: tuple[Open, ...]


@dataclass(frozen=True)
class Box:
    """What stands on top of a desk at the change of shift.

    `leaving` names who left while nobody has taken over; `ends_at` is when this officer's own shift ends.
    """

    leaving: str
    at: str
    notes: tuple[Note, ...]
    may_take: bool
    ends_at: datetime | None
    soon: bool
    written: bool


def open_cases(department: Department, reader: Person) -> list[str]:
    """The numbers of a department's open cases that `reader` may read, what is due first in front."""
    due = func.coalesce(Case.next_due_at, literal(FAR, UTCDateTime()))
    query = (
        select(Case.number)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Case.department_id == department.id, Case.status.in_(OPEN), visible_to(reader))
        .order_by(due, Case.number)
        .limit(MOST)
    )
    return list(db.session.scalars(query))


def shown(numbers: list[str], reader: Person) -> tuple[Open, ...]:
    """These cases as they stand now, in their order; what this reader may not read is not among them."""
    rows = db.session.execute(
        select(Case.number, Thread.title, Case.status, Case.next_due_at)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Case.number.in_(numbers), visible_to(reader))
    )
    found = {
        number: Open(number, title, str(status), when(due) if due is not None else "")
        for number, title, status, due in rows
    }
    return tuple(found[number] for number in numbers if number in found)


def box_of(desk: Desk) -> Box | None:
    """What this desk shows of the change of shift; None for whoever has no shift there."""
    person, department = desk.person, desk.department
    if not desk.serves:
        return None
    own, lately = shift_changes.at_desk(person, department)
    change = shift_changes.pending(department) if desk.on_duty and lately else None
    if change is None and own is None:
        return None
    notes = tuple(_note(each, person) for each in change.notes if each.words) if change is not None else ()
    ends_at = own.ends_at if own is not None else None
    soon = ends_at is not None and ends_at - now() < SOON
    mine = shift_changes.note_of(department, ends_at) if soon and ends_at is not None else None
    return Box(
        leaving=_(", ").join(each.duty_name for each in change.leaving) if change is not None else "",
        at=at_moment(change.at) if change is not None else "",
        notes=notes,
        may_take=change is not None and may(person, "shift.take_over", department),
        ends_at=ends_at,
        soon=soon,
        written=mine is not None and mine.written_by_id == person.id,
    )


def _note(note: HandoverNote, reader: Person) -> Note:
    by = note.written_by.duty_name if note.written_by is not None else _("Somebody")
    return Note(by, note.words, shown(note.cases, reader))
