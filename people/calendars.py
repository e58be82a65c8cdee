"""Shifts as iCalendar: a department's month, and the private feed of one officer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Calendar, Event
from sqlalchemy import select

from board.clock import now
from board.db import db
from board.i18n import _
from people.models import Department, Person, Shift
from people.rosters import Roster

BACK, AHEAD = (
    timedelta(days=31),
    timedelta(days=120),
)  # what a feed shows; telephones read it again by themselves


def month_calendar(department: Department, first: datetime, last: datetime) -> bytes:
    """The published shifts of a department that touch [first, last), with the names of who holds them."""
    roster = Roster.of(department)
    held: dict[tuple[datetime, datetime], list[int]] = {}
    for turn in roster.published(first, last):
        held.setdefault((turn.starts_at, turn.ends_at), []).append(turn.person)
    ids = {person for people in held.values() for person in people}
    names = {each.id: each for each in db.session.scalars(select(Person).where(Person.id.in_(ids)))}
    events = []
    for (start, end), people in sorted(held.items()):
        words = _(", ").join(each.duty_name for each in sorted((names[one] for one in people), key=_badge))
        events.append(
            _event(f"{department.key}-{start:%Y%m%dT%H%M}", f"{department.short_title} {words}", start, end)
        )
    return _calendar(_("Roster of %(unit)s", unit=department.title), events)


def feed(person: Person) -> bytes:
    """One officer's own shifts, of the last month and the next four: where and when, nothing else."""
    moment = now()
    rows = db.session.execute(
        select(Shift.starts_at, Shift.ends_at, Department)
        .join(Department, Department.id == Shift.department_id)
        .where(Shift.person_id == person.id, Shift.ends_at > moment - BACK, Shift.starts_at < moment + AHEAD)
        .order_by(Shift.starts_at)
    ).all()
    events = [
        _event(
            f"{person.public_id}-{department.key}-{start:%Y%m%dT%H%M}",
            _("On duty: %(unit)s", unit=department.short_title),
            start,
            end,
        )
        for start, end, department in rows
        if person.serves(department)
    ]
    return _calendar(_("My shifts"), events)


def _badge(person: Person) -> tuple[str, int]:
    return person.badge or "", person.id


def _event(name: str, words: str, start: datetime, end: datetime) -> Event:
    event = Event()
    event.add("uid", f"{name}@station-24")
    event.add("summary", words)
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("dtstamp", now())
    return event


def _calendar(title: str, events: Iterable[Event]) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//Station 24//rosters//")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", title)
    for event in events:
        calendar.add_component(event)
    return bytes(calendar.to_ical())
