"""What is good once is good once, also for many hands at once; on both engines."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyotp
import pytest
from flask import Flask
from sqlalchemy import func, select

from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotFound
from people import (
    attempts,
    challenges,
    invitations,
    news,
    passkeys,
    passwords,
    recovery,
    second_factor,
    staff,
)
from people.models import Invitation, Passkey, Person, RecoveryCode, SignIn
from people.models.attempt import Attempt
from tests.authenticators import Device
from tests.builders import Cast
from tests.domain.conftest import at_once

PASSWORD = "青松路口那三棵老槐树"
City = tuple[Flask, Cast]
HANDS = 50


def test_of_fifty_guesses_at_once_five_are_looked_at(city: City) -> None:
    application, cast = city
    with transaction():
        passwords.set_password(cast.otto, PASSWORD)
    badge = cast.otto.badge
    assert badge is not None

    def guess(place: int) -> Callable[[], bool]:
        def act() -> bool:
            try:
                staff.check_password(badge, f"guess {place}", f"203.0.113.{place}")
            except Invalid as error:
                return "再试" not in str(error)
            return True

        return act

    looked_at = at_once(application, *[guess(place) for place in range(HANDS)])
    assert sorted(looked_at, key=bool) == [False] * (HANDS - 5) + [True] * 5
    assert db.session.scalar(select(func.count(Attempt.id))) == 10  # five by name, five by address


def test_of_fifty_second_steps_at_once_five_are_looked_at_whatever_they_try(city: City) -> None:
    application, cast = city
    public_id = cast.otto.public_id

    def attempt() -> bool:
        try:
            attempts.begin(factor=public_id)
        except Invalid:
            return False
        return True

    assert sum(at_once(application, *[attempt] * HANDS)) == 5


def test_a_recovery_code_that_many_send_at_once_opens_one_door(city: City) -> None:
    application, cast = city
    with transaction():
        codes = recovery.renew(cast.otto)
    public_id = cast.otto.public_id

    def send() -> bool:
        with transaction():
            return recovery.use(Person.by_public_id(public_id), codes[0])

    assert sorted(at_once(application, *[send] * 8)) == [False] * 7 + [True]
    assert recovery.left(cast.otto) == 9


def test_recovery_codes_are_hard_to_guess_and_easy_to_type(city: City) -> None:
    _application, cast = city
    with transaction():
        codes = recovery.renew(cast.otto)
    assert len(recovery.LETTERS) ** recovery.LENGTH > 2**58
    assert not set("01ilo") & set(recovery.LETTERS)
    for written in (codes[0], codes[0].upper(), codes[0].replace("-", ""), f" {codes[0].replace('-', '—')} "):
        assert recovery.normalise(written) == codes[0].replace("-", "")
    hashes = db.session.scalars(select(RecoveryCode.code_hash)).all()
    assert len(set(hashes)) == 10
    with transaction():
        assert not recovery.use(cast.otis, codes[0])
        assert not recovery.use(cast.otto, "")


def test_a_challenge_is_answered_once_however_many_answer_at_once(city: City) -> None:
    application, _cast = city
    challenge = challenges.issue("sign-in")

    def spend() -> bool:
        with transaction():
            return challenges.spend(challenge, "sign-in")

    assert sorted(at_once(application, *[spend] * 8)) == [False] * 7 + [True]


def test_a_challenge_is_for_one_purpose_and_one_sign_in(city: City) -> None:
    with transaction():
        assert not challenges.spend(challenges.issue("confirm", "a"), "confirm", "b")
        assert not challenges.spend(challenges.issue("confirm", "a"), "add", "a")
        assert not challenges.spend(challenges.issue("sign-in"), "sign-in", "a")
        assert not challenges.spend(b"", "sign-in")
        challenge = bytearray(challenges.issue("sign-in"))
        challenge[0] ^= 1
        assert not challenges.spend(bytes(challenge), "sign-in")
        assert challenges.spend(challenges.issue("confirm", "a"), "confirm", "a")


@pytest.fixture
def device(city: City) -> Device:
    """Otto's device, whose passkey is kept."""
    application, cast = city
    device = Device()
    with application.test_request_context(base_url="http://localhost"):
        with transaction():
            row, _token = SignIn.begin(cast.otto, second_factor=True)
        made = device.make(json.loads(passkeys.to_add(row)))
        with transaction():
            passkeys.add(made, "电脑", SignIn.by_public_id(row.public_id) or row)
    return device


def test_one_count_of_a_device_opens_one_door(city: City, device: Device) -> None:
    application, cast = city
    with application.test_request_context(base_url="http://localhost"):
        answers = [device.answer(json.loads(passkeys.to_sign_in(None)), count=4) for _turn in range(6)]

    def enter(answer: str) -> Callable[[], bool]:
        def act() -> bool:
            with application.test_request_context(base_url="http://localhost"):
                try:
                    return passkeys.person_of(answer).public_id == public_id
                except Invalid:
                    return False

        return act

    public_id = cast.otto.public_id
    assert sorted(at_once(application, *[enter(each) for each in answers])) == [False] * 5 + [True]
    assert db.session.scalars(select(Passkey.sign_count)).one() == 4


def test_the_largest_counter_that_a_device_may_have_is_kept(city: City, device: Device) -> None:
    application, cast = city
    with application.test_request_context(base_url="http://localhost"):
        answer = device.answer(json.loads(passkeys.to_sign_in(None)), count=2**32 - 1)
        assert passkeys.person_of(answer).public_id == cast.otto.public_id
    db.session.rollback()
    assert db.session.scalars(select(Passkey.sign_count)).one() == 2**32 - 1


def test_an_invitation_that_two_accept_at_once_is_one_guests(city: City) -> None:
    application, cast = city
    with transaction():
        row, token = invitations.invite(cast.otis, by=None)
        secret = second_factor.offered(row.owner)
    assert secret is not None
    digits = pyotp.TOTP(secret).at(int(now().timestamp()))

    def accept(word: str) -> Callable[[], str]:
        def act() -> str:
            try:
                invitations.accept(token, password=f"{word}只野鸭子在湖边睡着了", code=digits)
            except NotFound:
                return "gone"
            return "in"

        return act

    assert sorted(at_once(application, *[accept(word) for word in "三四五六"])) == ["gone"] * 3 + ["in"]
    assert Invitation.open() == []
    assert recovery.left(cast.otis) == 10


def test_nobody_is_told_of_what_has_no_words(city: City) -> None:
    _application, cast = city
    with transaction(), pytest.raises(KeyError):
        news.tell("account.nothing", cast.otto)


def test_every_kind_of_account_news_has_its_line() -> None:
    from notifications.accounts import LINES

    assert set(LINES) == set(news.KINDS)
