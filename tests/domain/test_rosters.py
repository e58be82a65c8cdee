"""Publishing a roster: what is published is the plan, what was is never rewritten, and nobody is missing afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import hypothesis
import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from board import clock, live
from board.clock import midnight, now, today
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.workdays import DayName, put_days
from notifications.models import InboxItem
from people import contacts, rosters, shift_changes
from people.models import (
    Department,
    DutyWindow,
    HandoverNote,
    Override,
    Person,
    Publication,
    Rotation,
    RotationMember,
    Shift,
    told_with,
)
from people.rosters import Refused, Roster, for_change
from people.turns import Change, Planned, Rota
from tests.builders import Cast, posted
from tests.conftest import MOMENT
from tests.domain.conftest import at_once
from tests.domain.test_turns import MINUTE, Wall, meant

pytestmark = pytest.mark.engines("sqlite", "postgres")

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TRAFFIC = "traffic-police"


def traffic() -> Department:
    return Department.by_key(TRAFFIC)


def rotation(*groups: Any, **given: Any) -> Rotation:
    """Whole days from half past eight on, each group a day, unless said otherwise; inside the open transaction."""
    values: dict[str, Any] = {
        "department": traffic(), "name": "值班", "starts_on": today() - timedelta(days=2), "starts": time(8, 30),
        "minutes": 1440, "groups": ["A", "B", "C", "D"][: len(groups)], **given,
    }  # fmt: skip
    row = Rotation(**values)
    row.members = [
        RotationMember(place=place, person_id=person.id)
        for place, group in enumerate(groups)
        for person in (group if isinstance(group, tuple) else (group,))
    ]
    db.session.add(row)
    return row


def override(kind: str, person: Any, starts_at: datetime, hours: float, instead: Any = None) -> None:
    db.session.add(
        Override(
            department_id=traffic().id, kind=kind, person_id=person.id, starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=hours), instead_id=instead.id if instead else None,
        )
    )  # fmt: skip


def publish(by: Any = None, until: date | None = None, seen: str = "") -> Publication | None:
    with transaction():
        return for_change(TRAFFIC).publish(by=by, until=until or rosters.first_until(), seen=seen)


def shifts(since: datetime | None = None) -> list[tuple[str, datetime, datetime]]:
    rows = db.session.scalars(
        select(Shift)
        .where(Shift.department_id == traffic().id, Shift.ends_at > (since or now() - 99 * DAY))
        .order_by(Shift.starts_at, Shift.person_id)
    )
    return [(row.person.badge or "", row.starts_at, row.ends_at) for row in rows]


@pytest.fixture
def staffed(cast: Cast) -> Cast:
    """Everybody of the traffic police can be reached."""
    with transaction():
        for person in (cast.otto, cast.otis, cast.lena):
            contacts.known_phone(person)
    return cast


def test_publishing_makes_the_plan_the_roster_and_keeps_what_was(staffed: Cast):
    with transaction():
        rotation(staffed.otis, staffed.otto)
    before = shifts()
    done = publish(staffed.lena)

    assert done is not None
    assert before[0][0] == staffed.otto.badge
    # Otis holds today's turn, since the day before yesterday was his: Otto goes this minute, his past stays.
    assert shifts()[0] == (staffed.otto.badge, before[0][1], MOMENT)
    assert shifts()[1][:2] == (staffed.otis.badge, MOMENT)
    for days in range(30):
        at = midnight(today() + timedelta(days=days)) + 12 * HOUR
        assert traffic().on_duty(at) == [staffed.otto if days % 2 else staffed.otis]
    assert rosters.holes(traffic(), now(), now() + 30 * DAY) == []


def test_publishing_again_changes_nothing_and_tells_nobody_anything(staffed: Cast):
    with transaction():
        rotation(staffed.otto, staffed.otis)
    assert publish(staffed.lena) is not None
    before, heads = shifts(), live.cursors([staffed.otto.stream, f"department:{TRAFFIC}"])
    assert min(heads.values()) > 0
    clock.advance(timedelta(seconds=20))

    assert publish(staffed.lena) is None
    assert shifts() == before
    assert live.cursors(list(heads)) == heads
    assert db.session.scalar(select(func.count(Publication.id))) == 1


def test_an_override_changes_only_its_own_hours(staffed: Cast):
    with transaction():
        rotation(staffed.otto, staffed.otis)
    publish(staffed.lena)
    before = set(shifts())
    tomorrow = midnight(today() + DAY) + 12 * HOUR
    with transaction():
        override("replace", staffed.otis, tomorrow, 3, instead=staffed.lena)
    done = publish(staffed.lena)

    assert done is not None
    gone = before - set(shifts())
    assert len(gone) == 1
    assert traffic().on_duty(tomorrow) == [staffed.lena]
    assert traffic().on_duty(tomorrow + 3 * HOUR) == traffic().on_duty(tomorrow - HOUR) == [staffed.otis]


def test_the_shift_that_runs_is_shortened_in_place_and_its_relief_begins_then(staffed: Cast):
    with transaction():
        rotation(staffed.otto)
    publish(staffed.lena)
    clock.advance(2 * HOUR)
    with transaction():
        override("replace", staffed.otto, now() + HOUR, 2, instead=staffed.otis)
    publish(staffed.lena)
    assert traffic().on_duty(now()) == [staffed.otto]
    assert traffic().on_duty(now() + HOUR) == [staffed.otis]
    running = [row for row in shifts() if row[1] < now() < row[2]]
    assert running == [(staffed.otto.badge, running[0][1], now() + HOUR)]


def test_a_roster_with_holes_is_refused_with_the_list(staffed: Cast):
    with transaction():
        rotation(staffed.otto, (), staffed.otis, starts_on=today() - timedelta(days=3))
    before = shifts()
    with pytest.raises(Refused) as refused:
        publish(staffed.lena)
    first = refused.value.draft.holes[0]
    # The first group holds today's turn, so the empty one is tomorrow's.
    assert first == (midnight(today() + DAY) + 8.5 * HOUR, midnight(today() + 2 * DAY) + 8.5 * HOUR)
    assert len(refused.value.draft.holes) == 10
    assert shifts() == before
    assert db.session.scalar(select(func.count(Publication.id))) == 0


def test_whoever_cannot_be_reached_is_named_and_nothing_is_published(staffed: Cast):
    with transaction():
        rotation(staffed.otto, staffed.otis)
        contacts.fails(contacts.of(staffed.otis)[0], "the number does not exist")
    with pytest.raises(Refused) as refused:
        publish(staffed.lena)
    assert [person.badge for person in refused.value.draft.unreachable] == [staffed.otis.badge]
    assert refused.value.draft.holes == ()


def test_where_nothing_would_change_whoever_cannot_be_reached_is_named_all_the_same(staffed: Cast):
    with transaction():
        rotation(staffed.otto, staffed.otis)
    assert publish(staffed.lena) is not None
    with transaction():
        contacts.fails(contacts.of(staffed.otis)[0], "the number does not exist")
    with pytest.raises(Refused) as refused:
        publish(staffed.lena)
    assert not refused.value.draft.changes
    assert [person.badge for person in refused.value.draft.unreachable] == [staffed.otis.badge]


def test_a_department_without_any_plan_is_refused_and_not_called_published_already(cast: Cast):
    with transaction() as session:
        session.execute(db.delete(Shift).where(Shift.department_id == traffic().id))
    with pytest.raises(Refused) as refused:
        publish(cast.lena)
    assert refused.value.draft.holes == ((now(), now() + 30 * DAY),)


def test_without_a_gateway_nobody_can_be_reached_by_his_telephone(app: Flask, staffed: Cast):
    with transaction():
        rotation(staffed.otto, staffed.otis)
        contacts.verify(contacts.add(staffed.otis, "chat", "bark://example/key"))
    object.__setattr__(app.config["SETTINGS"], "mode", "production")
    with pytest.raises(Refused) as refused:
        publish(staffed.lena)
    assert [person.badge for person in refused.value.draft.unreachable] == [staffed.otto.badge]


def test_who_leaves_is_left_out_from_that_minute_on_and_the_hole_is_named(staffed: Cast):
    leaves = midnight(today() + 5 * DAY)
    with transaction():
        rotation(staffed.otto)
        staffed.otto.appointments[0].ends_at = leaves
    with pytest.raises(Refused) as refused:
        publish(staffed.lena)
    draft = refused.value.draft
    assert [(turn.person, turn.starts_at) for turn in draft.gone] == [(staffed.otto.id, leaves)]
    assert draft.holes == ((leaves, now() + 30 * DAY),)


def test_a_department_with_office_hours_promises_only_those(staffed: Cast):
    with transaction():
        rotation(staffed.otto, starts=time(9), minutes=480, weekdays="01234")
    with pytest.raises(Refused):
        publish(staffed.lena)
    with transaction():
        db.session.add(DutyWindow(department_id=traffic().id, weekdays="01234", starts=time(9), minutes=480))
    assert publish(staffed.lena) is not None
    saturday = midnight(date(2026, 11, 21)) + 12 * HOUR
    assert traffic().on_duty(saturday) == []
    assert rosters.holes(traffic(), now(), now() + 30 * DAY) == []


def test_office_hours_on_working_days_follow_the_calendar(staffed: Cast):
    off, made_up = date(2026, 11, 25), date(2026, 11, 29)  # a Wednesday, and the Sunday that is worked for it
    with transaction():
        put_days({off: DayName("holiday", "店休"), made_up: DayName("workday", "补班")}, source="test")
        weekly = rotation(staffed.otto, starts=time(9), minutes=480, weekdays="01234")
        db.session.add(
            DutyWindow(department_id=traffic().id, days="working", weekdays="", starts=time(9), minutes=480)
        )
    with pytest.raises(Refused) as refused:
        publish(staffed.lena)
    opens = midnight(made_up) + 9 * HOUR
    assert refused.value.draft.holes == ((opens, opens + 8 * HOUR),)
    with transaction():
        db.session.merge(weekly).days = "working"
    assert publish(staffed.lena) is not None
    assert traffic().on_duty(midnight(off) + 12 * HOUR) == []
    assert traffic().on_duty(midnight(made_up) + 12 * HOUR) == [staffed.otto]
    assert rosters.holes(traffic(), now(), now() + 30 * DAY) == []


def test_what_was_published_for_later_stays_when_only_the_next_weeks_are_published_anew(staffed: Cast):
    with transaction():
        rotation(staffed.otto, staffed.otis)
    publish(staffed.lena, until=today() + 60 * DAY)
    late = [row for row in shifts() if row[1] > now() + 40 * DAY]
    with transaction():
        db.session.delete(db.session.scalars(select(Rotation)).one())
        rotation(staffed.lena)
    publish(staffed.lena, until=rosters.first_until())
    assert [row for row in shifts() if row[1] > now() + 40 * DAY] == late
    assert traffic().on_duty(now() + 20 * DAY) == [staffed.lena]


def test_only_the_leader_and_those_above_publish(staffed: Cast):
    with transaction():
        rotation(staffed.otto)
    for who in (staffed.otto, staffed.hugo, staffed.adam):
        with pytest.raises(NotAllowed):
            publish(who)
    assert publish(staffed.carl) is not None


def test_the_changes_must_be_those_that_the_leader_saw(staffed: Cast):
    with transaction():
        rotation(staffed.otto)
    seen = Roster.of(traffic()).draft(rosters.first_until()).mark
    clock.advance(timedelta(minutes=3))
    assert Roster.of(traffic()).draft(rosters.first_until()).mark == seen
    with transaction():
        override("add", staffed.otis, now() + DAY, 4)
    with pytest.raises(WrongState):
        publish(staffed.lena, seen=seen)


@pytest.mark.parametrize("days", [-1, 0, 29, 401])
def test_the_last_day_leaves_the_next_thirty_in(staffed: Cast, days: int):
    with transaction():
        rotation(staffed.otto)
    with pytest.raises(Invalid):
        publish(staffed.lena, until=today() + days * DAY)


PEOPLE = ("otto", "otis", "lena")
QUARTER, TICK = timedelta(minutes=15), timedelta(microseconds=1)


@dataclass(frozen=True)
class Promised:
    """What a leader wrote down as the hours of his department."""

    days: str
    weekdays: frozenset[int]
    starts: time
    minutes: int


class Publishing(RuleBasedStateMachine):
    """A leader who plans, promises hours, publishes and waits, in a city with holidays. For all of the next 30 days what
    is published is what the wall of test_turns says of what he wrote down, nobody is missing in the promised hours, and
    what has been stays what it was."""

    cast: Cast

    @initialize(
        hour=st.integers(0, 23),
        named=st.dictionaries(st.integers(-2, 33), st.sampled_from(["holiday", "workday"]), max_size=6),
    )
    def begin(self, hour: int, named: dict[int, Any]) -> None:
        self.held = clock.freeze(MOMENT)
        self.held.__enter__()
        self.seen: dict[datetime, set[int]] = {}
        self.rotas: list[Rota] = []
        self.changes: list[Change] = []
        self.windows: list[Promised] = []
        self.named: dict[date, Any] = {today() + away * DAY: kind for away, kind in named.items()}
        with transaction() as session:
            for table in (RotationMember, Rotation, Override, Shift, Publication, DutyWindow):
                session.execute(db.delete(table))
        with transaction():
            days = {day: DayName(kind) for day, kind in self.named.items()}
            put_days(days, source="test", whole_years={MOMENT.year, MOMENT.year + 1})
        self.write_down(["otto", "otis"], starts=time(hour), starts_on=today() - 5 * DAY)

    def teardown(self) -> None:
        if hasattr(self, "held"):
            self.held.__exit__(None, None, None)

    @rule(
        groups=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True),
        starts=st.sampled_from([time(8, 30), time(20, 30)]),
        minutes=st.sampled_from([60, 720, 1440]),
        days_each=st.sampled_from([1, 7]),
        days=st.sampled_from(["weekdays", "working", "off"]),
        weekdays=st.sampled_from(["0123456", "01234", "56"]),
        season=st.sampled_from([None, ((10, 15), (4, 15)), ((12, 1), (12, 10))]),
        back=st.integers(-3, 4),
    )
    def rotate(self, groups: list[str], back: int, **given: Any) -> None:
        self.write_down(groups, starts_on=today() - back * DAY, **given)

    def write_down(
        self,
        groups: list[str],
        starts_on: date,
        starts: time,
        minutes: int = 1440,
        days_each: int = 1,
        days: Any = "weekdays",
        weekdays: str = "0123456",
        season: Any = None,
    ) -> None:
        first, last = [f"{month:02}-{day:02}" for month, day in season] if season else (None, None)
        values = {
            "starts_on": starts_on,
            "starts": starts,
            "minutes": minutes,
            "days_each": days_each,
            "days": days,
        }
        with transaction():
            people = [getattr(self.cast, name) for name in groups]
            rotation(*people, weekdays=weekdays, season_from=first, season_to=last, **values)
        ids = tuple((self.cast.ids[name],) for name in groups)
        ticked = frozenset(map(int, weekdays))
        self.rotas.append(Rota(groups=ids, weekdays=ticked, season=season, **values))

    @rule(
        kind=st.sampled_from(["add", "remove", "replace"]),
        pair=st.permutations(PEOPLE),
        after=st.integers(-300, 43_000),
        hours=st.integers(1, 30),
    )
    def override(self, kind: Any, pair: list[str], after: int, hours: int) -> None:
        one, other = pair[0], pair[1] if kind == "replace" else None
        start = now() + timedelta(minutes=after)
        with transaction():
            override(
                kind, getattr(self.cast, one), start, hours, getattr(self.cast, other) if other else None
            )
        self.changes.append(
            Change(
                kind, self.cast.ids[one], start, start + hours * HOUR, self.cast.ids[other] if other else None
            )
        )

    @rule()
    def take_back(self) -> None:
        with transaction() as session:
            session.execute(db.delete(Override))
        self.changes.clear()

    @rule(
        windows=st.lists(
            st.builds(
                Promised,
                days=st.sampled_from(["weekdays", "working", "off"]),
                weekdays=st.sampled_from([frozenset(range(5)), frozenset({5, 6}), frozenset(range(7))]),
                starts=st.sampled_from([time(0), time(9), time(20, 30)]),
                minutes=st.sampled_from([480, 720, 1440]),
            ),
            max_size=2,
        )
    )
    def promise(self, windows: list[Promised]) -> None:
        with transaction() as session:
            session.execute(db.delete(DutyWindow))
            for each in windows:
                weekdays = "".join(map(str, sorted(each.weekdays)))
                session.add(
                    DutyWindow(
                        department_id=traffic().id, days=each.days, weekdays=weekdays, starts=each.starts,
                        minutes=each.minutes,
                    )
                )  # fmt: skip
        self.windows = windows

    @rule(minutes=st.integers(1, 2000))
    def wait(self, minutes: int) -> None:
        for _part in range(3):
            self.seen[now()] = self.there(now())
            clock.advance(timedelta(minutes=minutes / 3))

    @rule()
    def publish(self) -> None:
        before = shifts()
        self.wall = Wall(self.rotas, self.changes, self.named)
        try:
            done = publish(self.cast.lena)
        except Refused as refused:
            self.look_at_holes(refused.draft.holes)
            assert shifts() == before
            return
        for at in self.moments():
            there = self.published(at)
            assert there == self.planned(at), at
            # Where there was nothing to publish, hours that were promised meanwhile refuse nothing.
            assert there or done is None or not self.owed(at), f"nobody is there at {at}"

    def look_at_holes(self, holes: Sequence[tuple[datetime, datetime]]) -> None:
        assert holes
        for start, end in holes:
            for at in (start, end - TICK):
                assert (self.planned(at), self.owed(at)) == (set(), True), at

    @invariant()
    def what_has_been_stays(self) -> None:
        for at, there in list(getattr(self, "seen", {}).items())[-6:]:
            assert self.there(at) == there, at

    def there(self, at: datetime) -> set[int]:
        return {person.id for person in traffic().on_duty(at)}

    def moments(self) -> list[datetime]:
        """The next 30 days, coarsely, and the moments at which anything begins or ends, with those before them."""
        first, last = rosters.next_minute(), now() + 30 * DAY
        self.rows = db.session.execute(
            select(Shift.person_id, Shift.starts_at, Shift.ends_at).where(
                Shift.department_id == traffic().id, Shift.ends_at > first
            )
        ).all()
        edges = {edge for _person, start, end in self.rows for edge in (start, end)}
        edges |= {edge for change in self.changes for edge in (change.starts_at, change.ends_at)}
        coarse = {first + place * QUARTER for place in range((last - first) // QUARTER)}
        return sorted(at for at in coarse | edges | {edge - TICK for edge in edges} if first <= at < last)

    def published(self, at: datetime) -> set[int]:
        """Whose shift it is, by the rows that moments() has read."""
        return {person for person, start, end in self.rows if start <= at < end}

    def planned(self, at: datetime) -> set[int]:
        """Who is on duty by what the leader wrote down; the clocks of this city never change."""
        return self.wall.there(at, self.shown(at))

    def owed(self, at: datetime) -> bool:
        """Whether somebody must be there by what the leader promised; without a promise always."""
        shown = self.shown(at)
        return not self.windows or any(
            datetime.combine(day, each.starts)
            <= shown
            < datetime.combine(day, each.starts) + each.minutes * MINUTE
            and meant(day, each.days, each.weekdays, self.named)
            for each in self.windows
            for day in (shown.date(), shown.date() - DAY)
        )

    @staticmethod
    def shown(at: datetime) -> datetime:
        """What the clock on the wall shows then."""
        return at.astimezone(clock.zone()).replace(tzinfo=None)


def test_whatever_is_planned_and_replanned_the_roster_is_the_plan_and_the_past_stays(staffed: Cast):
    machine = type("Machine", (Publishing,), {"cast": staffed})
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=12, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


# --- the change of shift ----------------------------------------------------------------------------


@pytest.fixture
def changing(staffed: Cast) -> datetime:
    """Otto's shift ends in an hour, Otis relieves him; gives the moment of the change."""
    change = now() + HOUR
    with transaction() as session:
        session.execute(db.delete(Shift).where(Shift.department_id == traffic().id))
        for person, start, end in (
            (staffed.otto, now() - HOUR, change),
            (staffed.otis, change, change + 24 * HOUR),
        ):
            session.add(Shift(department_id=traffic().id, person=person, starts_at=start, ends_at=end))
    return change


def test_until_the_relief_takes_over_both_shifts_are_told_for_four_hours_at_most(
    staffed: Cast, changing: datetime
):
    def told(after: timedelta) -> list[str]:
        return [person.badge or "" for person in told_with(traffic(), changing + after)]

    both = [staffed.otis.badge, staffed.otto.badge]
    assert told(-timedelta(minutes=1)) == [staffed.otto.badge]
    assert told(timedelta(0)) == both
    assert told(4 * HOUR - timedelta(seconds=1)) == both
    assert told(4 * HOUR) == [staffed.otis.badge]
    assert traffic().on_duty(changing) == [staffed.otis]


def test_who_left_the_department_is_told_no_more(staffed: Cast, changing: datetime):
    with transaction():
        staffed.otto.appointments[0].ends_at = changing + HOUR
    assert staffed.otto in told_with(traffic(), changing + timedelta(minutes=59))
    assert staffed.otto not in told_with(traffic(), changing + HOUR)


def test_taking_over_ends_it_and_a_second_press_changes_nothing(staffed: Cast, changing: datetime):
    clock.advance(HOUR + timedelta(minutes=2))
    with transaction():
        first = shift_changes.take_over(TRAFFIC, by=staffed.otis)
        assert first is not None
        assert (first.changes_at, first.taken_over_by_id) == (changing, staffed.otis.id)
    assert told_with(traffic()) == [staffed.otis]
    with transaction():
        assert shift_changes.take_over(TRAFFIC, by=staffed.otis) is None


def test_only_whoever_is_on_duty_takes_over_and_only_whoever_leaves_writes(staffed: Cast, changing: datetime):
    with pytest.raises(NotAllowed), transaction():
        shift_changes.write(TRAFFIC, "都好。", [], by=staffed.otis)
    with transaction():
        note = shift_changes.write(TRAFFIC, "手机 13912345678 的来电明早再回。", [], by=staffed.otto)
        assert "13912345678" not in note.words
        assert note.changes_at == changing
    clock.advance(HOUR)
    with pytest.raises(NotAllowed), transaction():
        shift_changes.take_over(TRAFFIC, by=staffed.otto)
    with pytest.raises(NotAllowed), transaction():
        shift_changes.take_over(TRAFFIC, by=staffed.hugo)
    pending = shift_changes.pending(traffic())
    assert pending is not None
    assert [note.words for note in pending.notes] == [note.words]


def test_two_who_leave_together_do_not_write_over_each_other(staffed: Cast, changing: datetime):
    with transaction() as session:
        session.add(
            Shift(department=traffic(), person=staffed.lena, starts_at=now() - HOUR, ends_at=changing)
        )
    with transaction():
        shift_changes.write(TRAFFIC, "青松路口有人值守。", [], by=staffed.otto)
    with transaction():
        note = shift_changes.write(TRAFFIC, "拖车已叫。", [], by=staffed.lena)
        assert note.words == "青松路口有人值守。\n\n拖车已叫。"
    with pytest.raises(Invalid), transaction():
        shift_changes.write(TRAFFIC, "青" * (shift_changes.LONGEST - 9), [], by=staffed.otto)
    kept = shift_changes.note_of(traffic(), changing)
    assert kept is not None
    assert kept.words == "青松路口有人值守。\n\n拖车已叫。", "nothing of either is cut off"


def test_who_goes_on_after_his_shift_leaves_at_the_end_of_the_last_one(staffed: Cast, changing: datetime):
    with transaction() as session:
        session.add(
            Shift(department=traffic(), person=staffed.otto, starts_at=changing, ends_at=changing + HOUR)
        )
    shift = shift_changes.leaving(staffed.otto, traffic())
    assert shift is not None
    assert shift.ends_at == changing + HOUR
    assert told_with(traffic(), changing) == [staffed.otto, staffed.otis]
    clock.advance(HOUR)
    assert shift_changes.pending(traffic()) is None


def test_a_mention_after_the_change_reaches_both_shifts_until_the_relief_takes_over(
    staffed: Cast, changing: datetime
):
    def told(title: str) -> set[str]:
        with transaction():
            thread = posted(staffed.rita, title=title)
            ids = [event.id for event in thread.events]
        rows = db.session.execute(
            select(Person.badge, InboxItem.id)
            .join(InboxItem, InboxItem.person_id == Person.id)
            .where(InboxItem.event_id.in_(ids))
        )
        return {badge for badge, _item in rows if badge}

    clock.advance(HOUR + timedelta(minutes=1))
    assert told("路口的灯坏了") == {staffed.otto.badge, staffed.otis.badge}
    with transaction():
        shift_changes.take_over(TRAFFIC, by=staffed.otis)
    assert told("又一个路口的灯坏了") == {staffed.otis.badge}


# --- two at once ------------------------------------------------------------------------------------


@pytest.fixture
def own_city(city: tuple[Flask, Cast]) -> tuple[Flask, Cast]:
    """On both engines without --all, too: races are what they differ in."""
    _app, cast = city
    with transaction():
        for person in (cast.otto, cast.otis, cast.lena):
            contacts.known_phone(person)
    return city


def test_two_leaders_who_publish_at_once_publish_it_once(own_city: tuple[Flask, Cast]):
    app, cast = own_city
    with transaction():
        rotation(cast.otto, cast.otis)

    def press(who: str) -> Callable[[], int | None]:
        def act() -> int | None:
            with transaction():
                done = for_change(TRAFFIC).publish(by=getattr(cast, who), until=rosters.first_until())
                return done.id if done is not None else None

        return act

    results = at_once(app, *(press(who) for who in ("lena", "carl", "lena", "carl")))
    assert sorted(type(each).__name__ for each in results) == ["NoneType"] * 3 + ["int"]
    assert db.session.scalar(select(func.count(Publication.id))) == 1
    for days in range(30):
        assert len(traffic().on_duty(now() + days * DAY + timedelta(minutes=1))) == 1
    assert live.cursors([f"department:{TRAFFIC}"]) == {f"department:{TRAFFIC}": 1}


def test_a_leader_who_plans_while_another_publishes_is_in_it_or_after_it(own_city: tuple[Flask, Cast]):
    app, cast = own_city
    with transaction():
        rotation(cast.otto)
    publish(cast.lena)
    at = now() + 2 * DAY

    def plan() -> None:
        with transaction():
            for_change(TRAFFIC)
            override("replace", cast.otto, at, 3, instead=cast.otis)

    def press() -> None:
        publish(cast.lena)

    at_once(app, plan, press)
    publish(cast.lena)
    assert traffic().on_duty(at) == [cast.otis]
    mine = [Planned(start, end, 0) for badge, start, end in shifts() if badge == cast.otto.badge]
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(mine))


def test_two_who_take_over_at_once_are_one_taking_over(own_city: tuple[Flask, Cast]):
    app, cast = own_city
    with transaction() as session:
        session.execute(db.delete(Shift).where(Shift.department_id == traffic().id))
        for person, start, end in (
            (cast.otto, now() - 9 * HOUR, now() - HOUR),
            (cast.otis, now() - HOUR, now() + HOUR),
            (cast.lena, now() - HOUR, now() + HOUR),
        ):
            session.add(Shift(department=traffic(), person=person, starts_at=start, ends_at=end))

    def press(who: str) -> Callable[[], str | None]:
        def act() -> str | None:
            with transaction():
                note = shift_changes.take_over(TRAFFIC, by=getattr(cast, who))
                return "taken" if note is not None else None

        return act

    results = at_once(app, *(press(who) for who in ("otis", "lena", "otis", "lena")))
    assert sorted(type(each).__name__ for each in results) == ["NoneType"] * 3 + ["str"]
    assert db.session.scalar(select(func.count(HandoverNote.id))) == 1
