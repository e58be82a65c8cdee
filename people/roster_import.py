"""Turns from a table: read row by row, each taken as a change by hand or refused with what to do about it.

They are noted like a leader's own changes and hold once the roster is published.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from board.clock import now, zone
from board.db import db
from board.errors import Invalid, NotFound
from board.i18n import _l
from board.permissions import may
from people.models import Department, Override, Person
from people.rosterforms import LONGEST, Jumped, moment_of
from people.rosterpage import dated_words
from people.rosters import Roster, for_change
from people.turns import Span, within

MOST = 2000
LARGEST = 1_000_000
COLUMNS = {
    "department": ("department", "单位"),
    "badge": ("badge", "警号", "工号"),
    "start": ("start", "开始"),
    "end": ("end", "结束"),
}


@dataclass(frozen=True)
class Row:
    """One line of the table as it stands there; `line` counts from 1, the header included."""

    line: int
    department: str
    badge: str
    start: str
    end: str


@dataclass(frozen=True)
class Taken:
    """What became of a row: `in`, `there` already, or `refused`, then with the reason."""

    row: Row
    state: str
    why: Any = ""


@dataclass
class _Office:
    """A department while its rows are read: its plan, and whose time is taken."""

    roster: Roster
    people: dict[str, Person]
    taken: dict[int, list[Span]] = field(default_factory=dict)
    known: set[tuple[int, datetime, datetime]] = field(default_factory=set)


def read(raw: bytes | str) -> list[Row]:
    """The rows of a table with the columns department, badge, start and end; Invalid when it is none."""
    if len(raw) > LARGEST:
        raise Invalid(_l("The file is larger than 1 MB. Bring it in in parts."), field="file")
    text = raw if isinstance(raw, str) else _decoded(raw)
    try:
        lines = list(csv.reader(io.StringIO(text), skipinitialspace=True))
    except csv.Error:
        raise Invalid(_l("This is not a CSV table. Save it as CSV and try again."), field="file") from None
    header = [cell.strip().casefold() for cell in lines[0]] if lines else []
    places = {
        name: next((header.index(each) for each in words if each in header), None)
        for name, words in COLUMNS.items()
    }
    lacking = [name for name, place in places.items() if place is None]
    if lacking:
        raise Invalid(
            _l(
                "The first line must name the columns department, badge, start and end; it lacks: %(names)s.",
                names=", ".join(lacking),
            ),
            field="file",
        )
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in line):
            continue
        cells = {
            name: line[place].strip()[:80] if place is not None and place < len(line) else ""
            for name, place in places.items()
        }
        rows.append(Row(number, **cells))
    if not rows:
        raise Invalid(_l("There are no rows below the first line."), field="file")
    if len(rows) > MOST:
        raise Invalid(_l("There are more than %(num)s rows. Bring them in in parts.", num=MOST), field="file")
    return rows


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(_l("The file is neither UTF-8 nor GB 18030. Save it as UTF-8 and try again."), field="file")


def take(rows: Iterable[Row], *, by: Person | None, write: bool) -> list[Taken]:
    """Judge every row, and note those that fit where `write`; inside the open transaction then.

    `by`: who brings them in, for departments he leads; None for the console.
    """
    rows = list(rows)
    offices: dict[str, _Office] = {}
    # In the order of their keys, so that two imports never wait for each other crosswise.
    for name in sorted({row.department for row in rows}):
        department = _department(name)
        if department is not None and (by is None or may(by, "roster.edit", department)):
            offices[name] = _office(department, write=write)
    found = []
    for row in rows:
        try:
            state = _take(row, offices.get(row.department), by=by, write=write)
            found.append(Taken(row, state))
        except Invalid as error:
            found.append(Taken(row, "refused", error.message))
    return found


def _department(name: str) -> Department | None:
    try:
        return Department.by_key(name)
    except NotFound:
        return db.session.scalar(select(Department).where(Department.name == name))


def _office(department: Department, *, write: bool) -> _Office:
    roster = for_change(department.key) if write else Roster.of(department)
    people = {
        person.badge: person
        for person in db.session.scalars(select(Person).where(Person.id.in_(roster.served)))
        if person.badge
    }
    office = _Office(roster, people)
    office.known = {
        (each.person_id, each.starts_at, each.ends_at) for each in roster.overrides if each.kind == "add"
    }
    # Two years ahead: nothing later is taken.
    for turn in roster.planned(now(), now() + 2 * 12 * LONGEST):
        office.taken.setdefault(turn.person, []).append((turn.starts_at, turn.ends_at))
    return office


def _take(row: Row, office: _Office | None, *, by: Person | None, write: bool) -> str:
    if office is None:
        raise Invalid(
            _l(
                "There is no department “%(name)s” whose roster you keep: write its key or its full name.",
                name=row.department,
            )
        )
    person = office.people.get(row.badge)
    if person is None:
        raise Invalid(_l("Nobody with badge %(badge)s serves there: check the number.", badge=row.badge))
    start, end = _moment(row.start), _moment(row.end)
    if end <= start:
        raise Invalid(_l("The end must come after the start."))
    if (person.id, start, end) in office.known:
        return "there"
    if start < now():
        raise Invalid(_l("That time has begun; what has been is not changed any more."))
    if end - start > LONGEST or end > now() + 2 * 12 * LONGEST:
        raise Invalid(_l("The turn is longer than 31 days, or too far ahead."))
    served = within([(start, end)], office.roster.served.get(person.id, []))
    if served != [(start, end)]:
        raise Invalid(_l("%(name)s does not serve there for the whole turn.", name=person.duty_name))
    crossed = within(office.taken.get(person.id, []), [(start, end)])
    if crossed:
        raise Invalid(
            _l(
                "%(name)s has a turn already: %(when)s. Choose another time.",
                name=person.duty_name,
                when=dated_words(*crossed[0]),
            )
        )
    office.taken.setdefault(person.id, []).append((start, end))
    office.known.add((person.id, start, end))
    if write:
        db.session.add(
            Override(
                department_id=office.roster.department.id,
                kind="add",
                person_id=person.id,
                starts_at=start,
                ends_at=end,
                source="csv",
                created_by_id=by.id if by is not None else None,
            )
        )
    return "in"


def _moment(text: str) -> datetime:
    try:
        wall = datetime.fromisoformat(text.replace("/", "-").replace(" ", "T", 1))
        if wall.tzinfo is not None:
            return wall
        return moment_of(wall.date(), wall.time().replace(second=0, microsecond=0), zone())
    except Jumped:
        raise Invalid(_l("“%(text)s” does not exist: the clocks go forward then.", text=text)) from None
    except (ValueError, OverflowError):
        raise Invalid(_l("“%(text)s” is no time: write it like 2026-11-18 08:30.", text=text)) from None
