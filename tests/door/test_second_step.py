"""Recovery codes and another authenticator: made after a confirmation, shown once, each good once, told to their owner."""

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
from people.models import Person, RecoveryCode, SignIn
from people.recovery import normalise
from tests.people_world import MORNING, Browser, make_app, settle_city, taken, token_of

PASSWORD = "青松路口那三棵老槐树"


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


def digits(totp):
    return totp.at(int(clock.now().timestamp()))


def half_way(app):
    browser = Browser(app)
    assert browser.post("/staff/sign-in", {"login": "021456", "password": PASSWORD}).status_code == 303
    return browser


def at_desk(app, totp):
    browser = half_way(app)
    assert browser.post("/staff/sign-in/code", {"code": digits(totp)}).status_code == 303
    clock.advance(timedelta(seconds=30))
    return browser


def codes_of(page):
    return re.findall(r"\b[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}\b", page.text)


def make_codes(browser):
    page = browser.submit("/me", "/me/recovery-codes")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    return codes_of(page)


def recover(app, code):
    browser = half_way(app)
    return browser, browser.post("/staff/sign-in/code", {"recovery": code})


def test_ten_codes_are_shown_once_and_each_opens_the_second_step_once(app, otto):
    public_id, totp = otto
    desk = at_desk(app, totp)
    assert "现在没有恢复码" in desk.get("/me").text
    codes = make_codes(desk)
    assert len(codes) == len(set(codes)) == 10
    assert codes_of(desk.get("/me")) == []
    assert "还剩 10 个" in desk.get("/me").text
    browser, answer = recover(app, codes[3].upper().replace("-", " "))
    assert (answer.status_code, answer.location, browser.who()) == (303, "/desk", public_id)
    again, answer = recover(app, codes[3])
    assert (answer.status_code, again.who()) == (422, None)
    assert "恢复码不对，或者已经用过" in answer.text
    assert "还剩 9 个" in desk.get("/me").text
    assert recover(app, codes[4])[1].status_code == 303


def test_new_codes_end_the_old_ones(app, otto):
    desk = at_desk(app, otto[1])
    old, new = make_codes(desk), make_codes(desk)
    assert set(old) & set(new) == set()
    assert recover(app, old[0])[1].status_code == 422
    assert recover(app, new[0])[1].status_code == 303


def test_a_code_without_the_password_before_it_opens_nothing(app, otto):
    code = make_codes(at_desk(app, otto[1]))[0]
    stranger = Browser(app)
    assert stranger.post("/staff/sign-in/code", {"recovery": code}).status_code == 404


def test_a_code_opens_its_owners_account_alone(app, otto):
    codes = make_codes(at_desk(app, otto[1]))
    with app.app_context(), transaction():
        otis = db.session.scalars(select(Person).where(Person.badge == "021457")).one()
        passwords.set_password(otis, PASSWORD)
    browser = Browser(app)
    browser.post("/staff/sign-in", {"login": "021457", "password": PASSWORD})
    assert browser.post("/staff/sign-in/code", {"recovery": codes[0]}).status_code == 422
    assert browser.who() is None


def test_the_database_holds_no_code(app, otto):
    codes = make_codes(at_desk(app, otto[1]))
    with app.app_context():
        kept = [row.code_hash for row in db.session.scalars(select(RecoveryCode))]
    assert len(kept) == 10
    assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in kept)
    raw = (app.config["SETTINGS"].data / "board.db").read_bytes()
    assert not any(code.encode() in raw or normalise(code).encode() in raw for code in codes)


def test_guessing_codes_gets_slower_together_with_guessing_digits(app, otto):
    codes = make_codes(at_desk(app, otto[1]))
    browser = half_way(app)
    for turn in range(5):
        field = {"recovery": "2222-2222-2222"} if turn % 2 else {"code": "000000"}
        assert browser.post("/staff/sign-in/code", field).status_code == 422
    blocked = browser.post("/staff/sign-in/code", {"recovery": codes[0]})
    assert blocked.status_code == 422
    assert "再试" in blocked.text
    clock.advance(timedelta(seconds=2))
    assert browser.post("/staff/sign-in/code", {"recovery": codes[0]}).status_code == 303


def test_using_one_is_told_to_its_owner_and_stands_in_the_log(app, otto):
    desk = at_desk(app, otto[1])
    recover(app, make_codes(desk)[0])
    assert "有人用恢复码通过了第二步验证，还剩 9 个" in desk.get("/inbox").text
    with app.app_context():
        acts = set(db.session.scalars(select(AuditEntry.act)))
        assert {"person.recovery_codes_made", "person.recovery_code_used"} <= acts
        methods = {row.method for row in db.session.scalars(select(SignIn))}
    assert {"app", "recovery"} <= methods


def test_members_have_no_second_step(app, otto):
    from people.signing_in import link_for

    with app.app_context(), transaction():
        rita = db.session.scalars(select(Person).where(Person.nicknamed("青松路居民"))).one()
        link = link_for(rita)
    browser = Browser(app)
    browser.post(f"/sign-in/link/{link}")
    page = browser.get("/me")
    assert "恢复码" not in page.text
    for path in ("/me/recovery-codes", "/me/second-factor", "/me/second-factor/offer"):
        assert browser.post(path, {"csrf_token": token_of(page)}).status_code == 403
    assert browser.get("/me/second-factor").status_code == 403


def secret_of(page):
    return taken(r'data-controller="copy">([A-Z2-7]{32})<', page.text)


def test_another_app_takes_over_only_after_it_has_proved_itself(app, otto):
    public_id, totp = otto
    desk = at_desk(app, totp)
    assert desk.submit("/me/second-factor", "/me/second-factor/offer").status_code == 303
    page = desk.get("/me/second-factor")
    assert page.headers["Cache-Control"] == "no-store"
    assert 'src="data:image/svg+xml' in page.text
    new = pyotp.TOTP(secret_of(page))
    assert new.secret != totp.secret
    # until then the old one stands
    assert half_way(app).post("/staff/sign-in/code", {"code": digits(new)}).status_code == 422
    assert half_way(app).post("/staff/sign-in/code", {"code": digits(totp)}).status_code == 303
    clock.advance(timedelta(seconds=30))
    wrong = desk.submit("/me/second-factor", "/me/second-factor", code=digits(totp))
    assert wrong.status_code == 422
    assert secret_of(wrong) == new.secret
    used = digits(new)
    assert desk.submit("/me/second-factor", "/me/second-factor", code=used).status_code == 303
    assert half_way(app).post("/staff/sign-in/code", {"code": used}).status_code == 422  # it is used up
    clock.advance(timedelta(seconds=30))
    assert half_way(app).post("/staff/sign-in/code", {"code": digits(totp)}).status_code == 422
    browser = half_way(app)
    assert browser.post("/staff/sign-in/code", {"code": digits(new)}).status_code == 303
    assert browser.who() == public_id
    assert "验证器已更换" in desk.get("/inbox").text
    with app.app_context():
        assert "person.second_factor_changed" in set(db.session.scalars(select(AuditEntry.act)))


def test_the_digits_of_a_new_app_cannot_be_guessed(app, otto):
    desk = at_desk(app, otto[1])
    desk.submit("/me/second-factor", "/me/second-factor/offer")
    new = pyotp.TOTP(secret_of(desk.get("/me/second-factor")))
    for _turn in range(5):
        assert desk.submit("/me/second-factor", "/me/second-factor", code="000000").status_code == 422
    blocked = desk.submit("/me/second-factor", "/me/second-factor", code=digits(new))
    assert blocked.status_code == 422
    assert "再试" in blocked.text


def test_both_want_a_fresh_confirmation(app, otto):
    desk = at_desk(app, otto[1])
    token = token_of(desk.get("/me"))
    clock.advance(timedelta(minutes=10))
    assert desk.get("/me/second-factor").location == "/me/confirmation?next=/me/second-factor"
    for path in ("/me/recovery-codes", "/me/second-factor", "/me/second-factor/offer"):
        assert desk.post(path, {"csrf_token": token}).location.startswith("/me/confirmation")
    with app.app_context():
        assert db.session.scalars(select(RecoveryCode)).all() == []


def test_staff_with_a_password_and_no_second_step_reach_nothing(app, otto):
    with app.app_context(), transaction():
        otis = db.session.scalars(select(Person).where(Person.badge == "021457")).one()
        passwords.set_password(otis, PASSWORD)
    browser = Browser(app)
    answer = browser.post("/staff/sign-in", {"login": "021457", "password": PASSWORD})
    assert answer.location.startswith("/staff/sign-in/code")
    for field in ({"code": "000000"}, {"code": ""}, {"recovery": ""}, {"recovery": "2222-2222-2222"}):
        assert browser.post("/staff/sign-in/code", field).status_code == 422
    for path in ("/desk", "/me", "/inbox", "/me/second-factor", "/me/passkeys/new", "/me/confirmation"):
        assert browser.get(path).location.startswith("/sign-in"), path
    assert browser.get("/me/passkeys/options", headers={"Accept": "application/json"}).status_code == 401
    assert browser.who() is None
