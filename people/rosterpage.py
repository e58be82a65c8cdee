"""A month of a roster as it is read: its days, who is on duty on each, and what publishing would change."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from board.clock import local, midnight, now, today
from board.db import db
from board.i18n import _, is_english, ngettext
from board.jinja import clock_time, day
from people import rosters
from people.models import Department, Person, Publication, Shift
from people.rosters import Draft, Roster
from people.turns import Planned, Span, within


def weekday_words() -> list[str]:
    """The days of the week, Monday first."""
    return [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]


def span_words(start: datetime, end: datetime) -> str:
    """`08:30–20:30`, `08:30–次日 08:30`; with both days where it is longer."""
    days = (local(end).date() - local(start).date()).days
    if days == 0:
        return f"{clock_time(start)}–{clock_time(end)}"
    if days == 1:
        return _("%(start)s–%(end)s next day", start=clock_time(start), end=clock_time(end))
    return f"{day(start)} {clock_time(start)}–{day(end)} {clock_time(end)}"


def dated_words(start: datetime, end: datetime) -> str:
    """The same with its day in front."""
    if (local(end).date() - local(start).date()).days > 1:
        return span_words(start, end)
    return f"{day(start)} {span_words(start, end)}"


@dataclass(frozen=True)
class Line:
    """One turn of a day: its hours, who holds it, and whether it is `published`, `coming` or `going`."""

    hours: str
    names: str
    state: str


@dataclass(frozen=True)
class Day:
    """One day of the month."""

    date: date
    lines: tuple[Line, ...]
    holes: tuple[str, ...]
    past: bool
    unpublished: bool

    @property
    def number(self) -> str:
        """`18日`, `18`."""
        return str(self.date.day) if is_english() else f"{self.date.day}日"

    @property
    def weekday(self) -> str:
        """`Wed`."""
        return weekday_words()[self.date.weekday()]

    @property
    def today(self) -> bool:
        """Whether it is today."""
        return self.date == today()


@dataclass
class Month:
    """What the page shows. `draft` is there for whoever may change the roster."""

    department: Department
    first: date
    days: list[Day]
    roster: Roster
    draft: Draft | None
    published_until: datetime | None
    people: dict[int, Person] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`2026-11`."""
        return f"{self.first:%Y-%m}"

    @property
    def title(self) -> str:
        """`2026年11月`."""
        if is_english():
            return f"{calendar.month_name[self.first.month]} {self.first.year}"
        return f"{self.first.year}年{self.first.month}月"

    @property
    def before(self) -> str:
        """The month before."""
        return f"{self.first - timedelta(days=1):%Y-%m}"

    @property
    def after(self) -> str:
        """The month after."""
        return f"{next_month(self.first):%Y-%m}"

    @property
    def leading(self) -> int:
        """How many places of the first week stay empty."""
        return self.first.weekday()

    def names(self, ids: Iterable[int]) -> str:
        """Names of persons, in the order of their badges."""
        found = sorted((self.people[each] for each in ids), key=lambda each: (each.badge or "", each.id))
        return _(", ").join(each.duty_name for each in found)

    def coverage(self) -> str:
        """One sentence about the next 30 days, as it is published."""
        moment = now()
        gaps = self.roster.holes(self.published, moment, moment + rosters.AHEAD)
        if not gaps:
            return _("In the next 30 days somebody is always on duty.")
        return str(
            ngettext(
                "In the next 30 days nobody is on duty at %(num)s time: %(when)s.",
                "In the next 30 days nobody is on duty at %(num)s times; the first one: %(when)s.",
                len(gaps),
                when=dated_words(*gaps[0]),
            )
        )

    def planned_holes(self) -> str:
        """What would be missing if the plan were published now; "" where nothing is."""
        gaps = self.draft.holes if self.draft is not None else ()
        if not gaps:
            return ""
        return str(
            ngettext(
                "As it is planned, nobody is on duty at %(num)s time: %(when)s.",
                "As it is planned, nobody is on duty at %(num)s times; the first one: %(when)s.",
                len(gaps),
                when=dated_words(*gaps[0]),
            )
        )

    @property
    def covered(self) -> bool:
        """Whether somebody is on duty at every promised minute of the next 30 days."""
        moment = now()
        return not self.roster.holes(self.published, moment, moment + rosters.AHEAD)

    @property
    def published(self) -> list[Planned]:
        """The shifts of the next 30 days."""
        return self.roster.published(now(), now() + rosters.AHEAD)


def read_month(text: str) -> date:
    """The first day of the month `2026-11`; of the present month for what is none."""
    try:
        year, _dash, month = text.partition("-")
        found = date(int(year), int(month), 1)
    except (ValueError, OverflowError):
        return today().replace(day=1)
    return found if 2020 <= found.year <= 2100 else today().replace(day=1)


def next_month(first: date) -> date:
    """The first day of the month after."""
    return (first + timedelta(days=31)).replace(day=1)


def month_of(department: Department, first: date, *, edits: bool) -> Month:
    """The month that begins with `first`; `edits`: with what publishing would change in it."""
    roster = Roster.of(department)
    begins, ends = midnight(first), midnight(next_month(first))
    last = next_month(first) - timedelta(days=1)
    furthest = today() + rosters.LONGEST
    draft = None
    if edits and ends > now() and first <= furthest:
        draft = roster.draft(min(max(last, rosters.first_until()), furthest))
    published_until = db.session.scalar(
        select(func.max(Shift.ends_at)).where(Shift.department_id == department.id)
    )
    shown = _shown(roster, draft, begins, ends)
    after = draft.turns if draft is not None else roster.published(begins, ends)
    ids = {turn.person for turn, _state in shown}
    if draft is not None:
        ids |= {turn.person for turn in (*draft.added, *draft.dropped, *draft.gone)}
    month = Month(department, first, [], roster, draft, published_until)
    month.people = {each.id: each for each in db.session.scalars(select(Person).where(Person.id.in_(ids)))}
    missing = _missing(roster, after, max(begins, rosters.next_minute()), ends, published_until, draft)
    for number in range(last.day):
        here = first + timedelta(days=number)
        month.days.append(_day(month, here, shown, missing))
    return month


def _shown(
    roster: Roster, draft: Draft | None, begins: datetime, ends: datetime
) -> list[tuple[Planned, str]]:
    going = set(draft.dropped) if draft is not None else set()
    shown: list[tuple[Planned, str]] = []
    for turn in roster.published(begins, ends):
        cut = draft.starts_at if draft is not None else begins
        rest = Planned(max(turn.starts_at, cut), turn.ends_at, turn.person)
        if rest not in going:
            shown.append((turn, "published"))
            continue
        if turn.starts_at < cut:
            shown.append((Planned(turn.starts_at, cut, turn.person), "published"))
        shown.append((rest, "going"))
    if draft is not None:
        shown += [(turn, "coming") for turn in draft.added if turn.starts_at < ends and turn.ends_at > begins]
    return shown


def _missing(
    roster: Roster,
    turns: list[Planned],
    begins: datetime,
    ends: datetime,
    published_until: datetime | None,
    draft: Draft | None,
) -> list[Span]:
    # Beyond what is published nobody is missing yet: there is no roster.
    until = min(ends, draft.ends_at if draft is not None else published_until or begins)
    return roster.holes(turns, begins, until) if begins < until else []


def _day(month: Month, here: date, shown: list[tuple[Planned, str]], missing: list[Span]) -> Day:
    start, end = midnight(here), midnight(here + timedelta(days=1))
    groups: dict[tuple[datetime, datetime, str], list[int]] = {}
    for turn, state in shown:
        begins_here = start <= turn.starts_at < end
        from_before = here.day == 1 and turn.starts_at < start < turn.ends_at
        if begins_here or from_before:
            groups.setdefault((turn.starts_at, turn.ends_at, state), []).append(turn.person)
    lines = tuple(
        Line(
            span_words(begins, ends) if begins >= start else dated_words(begins, ends),
            month.names(ids),
            state,
        )
        for (begins, ends, state), ids in sorted(groups.items())
    )
    holes = tuple(_within_day(*gap) for gap in within(missing, [(start, end)]))
    beyond = month.published_until is None or month.published_until <= start
    return Day(here, lines, holes, end <= now(), not lines and beyond and end > now())


def _within_day(start: datetime, end: datetime) -> str:
    # A hole that runs to the end of the day ends at 24:00, not at the next day's 00:00.
    if local(end).date() != local(start).date():
        if local(start).strftime("%H:%M") == "00:00":
            return _("all day")
        return f"{clock_time(start)}–24:00"
    return f"{clock_time(start)}–{clock_time(end)}"


def last_publication(department: Department) -> Publication | None:
    """When this roster was last published, and by whom."""
    return db.session.scalar(
        select(Publication)
        .where(Publication.department_id == department.id)
        .order_by(Publication.id.desc())
        .limit(1)
    )


def change_lines(month_or_draft: Draft, people: dict[int, Person]) -> list[dict[str, Any]]:
    """What publishing would change, in order of time: `{when, name, coming}`."""
    rows = [(turn, True) for turn in month_or_draft.added] + [
        (turn, False) for turn in month_or_draft.dropped
    ]
    return [
        {
            "when": dated_words(turn.starts_at, turn.ends_at),
            "name": people[turn.person].duty_name,
            "coming": coming,
        }
        for turn, coming in sorted(rows, key=lambda row: (row[0].starts_at, row[1], row[0].person))
    ]
