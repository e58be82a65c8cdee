"""Publishing a roster: what is published is the plan, what was is never rewritten, and nobody is missing afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from board import clock, create_app, live
from board.clock import midnight, now, today
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
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
from people.turns import Planned
from tests.builders import Cast, posted, small_city
from tests.conftest import MOMENT, settings
from tests.domain.conftest import at_once
from tests.domain.test_turns import walked

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


class Publishing(RuleBasedStateMachine):
    """A leader who plans, publishes and waits. What is published is what the walk of test_turns says, nobody is missing
    in the next 30 days, and what has been stays what it was."""

    cast: Cast

    @initialize(hour=st.integers(0, 23))
    def begin(self, hour: int) -> None:
        self.held = clock.freeze(MOMENT)
        self.held.__enter__()
        self.seen: dict[datetime, set[int]] = {}
        with transaction() as session:
            for table in (RotationMember, Rotation, Override, Shift, Publication):
                session.execute(db.delete(table))
        with transaction():
            rotation(self.cast.otto, self.cast.otis, starts=time(hour), starts_on=today() - 5 * DAY)

    def teardown(self) -> None:
        if hasattr(self, "held"):
            self.held.__exit__(None, None, None)

    @rule(
        groups=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True),
        starts=st.sampled_from([time(8, 30), time(20, 30)]),
        minutes=st.sampled_from([60, 720, 1440]),
        days_each=st.sampled_from([1, 7]),
    )
    def rotate(self, groups: list[str], **given: Any) -> None:
        with transaction():
            rotation(*(getattr(self.cast, name) for name in groups), **given)

    @rule(
        kind=st.sampled_from(["add", "remove", "replace"]),
        pair=st.permutations(PEOPLE),
        after=st.integers(-300, 3000),
        hours=st.integers(1, 30),
    )
    def override(self, kind: str, pair: list[str], after: int, hours: int) -> None:
        one, other = (getattr(self.cast, name) for name in pair[:2])
        start = now() + timedelta(minutes=after)
        with transaction():
            override(kind, one, start, hours, other if kind == "replace" else None)

    @rule()
    def take_back(self) -> None:
        with transaction() as session:
            session.execute(db.delete(Override))

    @rule(minutes=st.integers(1, 2000))
    def wait(self, minutes: int) -> None:
        for _part in range(3):
            self.seen[now()] = self.there(now())
            clock.advance(timedelta(minutes=minutes / 3))

    @rule(samples=st.lists(st.integers(0, 40_000), min_size=4, max_size=4))
    def publish(self, samples: list[int]) -> None:
        before = shifts()
        try:
            publish(self.cast.lena)
        except Refused as refused:
            start, end = refused.draft.holes[0]
            assert self.walk(start) == self.walk(end - timedelta(minutes=1)) == set()
            assert shifts() == before
            return
        assert rosters.holes(traffic(), rosters.next_minute(), now() + 30 * DAY) == []
        for minutes in samples:
            at = rosters.next_minute() + timedelta(minutes=minutes)
            assert self.there(at) == self.walk(at), at

    @invariant()
    def what_has_been_stays(self) -> None:
        for at, there in list(getattr(self, "seen", {}).items())[-6:]:
            assert self.there(at) == there, at

    def there(self, at: datetime) -> set[int]:
        return {person.id for person in traffic().on_duty(at)}

    def walk(self, at: datetime) -> set[int]:
        plan = Roster.of(traffic(), since=MOMENT - 9 * DAY)
        rotas, changes = [each.rota() for each in plan.rotations], [each.change() for each in plan.overrides]
        minute = at.replace(second=0, microsecond=0)
        ((_moment, found),) = walked(rotas, changes, minute, minute + timedelta(minutes=1), clock.zone())
        return found


def test_whatever_is_planned_and_replanned_the_roster_is_the_plan_and_the_past_stays(staffed: Cast):
    machine = type("Machine", (Publishing,), {"cast": staffed})
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=8, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
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


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def own_city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Flask, Cast]]:
    env = {}
    if request.param == "postgres":
        env["BOARD_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    app = create_app(settings(tmp_path, **env))
    with clock.freeze(MOMENT), app.app_context():
        db.create_all()
        with transaction():
            cast = small_city()
        with transaction():
            for person in (cast.otto, cast.otis, cast.lena):
                contacts.known_phone(person)
        yield app, cast
        db.session.remove()
        db.engine.dispose()


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
