"""Passkeys at the door and in the account: one device opens one account, on this site, once for each challenge."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from board import clock
from board.audit import AuditEntry
from board.db import db, transaction
from notifications.models import AccountNotice
from people import passwords, second_factor, vault
from people.models import Passkey, Person, SignIn
from people.passkeys import MOST
from people.signing_in import link_for
from tests.authenticators import Device, text_of
from tests.people_world import MORNING, Browser, make_app, settle_city

PASSWORD = "青松路口那三棵老槐树"
REFUSED = "通行密钥没有通过验证"


@pytest.fixture
def app(tmp_path):
    with clock.freeze(MORNING + timedelta(hours=1)):
        yield make_app(tmp_path)


@pytest.fixture
def ids(app):
    """Public ids of the cast, by name."""
    with app.app_context():
        city = settle_city()
        return {name: each.public_id for name, each in vars(city).items() if isinstance(each, Person)}


def signed_in(app, person):
    browser = Browser(app)
    with app.app_context(), transaction():
        link = link_for(Person.by_public_id(person))
    assert browser.post(f"/sign-in/link/{link}").status_code == 303
    return browser


def asked(browser, path) -> dict[str, Any]:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return dict(json.loads(answer.text))


def added(browser, device=None, name="我的手机"):
    """A device whose passkey the signed-in reader of this browser has added."""
    device = device or Device()
    answer = keep(browser, device.make(asked(browser, "/me/passkeys/options")), name)
    assert (answer.status_code, answer.location) == (303, "/me")
    return device


def keep(browser, made, name="我的手机"):
    return browser.submit("/me/passkeys/new", "/me/passkeys", passkey=made, name=name)


def enter(browser, answer, **fields):
    return browser.post("/sign-in/passkey", {"passkey": answer, **fields})


def by_device(app, device, **forged):
    """A new browser that comes in with this device."""
    browser = Browser(app)
    return browser, enter(browser, device.answer(asked(browser, "/sign-in/passkey"), **forged))


@pytest.mark.parametrize(("who", "home"), [("rita", "/"), ("otto", "/desk")])
def test_a_passkey_signs_a_member_and_an_officer_in_without_anything_else(app, ids, who, home):
    device = added(signed_in(app, ids[who]))
    browser, answer = by_device(app, device)
    assert (answer.status_code, answer.location) == (303, home)
    assert browser.who() == ids[who]
    with app.app_context():
        row = db.session.scalars(select(SignIn).order_by(SignIn.id.desc())).first()
        assert row is not None
        assert (row.method, row.complete, row.confirmed) == ("passkey", True, True)
        key = db.session.scalars(select(Passkey)).one()
        assert (key.sign_count, key.used_at, key.name) == (1, clock.now(), "我的手机")


def test_it_leads_on_to_where_the_reader_was_going_and_nowhere_else(app, ids):
    device = added(signed_in(app, ids["rita"]))
    browser = Browser(app)
    options = asked(browser, "/sign-in/passkey")
    assert enter(browser, device.answer(options), next="/mine").location == "/mine"
    other = Browser(app)
    options = asked(other, "/sign-in/passkey")
    assert enter(other, device.answer(options), next="https://evil.example/").location == "/"


def test_an_answer_made_for_another_site_is_refused(app, ids):
    device = added(signed_in(app, ids["rita"]))
    for origin in (
        "http://localhost:8001",
        "https://localhost",
        "http://station.example",
        "http://localhost.evil.example",
    ):
        browser, answer = by_device(app, device, origin=origin)
        assert answer.status_code == 422
        assert REFUSED in answer.text
        assert browser.who() is None
    elsewhere = Device(rp_id="evil.example")
    elsewhere.key, elsewhere.id, elsewhere.handle = device.key, device.id, device.handle
    browser, answer = by_device(app, elsewhere)
    assert (answer.status_code, browser.who()) == (422, None)


def test_an_answer_is_taken_once(app, ids):
    device = added(signed_in(app, ids["rita"]))
    first = Browser(app)
    answer = device.answer(asked(first, "/sign-in/passkey"))
    assert enter(first, answer).status_code == 303
    thief = Browser(app)
    assert enter(thief, answer).status_code == 422
    assert thief.who() is None


def test_the_same_challenge_opens_nothing_to_a_second_signature(app, ids):
    device = added(signed_in(app, ids["rita"]))
    browser = Browser(app)
    options = asked(browser, "/sign-in/passkey")
    assert enter(browser, device.answer(options)).status_code == 303
    assert enter(Browser(app), device.answer(options)).status_code == 422


def test_a_challenge_that_is_old_or_was_never_given_is_refused(app, ids):
    device = added(signed_in(app, ids["rita"]))
    browser = Browser(app)
    options = asked(browser, "/sign-in/passkey")
    clock.advance(timedelta(minutes=5))
    assert enter(browser, device.answer(options)).status_code == 422
    options["challenge"] = text_of(bytes(64))
    assert enter(browser, device.answer(options)).status_code == 422
    assert browser.who() is None


def test_a_challenge_for_one_act_is_no_answer_to_another(app, ids):
    rita = signed_in(app, ids["rita"])
    device = added(rita)
    to_confirm = asked(rita, "/me/confirmation/passkey")
    assert enter(Browser(app), device.answer(to_confirm)).status_code == 422
    to_sign_in = asked(rita, "/sign-in/passkey")
    clock.advance(timedelta(minutes=4))
    answer = rita.submit(
        "/me/confirmation", "/me/confirmation", way="passkey", passkey=device.answer(to_sign_in)
    )
    assert answer.status_code == 422


def test_a_challenge_of_another_sign_in_confirms_nothing(app, ids):
    rita = signed_in(app, ids["rita"])
    device = added(rita)
    clock.advance(timedelta(minutes=1))
    other = signed_in(app, ids["rita"])
    answer = device.answer(asked(other, "/me/confirmation/passkey"))
    assert confirmed(rita, answer).status_code == 422
    assert confirmed(rita, device.answer(asked(rita, "/me/confirmation/passkey"))).status_code == 303


def confirmed(browser, answer):
    token = browser.get("/me").text.split('name="csrf_token" value="')[1].split('"')[0]
    return browser.post("/me/confirmation", {"csrf_token": token, "way": "passkey", "passkey": answer})


def test_somebody_elses_passkey_confirms_nothing(app, ids):
    vera = added(signed_in(app, ids["vera"]))
    rita = signed_in(app, ids["rita"])
    answer = vera.answer(asked(rita, "/me/confirmation/passkey"))
    assert confirmed(rita, answer).status_code == 422


def test_another_device_that_claims_the_same_passkey_is_refused(app, ids):
    device = added(signed_in(app, ids["rita"]))
    forger = Device()
    forger.id, forger.handle = device.id, device.handle
    browser, answer = by_device(app, forger)
    assert (answer.status_code, browser.who()) == (422, None)


def test_an_answer_with_the_handle_of_somebody_else_is_refused(app, ids):
    device = added(signed_in(app, ids["rita"]))
    vera = added(signed_in(app, ids["vera"]))
    browser, answer = by_device(app, device, handle=vera.handle)
    assert (answer.status_code, browser.who()) == (422, None)


def test_a_device_that_nobody_unlocked_is_refused(app, ids):
    rita = signed_in(app, ids["rita"])
    device = added(rita)
    assert by_device(app, device, verified=False)[1].status_code == 422
    made = Device().make(asked(rita, "/me/passkeys/options"), verified=False)
    assert keep(rita, made).status_code == 422


def test_a_counter_that_goes_back_tells_a_copy_of_the_device(app, ids):
    device = added(signed_in(app, ids["rita"]))
    assert by_device(app, device, count=7)[1].status_code == 303
    for count in (7, 3, 0):
        assert by_device(app, device, count=count)[1].status_code == 422
    assert by_device(app, device, count=8)[1].status_code == 303


def test_an_answer_of_the_wrong_kind_is_refused(app, ids):
    device = added(signed_in(app, ids["rita"]))
    assert by_device(app, device, kind="webauthn.create")[1].status_code == 422


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_else_a_program_sends_is_a_refusal_and_no_error(app, data):
    junk = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=30),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    )
    fields = st.fixed_dictionaries(
        {},
        optional={
            "id": junk,
            "rawId": junk,
            "type": st.just("public-key") | junk,
            "response": junk
            | st.fixed_dictionaries(
                {"clientDataJSON": junk | st.just(text_of(b'{"type":1,"challenge":[],"origin":{}}'))},
                optional=dict.fromkeys(("authenticatorData", "signature", "userHandle"), junk),
            ),
        },
    )
    sent = data.draw(st.text(max_size=60) | fields.map(json.dumps) | junk.map(json.dumps))
    app.config["LIMITS"] = False
    assert enter(Browser(app), sent).status_code == 422


def test_a_passkey_of_a_closed_account_opens_nothing(app, ids):
    device = added(signed_in(app, ids["rita"]))
    with app.app_context(), transaction():
        Person.by_public_id(ids["rita"]).active = False
    browser, answer = by_device(app, device)
    assert (answer.status_code, browser.who()) == (422, None)


def test_an_administrator_who_signs_somebody_out_ends_his_passkeys_too(app, ids):
    device = added(signed_in(app, ids["otto"]))
    assert app.test_cli_runner().invoke(args=["people", "sign-out", "Otto"]).exit_code == 0
    assert by_device(app, device)[1].status_code == 422


def test_a_passkey_takes_the_place_of_the_second_step_of_its_owner(app, ids):
    device = added(signed_in(app, ids["otto"]))
    added(signed_in(app, ids["otis"]))
    with app.app_context(), transaction():
        otto = Person.by_public_id(ids["otto"])
        passwords.set_password(otto, PASSWORD)
        second_factor.enrol(otto)
    browser = Browser(app)
    browser.post("/staff/sign-in", {"login": "021456", "password": PASSWORD})
    assert "/sign-in/passkey" in browser.get("/staff/sign-in/code").text
    options = asked(browser, "/sign-in/passkey")
    assert [each["id"] for each in options["allowCredentials"]] == [text_of(device.id)]
    assert enter(browser, device.answer(options), door="staff").location == "/desk"
    assert browser.who() == ids["otto"]


def test_a_visitor_is_told_nobodys_passkeys(app, ids):
    added(signed_in(app, ids["otto"]))
    assert asked(Browser(app), "/sign-in/passkey")["allowCredentials"] == []
    assert asked(signed_in(app, ids["rita"]), "/sign-in/passkey")["allowCredentials"] == []


def test_a_device_learns_nothing_about_its_owner_but_the_shown_name(app, ids):
    rita = signed_in(app, ids["rita"])
    with app.app_context(), transaction():
        vault.put(f"person:{ids['rita']}", "phone", "19900000001", findable=True)
    options = asked(rita, "/me/passkeys/options")
    assert options["user"]["name"] == "青松路居民"
    assert ids["rita"] not in json.dumps(options)
    assert "1990000" not in json.dumps(options)
    again = asked(rita, "/me/passkeys/options")
    assert again["user"]["id"] == options["user"]["id"]  # so that a device keeps one key an account
    assert again["challenge"] != options["challenge"]


def test_the_account_lists_passkeys_and_removes_only_ones_own(app, ids):
    rita, vera = signed_in(app, ids["rita"]), signed_in(app, ids["vera"])
    device = added(rita, name="  旧手机  ")
    page = rita.get("/me").text
    assert "旧手机" in page
    assert "还没用过" in page
    with app.app_context():
        public_id = db.session.scalars(select(Passkey)).one().public_id
    token = vera.get("/me").text.split('name="csrf_token" value="')[1].split('"')[0]
    removal = f"/me/passkeys/{public_id}/removal"
    assert vera.post(removal, {"csrf_token": token}).status_code == 404
    assert by_device(app, device)[1].status_code == 303
    assert rita.submit("/me", removal).status_code == 303
    assert "旧手机" not in rita.get("/me").text
    assert by_device(app, device)[1].status_code == 422


def test_a_passkey_is_kept_once_and_for_one_person(app, ids):
    rita, vera = signed_in(app, ids["rita"]), signed_in(app, ids["vera"])
    device = added(rita)
    assert asked(rita, "/me/passkeys/options")["excludeCredentials"][0]["id"] == text_of(device.id)
    assert keep(vera, device.make(asked(vera, "/me/passkeys/options"))).status_code == 422
    with app.app_context():
        assert db.session.scalars(select(Passkey)).one().person.public_id == ids["rita"]


def test_what_was_made_in_another_sign_in_or_for_another_site_is_not_kept(app, ids):
    rita, vera = signed_in(app, ids["rita"]), signed_in(app, ids["vera"])
    planted = Device().make(asked(vera, "/me/passkeys/options"))
    assert keep(rita, planted).status_code == 422
    forged = Device().make(asked(rita, "/me/passkeys/options"), origin="http://evil.example")
    assert keep(rita, forged).status_code == 422
    made = Device().make(asked(rita, "/me/passkeys/options"))
    assert keep(rita, made).status_code == 303
    assert keep(rita, made).status_code == 422
    with app.app_context():
        assert db.session.scalar(select(func.count(Passkey.id))) == 1


def test_nobody_keeps_more_than_ten(app, ids):
    rita = signed_in(app, ids["rita"])
    for _turn in range(MOST):
        added(rita)
    answer = keep(rita, Device().make(asked(rita, "/me/passkeys/options")))
    assert answer.status_code == 422
    assert "10 个" in answer.text


def test_adding_and_removing_tells_the_owner_and_for_staff_the_log(app, ids):
    otto = signed_in(app, ids["otto"])
    added(otto)
    with app.app_context():
        public_id = db.session.scalars(select(Passkey)).one().public_id
    otto.submit("/me", f"/me/passkeys/{public_id}/removal")
    with app.app_context():
        kinds = [each.kind for each in db.session.scalars(select(AccountNotice).order_by(AccountNotice.id))]
        acts = db.session.scalars(select(AuditEntry.act).where(AuditEntry.act.like("person.passkey%"))).all()
    assert kinds == ["account.passkey_added", "account.passkey_removed"]
    assert sorted(acts) == ["person.passkey_added", "person.passkey_removed"]
    page = otto.get("/inbox").text
    assert "添加了一个通行密钥" in page
    assert "删除了一个通行密钥" in page


def test_adding_and_removing_wants_a_fresh_confirmation(app, ids):
    rita = signed_in(app, ids["rita"])
    added(rita)
    with app.app_context():
        public_id = db.session.scalars(select(Passkey)).one().public_id
    options = asked(rita, "/me/passkeys/options")
    clock.advance(timedelta(minutes=10))
    assert rita.get("/me/passkeys/options", headers={"Accept": "application/json"}).status_code == 403
    assert rita.get("/me/passkeys/new").location == "/me/confirmation?next=/me/passkeys/new"
    token = rita.get("/me").text.split('name="csrf_token" value="')[1].split('"')[0]
    refused = rita.post("/me/passkeys", {"csrf_token": token, "passkey": Device().make(options)})
    assert refused.location.startswith("/me/confirmation")
    removal = rita.post(f"/me/passkeys/{public_id}/removal", {"csrf_token": token})
    assert removal.location.startswith("/me/confirmation")
    with app.app_context():
        assert db.session.scalar(select(func.count(Passkey.id))) == 1


@pytest.mark.parametrize(
    ("env", "host", "offered"),
    [
        ({}, "localhost", True),
        ({}, "127.0.0.1:8000", False),  # no browser keeps a passkey for a number
        ({}, "[::1]:8000", False),
        ({}, "station.example", False),  # not over an open line
        ({"BOARD_PUBLIC_URL": "https://station.example"}, "station.example", True),
        ({"BOARD_PUBLIC_URL": "https://station.example"}, "other.example", False),
        ({"BOARD_PUBLIC_URL": "http://station.example"}, "station.example", False),
    ],
)
def test_passkeys_are_offered_where_a_browser_can_keep_one(tmp_path, env, host, offered):
    application = make_app(tmp_path, **env)
    browser = Browser(application)
    base = {"base_url": f"http://{host}"}
    assert ("/sign-in/passkey" in browser.get("/sign-in", **base).text) is offered
    assert browser.get("/sign-in/passkey", **base).status_code == (200 if offered else 404)


def test_a_real_city_that_does_not_say_where_it_is_offers_none(tmp_path):
    keys = {
        "BOARD_SECRET_KEY": "s" * 40,
        "BOARD_LOOKUP_KEY": "l" * 40,
        "BOARD_VAULT_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }
    browser = Browser(make_app(tmp_path, BOARD_MODE="production", **keys))
    assert "/sign-in/passkey" not in browser.get("/sign-in").text
    assert browser.get("/sign-in/passkey").status_code == 404


def test_the_button_is_hidden_until_a_script_shows_it(app, ids):
    page = Browser(app).get("/sign-in").text
    form = page.split('action="/sign-in/passkey"')[1].split(">")[0]
    assert "hidden" in form


def test_answers_from_one_address_have_a_limit(app):
    browser = Browser(app)
    found = [enter(browser, "{}").status_code for _turn in range(61)]
    assert found == [422] * 60 + [429]


def test_an_authenticator_app_and_a_passkey_stand_beside_each_other(app, ids):
    with app.app_context(), transaction():
        otto = Person.by_public_id(ids["otto"])
        passwords.set_password(otto, PASSWORD)
        totp = pyotp.TOTP(second_factor.enrol(otto))
    added(signed_in(app, ids["otto"]))
    browser = Browser(app)
    browser.post("/staff/sign-in", {"login": "021456", "password": PASSWORD})
    digits = totp.at(int(clock.now().timestamp()))
    assert browser.post("/staff/sign-in/code", {"code": digits}).status_code == 303
    assert browser.who() == ids["otto"]
