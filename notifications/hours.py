"""When news may reach somebody: the hour of a daily mail, and the hours in which a telephone keeps still.

Hours are whole hours of the city's own clocks. Moments are looked for in steps of a quarter of an hour, because
every zone of the world, and every change of its clocks, is a multiple of that: so a day of 23 or 25 hours needs
no rule of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from board.clock import local

QUARTER = timedelta(minutes=15)
TWO_DAYS = 2 * 24 * 4  # quarters


def _floor(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(minute=moment.minute - moment.minute % 15, second=0, microsecond=0)


def next_hour(hour: int, after: datetime) -> datetime:
    """The next moment behind `after` at which a day of the city reaches `hour` (0–23); once a day, whatever its length."""
    return _next_hour(hour, _floor(after))


@lru_cache(maxsize=256)
def _next_hour(hour: int, after: datetime) -> datetime:
    before = local(after)
    for step in range(1, TWO_DAYS + 1):
        moment = after + step * QUARTER
        here = local(moment)
        if here.hour >= hour and (before.date() < here.date() or before.hour < hour):
            return moment
        before = here
    raise AssertionError("a day without that hour")  # pragma: no cover


def is_quiet(start: int, end: int, at: datetime) -> bool:
    """Whether the city's clocks stand from `start` to before `end` (hours, 0–23) at this moment; across midnight too."""
    hour = local(at).hour
    if start <= end:
        return start <= hour < end
    return hour >= start or hour < end


def quiet_until(start: int, end: int, at: datetime) -> datetime | None:
    """The end of the quiet hours that `at` lies in; None outside them, and always when both hours are the same."""
    if not is_quiet(start, end, at):
        return None
    return _quiet_end(start, end, _floor(at))


@lru_cache(maxsize=256)
def _quiet_end(start: int, end: int, at: datetime) -> datetime:
    moment = at + QUARTER
    while is_quiet(start, end, moment):
        moment += QUARTER
    return moment
