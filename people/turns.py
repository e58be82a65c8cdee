"""Who should be on duty when: rotations and overrides rolled out into turns. Pure: no database, no page.

Times of day are the city's wall clock; what comes out are half-open moments in UTC, [starts_at, ends_at). A turn
ends when the wall clock reaches its end: the night on which the clocks change is an hour longer or shorter, and
one turn always begins where the one before it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

MonthDay = tuple[int, int]
Span = tuple[datetime, datetime]
EVERY_DAY = frozenset(range(7))

# Whether a day is worked, as the city's calendar says: holidays are not, make-up days are.
Worked = Callable[[date], bool]
# Which days: those of certain weekdays, whatever the calendar says; working days; the days between them.
Days = Literal["weekdays", "working", "off"]


@dataclass(frozen=True)
class Rota:
    """A rotation: from `starts_on` on, every day of `days` a turn of `minutes` begins at `starts`; 0 is Monday in `weekdays`.

    Its groups hold it in turn, each for `days_each` days in a row. `season` are the first and the last day of the
    year on which turns begin; it may run over the new year. `ends_on` is the last day on which one begins.
    """

    groups: tuple[tuple[int, ...], ...]
    starts_on: date
    starts: time
    minutes: int
    days_each: int = 1
    weekdays: frozenset[int] = EVERY_DAY
    season: tuple[MonthDay, MonthDay] | None = None
    ends_on: date | None = None
    days: Days = "weekdays"

    def holds(self, day: date, worked: Worked) -> tuple[int, ...] | None:
        """Who begins a turn on `day`; None when no turn begins then."""
        if day < self.starts_on or (self.ends_on is not None and day > self.ends_on):
            return None
        if not chosen(day, self.days, self.weekdays, worked) or not in_season(day, self.season):
            return None
        if not self.groups:
            return None
        return self.groups[((day - self.starts_on).days // self.days_each) % len(self.groups)]


@dataclass(frozen=True)
class Change:
    """An override: within [starts_at, ends_at) `person` comes in addition, stays away, or is replaced by `instead`.

    Changes are made in their order; the later one is right.
    """

    kind: Literal["add", "remove", "replace"]
    person: int
    starts_at: datetime
    ends_at: datetime
    instead: int | None = None


@dataclass(frozen=True, order=True)
class Planned:
    """One person's turn, [starts_at, ends_at) in UTC."""

    starts_at: datetime
    ends_at: datetime
    person: int


@dataclass(frozen=True)
class Window:
    """What a department promises: somebody on duty on these days for `minutes` from `starts` on, wall clock."""

    weekdays: frozenset[int]
    starts: time
    minutes: int
    days: Days = "weekdays"


def chosen(day: date, days: Days, weekdays: frozenset[int], worked: Worked) -> bool:
    """Whether `day` is one of `days`; `weekdays` counts where those are meant."""
    if days == "weekdays":
        return day.weekday() in weekdays
    return worked(day) == (days == "working")


def in_season(day: date, season: tuple[MonthDay, MonthDay] | None) -> bool:
    """Whether `day` lies in the season, first and last day included; without a season every day does."""
    if season is None:
        return True
    first, last = season
    here = (day.month, day.day)
    return first <= here <= last if first <= last else here >= first or here <= last


def instant(day: date, clock: time, minutes: int, zone: ZoneInfo) -> datetime:
    """When the wall clock of `zone` first reaches `minutes` after `clock` on `day`, in UTC.

    An hour that the clocks leave out is reached at the moment they jump; of an hour that comes twice, the first.
    """
    wall = datetime.combine(day, clock) + timedelta(minutes=minutes)
    found = wall.replace(tzinfo=zone).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while found - before > timedelta(seconds=1):
        middle = before + (found - before) // 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            found = middle
    return found.replace(microsecond=0)


def plan(
    rotations: Iterable[Rota],
    overrides: Iterable[Change],
    first: datetime,
    last: datetime,
    zone: ZoneInfo,
    worked: Worked,
) -> list[Planned]:
    """The turns that touch [first, last), whole, in their order. Nobody holds two of them at one moment."""
    held: dict[int, list[Span]] = {}
    for rota in rotations:
        for people, turn in _turns(rota, first, last, zone, worked):
            for person in people:
                _put(held, person, turn)
    for change in overrides:
        span = (change.starts_at, change.ends_at)
        if change.kind == "add":
            _put(held, change.person, span)
            continue
        mine = held.get(change.person, [])
        held[change.person] = without(mine, [span])
        if change.kind == "replace" and change.instead is not None:
            for piece in within(mine, [span]):
                _put(held, change.instead, piece)
    return sorted(
        Planned(start, end, person)
        for person, spans in held.items()
        for start, end in spans
        if start < last and end > first
    )


def _turns(
    rota: Rota, first: datetime, last: datetime, zone: ZoneInfo, worked: Worked
) -> Iterator[tuple[tuple[int, ...], Span]]:
    # A day before and after: the zone's own day is not UTC's, and a turn may run for days.
    reach = timedelta(days=rota.minutes // 1440 + 2)
    day = max(rota.starts_on, (first - reach).date())
    while day <= (last + timedelta(days=1)).date():
        people = rota.holds(day, worked)
        if people:
            start, end = instant(day, rota.starts, 0, zone), instant(day, rota.starts, rota.minutes, zone)
            if start < end and start < last and end > first:
                yield people, (start, end)
        day += timedelta(days=1)


def _put(held: dict[int, list[Span]], person: int, span: Span) -> None:
    mine = held.setdefault(person, [])
    mine += without([span], mine)


def promised(
    windows: Sequence[Window] | None, first: datetime, last: datetime, zone: ZoneInfo, worked: Worked
) -> list[Span]:
    """The time within [first, last) for which somebody must be on duty; None means the whole of it."""
    if windows is None:
        return [(first, last)] if first < last else []
    found = [turn for window in windows for _people, turn in _turns(_rota(window), first, last, zone, worked)]
    return within(merged(found), [(first, last)])


def _rota(window: Window) -> Rota:
    return Rota(
        ((0,),),
        date(2000, 1, 1),
        window.starts,
        window.minutes,
        weekdays=window.weekdays,
        days=window.days,
    )


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time as few spans in order, none touching another."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What is left of each span when the time of `taken` goes."""
    return _pieces(spans, merged(taken), inside=False)


def within(spans: Iterable[Span], frame: Iterable[Span]) -> list[Span]:
    """The part of each span that lies in the time of `frame`."""
    return _pieces(spans, merged(frame), inside=True)


def _pieces(spans: Iterable[Span], taken: list[Span], *, inside: bool) -> list[Span]:
    found: list[Span] = []
    for start, end in spans:
        here = start
        for begins, stops in taken:
            if stops <= here or begins >= end:
                continue
            if not inside and here < begins:
                found.append((here, begins))
            if inside:
                found.append((max(here, begins), min(end, stops)))
            here = max(here, stops)
        if not inside and here < end:
            found.append((here, end))
    return found


def at_each(spans: Iterable[Planned], moment: datetime) -> set[int]:
    """Who holds a turn at `moment`."""
    return {each.person for each in spans if each.starts_at <= moment < each.ends_at}
