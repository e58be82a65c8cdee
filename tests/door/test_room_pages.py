"""A department's chat rooms on its page of calls: who may, what is typed, and that the address is never shown again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from board import jobs
from board.clock import now
from board.db import db, transaction
from board.transports import chat
from boards.models import Case
from notifications.models import Delivery
from people import contacts
from people.models import Contact, Department
from tests.builders import Cast, posted
from tests.ends import Webhook

Send = Callable[..., TestResponse]
PAGE = "/desk/paging/traffic-police"
ROOMS = f"{PAGE}/rooms"


@pytest.fixture
def robot(app: Flask) -> Iterator[Webhook]:
    object.__setattr__(app.config["SETTINGS"], "carry_hosts", frozenset({"127.0.0.1"}))
    with Webhook() as end:
        app.extensions["chat"] = chat.AppriseChat({"127.0.0.1"}, at_most=5.0)
        yield end


def rooms() -> list[Contact]:
    db.session.rollback()
    db.session.expire_all()
    return contacts.rooms_of(Department.by_key("traffic-police"))


def address(robot: Webhook) -> str:
    return f"json://127.0.0.1:{robot.port}/s3cret"


def test_a_leader_adds_a_room_and_proves_it_with_the_code_that_it_shows(
    cast: Cast, robot: Webhook, get_as: Send, post_as: Send
):
    assert post_as("lena", ROOMS, name="交警值班群", address=address(robot)).status_code == 303
    (made,) = rooms()
    assert not made.counts
    jobs.run_due(kinds=("carry",))
    found = re.search(r"\d{6}", robot.got[0][1]["message"])
    assert found is not None
    code, way = found[0], f"{ROOMS}/{made.public_id}"
    wrong = post_as("lena", f"{way}/code", code="000000" if code != "000000" else "111111")
    assert wrong.status_code == 422
    assert "验证码不对" in wrong.text
    assert post_as("lena", f"{way}/code", code=code).status_code == 303
    assert rooms()[0].counts
    for who in ("lena", "otto"):
        page = get_as(who, PAGE).text
        assert "交警值班群" in page
        assert "s3cret" not in page
        assert "127.0.0.1" not in page
    assert ROOMS not in get_as("otto", PAGE).text, "an officer reads, and changes nothing"
    with transaction():
        case = posted(cast.rita).case
        assert case is not None
        number = case.number
    jobs.run_due(kinds=("carry",))
    assert number in robot.got[1][1]["message"]
    pane = get_as("lena", f"/desk/case/{number}").text
    assert "值班群“交警值班群”" in pane
    assert "已通知" in pane
    assert "s3cret" not in pane
    assert "交警值班群" not in get_as(None, f"/cases/{number}").text


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 303), ("rita", 404), ("hugo", 404), ("otto", 403), ("dana", 403), ("carl", 303), ("adam", 303)],
)
def test_who_may_add_a_room(robot: Webhook, post_as: Send, who: str | None, status: int):
    assert post_as(who, ROOMS, name="值班群", address=address(robot)).status_code == status
    assert len(rooms()) == (1 if who in ("carl", "adam") else 0)


@pytest.mark.parametrize(
    ("name", "where", "says"),
    [
        ("", "wecombot://abcdefgh", "请给群起个名字"),
        ("群" * 41, "wecombot://abcdefgh", "请给群起个名字"),
        ("值班群", "file:///etc/passwd", "这里不收这个地址"),
        ("值班群", "json://127.0.0.1:1/hook", "这里不收这个地址"),
        ("值班群", "", "这里不收这个地址"),
    ],
)
def test_what_cannot_be_a_room_is_refused_at_its_field_and_the_address_does_not_come_back(
    post_as: Send, name: str, where: str, says: str
):
    answer = post_as("lena", ROOMS, name=name, address=where)
    assert answer.status_code == 422
    assert says in answer.text
    assert "abcdefgh" not in answer.text
    assert rooms() == []


def test_a_department_has_five_rooms_at_most(post_as: Send):
    with transaction():
        for number in range(5):
            contacts.add_room(Department.by_key("traffic-police"), f"wecombot://abcdefgh{number}", "群")
    assert post_as("lena", ROOMS, name="第六个", address="wecombot://hgfedcba").status_code == 422


def test_a_room_of_another_department_is_not_there(robot: Webhook, post_as: Send):
    with transaction():
        other = contacts.add_room(Department.by_key("household-police"), "wecombot://abcdefgh", "户政群")
        public_id = other.public_id
    for act in ("code", "check", "removal"):
        assert post_as("lena", f"{ROOMS}/{public_id}/{act}", code="123456").status_code == 404
    assert post_as("lena", f"/desk/paging/household-police/rooms/{public_id}/removal").status_code == 404


def test_nobody_floods_a_room_with_tests(robot: Webhook, post_as: Send):
    assert post_as("lena", ROOMS, name="值班群", address=address(robot)).status_code == 303
    way = f"{ROOMS}/{rooms()[0].public_id}/check"
    assert {post_as("lena", way).status_code for _try in range(12)} == {303, 429}


def test_a_message_that_was_given_up_names_the_room_and_is_sent_again(
    cast: Cast, robot: Webhook, get_as: Send, post_as: Send
):
    with transaction():
        contacts.verify(contacts.add_room(Department.by_key("traffic-police"), address(robot), "交警值班群"))
        posted(cast.rita)
    with transaction() as session:
        delivery = session.scalars(select(Delivery).where(Delivery.room_id.is_not(None))).one()
        delivery.failed_at, delivery.last_error = now(), "the chat robot did not take it"
        public_id = delivery.public_id
    page = get_as("adam", "/admin/deliveries").text
    assert "交警值班群" in page
    assert "s3cret" not in page
    assert post_as("adam", f"/admin/deliveries/{public_id}/resending").status_code == 303
    jobs.run_due(kinds=("carry",))
    assert len(robot.got) == 1
    assert db.session.scalars(select(Case)).one().number in robot.got[0][1]["message"]


def test_a_room_that_was_removed_is_gone_from_the_page(robot: Webhook, get_as: Send, post_as: Send):
    assert post_as("lena", ROOMS, name="旧群", address=address(robot)).status_code == 303
    assert post_as("lena", f"{ROOMS}/{rooms()[0].public_id}/removal").status_code == 303
    assert rooms() == []
    assert "旧群" not in get_as("lena", PAGE).text
