"""Invitations: one link, three days, once; its guest sets password and second step alone, and no account opens without."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from board import clock
from board.audit import AuditEntry
from board.db import db, transaction
from people import passwords, second_factor
from people.models import Invitation, Person, SignInLink
from people.signing_in import link_for
from people.vault import VaultItem
from tests.people_world import MORNING, Browser, make_app, settle_city, taken, token_of

PASSWORD = "湖边的七只野鸭子在睡觉"
KEYS = {
    "BOARD_MODE": "production",
    "BOARD_SECRET_KEY": "s" * 40,
    "BOARD_LOOKUP_KEY": "l" * 40,
    "BOARD_VAULT_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


@pytest.fixture
def app(tmp_path):
    with clock.freeze(MORNING + timedelta(hours=1)):
        application = make_app(tmp_path)
        with application.app_context():
            settle_city()
        yield application


def command(app, *words):
    return app.test_cli_runner().invoke(args=["people", *words])


def invited(app, *words):
    """The path of a new link."""
    said = command(app, "invite", *(words or ("孙勇", "--badge", "021460", "--department", "traffic")))
    assert said.exit_code == 0, said.output
    return taken(r"http://127\.0\.0\.1:8000(/sign-in/invitation/\S+)", said.output)


def totp_of(browser, path):
    page = browser.get(path)
    assert page.status_code == 200
    return pyotp.TOTP(taken(r'data-controller="copy">([A-Z2-7]{32})<', page.text))


def digits(totp):
    return totp.at(int(clock.now().timestamp()))


def accept(browser, path, totp, password=PASSWORD):
    return browser.submit(path, path, password=password, code=digits(totp))


def test_a_guest_sets_password_and_second_step_and_is_in(app):
    path = invited(app)
    browser = Browser(app)
    page = browser.get(path)
    assert "孙勇" in page.text
    assert "021460" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    totp = totp_of(browser, path)
    done = accept(browser, path, totp)
    assert done.status_code == 200
    assert len(re.findall(r"\b[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}\b", done.text)) == 10
    assert browser.who() is not None
    assert "交警支队" in browser.get("/me").text
    assert "还剩 10 个" in browser.get("/me").text
    clock.advance(timedelta(minutes=1))
    later = Browser(app)
    later.post("/staff/sign-in", {"login": "021460", "password": PASSWORD})
    assert later.post("/staff/sign-in/code", {"code": digits(totp)}).status_code == 303


def test_it_opens_once(app):
    path = invited(app)
    browser = Browser(app)
    totp = totp_of(browser, path)
    accept(browser, path, totp)
    thief = Browser(app)
    assert thief.get(path).status_code == 404
    assert thief.post(path, {"password": PASSWORD, "code": digits(totp)}).status_code == 404
    assert thief.who() is None


def test_it_is_over_after_three_days_when_taken_back_and_when_made_anew(app):
    old = invited(app)
    clock.advance(timedelta(hours=72) - timedelta(seconds=1))
    assert Browser(app).get(old).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert Browser(app).get(old).status_code == 404
    first = invited(app, "021460")
    second = invited(app, "021460")
    assert Browser(app).get(first).status_code == 404
    assert Browser(app).get(second).status_code == 200
    listed = command(app, "invitations").output.split()
    assert "孙勇" in listed
    assert command(app, "revoke-invitation", listed[0]).exit_code == 0
    assert Browser(app).get(second).status_code == 404
    assert command(app, "invitations").output == ""
    assert command(app, "revoke-invitation", listed[0]).exit_code == 1


def test_signing_the_guest_out_everywhere_ends_it_too(app):
    path = invited(app)
    clock.advance(timedelta(seconds=1))
    assert command(app, "sign-out", "孙勇").exit_code == 0
    assert Browser(app).get(path).status_code == 404


def test_a_weak_password_or_wrong_digits_leave_it_as_it_was(app):
    path = invited(app)
    browser = Browser(app)
    totp = totp_of(browser, path)
    for password, code, said in (
        ("short", digits(totp), "密码"),
        ("my badge 021460", digits(totp), "密码"),
        (PASSWORD, "000000", "6 位数字不对"),
        (PASSWORD, "", "6 位数字不对"),
    ):
        answer = browser.submit(path, path, password=password, code=code)
        assert answer.status_code == 422
        assert said in answer.text
        assert PASSWORD not in answer.text
    with app.app_context():
        person = db.session.scalars(select(Person).where(Person.badge == "021460")).one()
        assert (person.password_hash, second_factor.enrolled(person)) == (None, False)
    assert browser.who() is None
    assert totp_of(browser, path).secret == totp.secret
    assert accept(browser, path, totp).status_code == 200


def test_the_digits_of_an_invitation_cannot_be_guessed(app):
    path = invited(app)
    browser = Browser(app)
    totp = totp_of(browser, path)
    for _turn in range(5):
        assert browser.submit(path, path, password=PASSWORD, code="000000").status_code == 422
    assert "再试" in accept(browser, path, totp).text
    assert browser.who() is None


def test_the_database_holds_no_token_and_forgets_the_secret(app):
    path = invited(app)
    token = path.rpartition("/")[2]
    with app.app_context():
        assert token not in db.session.scalars(select(Invitation)).one().token_hash
    browser = Browser(app)
    accept(browser, path, totp_of(browser, path))
    with app.app_context():
        left = db.session.scalars(select(VaultItem).where(VaultItem.owner.like("invitation:%"))).all()
    assert left == []


def test_an_account_with_a_password_keeps_it_until_the_link_is_used(app):
    with app.app_context(), transaction():
        otto = db.session.scalars(select(Person).where(Person.badge == "021456")).one()
        passwords.set_password(otto, "青松路口那三棵老槐树")
        totp = pyotp.TOTP(second_factor.enrol(otto))
    path = invited(app, "Otto")
    browser = Browser(app)
    browser.post("/staff/sign-in", {"login": "021456", "password": "青松路口那三棵老槐树"})
    assert browser.post("/staff/sign-in/code", {"code": digits(totp)}).status_code == 303
    guest = Browser(app)
    new = totp_of(guest, path)
    assert accept(guest, path, new).status_code == 200
    assert browser.who() is None  # whoever was in by the old password is out
    clock.advance(timedelta(minutes=1))
    again = Browser(app)
    assert again.post("/staff/sign-in", {"login": "021456", "password": PASSWORD}).status_code == 303
    assert again.post("/staff/sign-in/code", {"code": digits(totp)}).status_code == 422


def test_the_console_says_what_is_wrong(app):
    for words in (
        ("孙勇", "--badge", "021456", "--department", "traffic"),  # somebody's
        ("孙勇", "--badge", "021461", "--department", "nothing"),
        ("孙勇", "--badge", "021461"),  # an officer of no department
        ("nobody",),
        ("青松路居民",),  # a member
    ):
        said = command(app, "invite", *words)
        assert said.exit_code == 1, words
        assert "Error" in said.output or "错误" in said.output
    with app.app_context():
        assert db.session.scalars(select(Invitation)).all() == []
        assert db.session.scalars(select(Person).where(Person.badge == "021461")).all() == []


def test_the_log_says_who_invited_and_that_the_guest_came(app):
    path = invited(app)
    browser = Browser(app)
    accept(browser, path, totp_of(browser, path))
    with app.app_context():
        rows = [
            (each.act, each.actor is None)
            for each in db.session.scalars(select(AuditEntry).order_by(AuditEntry.number))
        ]
    assert rows[:2] == [("person.appointed", True), ("person.invited", True)]
    assert ("person.invitation_used", False) in rows


# --- no account of staff opens without a second step ------------------------------------------------------------------


def test_in_a_real_city_a_link_from_the_console_leads_to_the_second_step_first(tmp_path):
    with clock.freeze(MORNING + timedelta(hours=1)):
        app = make_app(tmp_path, **KEYS)
        with app.app_context():
            city = settle_city()
            with transaction():
                link = link_for(city.otto)
        browser = Browser(app)
        answer = browser.post(f"/sign-in/link/{link}")
        assert answer.status_code == 303
        assert answer.location.startswith("/sign-in/invitation/")
        assert browser.who() is None
        assert browser.cookie() is None
        totp = totp_of(browser, answer.location)
        assert accept(browser, answer.location, totp).status_code == 200
        assert browser.who() is not None
        clock.advance(timedelta(minutes=1))
        with app.app_context(), transaction():
            link = link_for(db.session.scalars(select(Person).where(Person.badge == "021456")).one())
        again = Browser(app)
        assert again.post(f"/sign-in/link/{link}").location == "/desk"
        with app.app_context():
            assert all(each.used_at for each in db.session.scalars(select(SignInLink)))


# --- the administrator's page -----------------------------------------------------------------------------------------


@pytest.fixture
def adam(app):
    with app.app_context(), transaction():
        link = link_for(db.session.scalars(select(Person).where(Person.badge == "000101")).one())
    browser = Browser(app)
    browser.post(f"/sign-in/link/{link}")
    return browser


def new(adam, **fields):
    given = {"name": "孙勇", "badge": "021460", "role": "officer", "department": "traffic", **fields}
    return adam.submit("/admin/invitations", "/admin/invitations", **given)


def test_an_administrator_invites_reads_the_link_once_and_takes_it_back(app, adam):
    page = new(adam)
    assert page.status_code == 200
    path = taken(r"http://localhost(/sign-in/invitation/[\w-]+)<", page.text)
    assert Browser(app).get(path).status_code == 200
    listed = adam.get("/admin/invitations").text
    assert "孙勇" in listed
    assert path not in listed
    revocation = taken(r'action="(/admin/invitations/\w+/revocation)"', listed)
    assert adam.submit("/admin/invitations", revocation).status_code == 303
    assert Browser(app).get(path).status_code == 404
    assert adam.post(revocation, {"csrf_token": token_of(adam.get("/me"))}).status_code == 404
    with app.app_context():
        acts = list(db.session.scalars(select(AuditEntry.act)))
    assert {"person.appointed", "person.invited", "person.invitation_revoked"} <= set(acts)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", " ", "请填写姓名"),
        ("name", "孙" * 41, "请填写姓名"),
        ("badge", "", "警号"),
        ("badge", "021456", "已经有人"),
        ("department", "", "请选择单位"),
        ("role", "administrator", "职务"),
        ("role", "inspector", "职务"),
        ("role", "", "职务"),
    ],
)
def test_what_does_not_do_comes_back_filled_in(app, adam, field, value, said):
    answer = new(adam, **{"name_en": "Yong Sun", field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="Yong Sun"' in answer.text
    with app.app_context():
        assert db.session.scalars(select(Invitation)).all() == []


def test_the_page_wants_a_fresh_confirmation(app, adam):
    page = adam.get("/admin/invitations")
    clock.advance(timedelta(minutes=10))
    answer = adam.get("/admin/invitations")
    assert answer.location == "/me/confirmation?next=/admin/invitations"
    refused = adam.post(
        "/admin/invitations",
        {
            "csrf_token": token_of(page),
            "name": "孙勇",
            "badge": "021460",
            "role": "officer",
            "department": "traffic",
        },
    )
    assert refused.location.startswith("/me/confirmation")
    with app.app_context():
        assert db.session.scalars(select(Invitation)).all() == []
