"""A deadline as a pure function of its segments and the working calendar.

A clock runs in segments: it runs, it pauses, it runs again, it is stopped. The promise is kept in the measure
it was given in (wall time or working time). An extension either adds a length, or names a new date; a date
once named moves only by the time the clock stands still after it, hour for hour. Of two promises the later
one holds, so an extension, a pause and a holiday never make a deadline earlier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, Self

from board.spans import Span
from board.workdays import NOTHING, WorkingCalendar

State = Literal["normal", "soon", "over", "paused", "done"]
Measure = Literal["wall", "working"]

SOON_SHARE = 4  # the last quarter of what was promised
SOON = timedelta(minutes=15)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment.astimezone(UTC)


@dataclass(frozen=True)
class Segment:
    """A stretch in which a clock runs or pauses; without an end it goes on."""

    kind: Literal["run", "pause"]
    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _utc(self.start))
        if self.end is not None:
            object.__setattr__(self, "end", _utc(self.end))
            if self.end < self.start:
                raise ValueError("a segment ends before it starts")


@dataclass(frozen=True)
class Extension:
    """More time, granted at a moment: a length to add, or the new moment by which."""

    granted_at: datetime
    by: Span | datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "granted_at", _utc(self.granted_at))
        if isinstance(self.by, datetime):
            object.__setattr__(self, "by", _utc(self.by))


@dataclass(frozen=True)
class Clock:
    """A promise and how its time has run. Segments follow each other without a gap, the first at `started_at`.

    No segments mean that it has run since `started_at`; a last segment with an end means that it was stopped.
    """

    target: Span
    started_at: datetime
    segments: tuple[Segment, ...] = ()
    extensions: tuple[Extension, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", _utc(self.started_at))
        segments = tuple(self.segments) or (Segment("run", self.started_at),)
        at: datetime | None = self.started_at
        for segment in segments:
            if at is None or segment.start != at:
                raise ValueError("segments follow each other without a gap, and only the last one is open")
            at = segment.end
        object.__setattr__(self, "segments", segments)
        object.__setattr__(
            self, "extensions", tuple(sorted(self.extensions, key=lambda each: each.granted_at))
        )

    @property
    def stopped_at(self) -> datetime | None:
        """When the clock was stopped for good, None while it runs or pauses."""
        return self.segments[-1].end

    @property
    def is_paused(self) -> bool:
        """Is it standing still, to run again?"""
        return self.stopped_at is None and self.segments[-1].kind == "pause"

    def pause(self, at: datetime) -> Self:
        """The clock standing still from `at` on. ValueError unless it runs."""
        return self._turn("run", "pause", at)

    def resume(self, at: datetime) -> Self:
        """The clock running again from `at` on. ValueError unless it pauses."""
        return self._turn("pause", "run", at)

    def stop(self, at: datetime) -> Self:
        """The clock stopped for good at `at`. ValueError when it already is."""
        return self._close(at, ())

    def extend(self, by: Span | datetime, at: datetime) -> Self:
        """The clock with more time, granted at `at`."""
        return replace(self, extensions=(*self.extensions, Extension(at, by)))

    def as_of(self, at: datetime) -> Self:
        """The clock as it was known at `at`: nothing that came later."""
        moment = max(_utc(at), self.started_at)
        known = [
            replace(each, end=None) if each.end is not None and each.end > moment else each
            for each in self.segments
            if each.start <= moment
        ]
        return replace(
            self,
            segments=tuple(known),
            extensions=tuple(each for each in self.extensions if each.granted_at <= moment),
        )

    def _turn(self, before: str, after: Literal["run", "pause"], at: datetime) -> Self:
        if self.segments[-1].kind != before:
            raise ValueError(f"the clock is in a {self.segments[-1].kind}")
        return self._close(at, (Segment(after, at),))

    def _close(self, at: datetime, then: tuple[Segment, ...]) -> Self:
        if self.stopped_at is not None:
            raise ValueError("the clock was stopped")
        last = replace(self.segments[-1], end=_utc(at))
        return replace(self, segments=(*self.segments[:-1], last, *then))

    def _going_on(self) -> Self:
        # What is asked of a stopped clock is what would have been: it runs on.
        end = self.stopped_at
        return self if end is None else replace(self, segments=(*self.segments, Segment("run", end)))


@dataclass(frozen=True)
class Line:
    """One step of a deadline's arithmetic: a kind and its parameters, made into a sentence where it is shown."""

    kind: str
    params: dict[str, Any]


@dataclass(frozen=True)
class _Promise:
    due: datetime | None
    measure: Measure
    allowed: timedelta


def due_at(clock: Clock, calendar: WorkingCalendar) -> datetime | None:
    """When the promised time is used up; None while the clock pauses before that.

    For a stopped clock: when it would have been, had it run on.
    """
    return _promise(clock, calendar).due


def breach_at(clock: Clock, calendar: WorkingCalendar) -> datetime | None:
    """The moment at which the promise is, or will be, broken; None when it was kept or cannot be told yet."""
    due = due_at(clock, calendar)
    return None if due is None or (clock.stopped_at is not None and clock.stopped_at < due) else due


def elapsed(clock: Clock, calendar: WorkingCalendar, at: datetime) -> timedelta:
    """How much of the promised time is used at `at`, in the promise's measure (wall or working time)."""
    known = clock.as_of(at)
    return _run(known, _binding(known, calendar, at).measure, calendar, known.started_at, _utc(at))


def allowed(clock: Clock, calendar: WorkingCalendar, at: datetime) -> timedelta:
    """The whole promise as of `at`: target and extensions, in the promise's measure."""
    known = clock.as_of(at)
    return _binding(known, calendar, at).allowed


def remaining(clock: Clock, calendar: WorkingCalendar, at: datetime) -> timedelta:
    """How much of the promised time is left at `at`, in the promise's measure; negative when it is over."""
    return allowed(clock, calendar, at) - elapsed(clock, calendar, at)


def state(clock: Clock, calendar: WorkingCalendar, at: datetime) -> State:
    """How the clock looks at `at`; a promise that was broken before a pause stays over."""
    known = clock.as_of(at)
    if known.stopped_at is not None:
        return "done"
    due = due_at(known, calendar)
    if due is not None and due <= _utc(at):
        return "over"
    if known.is_paused:
        return "paused"
    left = remaining(clock, calendar, at)
    return "soon" if left < SOON or left * SOON_SHARE < allowed(clock, calendar, at) else "normal"


def arithmetic(clock: Clock, calendar: WorkingCalendar) -> list[Line]:
    """How the deadline comes about, step by step, oldest first.

    Kinds and their parameters: `started` at · `promised` span, length, measure, by_night, opens, closes ·
    `opens` at (work begins only then) · `skipped` first, last, names (of holidays, as pairs of name and name_en;
    none for a weekend) · `worked` day, name (a make-up working day) · `paused` start, end (None while it lasts), length ·
    `extended` at, span, until · `provisional` year · `stopped` at, due · `stands` left (no deadline while it
    pauses) · `due` at. Lengths are timedeltas of wall time, those of `promised` and `stands` of the promise's measure.
    """
    promise = _promise(clock, calendar)
    end = promise.due or max(each.start for each in clock.segments)
    timed: list[tuple[datetime, Line]] = []
    for pause in clock.segments:
        if pause.kind == "pause" and (promise.due is None or pause.start < promise.due):
            length = None if pause.end is None else pause.end - pause.start
            timed.append(
                (pause.start, Line("paused", {"start": pause.start, "end": pause.end, "length": length}))
            )
    for each in clock.extensions:
        span, until = (None, each.by) if isinstance(each.by, datetime) else (each.by, None)
        timed.append(
            (each.granted_at, Line("extended", {"at": each.granted_at, "span": span, "until": until}))
        )
    if clock.target.kind == "working":
        timed.extend(_days(clock, calendar, end))
    lines = [Line("started", {"at": clock.started_at}), _promised(clock, calendar)]
    lines += [line for _at, line in sorted(timed, key=lambda pair: pair[0])]
    if clock.target.kind == "working":
        years = range(calendar.local_date(clock.started_at).year, calendar.local_date(end).year + 1)
        lines += [
            Line("provisional", {"year": year}) for year in years if calendar.provisional(date(year, 7, 1))
        ]
    if clock.stopped_at is not None:
        lines.append(Line("stopped", {"at": clock.stopped_at, "due": promise.due}))
    elif promise.due is None:
        lines.append(Line("stands", {"left": remaining(clock, calendar, clock.segments[-1].start)}))
    else:
        lines.append(Line("due", {"at": promise.due}))
    return lines


def _promised(clock: Clock, calendar: WorkingCalendar) -> Line:
    working = clock.target.kind == "working"
    return Line(
        "promised",
        {
            "span": clock.target,
            "length": calendar.length(clock.target, clock.started_at),
            "measure": "working" if working else "wall",
            "by_night": clock.target.kind == "duty" and not calendar.on_duty_hours(clock.started_at),
            "opens": calendar.hours.opens if working else None,
            "closes": calendar.hours.closes if working else None,
        },
    )


def _days(clock: Clock, calendar: WorkingCalendar, end: datetime) -> Iterator[tuple[datetime, Line]]:
    # Each stretch of days that did not count although the clock ran, and each unusual day that did.
    begins = _begins(clock.started_at, calendar)
    if begins != clock.started_at:
        yield clock.started_at, Line("opens", {"at": begins})
    runs = [each for each in clock._going_on().segments if each.kind == "run"]
    day, last = calendar.local_date(clock.started_at), calendar.local_date(end)
    stretch: Line | None = None
    while day <= last:
        named = calendar.days.get(day)
        opens, closes = calendar.bounds(day)
        ran = any(each.start < closes and (each.end or closes) > opens for each in runs)
        name = (named.name, named.name_en) if named else None
        if ran and not calendar.is_workday(day):
            if stretch is None:
                stretch = Line("skipped", {"first": day, "last": day, "names": []})
                yield max(opens, clock.started_at), stretch
            stretch.params["last"] = day
            if name is not None and name not in stretch.params["names"]:
                stretch.params["names"].append(name)
        else:
            stretch = None
            if ran and name is not None:
                yield opens, Line("worked", {"day": day, "name": name})
        day += timedelta(days=1)


def _begins(start: datetime, calendar: WorkingCalendar) -> datetime:
    # The first working moment from `start` on.
    return calendar.add(start, timedelta(microseconds=1)) - timedelta(microseconds=1)


def _binding(known: Clock, calendar: WorkingCalendar, at: datetime) -> _Promise:
    # While a clock pauses its due date is unknown; which promise holds is asked as if it ran on from `at`.
    moment = max(_utc(at), known.started_at)
    return _promise(known.resume(moment) if known.is_paused else known, calendar)


def _promise(clock: Clock, calendar: WorkingCalendar) -> _Promise:
    measure: Measure = "working" if clock.target.kind == "working" else "wall"
    total = calendar.length(clock.target, clock.started_at)
    dated: tuple[datetime, datetime] | None = None  # by when, and since when that is the promise
    for each in clock.extensions:
        if isinstance(each.by, datetime):
            before = dated and _shifted(clock, *dated, until=each.granted_at)
            dated = (max(each.by, before or each.by), each.granted_at)
            continue
        if each.by.kind != clock.target.kind:
            raise ValueError("an extension is counted like its promise, or names a date")
        total += calendar.length(each.by, each.granted_at)
        if dated is not None:
            moved = _shifted(clock, *dated, until=each.granted_at)
            dated = (calendar.end(each.by, max(moved, each.granted_at)), each.granted_at)
    counted = _Promise(_used_up(clock, measure, calendar, total), measure, total)
    if dated is None:
        return counted
    named = _named(clock, calendar, *dated)
    if counted.due is None or named.due is None:
        return replace(counted, due=None)
    return named if named.due > counted.due else counted


def _named(clock: Clock, calendar: WorkingCalendar, until: datetime, since: datetime) -> _Promise:
    whole = _run(clock, "wall", calendar, clock.started_at, since) + (until - max(since, clock.started_at))
    due: datetime | None = until
    for each in clock._going_on().segments:
        if (
            each.kind == "pause"
            and due is not None
            and each.start < due
            and (each.end is None or each.end > since)
        ):
            due = None if each.end is None else due + (each.end - max(each.start, since))
    return _Promise(due, "wall", whole)


def _shifted(clock: Clock, promised: datetime, since: datetime, *, until: datetime) -> datetime:
    # A named date, moved by the time the clock stood still between `since` and `until`.
    still = NOTHING
    for each in clock.segments:
        if each.kind == "pause":
            still += max(min(each.end or until, until) - max(each.start, since), NOTHING)
    return promised + still


def _used_up(clock: Clock, measure: Measure, calendar: WorkingCalendar, total: timedelta) -> datetime | None:
    left = total
    for each in clock._going_on().segments:
        if each.kind == "pause":
            continue
        if each.end is not None:
            used = _measured(measure, calendar, each.start, each.end)
            if used < left:
                left -= used
                continue
        return calendar.add(each.start, left) if measure == "working" else each.start + left
    return None


def _run(
    clock: Clock, measure: Measure, calendar: WorkingCalendar, start: datetime, end: datetime
) -> timedelta:
    total = NOTHING
    for each in clock.segments:
        if each.kind == "run":
            total += _measured(measure, calendar, max(each.start, start), min(each.end or end, end))
    return total


def _measured(measure: Measure, calendar: WorkingCalendar, start: datetime, end: datetime) -> timedelta:
    return calendar.elapsed(start, end) if measure == "working" else max(end - start, NOTHING)
