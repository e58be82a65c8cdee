"""The citizens' door: phone and code, links, the demo's cast, and what a cookie is worth."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from board import clock, jobs
from board.db import db, transaction
from board.web import SIGNED_IN_COOKIES
from people import codes, vault
from people.links import offer_cast
from people.models import OneTimeCode, Person, SignIn, SignInLink
from people.session import COOKIE
from tests.people_world import MORNING, Browser, demo_code, make_app, settle_city, token_of

PHONE = "199 0000 0001"
DIGITS = "19900000001"
KEYS = {
    "BOARD_SECRET_KEY": "s" * 40,
    "BOARD_LOOKUP_KEY": "l" * 40,
    "BOARD_VAULT_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


@pytest.fixture
def app(tmp_path):
    with clock.freeze(MORNING + timedelta(hours=1)):
        yield make_app(tmp_path)


@pytest.fixture
def cast(app):
    with app.app_context():
        return {
            name: each.public_id for name, each in vars(settle_city()).items() if isinstance(each, Person)
        }


def send_code(browser, **fields):
    page = browser.submit("/sign-in", "/sign-in", phone=PHONE, step="send", **fields)
    shown = re.search(r"data-demo-code>(\d{6})<", page.text)
    return page, shown and shown.group(1)


def sign_in(browser, **fields):
    _page, code = send_code(browser)
    return browser.post("/sign-in", {"phone": PHONE, "code": code, **fields})


def members(app):
    with app.app_context():
        return db.session.scalar(select(func.count(Person.id)).where(Person.kind == "member"))


# --- phone and code ------------------------------------------------------------------------------


def test_a_newcomer_signs_in_by_phone_and_code_and_gets_a_nickname(app):
    browser = Browser(app)
    page, code = send_code(browser)
    assert page.status_code == 200
    assert 'autocomplete="one-time-code"' in page.text
    assert f'value="{DIGITS}"' in page.text  # asked once
    answer = browser.post(
        "/sign-in", {"phone": DIGITS, "code": code, "remember": "1", "next": "/s/traffic?before=9"}
    )
    assert (answer.status_code, answer.location) == (303, "/s/traffic?before=9")
    with app.app_context():
        person = Person.by_public_id(browser.who())
        assert person.kind == "member"
        assert len(person.display_name) >= 2
        assert vault.get(person.owner, "phone") == DIGITS
        assert vault.lookup("phone", DIGITS) == person.owner


def test_the_same_phone_is_the_same_person_on_every_device(app):
    first, second = Browser(app), Browser(app)
    sign_in(first)
    clock.advance(timedelta(minutes=2))
    sign_in(second)
    assert first.who() == second.who() is not None
    assert members(app) == 1


def test_the_answer_to_a_phone_is_the_same_for_members_and_strangers(app):
    sign_in(Browser(app))
    clock.advance(timedelta(minutes=2))

    def answer(phone):
        page = Browser(app).post("/sign-in", {"phone": phone, "step": "send"})
        return page.status_code, re.sub(r"\d{6}<|1990000000\d", "", page.text)

    assert answer(DIGITS) == answer("19900000002")


def test_a_wrong_code_says_what_to_do_keeps_the_number_and_signs_nobody_in(app):
    browser = Browser(app)
    _page, code = send_code(browser)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    answer = browser.post("/sign-in", {"phone": PHONE, "code": wrong, "next": "/mine"})
    assert answer.status_code == 422
    assert "验证码不对" in answer.text
    assert f'value="{PHONE}"' in answer.text
    assert 'value="/mine"' in answer.text
    assert 'href="#f-code"' in answer.text
    assert re.search(r"<title>\s*出错：", answer.text)
    assert (browser.who(), members(app)) == (None, 0)
    with app.app_context():
        assert db.session.scalar(select(OneTimeCode.tries)) == 1  # the count survives the refusal


def test_something_that_is_no_number_is_refused_at_its_field(app):
    answer = Browser(app).post("/sign-in", {"phone": "12345", "step": "send"})
    assert answer.status_code == 422
    assert 'aria-describedby="f-phone-error' in answer.text
    assert 'value="12345"' in answer.text


def test_the_page_never_says_the_code_in_a_real_city(tmp_path):
    gateway = {"BOARD_SMS_URL": "https://sms.example/", "BOARD_PUBLIC_URL": "http://localhost"}
    app = make_app(tmp_path, BOARD_MODE="production", **gateway, **KEYS)
    page, code = send_code(Browser(app))
    assert page.status_code == 200
    assert code is None
    with app.app_context():
        row = db.session.scalars(select(OneTimeCode)).one()
        kept = vault.get(f"code:{row.public_id}", "code")
    assert kept not in page.text


def test_the_page_says_that_officers_never_ask_for_codes_in_both_languages(app):
    browser = Browser(app)
    assert "民警不会向您要验证码" in browser.get("/sign-in").text
    browser.client.set_cookie("prefs", "auto.m.0.en")
    assert "Officers never ask for your code" in browser.get("/sign-in").text


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere", "javascript:x"]
)
def test_signing_in_never_leads_out_of_the_house(app, target):
    browser = Browser(app)
    assert sign_in(browser, next=target).location == "/"


# --- the cookie and its row ----------------------------------------------------------------------


def test_the_cookie_holds_only_a_random_token_of_which_the_row_keeps_the_hash(app):
    browser = Browser(app)
    sign_in(browser, remember="1")
    cookie = browser.cookie()
    assert (cookie.http_only, cookie.same_site, cookie.max_age) == (True, "Lax", 30 * 24 * 3600)
    assert browser.client.get_cookie("session") is None
    assert len(cookie.value) >= 43
    assert COOKIE in SIGNED_IN_COOKIES
    with app.app_context():
        row = db.session.scalars(select(SignIn)).one()
        assert row.token_hash != cookie.value
        assert cookie.value not in [str(value) for value in vars(row).values()]


def test_without_remember_the_cookie_ends_with_the_browser_and_the_row_after_a_day(app):
    browser = Browser(app)
    sign_in(browser)
    assert browser.cookie().max_age is None
    clock.advance(timedelta(hours=23, minutes=59))
    assert browser.who() is not None
    clock.advance(timedelta(minutes=2))
    assert browser.who() is None


def test_a_remembered_sign_in_lasts_thirty_days(app):
    browser = Browser(app)
    sign_in(browser, remember="1")
    clock.advance(timedelta(days=29, hours=23))
    assert browser.who() is not None
    clock.advance(timedelta(hours=2))
    assert browser.who() is None


def test_each_sign_in_has_a_new_token_and_ends_the_old_one_of_this_browser(app):
    browser = Browser(app)
    sign_in(browser)
    old = browser.cookie().value
    clock.advance(timedelta(minutes=2))
    page, code = send_code(browser)
    token = token_of(page)
    browser.post("/sign-in", {"phone": PHONE, "code": code, "csrf_token": token})
    assert browser.cookie().value != old
    thief = Browser(app)
    thief.client.set_cookie(COOKIE, old)
    assert thief.who() is None


def test_a_token_planted_by_somebody_else_is_not_taken_over(app):
    browser = Browser(app)
    browser.client.set_cookie(COOKIE, "planted-by-a-stranger")
    sign_in(browser)
    assert browser.cookie().value != "planted-by-a-stranger"
    assert browser.who() is not None


@pytest.mark.parametrize("value", ["", "x", "a" * 5000, "' OR 1=1 --", "\u4e2d\u6587"])
def test_a_made_up_cookie_is_a_visitor(app, value):
    browser = Browser(app)
    assert (
        browser.get("/me", headers={"Cookie": f"{COOKIE}={value}".encode().decode("latin-1")}).status_code
        == 303
    )


def test_signing_out_ends_the_row_not_only_the_cookie(app):
    browser = Browser(app)
    sign_in(browser)
    token = browser.cookie().value
    assert browser.submit("/me", "/sign-out").status_code == 303
    assert browser.cookie() is None or browser.cookie().value == ""
    thief = Browser(app)
    thief.client.set_cookie(COOKIE, token)
    assert thief.who() is None


def test_a_device_can_be_signed_out_from_another_and_only_by_its_owner(app):
    phone, laptop, stranger = Browser(app), Browser(app), Browser(app)
    sign_in(phone, remember="1")
    clock.advance(timedelta(minutes=2))
    sign_in(laptop)
    code = demo_code(stranger.post("/sign-in", {"phone": "19900000002"}))
    stranger.post("/sign-in", {"phone": "19900000002", "code": code})
    with app.app_context():
        lost = db.session.scalar(select(SignIn.public_id).where(SignIn.remembered))
    action = f"/me/sign-ins/{lost}/revocation"
    token = token_of(stranger.get("/me"))
    assert stranger.post(action, {"csrf_token": token}).status_code == 404
    assert phone.who() is not None
    assert laptop.submit("/me", action).status_code == 303
    assert phone.who() is None
    assert laptop.who() is not None


def test_a_closed_account_is_out_at_once_and_cannot_come_back(app):
    browser = Browser(app)
    sign_in(browser)
    with app.app_context(), transaction():
        Person.by_public_id(browser.who()).active = False
    assert browser.who() is None
    clock.advance(timedelta(minutes=2))
    assert sign_in(browser).status_code == 403
    assert browser.who() is None


# --- who is sent to sign in ----------------------------------------------------------------------


def test_a_visitor_is_sent_to_sign_in_and_back(app):
    answer = Browser(app).get("/me?tab=devices")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/me?tab%3Ddevices")


def test_a_visitors_post_leads_back_to_the_page_it_came_from(app):
    answer = Browser(app).post(
        "/me/nickname", headers={"Origin": "http://localhost", "Referer": "http://localhost/t/abc?x=1"}
    )
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/t/abc?x%3D1")


def test_a_program_gets_401(app):
    answer = Browser(app).get("/me", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json["status"] == 401


# --- the token in the forms ----------------------------------------------------------------------


def test_a_signed_in_readers_post_needs_his_token(app):
    browser, other = Browser(app), Browser(app)
    sign_in(browser)
    clock.advance(timedelta(minutes=2))
    sign_in(other)
    foreign = token_of(other.get("/me"))
    for fields in ({}, {"csrf_token": ""}, {"csrf_token": foreign}, {"csrf_token": "中文"}):
        assert browser.post("/me/nickname", {"nickname": "湖边散步", **fields}).status_code == 403
    own = token_of(browser.get("/me"))
    assert own != foreign
    json = {"Origin": "http://localhost", "X-CSRF-Token": own, "Accept": "application/json"}
    assert browser.post("/me/nickname", {"nickname": "湖边散步"}, headers=json).status_code == 204


def test_a_form_from_another_site_is_refused_for_everybody(app):
    elsewhere = {"Origin": "https://elsewhere.example"}
    browser = Browser(app)
    assert browser.post("/sign-in", {"phone": PHONE, "step": "send"}, headers=elsewhere).status_code == 403
    sign_in(browser)
    assert browser.post("/sign-out", headers=elsewhere).status_code == 403
    assert browser.who() is not None


def test_a_visitors_page_holds_no_token_and_a_signed_in_reader_may_change_the_text_size(app):
    browser = Browser(app)
    assert not re.search(r'name="csrf_token" value="[^"]+"', browser.get("/sign-in").text)
    sign_in(browser)
    assert browser.post("/prefs", {"care": "1", "next": "/me"}).status_code == 303


# --- nickname ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ("湖边 散步", 303),
        ("交警 支队客服", 422),
        ("云川警察", 422),
        ("薇薇看看", 422),
        ("", 422),
        ("加我13912345678", 422),
    ],
)
def test_a_nickname_is_taken_by_the_rules(app, cast, wanted, status):
    browser = Browser(app)
    code = demo_code(browser.post("/sign-in", {"phone": "19900000077"}))
    browser.post("/sign-in", {"phone": "19900000077", "code": code})
    answer = browser.submit("/me", "/me/nickname", nickname=wanted)
    assert answer.status_code == status
    with app.app_context():
        nickname = Person.by_public_id(browser.who()).nickname
    assert (nickname == wanted) is (status == 303)
    if status == 422:
        assert f'value="{wanted}"' in answer.text


# --- links ---------------------------------------------------------------------------------------


def link_for(app, name):
    result = app.test_cli_runner().invoke(args=["people", "sign-in-link", name])
    assert result.exit_code == 0, result.output
    return result.output.strip().removeprefix("http://127.0.0.1:8000")


@pytest.mark.parametrize("name", ["欧阳涛", "Otto", "otto ouyang", "021456"])
def test_a_link_signs_in_once_by_a_press_and_not_by_opening_it(app, cast, name):
    path = link_for(app, name)
    browser = Browser(app)
    for _preview in range(3):  # mail and chat programs open links by themselves
        assert browser.get(path).status_code == 200
    assert browser.who() is None
    assert browser.submit(path, path).location == "/desk"
    assert browser.who() == cast["otto"]
    late = Browser(app)
    assert late.get(path).status_code == 404
    assert late.post(path).status_code == 404
    assert late.who() is None


def test_a_link_is_good_for_five_minutes_and_its_token_is_kept_as_a_hash(app, cast):
    path = link_for(app, "Otto")
    with app.app_context():
        assert db.session.scalar(select(SignInLink.token_hash)) not in path
    clock.advance(timedelta(minutes=5))
    assert Browser(app).get(path).status_code == 404
    assert Browser(app).post(path).status_code == 404


def test_no_link_for_nobody_or_for_two(app, cast):
    runner = app.test_cli_runner()
    assert "没有叫“nobody”的人" in runner.invoke(args=["people", "sign-in-link", "nobody"]).output
    with app.app_context(), transaction() as session:
        session.add(Person(kind="staff", name="李娜", badge="090033"))
    result = runner.invoke(args=["people", "sign-in-link", "李娜"])
    assert result.exit_code == 1
    assert "021001, 090033" in result.output


# --- the cast of a demo city ---------------------------------------------------------------------


def offer(app, cast):
    with app.app_context(), transaction():
        offer_cast(
            [
                {
                    "person": cast["rita"],
                    "name": {"zh": "王丽", "en": "Rita"},
                    "about": {"zh": "反映人", "en": "reports"},
                },
                {
                    "person": cast["otto"],
                    "name": {"zh": "欧阳涛", "en": "Otto"},
                    "about": {"zh": "值班", "en": "duty"},
                },
            ]
        )


def test_in_a_demo_city_one_tap_signs_in_as_one_of_the_cast(app, cast):
    offer(app, cast)
    browser = Browser(app)
    assert "王丽" in browser.get("/sign-in").text
    assert browser.submit("/sign-in", "/sign-in/cast", person=cast["rita"]).location == "/"
    assert browser.who() == cast["rita"]
    assert browser.submit("/sign-in", "/sign-in/cast", person=cast["otto"]).location == "/desk"
    assert browser.who() == cast["otto"]
    assert Browser(app).post("/sign-in/cast", {"person": cast["adam"]}).status_code == 404  # not offered


def test_a_real_city_offers_nobody_and_refuses_the_press(tmp_path):
    app = make_app(tmp_path, BOARD_MODE="production", **KEYS)
    with app.app_context():
        city = settle_city()
        ids = {"rita": city.rita.public_id, "otto": city.otto.public_id}
    offer(app, ids)
    browser = Browser(app)
    page = browser.get("/sign-in").text
    assert "王丽" not in page
    assert "/sign-in/cast" not in page
    assert browser.post("/sign-in/cast", {"person": ids["rita"]}).status_code == 404
    assert browser.who() is None


def test_two_browsers_in_one_context_are_still_two_people(app, cast):
    offer(app, cast)
    rita, otto = Browser(app), Browser(app)
    rita.submit("/sign-in", "/sign-in/cast", person=cast["rita"])
    otto.submit("/sign-in", "/sign-in/cast", person=cast["otto"])
    with app.app_context():  # as a test that keeps its context open would do
        assert "青松路居民" in rita.client.get("/me").text
        assert "欧阳涛" in otto.client.get("/me").text
        assert "青松路居民" in rita.client.get("/me").text


def test_the_worker_leaves_the_demo_code_for_the_page_until_it_is_used(app):
    browser = Browser(app)
    _page, code = send_code(browser)
    with app.app_context():
        assert jobs.run_due() == 1
        owner = f"code:{db.session.scalar(select(OneTimeCode.public_id))}"
        assert (vault.get(owner, "phone"), vault.get(owner, "code")) == (None, code)
    assert send_code(browser)[1] == code
    browser.post("/sign-in", {"phone": PHONE, "code": codes.normalise_code(code)})
    with app.app_context():
        assert vault.get(owner, "code") is None


def test_a_form_filled_in_before_signing_in_is_still_taken_but_not_with_a_wrong_token(app):
    browser = Browser(app)
    sign_in(browser)
    fields = {"phone": "19900000002", "step": "send"}
    assert browser.post("/sign-in", fields).status_code == 200  # the other tab was opened as a visitor
    assert browser.post("/sign-in", {**fields, "csrf_token": "another"}).status_code == 403
    no_origin = {"Referer": "http://localhost/sign-in"}
    assert browser.post("/sign-in", fields, headers=no_origin).status_code == 403
