"""The staff's door: password, then second factor; one answer to everything wrong; guessing gets slower."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select

from board import clock
from board.db import db, transaction
from people import contacts, passwords, second_factor
from people.links import link_for
from people.models import CalendarFeed, Person, SignIn
from tests.people_world import MORNING, Browser, demo_code, make_app, settle_city

PASSWORD = "青松路口那三棵老槐树"
WRONG = "姓名或密码不对"


@pytest.fixture
def app(tmp_path):
    with clock.freeze(MORNING + timedelta(hours=1)):
        yield make_app(tmp_path)


@pytest.fixture
def otto(app):
    """Otto's public id and his authenticator."""
    with app.app_context():
        city = settle_city()
        with transaction():
            passwords.set_password(city.otto, PASSWORD)
            totp = pyotp.TOTP(second_factor.enrol(city.otto))
        return city.otto.public_id, totp


def digits(totp, **later):
    return totp.at(int((clock.now() + timedelta(**later)).timestamp()))


def password(browser, login="欧阳涛", password=PASSWORD, **fields):
    return browser.post("/staff/sign-in", {"login": login, "password": password, **fields})


def code(browser, code):
    return browser.post("/staff/sign-in/code", {"code": code})


@pytest.mark.parametrize("login", ["欧阳涛", "021456", " Otto Ouyang "])
def test_name_or_badge_then_password_then_six_digits(app, otto, login):
    public_id, totp = otto
    browser = Browser(app)
    answer = password(browser, login=login, next="/d/traffic")
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in/code?next=/d/traffic")
    assert browser.who() is None
    half = browser.cookie().value
    answer = browser.submit(answer.location, "/staff/sign-in/code", code=digits(totp))
    assert (answer.status_code, answer.location) == (303, "/d/traffic")
    assert browser.who() == public_id
    assert browser.cookie().value != half


def test_the_password_alone_opens_no_page(app, otto):
    browser = Browser(app)
    password(browser)
    assert browser.get("/me").location.startswith("/sign-in")
    assert browser.who() is None
    clock.advance(timedelta(minutes=10))
    assert code(browser, digits(otto[1])).status_code == 404
    assert browser.who() is None


def test_six_digits_without_a_password_open_nothing(app, otto):
    browser = Browser(app)
    assert browser.get("/staff/sign-in/code").location == "/staff/sign-in"
    assert code(browser, digits(otto[1])).status_code == 404


def test_six_digits_are_good_once_and_half_a_minute_early_or_late(app, otto):
    _id, totp = otto
    first = Browser(app)
    password(first)
    used = digits(totp)
    assert code(first, digits(totp, minutes=2)).status_code == 422
    assert code(first, used).status_code == 303
    second = Browser(app)
    password(second)
    assert code(second, used).status_code == 422  # somebody looked over his shoulder
    clock.advance(timedelta(seconds=30))
    assert code(second, digits(totp, seconds=30)).status_code == 303


def test_everything_wrong_gets_the_same_answer(app, otto):
    with app.app_context(), transaction() as session:
        closed = Person(kind="staff", name="赵六", badge="021999", active=False)
        session.add_all([closed, Person(kind="staff", name="欧阳涛", badge="031999")])
        passwords.set_password(closed, PASSWORD)
    answers = {
        (login, re.sub(r'name="login"[^>]*', "", answer.text), answer.status_code)
        for login, given in (
            ("021456", "not his password"),
            ("nobody", PASSWORD),
            ("021999", PASSWORD),  # closed
            ("021457", PASSWORD),  # Otis has no password yet
            ("青松路居民", PASSWORD),  # members have none
            ("欧阳涛", PASSWORD),  # two of this name: the badge tells them apart
            ("", ""),
        )
        for answer in [password(Browser(app), login=login, password=given)]
    }
    assert len({text for _login, text, _status in answers}) == 1
    assert {status for *_rest, status in answers} == {422}
    assert all(WRONG in text for _login, text, _status in answers)


def test_a_missing_account_takes_as_long_as_a_wrong_password(app, otto):
    def seconds(login):
        times = []
        for turn in range(5):
            clock.advance(timedelta(hours=2))
            began = time.process_time()
            password(Browser(app), login=login, password=f"guess {turn}")
            times.append(time.process_time() - began)
        return sorted(times)[2]

    password(Browser(app), login="warm-up")
    known, unknown = seconds("021456"), seconds("099999")
    assert 0.5 < known / unknown < 2


def test_guessing_gets_slower_for_a_name_that_exists_and_for_one_that_does_not(app, otto):
    for login in ("021456", "nobody"):
        for turn in range(5):
            assert WRONG in password(Browser(app), login=login, password=f"guess {turn}").text
        blocked = password(Browser(app), login=login, password=PASSWORD)
        assert blocked.status_code == 422
        assert WRONG not in blocked.text
        assert "再试" in blocked.text
    clock.advance(timedelta(seconds=2))
    assert password(Browser(app), login="021456").status_code == 303


def test_waiting_doubles_up_to_five_minutes_and_a_right_answer_forgets(app, otto):
    _id, totp = otto

    def fails_until_blocked():
        while WRONG in password(Browser(app), login="021456", password="a guess").text:
            pass

    fails_until_blocked()
    waits = []
    for _turn in range(3):
        for seconds in range(1, 600):
            clock.advance(timedelta(seconds=1))
            if WRONG in password(Browser(app), login="021456", password="a guess").text:
                waits.append(seconds)
                break
    assert waits == [1, 2, 4]
    clock.advance(timedelta(minutes=5))
    browser = Browser(app)
    password(browser, login="021456")
    assert code(browser, digits(totp)).status_code == 303
    for _turn in range(5):
        assert WRONG in password(Browser(app), login="021456", password="a guess").text


def test_the_second_factor_cannot_be_guessed_either(app, otto):
    browser = Browser(app)
    password(browser)
    right = digits(otto[1])
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for _turn in range(5):
        assert code(browser, wrong).status_code == 422
    blocked = code(browser, right)
    assert blocked.status_code == 422
    assert browser.who() is None


def test_staff_do_not_sign_in_by_phone(app, otto):
    from people import vault

    with app.app_context(), transaction():
        vault.put(f"person:{otto[0]}", "phone", "19900000003", findable=True)
    browser = Browser(app)
    shown = demo_code(browser.post("/sign-in", {"phone": "19900000003"}))
    answer = browser.post("/sign-in", {"phone": "19900000003", "code": shown})
    assert answer.status_code == 422
    assert "工作人员" in answer.text
    assert browser.cookie() is None


def test_a_new_password_needs_the_old_one_and_signs_every_other_device_out(app, otto):
    public_id, totp = otto
    desk, phone = Browser(app), Browser(app)
    for browser in (desk, phone):
        password(browser)
        code(browser, digits(totp))
        clock.advance(timedelta(minutes=1))
    new = "湖边的七只野鸭子在睡觉"
    assert desk.submit("/me", "/me/password", old_password="wrong", password=new).status_code == 422
    assert desk.submit("/me", "/me/password", old_password=PASSWORD, password="short").status_code == 422
    assert (
        desk.submit("/me", "/me/password", old_password=PASSWORD, password="my badge 021456").status_code
        == 422
    )
    assert phone.who() == public_id
    assert desk.submit("/me", "/me/password", old_password=PASSWORD, password=new).status_code == 303
    assert (desk.who(), phone.who()) == (public_id, None)
    assert password(Browser(app)).status_code == 422
    assert password(Browser(app), password=new).status_code == 303


def test_a_password_that_an_administrator_gave_meanwhile_stands(app, otto):
    public_id, totp = otto
    desk = Browser(app)
    password(desk)
    code(desk, digits(totp))
    given = "芦苇荡里有九只白鹭在看天"

    def fits(kept: str | None, typed: str) -> bool:
        right = really_fits(kept, typed)
        with transaction():
            passwords.set_password(Person.by_public_id(public_id), given)
        return right

    really_fits = passwords.fits
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "fits", fits)
        answer = desk.submit("/me", "/me/password", old_password=PASSWORD, password="湖边的七只野鸭子在睡觉")
    assert answer.status_code == 422
    assert password(Browser(app), password=given).status_code == 303


def test_the_present_password_cannot_be_guessed_on_a_device_that_was_left_open(app, otto):
    desk = Browser(app)
    password(desk)
    code(desk, digits(otto[1]))
    new = "湖边的七只野鸭子在睡觉"
    for turn in range(5):
        assert "不是" in desk.submit("/me", "/me/password", old_password=f"guess {turn}", password=new).text
    blocked = desk.submit("/me", "/me/password", old_password=PASSWORD, password=new)
    assert blocked.status_code == 422
    assert "再试" in blocked.text
    clock.advance(timedelta(seconds=2))
    assert desk.submit("/me", "/me/password", old_password=PASSWORD, password=new).status_code == 303


def test_a_new_password_ends_the_links_that_were_made_before_it(app, otto):
    public_id, totp = otto
    desk = Browser(app)
    password(desk)
    code(desk, digits(totp))
    with app.app_context(), transaction():
        link = link_for(Person.by_public_id(public_id))
    clock.advance(timedelta(seconds=1))
    assert Browser(app).get(f"/sign-in/link/{link}").status_code == 200
    new = "湖边的七只野鸭子在睡觉"
    assert desk.submit("/me", "/me/password", old_password=PASSWORD, password=new).status_code == 303
    assert Browser(app).get(f"/sign-in/link/{link}").status_code == 404
    assert Browser(app).post(f"/sign-in/link/{link}").status_code == 404


def test_whoever_is_signed_out_by_the_console_keeps_no_door_and_no_bell(app, otto):
    public_id, totp = otto
    phone = Browser(app)
    password(phone)
    code(phone, digits(totp))
    with app.app_context(), transaction():
        person = Person.by_public_id(public_id)
        feed, link = CalendarFeed.renew(person), link_for(person)
        contacts.verify(contacts.add(person, "push", '{"endpoint": "https://push.example/lost"}'))
        contacts.verify(contacts.add(person, "mail", "otto@home.example"))
    clock.advance(timedelta(seconds=1))
    assert phone.get(f"/calendar/{feed}.ics").status_code == 200
    result = app.test_cli_runner().invoke(args=["people", "sign-out", "Otto"])
    assert result.exit_code == 0, result.output
    assert phone.who() is None
    assert phone.get(f"/calendar/{feed}.ics").status_code == 404
    assert phone.post(f"/sign-in/link/{link}").status_code == 404
    with app.app_context():
        assert [each.kind for each in contacts.of(Person.by_public_id(public_id))] == ["mail"]


def test_a_password_is_kept_as_argon2id_with_nineteen_mebibytes(app, otto):
    with app.app_context():
        kept = Person.by_public_id(otto[0]).password_hash or ""
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in kept


def test_add_staff_prints_a_second_factor_that_works(app, otto):
    runner = app.test_cli_runner()
    args = [
        "people",
        "add-staff",
        "孙勇",
        "--badge",
        "021460",
        "--department",
        "traffic",
        "--password",
        PASSWORD,
    ]
    result = runner.invoke(args=args)
    assert result.exit_code == 0, result.output
    uri = result.output.strip().splitlines()[-1]
    secret = parse_qs(urlsplit(uri).query)["secret"][0]
    browser = Browser(app)
    password(browser, login="021460")
    assert code(browser, digits(pyotp.TOTP(secret))).status_code == 303
    assert "孙勇" in browser.get("/me").text
    assert "交警支队" in browser.get("/me").text
    assert runner.invoke(args=args).exit_code == 1  # the badge is taken
    missing = runner.invoke(
        args=["people", "add-staff", "x", "--badge", "1", "--department", "no", "--password", PASSWORD]
    )
    assert "没有单位 no。" in missing.output


def test_set_password_signs_out_and_can_renew_the_second_factor(app, otto):
    public_id, totp = otto
    browser = Browser(app)
    password(browser)
    code(browser, digits(totp))
    runner = app.test_cli_runner()
    new = "湖边的七只野鸭子在睡觉"
    result = runner.invoke(args=["people", "set-password", "Otto", "--password", new, "--second-factor"])
    assert result.exit_code == 0, result.output
    assert browser.who() is None
    renewed = pyotp.TOTP(parse_qs(urlsplit(result.output.strip().splitlines()[-1]).query)["secret"][0])
    clock.advance(timedelta(minutes=1))
    password(browser, password=new)
    assert code(browser, digits(totp)).status_code == 422
    assert code(browser, digits(renewed)).status_code == 303
    assert runner.invoke(args=["people", "set-password", "Otto", "--password", "short"]).exit_code == 1
    assert runner.invoke(args=["people", "set-password", "青松路居民", "--password", new]).exit_code == 1
    with app.app_context():
        rows = db.session.scalars(select(SignIn)).all()
        assert {row.person.public_id for row in rows} == {public_id}
