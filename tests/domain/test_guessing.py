"""Guessing passwords and digits, with many hands at once, on both engines."""

from __future__ import annotations

from collections.abc import Callable

import pyotp
import pytest
from flask import Flask

from board.clock import now
from board.db import db, transaction
from board.errors import Invalid
from people import attempts, passwords, second_factor, staff
from people.models.attempt import Attempt
from tests.builders import Cast
from tests.domain.conftest import at_once

PASSWORD = "青松路口那三棵老槐树"
City = tuple[Flask, Cast]


@pytest.fixture
def badge(city: City) -> str:
    """Otto's badge; his password is set."""
    _application, cast = city
    with transaction():
        passwords.set_password(cast.otto, PASSWORD)
    assert cast.otto.badge is not None
    return cast.otto.badge


def guess(badge: str, password: str, place: int) -> Callable[[], bool]:
    """Whether the password was looked at; False when the next try must wait."""

    def act() -> bool:
        try:
            staff.check_password(badge, password, f"203.0.113.{place}")
        except Invalid as error:
            return "再试" not in str(error)
        return True

    return act


def test_of_many_guesses_at_once_no_more_are_looked_at_than_one_after_the_other(
    city: City, badge: str
) -> None:
    application, _cast = city
    looked_at = at_once(application, *[guess(badge, f"guess {place}", place) for place in range(12)])
    assert sorted(looked_at) == [False] * 7 + [True] * 5


def test_who_knows_the_password_uses_up_no_tries(city: City, badge: str) -> None:
    for _turn in range(30):  # a whole station behind one address, at the change of shift
        assert staff.check_password(badge, PASSWORD, "203.0.113.1").badge == badge
    assert db.session.scalar(db.select(db.func.count(Attempt.id))) == 0


def test_a_try_that_must_wait_is_not_counted_for_the_others(city: City) -> None:
    for place in range(attempts.FREE["name"]):
        attempts.begin(name="otto", address=f"203.0.113.{place}")
    with pytest.raises(Invalid):
        attempts.begin(name="otto", address="203.0.113.99")
    for _turn in range(attempts.FREE["address"]):
        attempts.begin(address="203.0.113.99")


def test_digits_that_two_send_at_once_open_one_door(city: City) -> None:
    application, cast = city
    with transaction():
        digits = pyotp.TOTP(second_factor.enrol(cast.otto)).at(int(now().timestamp()))

    def send() -> bool:
        with transaction():
            return second_factor.confirm(cast.otto, digits)

    for _turn in range(3):
        assert sorted(at_once(application, *[send] * 4)) == [False] * 3 + [True]
        with transaction():
            cast.otto.totp_step = 0
