"""The working calendar: which days count, and how long something takes in working time.

Holidays and make-up working days (调休) are rows, because the government publishes them one year at a time;
a year that is not published yet is provisional. The arithmetic itself is pure: `WorkingCalendar` knows no
database and never changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, Self
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from sqlalchemy import CheckConstraint, String, extract, select
from sqlalchemy.orm import Mapped, mapped_column

from board import clock, jobs
from board.db import Model, db, random_id
from board.i18n import _, speaking
from board.spans import Span, WorkingDays

__all__ = [
    "CalendarDay", "Changes", "DayName", "Hours", "Span", "WorkingCalendar", "WorkingDays", "calendar_for",
    "put_days", "seed_from_holidays",
]  # fmt: skip

DayKind = Literal["holiday", "workday"]
NOTHING = timedelta(0)
BARREN = 400  # days in a row without work, after which a calendar is plainly wrong


@dataclass(frozen=True)
class Hours:
    """A stretch of each day, in the city's own time; `closes` is later than `opens`."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            raise ValueError("hours end after they begin")

    @property
    def length(self) -> timedelta:
        """How long the stretch is."""
        return _since_midnight(self.closes) - _since_midnight(self.opens)


OFFICE = Hours(time(8, 30), time(17, 30))
DUTY = Hours(time(8), time(20))


@dataclass(frozen=True)
class DayName:
    """A day that is not what its weekday says: a holiday, or a make-up working day."""

    kind: DayKind
    name: str = ""
    name_en: str = ""


def _since_midnight(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)


@lru_cache(maxsize=8192)
def _bounds(zone: ZoneInfo, day: date, hours: Hours) -> tuple[datetime, datetime]:
    # In UTC: Python subtracts two times of one zone by their clock faces, an hour wrong across a clock change.
    opens = datetime.combine(day, hours.opens, tzinfo=zone).astimezone(UTC)
    return opens, datetime.combine(day, hours.closes, tzinfo=zone).astimezone(UTC)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment.astimezone(UTC)


@dataclass(frozen=True, eq=False)
class WorkingCalendar:
    """Which days are worked in a city, and between which hours.

    Working time runs from `hours.opens` to `hours.closes` on every working day, so one working day is
    `hours.length`: "1 wd" that begins on Friday at 16:00 ends on Monday at 16:00, and "1 wd" that begins on
    Saturday ends on Monday at 17:30. `duty` are the hours (of every day, also of holidays) that a promise such
    as "30 min; night 2 h" calls day. Moments are aware; results are in UTC.
    """

    zone: ZoneInfo
    hours: Hours = OFFICE
    duty: Hours = DUTY
    days: Mapping[date, DayName] = field(default_factory=dict)
    published: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", MappingProxyType(dict(self.days)))

    def with_days(self, days: Mapping[date, DayName]) -> Self:
        """The same calendar with these days added or changed."""
        return replace(self, days={**self.days, **days})

    def is_workday(self, day: date) -> bool:
        """Is `day` worked?"""
        named = self.days.get(day)
        return day.weekday() < 5 if named is None else named.kind == "workday"

    def provisional(self, day: date) -> bool:
        """May `day` still change, because its year's holidays are not published yet?"""
        return day.year not in self.published

    def on_duty_hours(self, moment: datetime) -> bool:
        """Does `moment` lie in the duty hours of its day?"""
        opens, closes = _bounds(self.zone, self.local_date(moment), self.duty)
        return opens <= _utc(moment) < closes

    def local_date(self, moment: datetime) -> date:
        """The city's date at `moment`."""
        return _utc(moment).astimezone(self.zone).date()

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """When work begins and ends on `day`; meaningful on working days only."""
        return _bounds(self.zone, day, self.hours)

    def length(self, span: Span, start: datetime) -> timedelta:
        """How long `span` is when it begins at `start`: working time for working days, else wall time."""
        if isinstance(span.amount, WorkingDays):
            return span.amount.count * self.hours.length
        return span.amount if span.night is None or self.on_duty_hours(start) else span.night

    def end(self, span: Span, start: datetime) -> datetime:
        """The moment at which `span`, begun at `start`, is over."""
        length = self.length(span, start)
        return self.add(start, length) if span.kind == "working" else _utc(start) + length

    def add(self, start: datetime, amount: timedelta | WorkingDays) -> datetime:
        """The earliest moment by which `amount` of working time has passed since `start`.

        ValueError for a negative amount, and for a calendar that has no working day for over a year.
        """
        left = amount.count * self.hours.length if isinstance(amount, WorkingDays) else amount
        moment, day, idle = _utc(start), self.local_date(start), 0
        if left < NOTHING:
            raise ValueError("working time cannot be taken away")
        while left:
            idle += 1
            if self.is_workday(day):
                opens, closes = self.bounds(day)
                begins = max(moment, opens)
                if begins < closes:
                    if left <= closes - begins:
                        return begins + left
                    left, idle = left - (closes - begins), 0
            if idle > BARREN:
                raise ValueError(f"no working day for over a year before {day}")
            day += timedelta(days=1)
        return moment

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """The working time between `start` and `end`; nothing when `end` is not later."""
        first, last, total = _utc(start), _utc(end), NOTHING
        day, final = self.local_date(start), self.local_date(end)
        while first < last and day <= final:
            if self.is_workday(day):
                opens, closes = self.bounds(day)
                total += max(min(last, closes) - max(first, opens), NOTHING)
            day += timedelta(days=1)
        return total


class CalendarDay(Model):
    """A day that is not what its weekday says. All days of one year are provisional, or none is."""

    __tablename__ = "calendar_day"
    __table_args__ = (CheckConstraint("kind IN ('holiday', 'workday')", name="kind"),)

    day: Mapped[date] = mapped_column("date", primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(60), default="")
    name_en: Mapped[str] = mapped_column(String(60), default="")
    provisional: Mapped[bool] = mapped_column(default=True)
    source: Mapped[str] = mapped_column(String(60))


class CalendarVersion(Model):
    """One row that changes whenever the calendar does, so that every process notices with one small read."""

    __tablename__ = "calendar_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(16))
    changed_at: Mapped[datetime]


def calendar_for(zone: ZoneInfo | None = None) -> WorkingCalendar:
    """The city's working calendar as it stands now (by default in the city's zone)."""
    zone = zone or clock.zone()
    kept: dict[str, tuple[str | None, WorkingCalendar]] = current_app.extensions.setdefault("calendars", {})
    version = db.session.scalar(select(CalendarVersion.version).where(CalendarVersion.id == 1))
    if zone.key in kept and kept[zone.key][0] == version:
        return kept[zone.key][1]
    columns = (
        CalendarDay.day,
        CalendarDay.kind,
        CalendarDay.name,
        CalendarDay.name_en,
        CalendarDay.provisional,
    )
    rows = db.session.execute(select(*columns)).all()
    calendar = WorkingCalendar(
        zone,
        days={
            day: DayName("workday" if kind == "workday" else "holiday", zh, en)
            for day, kind, zh, en, _p in rows
        },
        published=frozenset(day.year for day, *_names, provisional in rows if not provisional),
    )
    kept[zone.key] = (version, calendar)
    return calendar


@dataclass(frozen=True)
class Changes:
    """What putting days into the calendar did to each of them, in order of date."""

    added: tuple[date, ...] = ()
    changed: tuple[date, ...] = ()
    removed: tuple[date, ...] = ()
    same: tuple[date, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def put_days(days: Mapping[date, DayName], *, source: str, whole_years: Collection[int] = ()) -> Changes:
    """Put `days` into the calendar, inside the open transaction; running deadlines are recomputed by a job.

    `whole_years` are years for which `days` holds everything the government published: they are no longer
    provisional, and days of theirs that are not among `days` go. Days of other years stay as provisional as
    their year was.
    """
    years = {day.year for day in days} | set(whole_years)
    there = {row.day: row for row in _rows(years)}
    published = {day.year for day, row in there.items() if not row.provisional} | set(whole_years)
    added, changed, same = [], [], []
    for day, named in sorted(days.items()):
        values = {
            "kind": named.kind, "name": named.name, "name_en": named.name_en,
            "provisional": day.year not in published,
        }  # fmt: skip
        row = there.get(day)
        if row is None:
            db.session.add(CalendarDay(day=day, source=source, **values))
            added.append(day)
        elif any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            row.source = source
            changed.append(day)
        else:
            same.append(day)
    removed = sorted(day for day in there if day.year in whole_years and day not in days)
    for day in removed:
        db.session.delete(there[day])
    changes = Changes(tuple(added), tuple(changed), tuple(removed), tuple(same))
    if changes:
        _note_change()
    return changes


def _rows(years: Iterable[int]) -> list[CalendarDay]:
    query = select(CalendarDay).where(extract("year", CalendarDay.day).in_(sorted(years)))
    return list(db.session.scalars(query))


def _note_change() -> None:
    version = random_id()
    db.session.merge(CalendarVersion(id=1, version=version, changed_at=clock.now()))
    jobs.put("recompute-deadlines", key=f"recompute-deadlines:{version}")


def seed_from_holidays(years: Iterable[int], country: str = "CN") -> Changes:
    """Put the public holidays that the package `holidays` knows into the calendar, inside the open transaction.

    Its make-up working days show that a year was published; the others are estimates and stay provisional.
    A year that is already published here is left alone: somebody imported it.
    """
    import holidays

    wanted = set(years)
    years = sorted(wanted - {row.day.year for row in _rows(wanted) if not row.provisional})
    with speaking("zh"):
        makeup = str(_("Make-up working day"))
    zh = holidays.country_holidays(country, years=years, language="zh_CN")
    en = holidays.country_holidays(country, years=years, language="en_US")
    days: dict[date, DayName] = {}
    for day in sorted(day for day in zh if day.year in years):
        days[day] = DayName("holiday", *_festival(day, days, zh[day], en[day], zh.observed_label))
    worked = {day for day in zh.weekend_workdays if day.year in years}
    days |= {day: DayName("workday", makeup, "Make-up working day") for day in worked}
    return put_days(days, source="holidays", whole_years={day.year for day in worked})


def _festival(
    day: date, before: Mapping[date, DayName], name: str, name_en: str, observed: str
) -> tuple[str, str]:
    # The package calls the rest of a long holiday "observed" or "substituted"; to a reader it is that holiday.
    if "substituted" in name_en:
        for back in range(1, 5):
            if (found := before.get(day - timedelta(days=back))) is not None:
                return found.name, found.name_en
    name = name.removesuffix(observed.removeprefix("%s"))
    return name[:60], name_en.removesuffix(" (observed)")[:60]


def init_app(app: Flask) -> None:
    from board.calendar_cli import calendar_cli

    app.cli.add_command(calendar_cli)
