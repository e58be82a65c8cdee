"""Hours across midnight and across changes of the clock, in the city's own zone and in difficult ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from board import clock
from notifications import hours
from notifications.hours import is_quiet, next_hour, quiet_until

pytestmark = pytest.mark.engines("sqlite", "postgres")

MINUTE = timedelta(minutes=1)
# Half an hour of summer time, a change at midnight, three quarters of an hour, and a day that was left out.
ZONES = (
    "Asia/Shanghai",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kathmandu",
    "Pacific/Apia",
)


@pytest.fixture
def in_zone() -> Iterator[None]:
    """Let the test choose the city's zone."""
    yield
    settle("Asia/Shanghai")


def settle(zone: str) -> None:
    chosen = ZoneInfo(zone)
    clock.zone.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOARD_ZONE", zone)
        assert clock.zone() == chosen
    hours._next_hour.cache_clear()
    hours._quiet_end.cache_clear()


def city(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock.zone())


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-11-17T21:59", None),
        ("2026-11-17T22:00", "2026-11-18T07:00"),
        ("2026-11-17T23:59", "2026-11-18T07:00"),
        ("2026-11-18T00:00", "2026-11-18T07:00"),
        ("2026-11-18T06:59", "2026-11-18T07:00"),
        ("2026-11-18T07:00", None),
        ("2026-12-31T23:30", "2027-01-01T07:00"),
    ],
)
def test_quiet_hours_reach_over_midnight(at: str, end: str | None) -> None:
    assert quiet_until(22, 7, city(at)) == (city(end) if end else None)


@pytest.mark.parametrize(
    ("at", "end"),
    [("2026-11-17T12:59", None), ("2026-11-17T13:00", "2026-11-17T15:00"), ("2026-11-17T15:00", None)],
)
def test_quiet_hours_within_a_day(at: str, end: str | None) -> None:
    assert quiet_until(13, 15, city(at)) == (city(end) if end else None)


def test_two_equal_hours_are_no_quiet_hours() -> None:
    for hour in range(24):
        assert quiet_until(hour, hour, city(f"2026-11-17T{hour:02d}:00")) is None


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-11-17T07:59", "2026-11-17T08:00"),
        ("2026-11-17T08:00", "2026-11-18T08:00"),
        ("2026-11-17T08:01", "2026-11-18T08:00"),
        ("2026-12-31T23:59", "2027-01-01T08:00"),
    ],
)
def test_the_daily_hour_is_the_next_one_of_the_city(after: str, due: str) -> None:
    assert next_hour(8, city(after)) == city(due)


def test_an_hour_that_a_change_of_the_clock_leaves_out_comes_as_soon_as_it_is_over(in_zone: None) -> None:
    settle("Europe/Berlin")
    before = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # midnight; at two it is three
    assert next_hour(2, before) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert quiet_until(22, 2, before) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_an_hour_that_comes_twice_brings_one_mail(in_zone: None) -> None:
    settle("Europe/Berlin")
    first = next_hour(2, datetime(2026, 10, 24, 22, 0, tzinfo=UTC))
    assert first == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # the first of the two twos
    assert next_hour(2, first) == datetime(2026, 10, 26, 1, 0, tzinfo=UTC)


moments = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)


@settings(max_examples=120, deadline=None)
@given(zone=st.sampled_from(ZONES), start=st.integers(0, 23), end=st.integers(0, 23), at=moments)
def test_quiet_hours_end_exactly_when_a_walk_by_the_minute_leaves_them(
    zone: str, start: int, end: int, at: datetime
) -> None:
    settle(zone)
    try:
        found, walked = quiet_until(start, end, at), at
        while is_quiet(start, end, walked):
            walked += MINUTE
        assert found == (None if walked == at else walked)
    finally:
        settle("Asia/Shanghai")


@settings(max_examples=120, deadline=None)
@given(zone=st.sampled_from(ZONES), hour=st.integers(0, 23), at=moments)
def test_the_daily_hour_is_where_a_walk_by_the_minute_first_reaches_it(
    zone: str, hour: int, at: datetime
) -> None:
    settle(zone)
    try:
        due = next_hour(hour, at)
        assert at < due <= at + timedelta(days=2)
        reached = clock.local(due)
        assert reached.hour >= hour
        before = clock.local(due - MINUTE)
        assert before.hour < hour or before.date() < reached.date()
        walked = at + MINUTE
        while walked < due:
            here, last = clock.local(walked), clock.local(walked - MINUTE)
            assert not (here.hour >= hour and (last.hour < hour or last.date() < here.date())), walked
            walked += MINUTE
    finally:
        settle("Asia/Shanghai")
