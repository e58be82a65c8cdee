"""One-time codes: what counts as a number, how many are sent, how often one may try, and what is left behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from board import clock, jobs
from board.db import db, transaction
from board.errors import Invalid, WrongState
from board.transports.sms import LogSms, SmsError
from people import codes, vault
from people.models import Attempt, OneTimeCode, SignIn
from tests.people_world import MORNING, make_app, settle_city

PHONE, ADDRESS = "19900000001", "203.0.113.7"


@pytest.fixture
def app(tmp_path):
    app = make_app(tmp_path)
    with app.app_context(), clock.freeze(MORNING):
        yield app


def issued():
    return db.session.scalars(select(OneTimeCode).order_by(OneTimeCode.id)).all()


def try_code(code, phone=PHONE):
    with transaction():
        return codes.confirm(phone, code)


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06d}"


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "19900000001",
        " 199 0000 0001 ",
        "199-0000-0001",
        "199.0000.0001",
        "(199)00000001",
        "+86 199 0000 0001",
        "+8619900000001",
        "008619900000001",
        "8619900000001",
        "１９９０００００００１",
        "＋８６　１９９　００００　０００１",
        "199\u200b00000001",
        "\u202d199 0000 0001\u202c",
    ],
)
def test_a_mobile_number_is_known_however_it_is_typed(typed):
    assert codes.normalise_phone(typed) == PHONE


@pytest.mark.parametrize(
    "typed",
    [
        "",
        None,
        "110",
        "1990000000",
        "199000000012",
        "12900000001",
        "09000000110",
        "+1 199 0000 0001",
        "١٩٩٠٠٠٠٠٠٠١",
        "王丽",
    ],
)
def test_what_is_no_mobile_number_is_refused_at_its_field(typed):
    with pytest.raises(Invalid) as caught:
        codes.normalise_phone(typed)
    assert set(caught.value.errors) == {"phone"}


@given(st.text(max_size=200))
def test_any_junk_is_a_number_or_a_clear_refusal(typed):
    try:
        phone = codes.normalise_phone(typed)
    except Invalid:
        return
    assert codes.MOBILE.fullmatch(phone)
    assert codes.normalise_phone(phone) == phone


def test_a_pasted_code_is_reduced_to_its_digits():
    assert codes.normalise_code(" ４８２ 913。") == "482913"
    assert codes.normalise_code(None) == ""


# --- trying --------------------------------------------------------------------------------------


def test_the_right_code_fits_once(app):
    shown = codes.start_code("199 0000 0001", ADDRESS).shown
    assert try_code(shown)
    assert not try_code(shown)


def test_a_code_lasts_five_minutes(app):
    with clock.freeze(MORNING):
        shown = codes.start_code(PHONE, ADDRESS).shown
        clock.advance(timedelta(minutes=5))
        assert not try_code(shown)
        clock.advance(-timedelta(seconds=1))
        assert try_code(shown)


def test_after_five_wrong_tries_the_right_one_comes_too_late(app):
    shown = codes.start_code(PHONE, ADDRESS).shown
    for _try in range(4):
        assert not try_code(wrong(shown))
    assert issued()[0].tries == 4
    assert not try_code(wrong(shown))
    assert not try_code(shown)


def test_a_code_of_another_phone_does_not_fit(app):
    shown = codes.start_code(PHONE, ADDRESS).shown
    other = codes.start_code("19900000002", ADDRESS).shown
    if shown != other:
        assert not try_code(other)
    assert not try_code(shown, phone="19900000003")
    assert try_code(shown)


def test_only_the_newest_code_counts(app):
    first = codes.start_code(PHONE, ADDRESS).shown
    clock.advance(codes.RESEND)
    second = codes.start_code(PHONE, ADDRESS).shown
    if first != second:
        assert not try_code(first)
    assert try_code(second)


# --- caps ----------------------------------------------------------------------------------------


def test_asking_again_within_a_minute_sends_nothing_new(app):
    first = codes.start_code(PHONE, ADDRESS)
    clock.advance(timedelta(seconds=59))
    again = codes.start_code("+86 19900000001", ADDRESS)
    assert (again.shown, again.resend_at) == (first.shown, first.resend_at)
    assert len(issued()) == 1
    assert jobs.run_due() == 1


def test_a_phone_gets_five_codes_an_hour_and_ten_a_day(app):
    def ask():
        clock.advance(timedelta(minutes=2))
        return codes.start_code(PHONE, ADDRESS)

    for _turn in range(5):
        ask()
    with pytest.raises(Invalid) as caught:
        ask()
    assert "09:02" in str(caught.value)  # the first of the hour was at 08:02
    clock.advance(timedelta(hours=1))
    for _turn in range(5):
        ask()
    clock.advance(timedelta(hours=3))
    with pytest.raises(Invalid) as caught:
        ask()
    assert str(caught.value).find("08:02") > 0  # tomorrow
    assert len(issued()) == 10


def test_an_address_gets_twenty_codes_an_hour_and_others_go_on(app):
    for number in range(20):
        codes.start_code(f"199000001{number:02d}", ADDRESS)
    with pytest.raises(Invalid):
        codes.start_code("19900000200", ADDRESS)
    codes.start_code("19900000200", "203.0.113.8")
    clock.advance(timedelta(hours=1))
    codes.start_code("19900000201", ADDRESS)


def test_the_whole_site_has_a_cap_a_day(app):
    app.config["CODES_PER_DAY"] = 3
    for number in range(3):
        codes.start_code(f"1990000010{number}", f"203.0.113.{number}")
    with pytest.raises(Invalid) as caught:
        codes.start_code(PHONE, ADDRESS)
    assert "110" in str(caught.value)
    clock.advance(timedelta(days=1))
    codes.start_code(PHONE, ADDRESS)


# --- sending -------------------------------------------------------------------------------------


@pytest.fixture
def real_city(tmp_path):
    """A production board with a gateway that keeps what it got."""
    keys = {"BOARD_SECRET_KEY": "s" * 40, "BOARD_LOOKUP_KEY": "l" * 40}
    keys["BOARD_VAULT_KEYS"] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    gateway = {"BOARD_SMS_URL": "https://sms.example/", "BOARD_PUBLIC_URL": "http://localhost"}
    app = make_app(tmp_path, BOARD_MODE="production", **gateway, **keys)
    app.extensions["sms"] = LogSms()
    with app.app_context(), clock.freeze(MORNING):
        yield app


def test_the_message_is_sent_once_and_nothing_readable_stays(real_city, tmp_path):
    started = codes.start_code(PHONE, ADDRESS)
    assert started.shown is None
    owner = f"code:{issued()[0].public_id}"
    assert vault.get(owner, "phone") == PHONE
    jobs.run_due()
    (message,) = real_city.extensions["sms"].sent
    assert message.to == PHONE
    assert message.reference == owner.partition(":")[2]
    code = codes.normalise_code(message.text.split("验证码")[1])[:6]
    assert "08:05" in message.text
    assert vault.get(owner, "phone") is None
    assert vault.get(owner, "code") is None

    codes.send_code(message.reference)  # a worker that died after sending does the job again
    assert len(real_city.extensions["sms"].sent) == 1

    db.session.rollback()
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("board.db*"))
    assert b"one_time_code" in raw
    assert PHONE.encode() not in raw
    assert code.encode() not in raw
    assert ADDRESS.encode() not in raw
    assert try_code(code)


def test_the_message_is_in_the_language_that_the_page_was_in(real_city):
    with real_city.test_request_context(headers={"Cookie": "prefs=auto.m.0.en"}):
        codes.start_code(PHONE, ADDRESS)
    jobs.run_due()
    (message,) = real_city.extensions["sms"].sent
    assert "Your code is" in message.text


class Gateway:
    """A gateway that fails as told, then works."""

    def __init__(self, *failures):
        self.failures, self.sent = list(failures), []

    def send(self, message):
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(message)


def test_a_gateway_that_is_away_is_tried_again_until_the_code_is_worthless(real_city):
    gateway = real_city.extensions["sms"] = Gateway(
        SmsError("away", final=False), SmsError("away", final=False)
    )
    codes.start_code(PHONE, ADDRESS)
    for _turn in range(3):
        jobs.run_due()
        clock.advance(timedelta(seconds=10))
    assert len(gateway.sent) == 1

    gateway = real_city.extensions["sms"] = Gateway(*[SmsError("away", final=False)] * 50)
    codes.start_code("19900000002", ADDRESS)
    for _turn in range(8):
        jobs.run_due()
        clock.advance(timedelta(minutes=6))
    assert gateway.sent == []
    assert len(gateway.failures) == 49  # after five minutes nobody wants it any more
    assert vault.get(f"code:{issued()[1].public_id}", "phone") is None


def test_a_number_that_the_gateway_refuses_is_not_tried_again(real_city):
    gateway = real_city.extensions["sms"] = Gateway(SmsError("no such number", final=True))
    codes.start_code(PHONE, ADDRESS)
    jobs.run_due()
    clock.advance(timedelta(seconds=30))
    assert jobs.run_due() == 0
    assert gateway.sent == []
    assert vault.get(f"code:{issued()[0].public_id}", "phone") is None


def test_a_city_without_a_gateway_says_so_instead_of_promising(tmp_path):
    keys = {"BOARD_SECRET_KEY": "s" * 40, "BOARD_LOOKUP_KEY": "l" * 40}
    keys["BOARD_VAULT_KEYS"] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    with make_app(tmp_path, BOARD_MODE="production", **keys).app_context(), pytest.raises(WrongState):
        codes.start_code(PHONE, ADDRESS)


# --- forgetting ----------------------------------------------------------------------------------


def test_traces_are_forgotten_and_standing_sign_ins_stay(app):
    rita = settle_city().rita
    codes.start_code(PHONE, ADDRESS)
    with transaction() as session:
        session.add(Attempt(lookup="x", at=clock.now()))
        kept, _token = SignIn.begin(rita, remember=True)
        ended, _token = SignIn.begin(rita)
        ended.revoke()
        kept_id, owner = kept.id, f"code:{issued()[0].public_id}"
    clock.advance(timedelta(days=1, hours=1))
    jobs.run_due()
    assert len(issued()) == 1  # two days are not over
    clock.advance(timedelta(days=1))
    codes.forget_traces()
    assert issued() == []
    assert vault.get(owner, "code") is None
    assert db.session.scalars(select(Attempt)).all() == []
    assert len(db.session.scalars(select(SignIn)).all()) == 2
    clock.advance(timedelta(days=29))
    codes.forget_traces()
    assert db.session.scalars(select(SignIn.id)).all() == [kept_id]
