"""Deadlines: whatever pauses, extensions and holidays do, the promise to the citizen adds up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from board.spans import Span
from board.workdays import DayName, WorkingCalendar
from boards.models.segments import (
    Clock,
    Extension,
    Segment,
    allowed,
    arithmetic,
    breach_at,
    due_at,
    elapsed,
    remaining,
    state,
)

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
HOLIDAY = DayName("holiday", "国庆节", "National Day")
CITY = WorkingCalendar(
    SHANGHAI,
    days={
        **{date(2026, 10, day): HOLIDAY for day in range(1, 8)},
        date(2026, 10, 10): DayName("workday", "国庆节调休", "Make-up working day"),
    },
    published=frozenset({2026}),
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def clock(target, start):
    return Clock(Span.parse(target), at(start))


# ------------------------------------------------------------------------------------------- any clock


BASE = datetime(2026, 9, 14, tzinfo=UTC)
offsets = st.integers(0, 60 * 24 * 40).map(lambda minutes: timedelta(minutes=minutes))
moments = offsets.map(lambda offset: BASE + offset)
specials = st.dictionaries(
    st.dates(date(2026, 9, 10), date(2026, 12, 31)),
    st.sampled_from([DayName("holiday", "节", "Holiday"), DayName("workday", "班", "Work")]),
    max_size=20,
)
calendars = st.builds(WorkingCalendar, st.sampled_from([SHANGHAI, BERLIN]), days=specials)
targets = st.sampled_from(["10 min", "2 h", "24 h", "7 d", "1 wd", "3 wd", "15 wd", "30 min; night 2 h"]).map(
    Span.parse
)


@st.composite
def clocks(draw, extensions=2):
    """A clock with up to three pauses, some extensions, running, paused or stopped."""
    target = draw(targets)
    cuts = sorted(draw(st.lists(moments, min_size=1, max_size=7)))
    kinds: list[Literal["run", "pause"]] = ["run", "pause"] * 4
    segments = [Segment(kinds[n], start, end) for n, (start, end) in enumerate(pairwise(cuts))]
    if not segments or draw(st.booleans()):
        segments.append(Segment(kinds[len(segments)], cuts[-1]))
    made = Clock(target, cuts[0], tuple(segments))
    like = {"working": "2 wd", "wall": "2 d", "duty": "3 h"}[target.kind]
    more = st.one_of(moments.map(lambda moment: moment + 5 * DAY), st.just(Span.parse(like)))
    if target.kind == "duty":
        more = moments
    for by in draw(st.lists(more, max_size=extensions)):
        granted = draw(moments.filter(lambda moment: moment >= cuts[0]))
        if isinstance(by, datetime) and by <= granted:
            continue  # nobody is granted time until a moment that is over
        made = made.extend(by, granted)
    return made


def with_pause(made, start, length):
    """The same clock, had it stood still from `start` for `length` before going on."""
    segments = []
    for each in made.segments:
        if each.kind == "run" and each.start <= start and (each.end is None or start < each.end):
            segments += [Segment("run", each.start, start), Segment("pause", start, start + length)]
            end = None if each.end is None else each.end
            if end is not None and end < start + length:
                return None
            segments.append(Segment("run", start + length, end))
        else:
            segments.append(each)
    return replace(made, segments=tuple(segments))


def cut(made, moment):
    """The same clock, written down in smaller pieces."""
    pieces = []
    for each in made.segments:
        if each.start < moment and (each.end is None or moment < each.end):
            pieces += [Segment(each.kind, each.start, moment), Segment(each.kind, moment, each.end)]
        else:
            pieces.append(each)
    return replace(made, segments=tuple(pieces))


@given(clocks(), calendars, moments)
def test_elapsed_and_remaining_are_the_target_and_its_extensions(made, calendar, moment):
    known = made.as_of(moment)
    used, left = elapsed(made, calendar, moment), remaining(made, calendar, moment)
    assert used + left == allowed(made, calendar, moment)
    if not any(isinstance(each.by, datetime) for each in known.extensions):
        spans = [calendar.length(each.by, each.granted_at) for each in known.extensions]
        assert used + left == sum(spans, calendar.length(made.target, made.started_at))


@given(clocks(), calendars, moments)
def test_a_running_clock_is_due_exactly_when_nothing_remains(made, calendar, moment):
    known = made.as_of(max(moment, made.started_at))
    if known.is_paused or known.stopped_at is not None:
        return
    due = due_at(known, calendar)
    later = max(due, moment, made.started_at)
    assert due is not None
    if due > moment:
        assert remaining(known, calendar, due) == timedelta(0)
        assert remaining(known, calendar, moment) >= timedelta(0)
    else:
        assert remaining(known, calendar, later) <= timedelta(0)


@given(clocks(), calendars, moments, st.integers(1, 60 * 24 * 9))
def test_a_pause_never_makes_a_deadline_earlier(made, calendar, start, minutes):
    if start < made.started_at:
        return
    paused = with_pause(made, start, timedelta(minutes=minutes))
    before = due_at(made, calendar)
    if paused is None or before is None:
        return
    after = due_at(paused, calendar)
    assert after is not None
    assert after >= before


@settings(max_examples=300)
@given(clocks(), calendars, st.sets(st.dates(date(2026, 9, 10), date(2026, 12, 31)), min_size=1, max_size=5))
def test_a_holiday_never_makes_a_deadline_earlier(made, calendar, free):
    before = due_at(made, calendar)
    after = due_at(made, calendar.with_days(dict.fromkeys(free, HOLIDAY)))
    if before is not None and after is not None:
        assert after >= before
    if before is None:
        assert after is None


@given(clocks(extensions=1), calendars, moments, moments)
def test_an_extension_never_makes_a_deadline_earlier(made, calendar, granted, until):
    before = due_at(made, calendar)
    after = due_at(made.extend(until, max(granted, made.started_at)), calendar)
    if before is not None and after is not None:
        assert after >= before


@given(clocks(), calendars, st.lists(moments, max_size=5), moments)
def test_replaying_in_pieces_is_replaying_in_one_go(made, calendar, cuts, moment):
    pieces = made
    for each in cuts:
        pieces = cut(pieces, each)
    assert due_at(pieces, calendar) == due_at(made, calendar)
    assert breach_at(pieces, calendar) == breach_at(made, calendar)
    assert state(pieces, calendar, moment) == state(made, calendar, moment)
    assert remaining(pieces, calendar, moment) == remaining(made, calendar, moment)


@given(clocks(), calendars, moments)
def test_what_comes_later_does_not_change_how_it_looked(made, calendar, moment):
    assert state(made.as_of(moment), calendar, moment) == state(made, calendar, moment)
    assert elapsed(made.as_of(moment), calendar, moment) == elapsed(made, calendar, moment)


@given(clocks(extensions=0), calendars, moments)
def test_a_state_says_what_the_numbers_say(made, calendar, moment):
    seen, left = state(made, calendar, moment), remaining(made, calendar, moment)
    known = made.as_of(moment)
    if seen == "over":
        assert left <= timedelta(0)
    elif seen == "paused":
        assert known.is_paused
        assert left > timedelta(0)
    elif seen == "soon":
        assert timedelta(0) < left < max(allowed(made, calendar, moment) / 4, timedelta(minutes=15))
    elif seen == "normal":
        assert left >= timedelta(minutes=15)
        assert left >= allowed(made, calendar, moment) / 4
    else:
        assert known.stopped_at is not None


@given(clocks(), calendars)
def test_every_deadline_can_be_explained(made, calendar):
    lines = arithmetic(made, calendar)
    assert [line.kind for line in lines[:2]] == ["started", "promised"]
    assert lines[-1].kind in {"due", "stands", "stopped"}
    if lines[-1].kind == "due":
        assert lines[-1].params["at"] == due_at(made, calendar)


# --------------------------------------------------------------------------------------- Rita's examples


def test_rita_posts_on_friday_and_the_household_police_have_until_monday():
    asked = clock("1 wd", "2026-11-20T16:00")
    assert due_at(asked, CITY) == at("2026-11-23T16:00")
    assert state(asked, CITY, at("2026-11-22T12:00")) == "normal"  # a Sunday takes nothing away
    assert remaining(asked, CITY, at("2026-11-22T12:00")) == timedelta(hours=7, minutes=30)
    assert state(asked, CITY, at("2026-11-23T14:00")) == "soon"
    assert state(asked, CITY, at("2026-11-23T16:00")) == "over"
    assert remaining(asked, CITY, at("2026-11-23T17:00")) == -HOUR


def test_a_question_to_the_poster_stops_the_clock_for_exactly_as_long_as_it_is_open():
    asked = clock("7 d", "2026-11-16T10:00").pause(at("2026-11-18T10:00"))
    assert due_at(asked, CITY) is None
    assert breach_at(asked, CITY) is None
    assert state(asked, CITY, at("2026-11-30T10:00")) == "paused"
    assert remaining(asked, CITY, at("2026-11-30T10:00")) == 5 * DAY
    assert due_at(asked.resume(at("2026-11-20T22:00")), CITY) == at("2026-11-25T22:00")


def test_a_pause_over_the_weekend_costs_a_working_clock_nothing_and_gives_it_nothing():
    asked = clock("3 wd", "2026-11-20T08:30")
    paused = asked.pause(at("2026-11-20T17:30")).resume(at("2026-11-23T08:30"))
    assert due_at(paused, CITY) == due_at(asked, CITY) == at("2026-11-24T17:30")


def test_a_promise_broken_before_a_pause_stays_broken():
    late = clock("2 h", "2026-11-16T10:00").pause(at("2026-11-16T13:00"))
    assert state(late, CITY, at("2026-11-16T14:00")) == "over"
    assert breach_at(late.resume(at("2026-11-17T13:00")), CITY) == at("2026-11-16T12:00")


def test_a_pause_that_begins_when_time_is_up_comes_too_late():
    late = clock("2 h", "2026-11-16T10:00").pause(at("2026-11-16T12:00"))
    assert due_at(late, CITY) == due_at(late.resume(at("2026-11-16T15:00")), CITY) == at("2026-11-16T12:00")
    assert state(late, CITY, at("2026-11-16T12:00")) == "over"


def test_an_answer_in_time_keeps_the_promise_for_ever():
    kept = clock("2 h", "2026-11-16T10:00").stop(at("2026-11-16T11:59"))
    assert breach_at(kept, CITY) is None
    assert due_at(kept, CITY) == at("2026-11-16T12:00")
    assert state(kept, CITY, at("2026-11-20T10:00")) == "done"
    assert elapsed(kept, CITY, at("2026-11-20T10:00")) == timedelta(minutes=119)
    assert breach_at(clock("2 h", "2026-11-16T10:00").stop(at("2026-11-16T12:00")), CITY) == at(
        "2026-11-16T12:00"
    )


def test_lena_names_a_new_date_and_that_is_the_deadline():
    longer = clock("3 wd", "2026-11-16T10:00").extend(at("2026-11-28T12:00"), at("2026-11-18T09:00"))
    assert due_at(longer, CITY) == at("2026-11-28T12:00")  # a Saturday, because she said so
    assert state(longer, CITY, at("2026-11-28T11:50")) == "soon"
    assert remaining(longer, CITY, at("2026-11-27T12:00")) == DAY


def test_a_date_moves_on_by_the_time_the_clock_stands_still_after_it_was_named():
    asked = clock("7 d", "2026-11-16T10:00").pause(at("2026-11-17T10:00"))
    longer = asked.extend(at("2026-12-01T18:00"), at("2026-11-17T12:00")).resume(at("2026-11-18T12:00"))
    assert due_at(longer, CITY) == at("2026-12-02T18:00")


def test_a_date_that_is_no_extension_changes_nothing():
    asked = clock("7 d", "2026-11-16T10:00")
    assert due_at(asked.extend(at("2026-11-19T10:00"), at("2026-11-17T10:00")), CITY) == due_at(asked, CITY)


def test_more_days_are_added_to_the_promise_in_its_own_measure():
    longer = clock("3 wd", "2026-11-16T08:30").extend(Span.parse("2 wd"), at("2026-11-17T09:00"))
    assert due_at(longer, CITY) == at("2026-11-20T17:30")
    assert allowed(longer, CITY, at("2026-11-16T12:00")) == 27 * HOUR  # before it was granted
    assert allowed(longer, CITY, at("2026-11-18T12:00")) == 45 * HOUR
    with pytest.raises(ValueError, match="counted like its promise"):
        due_at(clock("3 wd", "2026-11-16T08:30").extend(Span.parse("2 d"), at("2026-11-17T09:00")), CITY)


def test_after_a_date_more_days_count_from_that_date():
    asked = clock("3 wd", "2026-11-16T08:30").extend(at("2026-11-24T12:00"), at("2026-11-17T09:00"))
    assert due_at(asked.extend(Span.parse("1 wd"), at("2026-11-23T09:00")), CITY) == at("2026-11-25T12:00")


def test_at_night_the_reply_clock_of_the_traffic_police_is_longer():
    assert due_at(clock("30 min; night 2 h", "2026-11-21T23:10"), CITY) == at("2026-11-22T01:10")
    assert due_at(clock("30 min; night 2 h", "2026-11-21T14:10"), CITY) == at("2026-11-21T14:40")


def test_berlin_changes_its_clocks_and_a_day_stays_a_day():
    berlin = WorkingCalendar(BERLIN)
    start = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    assert due_at(Clock(Span.parse("24 h"), start), berlin) == datetime(2026, 10, 25, 11, tzinfo=BERLIN)
    friday = datetime(2026, 10, 23, 12, tzinfo=BERLIN)
    assert due_at(Clock(Span.parse("1 wd"), friday), berlin) == datetime(2026, 10, 26, 12, tzinfo=BERLIN)


def test_the_arithmetic_over_national_day_names_every_day_that_did_not_count():
    asked = clock("5 wd", "2026-09-29T16:00")
    asked = asked.pause(at("2026-10-08T10:00")).resume(at("2026-10-09T10:00"))
    lines = arithmetic(asked, CITY)
    assert [line.kind for line in lines] == [
        "started", "promised", "skipped", "paused", "worked", "skipped", "due",
    ]  # fmt: skip
    assert lines[1].params["length"] == 45 * HOUR
    names = [("国庆节", "National Day")]
    assert lines[2].params == {"first": date(2026, 10, 1), "last": date(2026, 10, 7), "names": names}
    assert lines[4].params["day"] == date(2026, 10, 10)
    assert lines[5].params == {"first": date(2026, 10, 11), "last": date(2026, 10, 11), "names": []}
    assert lines[-1].params["at"] == due_at(asked, CITY) == at("2026-10-13T16:00")


def test_the_arithmetic_of_a_saturday_post_says_when_counting_begins():
    lines = arithmetic(clock("1 wd", "2026-11-21T11:00"), CITY)
    assert [line.kind for line in lines] == ["started", "promised", "opens", "skipped", "due"]
    assert lines[2].params["at"] == at("2026-11-23T08:30")


def test_the_arithmetic_warns_of_a_year_that_is_not_published_yet():
    lines = arithmetic(clock("15 wd", "2026-12-24T11:00"), CITY)
    assert [line.params["year"] for line in lines if line.kind == "provisional"] == [2027]


def test_a_paused_clock_says_what_is_left_and_no_date():
    lines = arithmetic(clock("7 d", "2026-11-16T10:00").pause(at("2026-11-18T10:00")), CITY)
    assert [line.kind for line in lines] == ["started", "promised", "paused", "stands"]
    assert lines[-1].params["left"] == 5 * DAY


def test_a_wall_clock_has_no_weekends_to_explain():
    lines = arithmetic(
        clock("7 d", "2026-11-16T10:00").extend(at("2026-12-01T10:00"), at("2026-11-17T10:00")), CITY
    )
    assert [line.kind for line in lines] == ["started", "promised", "extended", "due"]
    assert lines[2].params["until"] == at("2026-12-01T10:00")


@pytest.mark.parametrize(
    "segments",
    [
        (Segment("run", BASE, BASE + HOUR), Segment("pause", BASE + 2 * HOUR)),
        (Segment("run", BASE), Segment("pause", BASE + HOUR)),
        (Segment("run", BASE + HOUR),),
    ],
)
def test_segments_with_a_gap_are_refused(segments):
    with pytest.raises(ValueError, match="without a gap"):
        Clock(Span.parse("2 h"), BASE, segments)


def test_a_clock_turns_only_in_the_order_that_makes_sense():
    running = Clock(Span.parse("2 h"), BASE)
    with pytest.raises(ValueError, match="is in a run"):
        running.resume(BASE + HOUR)
    with pytest.raises(ValueError, match="is in a pause"):
        running.pause(BASE + HOUR).pause(BASE + 2 * HOUR)
    with pytest.raises(ValueError, match="was stopped"):
        running.stop(BASE + HOUR).stop(BASE + 2 * HOUR)
    with pytest.raises(ValueError, match="before it starts"):
        running.stop(BASE - HOUR)
    with pytest.raises(ValueError, match="without a zone"):
        Extension(datetime(2026, 11, 1), Span.parse("2 h"))
