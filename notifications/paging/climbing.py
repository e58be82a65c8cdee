"""How a call climbs, as a pure function: the policy, where it stands and the moment give what is due.

What was due at a moment never depends on when somebody looks: a pager that comes three hours late finds the same steps
at the same times as one that was never away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from board.spans import Span
from board.workdays import WorkingCalendar
from notifications.paging.steps import Step

LONGEST_URGENT_LEASE = timedelta(minutes=30)
LEASE_SHARE = 50  # per cent of the accept time

Empty = Callable[[Step, datetime], bool]


@dataclass(frozen=True)
class Ladder:
    """A policy at work: its steps, and for ordinary calls the promise that their shares are of."""

    steps: tuple[Step, ...]
    urgent: bool
    reply: Span
    calendar: WorkingCalendar

    def moment(self, place: int, leg_at: datetime, first: int) -> datetime:
        """When step `place` is due in the leg that began at `leg_at` with step `first`."""
        after = self.steps[place].after
        if first:
            after -= self.steps[first].after
        if self.urgent:
            return leg_at + timedelta(minutes=after)
        return share(self.reply, self.calendar, leg_at, after)


@dataclass(frozen=True)
class Due:
    """A step that came due. `empty`: nobody was there, so the next one was due at once."""

    place: int
    step: Step
    at: datetime
    empty: bool


@dataclass(frozen=True)
class Climb:
    """What is due by now, the next step, and when it will be; None when all were taken."""

    due: tuple[Due, ...]
    step: int
    next_at: datetime | None


def climb(
    ladder: Ladder, *, leg_at: datetime, first: int, step: int, moment: datetime, empty: Empty
) -> Climb:
    """The steps from `step` on that are due by `moment`. `empty(step, at)` says whether nobody is there then."""
    due: list[Due] = []
    hurried: datetime | None = None
    last = leg_at
    for place in range(step, len(ladder.steps)):
        planned = ladder.moment(place, leg_at, first)
        at = max(last, planned if hurried is None else min(planned, hurried))
        if at > moment:
            return Climb(tuple(due), place, at)
        nobody = empty(ladder.steps[place], at)
        due.append(Due(place, ladder.steps[place], at, nobody))
        hurried, last = (at if nobody else None), at
    return Climb(tuple(due), len(ladder.steps), None)


def share(span: Span, calendar: WorkingCalendar, start: datetime, percent: int) -> datetime:
    """When `percent` of `span`, begun at `start`, will be used; on its own calendar, so that nobody is woken."""
    part = calendar.length(span, start) * percent / 100
    if span.kind != "working":
        return start + part
    if part:
        return calendar.add(start, part)
    tick = timedelta(microseconds=1)
    return calendar.add(start, tick) - tick  # the first working moment


def lease_end(accept: Span, calendar: WorkingCalendar, at: datetime, *, urgent: bool) -> datetime:
    """Until when an acknowledgement holds: half the accept time, at most half an hour when it is urgent."""
    end = share(accept, calendar, at, LEASE_SHARE)
    return min(end, at + LONGEST_URGENT_LEASE) if urgent else end
