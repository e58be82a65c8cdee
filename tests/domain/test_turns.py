"""Rotations and overrides become turns: the same as somebody who looks at the clock every minute would say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from board.workdays import DayName, WorkingCalendar
from people.turns import (
    Change,
    Planned,
    Rota,
    Window,
    at_each,
    in_season,
    instant,
    merged,
    plan,
    promised,
    within,
    without,
)

SHANGHAI, NEW_YORK, LORD_HOWE = (
    ZoneInfo(name) for name in ("Asia/Shanghai", "America/New_York", "Australia/Lord_Howe")
)
MINUTE = timedelta(minutes=1)
Named = Mapping[date, str]  # days that are not what their weekday says: holiday or workday


def worked(day: date) -> bool:
    """A calendar without holidays."""
    return day.weekday() < 5


def in_its_year(day: date, season: tuple[tuple[int, int], tuple[int, int]] | None) -> bool:
    """Whether a season runs on `day`: going back from it, its first day comes before its last one."""
    if season is None:
        return True
    first, last = season
    back = day
    while (back.month, back.day) != first:
        if back != day and (back.month, back.day) == last:
            return False
        back -= timedelta(days=1)
    return True


def meant(day: date, days: str, weekdays: Collection[int], named: Named) -> bool:
    """Whether `day` is one of those that a leader ticked, by the calendar on the wall."""
    if days == "weekdays":
        return day.isoweekday() - 1 in weekdays
    here = named.get(day, "holiday" if day.isoweekday() > 5 else "workday")
    return here == {"working": "workday", "off": "holiday"}[days]


def begins(rota: Rota, day: date, named: Named) -> tuple[int, ...]:
    """Who begins a turn on `day`, as somebody counts it off on the calendar on the wall. Of the rotation only what the
    leader wrote down is read."""
    if not rota.starts_on <= day <= (rota.ends_on or day):
        return ()
    if not meant(day, rota.days, rota.weekdays, named) or not in_its_year(day, rota.season):
        return ()
    order = [group for group in rota.groups for _day in range(rota.days_each)]
    return order[(day.toordinal() - rota.starts_on.toordinal()) % len(order)]


@dataclass
class Wall:
    """The calendar and the plan on the wall of an office; who begins on a day is counted off once."""

    rotations: Sequence[Rota]
    changes: Sequence[Change]
    named: Named
    counted: dict[tuple[int, date], tuple[int, ...]] = field(default_factory=dict)

    def there(self, moment: datetime, shown: datetime) -> set[int]:
        """Who is on duty at `moment`, when the clock on the wall has `shown` so much."""
        there: set[int] = set()
        for place, rota in enumerate(self.rotations):
            for back in range(5):
                day = shown.date() - timedelta(days=back)
                start = datetime.combine(day, rota.starts)
                if start <= shown < start + timedelta(minutes=rota.minutes):
                    if (place, day) not in self.counted:
                        self.counted[place, day] = begins(rota, day, self.named)
                    there |= set(self.counted[place, day])
        for change in self.changes:
            if change.starts_at <= moment < change.ends_at:
                if change.kind == "add":
                    there.add(change.person)
                elif change.person in there:
                    there.discard(change.person)
                    if change.instead is not None:
                        there.add(change.instead)
        return there


def walked(
    rotations: list[Rota],
    changes: list[Change],
    first: datetime,
    last: datetime,
    zone: ZoneInfo,
    named: Named,
) -> Iterator[tuple[datetime, set[int]]]:
    """Who is on duty at each minute, by the clock on the wall alone: a turn runs from the minute in which that clock
    first shows its start until the one in which it first shows its end. It never looks at an offset."""
    wall = Wall(rotations, changes, named)
    moment = first - timedelta(days=4)
    highest = datetime(1, 1, 1)  # the latest time the clock has shown so far
    while moment < last:
        highest = max(highest, moment.astimezone(zone).replace(tzinfo=None))
        if moment >= first:
            yield moment, wall.there(moment, highest)
        moment += MINUTE


PEOPLE = st.integers(1, 6)
GROUPS = st.lists(st.lists(PEOPLE, max_size=2, unique=True).map(tuple), min_size=1, max_size=4).map(tuple)


class Rostering(RuleBasedStateMachine):
    """A leader who adds rotations and overrides, around nights on which clocks change and around none."""

    @initialize(
        where=st.sampled_from(
            [
                (SHANGHAI, datetime(2026, 10, 14, 16, tzinfo=UTC)),
                (NEW_YORK, datetime(2026, 3, 7, 12, tzinfo=UTC)),
                (NEW_YORK, datetime(2026, 10, 31, 12, tzinfo=UTC)),
                (LORD_HOWE, datetime(2026, 4, 4, 3, tzinfo=UTC)),
            ]
        ),
        named=st.dictionaries(st.integers(-4, 4), st.sampled_from(["holiday", "workday"]), max_size=5),
    )
    def city(self, where: tuple[ZoneInfo, datetime], named: dict[int, Any]) -> None:
        self.zone, self.first = where
        self.last = self.first + timedelta(days=2, hours=7, minutes=13)
        self.named = {self.first.date() + timedelta(days=away): kind for away, kind in named.items()}
        calendar = WorkingCalendar(self.zone, days={day: DayName(kind) for day, kind in self.named.items()})
        self.worked = calendar.is_workday
        self.rotations: list[Rota] = []
        self.changes: list[Change] = []

    @rule(
        groups=GROUPS,
        back=st.integers(-1, 9),
        starts=st.sampled_from([time(0), time(1, 30), time(2, 15), time(8, 30), time(20, 30)]),
        minutes=st.sampled_from([15, 480, 720, 1440, 1500, 2880]),
        days_each=st.sampled_from([1, 1, 2, 7]),
        weekdays=st.sampled_from([frozenset(range(7)), frozenset(range(5)), frozenset({5, 6})]),
        season=st.sampled_from([None, ((10, 15), (4, 15)), ((3, 8), (10, 31))]),
        lasts=st.sampled_from([None, 2]),
        days=st.sampled_from(["weekdays", "working", "off"]),
    )
    def rotate(self, back: int, lasts: int | None, **given: Any) -> None:
        begins = self.first.date() - timedelta(days=back)
        ends = begins + timedelta(days=lasts) if lasts is not None else None
        self.rotations.append(Rota(starts_on=begins, ends_on=ends, **given))

    @rule(
        kind=st.sampled_from(["add", "remove", "replace"]),
        person=PEOPLE,
        instead=PEOPLE,
        after=st.integers(-600, 3400),
        length=st.integers(1, 2000),
    )
    def override(self, kind: Any, person: int, instead: int, after: int, length: int) -> None:
        start = self.first + after * MINUTE
        other = instead if kind == "replace" and instead != person else None
        self.changes.append(
            Change(
                "remove" if kind == "replace" and other is None else kind,
                person,
                start,
                start + length * MINUTE,
                other,
            )
        )

    @invariant()
    def the_plan_says_what_the_walk_says(self) -> None:
        if not hasattr(self, "zone"):
            return
        turns = plan(self.rotations, self.changes, self.first, self.last, self.zone, self.worked)
        assert turns == sorted(turns)
        assert all(each.starts_at < each.ends_at for each in turns)
        for person in {each.person for each in turns}:
            mine = [each for each in turns if each.person == person]
            assert all(one.ends_at <= other.starts_at for one, other in pairwise(mine))
        edges = {edge for each in turns for edge in (each.starts_at, each.ends_at)}
        here: set[int] | None = None
        for moment, there in walked(
            self.rotations, self.changes, self.first, self.last, self.zone, self.named
        ):
            if here is None or moment in edges or there != here:
                here = at_each(turns, moment)
            assert there == here, moment


Rostering.TestCase.settings = settings(
    max_examples=8, stateful_step_count=6, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRostering = Rostering.TestCase


def whole_days(*groups: int) -> Rota:
    return Rota(tuple((each,) for each in groups), date(2026, 11, 16), time(8, 30), 24 * 60)


def test_four_groups_hold_whole_days_in_turn():
    first = datetime(2026, 11, 16, 0, 30, tzinfo=UTC)
    turns = plan([whole_days(1, 2, 3, 4)], [], first, first + timedelta(days=5), SHANGHAI, worked)
    assert [each.person for each in turns] == [1, 2, 3, 4, 1]
    assert turns[0] == Planned(first, first + timedelta(days=1), 1)


def test_at_the_change_of_turns_exactly_one_is_on_duty():
    first = datetime(2026, 11, 16, 0, 30, tzinfo=UTC)
    turns = plan([whole_days(1, 2)], [], first, first + timedelta(days=3), SHANGHAI, worked)
    change = first + timedelta(days=1)
    assert at_each(turns, change - timedelta(microseconds=1)) == {1}
    assert at_each(turns, change) == {2}


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 7), 23), (date(2026, 10, 31), 25), (date(2026, 6, 1), 24)],
)
def test_the_turn_of_the_night_on_which_the_clocks_change_is_an_hour_shorter_or_longer(day: date, hours: int):
    start, end = (instant(day, time(8, 30), minutes, NEW_YORK) for minutes in (0, 1440))
    assert end - start == timedelta(hours=hours)


def test_a_time_that_the_clocks_leave_out_is_the_moment_they_jump_and_of_two_the_first():
    jump = datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert instant(date(2026, 3, 8), time(2, 30), 0, NEW_YORK) == jump
    assert instant(date(2026, 3, 8), time(2, 0), 0, NEW_YORK) == jump
    assert instant(date(2026, 11, 1), time(1, 30), 0, NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "inside"),
    [
        (date(2026, 10, 14), False),
        (date(2026, 10, 15), True),
        (date(2027, 1, 1), True),
        (date(2027, 4, 15), True),
        (date(2027, 4, 16), False),
        (date(2028, 2, 29), True),
    ],
)
def test_the_heating_season_runs_over_the_new_year_first_and_last_day_included(day: date, inside: bool):
    assert in_season(day, ((10, 15), (4, 15))) is inside


def test_the_later_override_is_right():
    first = datetime(2026, 11, 16, 0, 30, tzinfo=UTC)
    span = (first, first + timedelta(hours=4))
    gone, back = Change("remove", 1, *span), Change("add", 1, *span)
    for changes, there in (([gone, back], {1}), ([back, gone], set())):
        turns = plan([whole_days(1)], changes, *span, SHANGHAI, worked)
        assert at_each(turns, first + timedelta(hours=1)) == there


def test_a_replacement_takes_over_only_what_the_other_would_have_held():
    first = datetime(2026, 11, 16, 0, 30, tzinfo=UTC)
    change = Change("replace", 1, first + timedelta(hours=20), first + timedelta(hours=30), 9)
    turns = plan([whole_days(1, 2)], [change], first, first + timedelta(days=2), SHANGHAI, worked)
    mine = [(each.starts_at, each.ends_at) for each in turns if each.person == 9]
    assert mine == [(first + timedelta(hours=20), first + timedelta(hours=24))]


def test_office_hours_are_promised_on_their_days_only():
    monday = datetime(2026, 11, 15, 16, tzinfo=UTC)
    office = [Window(frozenset(range(5)), time(9), 8 * 60)]
    spans = promised(office, monday, monday + timedelta(days=7), SHANGHAI, worked)
    assert [start.astimezone(SHANGHAI).weekday() for start, _end in spans] == [0, 1, 2, 3, 4]
    assert {end - start for start, end in spans} == {timedelta(hours=8)}
    assert promised(None, monday, monday + timedelta(days=7), SHANGHAI, worked) == [
        (monday, monday + timedelta(days=7))
    ]


NATIONAL_DAY = WorkingCalendar(
    SHANGHAI,
    days={
        date(2026, 9, 20): DayName("workday"),
        **{date(2026, 10, day): DayName("holiday") for day in range(1, 8)},
        date(2026, 10, 10): DayName("workday"),
    },
)


def test_working_days_leave_out_the_holidays_and_take_in_the_make_up_days():
    first = datetime(2026, 9, 27, 16, tzinfo=UTC)  # Monday, 28 September, in the city
    last = first + timedelta(days=14)
    days = [(28, 9), (29, 9), (30, 9), (8, 10), (9, 10), (10, 10)]
    office = [Window(frozenset(), time(9), 480, "working")]
    spans = promised(office, first, last, SHANGHAI, NATIONAL_DAY.is_workday)
    assert [(here.day, here.month) for start, _end in spans for here in [start.astimezone(SHANGHAI)]] == days
    turns = plan(
        [
            replace(whole_days(1), starts_on=date(2026, 9, 1), days="working"),
            replace(whole_days(2), starts_on=date(2026, 9, 1), days="off"),
        ],
        [],
        first + timedelta(hours=8, minutes=30),
        last,
        SHANGHAI,
        NATIONAL_DAY.is_workday,
    )
    assert len(turns) == 14, "one turn a day, every day"
    working = [each.starts_at.astimezone(SHANGHAI) for each in turns if each.person == 1]
    assert [(here.day, here.month) for here in working] == days


BASE = datetime(2026, 11, 16, tzinfo=UTC)
SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(
        lambda pair: (BASE + pair[0] * MINUTE, BASE + (pair[0] + pair[1]) * MINUTE)
    ),
    max_size=6,
)


@given(SPANS, SPANS)
@settings(max_examples=60, deadline=None)
def test_what_is_taken_away_and_what_is_left_make_the_whole(spans: Any, taken: Any):
    def minutes(of: Any) -> set[int]:
        return {minute for minute in range(90) for start, end in of if start <= BASE + minute * MINUTE < end}

    assert minutes(without(spans, taken)) == minutes(spans) - minutes(taken)
    assert minutes(within(spans, taken)) == minutes(spans) & minutes(taken)
    assert minutes(merged(spans)) == minutes(spans)
    assert all(one[1] < other[0] for one, other in pairwise(merged(spans)))
