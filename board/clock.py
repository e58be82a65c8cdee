"""The one place where the time comes from, so that tests can hold it still."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_frozen: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _frozen if _frozen is not None else datetime.now(UTC)


@contextmanager
def freeze(at: datetime) -> Iterator[None]:
    """Hold the clock at `at` (aware) for as long as the block runs; process-wide, threads included."""
    global _frozen
    if at.tzinfo is None:
        raise ValueError("freeze() takes an aware datetime")
    before, _frozen = _frozen, at.astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before


def advance(by: timedelta) -> datetime:
    """Move a frozen clock on by `by`; RuntimeError when the clock is running."""
    global _frozen
    if _frozen is None:
        raise RuntimeError("the clock is running: freeze() it first")
    _frozen += by
    return _frozen


@cache
def zone() -> ZoneInfo:
    """The city's time zone, from BOARD_ZONE (default Asia/Shanghai)."""
    return ZoneInfo(os.environ.get("BOARD_ZONE", "Asia/Shanghai"))


def local(moment: datetime) -> datetime:
    """`moment` on the city's own clocks."""
    return moment.astimezone(zone())


def today() -> date:
    """The city's date now."""
    return local(now()).date()


def midnight(day: date) -> datetime:
    """The first moment of `day` in the city, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone()).astimezone(UTC)
