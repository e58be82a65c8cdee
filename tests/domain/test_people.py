"""Who serves where, who leads whom, who is on duty at which minute, and what each is called."""

from __future__ import annotations

from datetime import timedelta

import pytest

from board import clock
from board.db import transaction
from board.errors import NotFound
from board.facts import put as put_facts
from board.i18n import speaking
from board.permissions import may
from board.seams import may_follow
from people.models import Appointment, Department, Person, Shift
from tests.people_world import MORNING, make_app, settle_city


@pytest.fixture
def city(tmp_path):
    app = make_app(tmp_path)
    with app.app_context(), clock.freeze(MORNING + timedelta(hours=1)):
        yield settle_city()


def test_an_officer_serves_his_own_department_and_no_other(city):
    assert city.otto.serves(city.traffic)
    assert not city.otto.serves(city.household)
    assert not city.otto.serves(city.bureau)
    assert not city.otto.serves(city.squad)
    assert not city.otto.serves(None)
    assert not city.rita.serves(city.traffic)


def test_the_chief_leads_everything_below_him_and_lena_only_her_branch(city):
    assert all(
        city.carl.leads(each) for each in (city.bureau, city.traffic, city.squad, city.household, city.desk)
    )
    assert [city.lena.leads(each) for each in (city.traffic, city.squad, city.bureau, city.household)] == [
        True,
        True,
        False,
        False,
    ]
    assert not city.otto.leads(city.traffic)


def test_leading_a_department_is_not_serving_the_ones_below(city):
    assert city.lena.serves(city.traffic)
    assert not city.carl.serves(city.traffic)


def test_an_appointment_begins_at_its_minute_and_ends_before_its_last(city):
    with transaction() as session:
        start, end = MORNING + timedelta(days=2), MORNING + timedelta(days=3)
        session.add(
            Appointment(
                person=city.vera, department=city.household, role="officer", starts_at=start, ends_at=end
            )
        )
    for moment, expected in (
        (start - timedelta(seconds=1), False),
        (start, True),
        (end - timedelta(seconds=1), True),
        (end, False),
    ):
        with clock.freeze(moment):
            assert city.vera.serves(city.household) is expected


def test_a_closed_account_serves_leads_and_holds_nothing(city):
    with transaction():
        city.lena.active = False
        city.adam.active = False
    assert not city.lena.serves(city.traffic)
    assert not city.lena.leads(city.squad)
    assert not city.adam.has_role("administrator")


def test_at_the_change_of_shifts_exactly_one_is_on_duty(city):
    change = MORNING + timedelta(hours=24)
    assert city.traffic.on_duty(change - timedelta(seconds=1)) == [city.otto]
    assert city.traffic.on_duty(change) == [city.otis]
    assert city.traffic.count_on_duty(change) == 1
    assert city.traffic.on_duty(change + timedelta(hours=24)) == []
    assert city.household.on_duty() == []
    assert city.household.count_on_duty() == 0


def test_somebody_with_two_shifts_at_once_counts_once(city):
    with transaction() as session:
        session.add(
            Shift(
                department=city.traffic,
                person=city.otto,
                starts_at=MORNING + timedelta(minutes=5),
                ends_at=MORNING + timedelta(hours=9),
            )
        )
    assert city.traffic.on_duty() == [city.otto]
    assert city.traffic.count_on_duty() == 1
    assert city.otto.duties == [city.traffic]


@pytest.mark.parametrize("change", ["appointment ends", "account closes"])
def test_a_roster_does_not_keep_somebody_on_duty_who_no_longer_serves(city, change):
    with transaction():
        if change == "appointment ends":
            city.otto.appointments[0].ends_at = MORNING
        else:
            city.otto.active = False
    assert city.traffic.on_duty() == []
    assert city.traffic.count_on_duty() == 0


def test_the_tree_is_walked_both_ways_and_survives_a_loop(city):
    assert [each.key for each in city.squad.ancestors()] == ["traffic", "bureau"]
    assert [each.key for each in city.bureau.descendants()] == ["traffic", "household", "desk", "kunhe-squad"]
    assert city.squad.is_below(city.bureau)
    assert not city.bureau.is_below(city.squad)
    with transaction():
        city.bureau.parent = city.squad
    assert [each.key for each in city.squad.ancestors()] == ["traffic", "bureau"]
    assert {each.key for each in city.squad.descendants()} == {"bureau", "traffic", "household", "desk"}


def test_the_name_book_holds_every_name_once(city):
    book = Department.name_book()
    assert [pair for pair in book if pair[0] == "traffic"] == [
        ("traffic", "交警支队"),
        ("traffic", "交警"),
        ("traffic", "交警大队"),
    ]
    assert ("kunhe-squad", "昆河中队") in book
    assert len(book) == len(set(book))


def test_departments_are_found_by_key_and_the_desk_by_what_it_is(city):
    assert Department.by_key("traffic") is city.traffic
    assert Department.desk() is city.desk
    with pytest.raises(NotFound):
        Department.by_key("no-such-unit")


def test_names_come_in_the_readers_language(city):
    assert city.traffic.title == "交警支队"
    assert city.otto.display_name == "欧阳（警号 021456）"
    assert city.lena.display_name == "李（警号 021001）"
    assert city.rita.display_name == "青松路居民"
    with speaking("en"):
        assert city.traffic.title == "Traffic Police"
        assert city.squad.title == "昆河中队"  # nobody gave it an English name
        assert city.otto.display_name == "Ouyang, badge 021456"
        assert city.rita.display_name == "青松路居民"


def test_a_city_may_show_officers_by_number_only(city):
    with transaction():
        put_facts({"officers_by_number_only": True})
    assert city.otto.display_name == "警号 021456"
    assert Person(kind="staff", badge="HEAT-3").display_name == "工号 HEAT-3"


def test_a_persons_stream_is_his_alone_and_a_departments_is_for_who_serves_it(city):
    otto = f"person:{city.otto.public_id}"
    assert [may_follow(each, otto) for each in (city.otto, city.otis, city.carl, None)] == [
        True,
        False,
        False,
        False,
    ]
    # Carl leads the bureau above it and may open its desk.
    followers = (city.otto, city.lena, city.carl, city.hugo, city.rita, None)
    assert [may_follow(each, "department:traffic") for each in followers] == [True] * 3 + [False] * 3
    assert not may_follow(city.otto, "department:no-such-unit")


def test_names_of_who_is_on_duty_are_for_colleagues(city):
    assert may(city.hugo, "department.read_names", city.traffic)
    assert not may(city.rita, "department.read_names", city.traffic)
    assert not may(None, "department.read_names", city.traffic)


def test_a_phone_is_nowhere_in_the_tables_of_persons(city):
    assert not any("phone" in column.name for column in Person.__table__.columns)
    assert city.rita.owner == f"person:{city.rita.public_id}"
