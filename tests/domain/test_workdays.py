"""The working calendar: what a citizen expects "one working day" to mean, wherever the city lies."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.errors import Invalid
from board.spans import Span, WorkingDays
from board.workdays import DayName, Hours, WorkingCalendar

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
# The days around National Day 2026 as the State Council published them.
OCTOBER = {
    **{date(2026, 10, day): DayName("holiday", "国庆节", "National Day") for day in range(1, 8)},
    date(2026, 9, 20): DayName("workday", "国庆节调休", "Make-up working day"),
    date(2026, 10, 10): DayName("workday", "国庆节调休", "Make-up working day"),
}
CITY = WorkingCalendar(SHANGHAI, days=OCTOBER, published=frozenset({2026}))


def at(text, zone=SHANGHAI):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
amounts = st.timedeltas(timedelta(0), timedelta(days=9))
specials = st.dictionaries(days, st.sampled_from([DayName("holiday"), DayName("workday")]), max_size=30)
zones = st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("America/Lima"), ZoneInfo("Asia/Kathmandu")])
calendars = st.builds(WorkingCalendar, zones, days=specials)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-11-20T16:00", 1, "2026-11-23T16:00"),  # Friday afternoon to Monday afternoon
        ("2026-11-21T11:00", 1, "2026-11-23T17:30"),  # a Saturday counts from Monday's opening
        ("2026-11-23T08:30", 1, "2026-11-23T17:30"),
        ("2026-11-23T20:00", 1, "2026-11-24T17:30"),  # in the evening: the next day
        ("2026-11-23T03:00", 3, "2026-11-25T17:30"),
        ("2026-09-30T16:00", 1, "2026-10-08T16:00"),  # over National Day
        ("2026-10-09T16:00", 1, "2026-10-10T16:00"),  # to a Saturday that is worked
    ],
)
def test_working_days_end_when_a_citizen_expects_it(start, count, end):
    assert CITY.add(at(start), WorkingDays(count)) == at(end)
    assert CITY.end(Span(WorkingDays(count)), at(start)) == at(end)


def test_a_published_holiday_is_no_workday_and_a_make_up_saturday_is_one():
    assert not CITY.is_workday(date(2026, 10, 1))
    assert CITY.is_workday(date(2026, 10, 10))
    assert CITY.is_workday(date(2026, 11, 20))
    assert not CITY.is_workday(date(2026, 11, 21))


def test_a_year_that_nobody_published_is_provisional():
    assert not CITY.provisional(date(2026, 12, 31))
    assert CITY.provisional(date(2027, 1, 1))


def test_a_night_without_work_counts_nothing():
    assert CITY.elapsed(at("2026-11-23T17:30"), at("2026-11-24T08:30")) == timedelta(0)
    assert CITY.elapsed(at("2026-11-20T16:30"), at("2026-11-23T09:00")) == timedelta(hours=1, minutes=30)
    assert CITY.elapsed(at("2026-11-24T09:00"), at("2026-11-23T09:00")) == timedelta(0)


def test_a_week_with_a_clock_change_has_as_much_working_time_as_any_other():
    berlin = WorkingCalendar(BERLIN)
    changed = berlin.elapsed(at("2026-03-27T12:00", BERLIN), at("2026-03-30T12:00", BERLIN))
    ordinary = berlin.elapsed(at("2026-03-20T12:00", BERLIN), at("2026-03-23T12:00", BERLIN))
    assert changed == ordinary == timedelta(hours=9)
    end = berlin.add(at("2026-03-27T12:00", BERLIN), WorkingDays(1))
    assert end == at("2026-03-30T12:00", BERLIN)
    assert end - at("2026-03-27T12:00", BERLIN).astimezone(UTC) == timedelta(hours=71)


def test_a_day_belongs_to_the_city_and_not_to_greenwich():
    assert CITY.add(at("2026-11-23T01:00", UTC), timedelta(hours=1)) == at("2026-11-23T10:00")
    assert CITY.local_date(at("2026-11-22T23:30", UTC)) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("start", "minutes"),
    [
        ("2026-11-21T08:00", 30),
        ("2026-11-21T19:59", 30),
        ("2026-11-21T20:00", 120),
        ("2026-11-21T07:59", 120),
    ],
)
def test_at_night_the_traffic_police_have_two_hours(start, minutes):
    assert CITY.end(Span.parse("30 min; night 2 h"), at(start)) == at(start) + timedelta(minutes=minutes)


def test_hours_may_be_those_of_another_city():
    short = WorkingCalendar(SHANGHAI, hours=Hours(time(10), time(14)))
    assert short.add(at("2026-11-23T13:00"), WorkingDays(1)) == at("2026-11-24T13:00")
    with pytest.raises(ValueError, match="end after"):
        Hours(time(14), time(10))


def test_a_calendar_without_work_says_so_instead_of_searching_for_ever():
    never = {date(2026, 1, 1) + timedelta(days=number): DayName("holiday") for number in range(1000)}
    with pytest.raises(ValueError, match="no working day"):
        WorkingCalendar(SHANGHAI, days=never).add(at("2026-01-01T09:00"), WorkingDays(1))


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a zone"):
        CITY.add(datetime(2026, 11, 23, 9), timedelta(hours=1))


def test_a_calendar_cannot_be_changed_under_its_readers():
    given_days = dict(OCTOBER)
    calendar = WorkingCalendar(SHANGHAI, days=given_days)
    given_days[date(2026, 11, 23)] = DayName("holiday")
    assert calendar.is_workday(date(2026, 11, 23))
    with pytest.raises(TypeError):
        calendar.days[date(2026, 11, 23)] = DayName("holiday")  # type: ignore[index]


@given(calendars, moments, amounts)
def test_what_is_added_is_what_has_elapsed(calendar, start, amount):
    end = calendar.add(start, amount)
    assert end >= start
    assert calendar.elapsed(start, end) == amount
    if amount:
        assert calendar.elapsed(start, end - timedelta(microseconds=1)) < amount


@given(calendars, moments, amounts, amounts)
def test_adding_in_two_steps_is_adding_once(calendar, start, first, second):
    assert calendar.add(calendar.add(start, first), second) == calendar.add(start, first + second)


@given(calendars, st.lists(moments, min_size=3, max_size=3).map(sorted))
def test_working_time_adds_up(calendar, three):
    first, second, third = three
    together = calendar.elapsed(first, second) + calendar.elapsed(second, third)
    assert together == calendar.elapsed(first, third) <= third - first


@given(calendars, moments, moments, amounts)
def test_who_begins_later_never_ends_earlier(calendar, one, other, amount):
    early, late = sorted([one, other])
    assert calendar.add(early, amount) <= calendar.add(late, amount)


@given(calendars, moments, amounts, days)
def test_one_more_holiday_never_makes_anything_earlier(calendar, start, amount, day):
    assert calendar.add(start, amount) <= calendar.with_days({day: DayName("holiday")}).add(start, amount)


@pytest.mark.parametrize("text", ["10 min", "2 h", "3 d", "1 wd", "30 min; night 2 h", "90 min"])
def test_a_length_of_time_is_written_as_it_is_read(text):
    assert str(Span.parse(text)) == text
    assert Span.parse(f"  {text.replace(' ', '')} ") == Span.parse(text)


@given(st.integers(1, 5_000_000), st.sampled_from(["min", "h", "d", "wd"]))
def test_every_length_that_is_read_can_be_written_and_read_again(count, unit):
    try:
        span = Span.parse(f"{count} {unit}")
    except Invalid:
        assert count * {"min": 1, "h": 60, "d": 1440, "wd": 1440}[unit] > 3650 * 1440
    else:
        assert Span.parse(str(span)) == span


def test_full_width_digits_from_a_chinese_keyboard_are_read():
    assert Span.parse("３０ min； night ２ h") == Span.parse("30 min; night 2 h")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "min",
        "0 min",
        "-3 d",
        "1.5 h",
        "3 weeks",
        "99999 d",
        "2 h; night 1 wd",
        "1 wd; night 2 h",
        "9" * 99,
    ],
)
def test_what_is_no_length_of_time_is_refused_with_a_sentence(text):
    with pytest.raises(Invalid) as refused:
        Span.parse(text)
    assert len(str(refused.value)) > 20
