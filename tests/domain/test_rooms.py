"""A department's chat rooms: proven by a code, told of each step of its calls once, on both engines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from board import clock, jobs, seams
from board.db import db, transaction
from board.transports import chat
from boards.models import Case
from notifications.checking import check
from notifications.models import Delivery, PageStep, Telling
from notifications.paging import auditing, ticking
from notifications.paging.policies import change_policy
from notifications.paging.rooms import told_rooms
from notifications.paging.steps import Step, Who
from people import contacts, vault
from people.models import Contact, Department, Shift
from tests.builders import Cast, case_of, posted
from tests.domain.conftest import at_once
from tests.ends import Webhook

pytestmark = pytest.mark.engines("sqlite", "postgres")

City = tuple[Flask, Cast]
SECRETS = ("青松路", "红绿灯", "王丽", "青松路居民", "欧阳", "021456", "李娜")


@pytest.fixture
def robot(app: Flask) -> Iterator[Webhook]:
    with listening(app) as end:
        yield end


@contextmanager
def listening(app: Flask) -> Iterator[Webhook]:
    """A chat robot of the town, which the board finds."""
    with Webhook() as end:
        app.extensions["chat"] = chat.AppriseChat({"127.0.0.1"}, at_most=5.0)
        yield end


def traffic() -> Department:
    return Department.by_key("traffic-police")


def room(robot: Webhook, name: str = "交警值班群", place: str = "hook", *, proven: bool = True) -> str:
    """A room of the traffic police; its public id."""
    with transaction():
        found = contacts.add_room(traffic(), f"json://127.0.0.1:{robot.port}/{place}", name)
        if proven:
            contacts.verify(found)
        return found.public_id


def kept(public_id: str) -> Contact:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Contact).where(Contact.public_id == public_id)).one()


def report(cast: Cast, **given: object) -> str:
    with transaction():
        return posted(cast.rita, **given).public_id  # type: ignore[arg-type]


def carry() -> None:
    jobs.run_due(kinds=("pages-due", "carry"))
    db.session.rollback()


def later(span: timedelta) -> None:
    clock.advance(span)
    carry()


def said(robot: Webhook) -> list[str]:
    return [body["message"] for _path, body in robot.got]


def test_a_room_counts_once_the_code_that_it_showed_was_typed(app: Flask, cast: Cast, robot: Webhook) -> None:
    made = room(robot, proven=False)
    with transaction():
        check(kept(made))
    carry()
    code = re.search(r"\d{6}", said(robot)[0])
    assert code is not None
    report(cast)
    carry()
    assert len(robot.got) == 1, "a room that is not proven hears of no call"
    with transaction():
        assert not contacts.prove(kept(made), "000000" if code[0] != "000000" else "111111")
        assert contacts.prove(kept(made), code[0])
    assert kept(made).counts
    report(cast)
    carry()
    assert len(robot.got) == 2


def test_each_step_is_told_to_the_room_once_with_nobodys_name_and_nobodys_words(
    app: Flask, cast: Cast, robot: Webhook
) -> None:
    room(robot)
    thread = report(cast)
    carry()
    for _minute in range(40):
        later(timedelta(minutes=1))
    steps = db.session.scalars(select(PageStep.step).where(PageStep.told_at.is_not(None))).all()
    told = db.session.scalars(select(Telling.step).where(Telling.room_id.is_not(None))).all()
    assert sorted(told) == sorted(steps)
    assert len(told) == 4
    assert 1 < len(robot.got) <= len(told)
    first, *rest = said(robot)
    assert "20261117-0001" in first
    assert "待受理" in first
    assert any("已通知" in each for each in rest)
    assert not [word for each in said(robot) for word in SECRETS if word in each]
    assert [each.name for each in told_rooms(case_of(thread))] == ["交警值班群"] * len(robot.got)
    assert "127.0.0.1" not in str(told_rooms(case_of(thread)))


def test_an_empty_shift_is_told_to_the_room_though_nobody_is_there(
    app: Flask, cast: Cast, robot: Webhook
) -> None:
    with transaction() as session:
        session.execute(update(Shift).where(Shift.department_id == traffic().id).values(ends_at=clock.now()))
    room(robot)
    report(cast)
    carry()
    assert "值班" in said(robot)[0]
    steps = db.session.scalars(select(PageStep).order_by(PageStep.id)).all()
    assert steps[0].empty
    told = db.session.scalars(select(Telling.step).where(Telling.room_id.is_not(None))).all()
    assert set(told) == {each.step for each in steps}


def test_of_a_restricted_case_the_room_reads_what_a_push_says(app: Flask, cast: Cast, robot: Webhook) -> None:
    object.__setattr__(app.config["SETTINGS"], "public_url", "https://board.example")
    room(robot)
    thread = report(cast, restrict=True)
    carry()
    (text,) = said(robot)
    assert text == "有一件新的诉求，请登录查看 https://board.example/desk"
    assert case_of(thread).number not in str(robot.got)


def test_what_was_answered_before_its_turn_is_not_told(app: Flask, cast: Cast, robot: Webhook) -> None:
    room(robot)
    thread = report(cast)
    with transaction():
        case_of(thread).acknowledge(by=cast.otto)
    carry()
    assert robot.got == []
    (told,) = told_rooms(case_of(thread))
    assert "没有发" in told.state


def test_many_calls_in_a_minute_are_one_more_message_that_counts_them(
    app: Flask, cast: Cast, robot: Webhook
) -> None:
    room(robot)
    for _post in range(5):
        report(cast)
    carry()
    assert len(robot.got) == 1
    later(timedelta(minutes=1, seconds=6))
    assert said(robot)[1] == "有 4 件诉求等待签收"


def test_a_step_that_names_other_channels_leaves_the_room_alone(
    app: Flask, cast: Cast, robot: Webhook
) -> None:
    room(robot)
    steps = [Step(Who.DUTY, 0, ("push",)), Step(Who.DESK, 50, ("chat",))]
    with transaction():
        change_policy(traffic(), steps, urgent=False, by=cast.lena)
    report(cast)
    carry()
    assert robot.got == []
    later(timedelta(minutes=16))
    assert len(robot.got) == 1


def test_a_room_in_which_somebody_is_kept_from_the_case_hears_nothing(
    app: Flask, cast: Cast, robot: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(robot)
    lena = cast.lena.id
    kept_from = {**seams._vetoes, "event.hear": [lambda person, _event: person.id == lena]}
    monkeypatch.setattr(seams, "_vetoes", kept_from)
    report(cast)
    carry()
    assert robot.got == []
    assert db.session.scalars(select(Telling).where(Telling.room_id.is_not(None))).all() == []


def test_another_departments_calls_are_not_told(app: Flask, cast: Cast, robot: Webhook) -> None:
    room(robot)
    report(cast, section="household", body="身份证多久能拿？")
    carry()
    assert robot.got == []


def test_a_robot_that_refuses_is_tried_again_then_given_up_and_sent_again_once_it_is_well(
    app: Flask, cast: Cast, robot: Webhook
) -> None:
    made = room(robot)
    robot.answers = [500] * 100
    thread = report(cast)
    carry()
    assert len(robot.got) == 1
    later(timedelta(minutes=6))
    assert auditing.audit() == [], "whoever is on duty was told: a broken robot wakes nobody"
    for _try in range(10):
        later(timedelta(hours=1, seconds=1))
    delivery = db.session.scalars(
        select(Delivery).where(Delivery.room_id.is_not(None)).order_by(Delivery.id)
    ).first()
    assert delivery is not None
    assert (delivery.attempts, delivery.failed_at is not None) == (10, True)
    assert "127.0.0.1" not in (delivery.last_error or "")
    assert kept(made).failing_since is not None
    assert "放弃" in told_rooms(case_of(thread))[0].state
    before = len(robot.got)
    robot.answers = []
    with transaction():
        check(kept(made))
    carry()
    assert len(robot.got) == before + 1
    assert kept(made).counts, "a robot that takes a test is well again"


def test_a_room_that_was_removed_keeps_its_name_and_nothing_else(
    app: Flask, cast: Cast, robot: Webhook
) -> None:
    made = room(robot)
    thread = report(cast)
    carry()
    with transaction():
        contacts.remove_room(kept(made))
    assert vault.get(f"contact:{made}", "address") is None
    assert contacts.rooms_of(traffic()) == []
    assert told_rooms(case_of(thread))[0].name == "交警值班群"
    later(timedelta(minutes=30))
    assert len(robot.got) == 1
    assert room(robot, "新群", proven=False) == made, "the same address is the same room, to be proven anew"
    assert not kept(made).counts


def test_workers_that_look_at_once_tell_a_room_of_a_step_once(city: City) -> None:
    app, cast = city
    with listening(app) as robot:
        room(robot)
        for _post in range(6):
            report(cast)
        clock.advance(timedelta(minutes=8))
        db.session.remove()
        results = at_once(app, *[ticking.drain] * 3)
    assert not [each for each in results if isinstance(each, Exception)]
    rows = db.session.execute(
        select(Telling.page_id, Telling.leg, Telling.step).where(Telling.room_id.is_not(None))
    ).all()
    assert len(rows) == len(set(rows)) == 18
    assert db.session.scalars(select(Case)).all()
