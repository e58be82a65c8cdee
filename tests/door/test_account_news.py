"""What happens to an account is told to its person alone, and one press ends a sign-in that was not his."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from board import clock, jobs, retention
from board.db import db, transaction
from notifications.models import AccountNotice, Delivery, unread_of
from people import contacts
from people.devices import COOKIE
from people.links import offer_cast
from people.models import KnownDevice, Passkey, Person, SignIn
from people.signing_in import link_for
from tests.authenticators import Device
from tests.people_world import MORNING, Browser, make_app, settle_city, taken, token_of

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit Chrome/120 Mobile Safari MicroMessenger/8.0"


@pytest.fixture
def app(tmp_path):
    with clock.freeze(MORNING + timedelta(hours=1)):
        yield make_app(tmp_path)


@pytest.fixture
def ids(app):
    with app.app_context():
        city = settle_city()
        return {name: each.public_id for name, each in vars(city).items() if isinstance(each, Person)}


def signed_in(app, person, browser=None, agent=FIREFOX):
    browser = browser or Browser(app)
    with app.app_context(), transaction():
        link = link_for(Person.by_public_id(person))
    headers = {"Origin": "http://localhost", "User-Agent": agent}
    assert browser.post(f"/sign-in/link/{link}", headers=headers).status_code == 303
    clock.advance(timedelta(seconds=1))
    return browser


def notices(app, person):
    with app.app_context():
        return [(each.kind, each.read_at is None) for each in AccountNotice.of(Person.by_public_id(person))]


def unread(app, person):
    with app.app_context():
        return unread_of(Person.by_public_id(person))


def notice_path(browser):
    return taken(r'href="(/inbox/account/\w+)"', browser.get("/inbox").text)


def test_the_first_device_and_the_same_again_are_no_news(app, ids):
    browser = signed_in(app, ids["rita"])
    browser.submit("/me", "/sign-out")
    signed_in(app, ids["rita"], browser)
    assert notices(app, ids["rita"]) == []


def test_a_new_device_is_told_to_its_person_alone(app, ids):
    old = signed_in(app, ids["rita"])
    signed_in(app, ids["vera"])
    signed_in(app, ids["rita"], agent=WECHAT)
    assert notices(app, ids["rita"]) == [("account.signed_in", True)]
    assert unread(app, ids["rita"]) == 1
    assert notices(app, ids["vera"]) == []
    page = old.get("/inbox").text
    assert "您的账号在一台新设备上登录：WeChat · Android" in page
    assert "127.0.0.1" not in page


def test_the_words_of_the_browser_do_not_make_a_stranger_known(app, ids):
    signed_in(app, ids["rita"])
    signed_in(app, ids["rita"])  # the same browser and system, but somebody else's
    assert notices(app, ids["rita"]) == [("account.signed_in", True)]


def test_two_persons_on_one_browser_have_nothing_in_common_in_the_database(app, ids):
    browser = signed_in(app, ids["rita"])
    signed_in(app, ids["vera"], browser)
    with app.app_context():
        rows = db.session.scalars(select(KnownDevice)).all()
    assert len({row.lookup for row in rows}) == 2
    token = browser.client.get_cookie(COOKIE, path="/sign-in").value
    assert all(token not in row.lookup for row in rows)


def test_the_cookie_of_a_device_goes_to_the_doors_alone(app, ids):
    browser = signed_in(app, ids["rita"])
    with app.app_context(), transaction():
        link = link_for(Person.by_public_id(ids["rita"]))
    answer = browser.post(f"/sign-in/link/{link}")
    set_here = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith(f"{COOKIE}=")]
    assert sorted(taken(r"Path=([^;]+)", each) for each in set_here) == ["/sign-in", "/staff"]
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in set_here)


def test_the_cast_of_a_demo_city_is_everybodys_and_hears_nothing(app, ids):
    with app.app_context(), transaction():
        name = {"zh": "王丽", "en": "Rita Wang"}
        offer_cast([{"person": ids["rita"], "name": name, "about": {}}])
    for _turn in range(3):
        Browser(app).post("/sign-in/cast", {"person": ids["rita"]})
    assert notices(app, ids["rita"]) == []


def test_a_password_alone_is_no_sign_in_and_no_news(app, ids):
    from people import passwords

    signed_in(app, ids["otto"])
    with app.app_context(), transaction():
        passwords.set_password(Person.by_public_id(ids["otto"]), "青松路口那三棵老槐树")
    Browser(app).post("/staff/sign-in", {"login": "021456", "password": "青松路口那三棵老槐树"})
    assert notices(app, ids["otto"]) == []


def test_reading_it_counts_once_and_all_can_be_read_at_once(app, ids):
    browser = signed_in(app, ids["rita"])
    for _turn in range(3):
        signed_in(app, ids["rita"])
    assert unread(app, ids["rita"]) == 3
    path = notice_path(browser)
    for _turn in range(2):
        assert browser.get(path).status_code == 200
    assert unread(app, ids["rita"]) == 2
    assert browser.submit("/inbox", "/inbox/reading").status_code == 303
    assert unread(app, ids["rita"]) == 0
    assert (
        browser.submit("/inbox", "/inbox/reading") if "/inbox/reading" in browser.get("/inbox").text else True
    )
    assert unread(app, ids["rita"]) == 0


def test_it_was_not_me_ends_that_sign_in_and_what_was_added_in_it(app, ids):
    mine = signed_in(app, ids["otto"])
    thief = signed_in(app, ids["otto"], agent=WECHAT)
    device = Device()
    made = device.make(json.loads(thief.get("/me/passkeys/options").text))
    assert thief.submit("/me/passkeys/new", "/me/passkeys", passkey=made, name="x").status_code == 303
    own = Device()
    made = own.make(json.loads(mine.get("/me/passkeys/options").text))
    assert mine.submit("/me/passkeys/new", "/me/passkeys", passkey=made, name="y").status_code == 303
    path = re.findall(r'href="(/inbox/account/\w+)"', mine.get("/inbox").text)[-1]
    assert "WeChat · Android" in mine.get(path).text
    answer = mine.submit(path, f"{path}/denial")
    assert (answer.status_code, answer.location) == (303, "/me#password")
    assert "请马上修改密码" in mine.get("/me").text
    assert (mine.who(), thief.who()) == (ids["otto"], None)
    with app.app_context():
        assert [key.name for key in db.session.scalars(select(Passkey))] == ["y"]
    assert "那次登录已终止" in mine.get(path).text
    assert mine.post(f"{path}/denial", {"csrf_token": token_of(mine.get("/me"))}).status_code == 303


def test_nobody_reads_or_denies_what_was_told_to_somebody_else(app, ids):
    rita = signed_in(app, ids["rita"])
    other = signed_in(app, ids["rita"])
    path = notice_path(rita)
    vera = signed_in(app, ids["vera"])
    assert vera.get(path).status_code == 404
    assert vera.post(f"{path}/denial", {"csrf_token": token_of(vera.get("/me"))}).status_code == 404
    assert other.who() == ids["rita"]
    assert unread(app, ids["rita"]) == 1


def test_a_member_who_denies_is_led_to_his_devices(app, ids):
    rita = signed_in(app, ids["rita"])
    signed_in(app, ids["rita"])
    path = notice_path(rita)
    assert rita.submit(path, f"{path}/denial").location == "/me#devices"


def test_staff_are_told_by_mail_and_push_where_those_are_proven(app, ids):
    with app.app_context(), transaction():
        otto = Person.by_public_id(ids["otto"])
        contacts.verify(contacts.add(otto, "mail", "otto@home.example"))
        contacts.add(otto, "mail", "unproven@home.example")
        rita = Person.by_public_id(ids["rita"])
        contacts.verify(contacts.add(rita, "mail", "rita@home.example"))
    for name in ("otto", "rita"):
        signed_in(app, ids[name])
        signed_in(app, ids[name])
    with app.app_context():
        rows = db.session.scalars(select(Delivery)).all()
        assert [(row.person and row.person.public_id, row.channel, row.purpose) for row in rows] == [
            (ids["otto"], "mail", "account")
        ]


@pytest.fixture
def outbox(monkeypatch):
    from board.transports import mail

    sent = []

    class Box:
        def send(self, letter):
            sent.append(letter)

    monkeypatch.setattr(mail, "driver", Box)
    return sent


def test_the_mail_names_no_device_and_goes_once(app, ids, outbox):
    with app.app_context(), transaction():
        contacts.verify(contacts.add(Person.by_public_id(ids["otto"]), "mail", "otto@home.example"))
    for agent in (FIREFOX, WECHAT):
        signed_in(app, ids["otto"], agent=agent)
    with app.app_context():
        jobs.run_due()
    assert [letter.to for letter in outbox] == ["otto@home.example"]
    assert "您的账号在一台新设备上登录了" in outbox[0].subject
    whole = outbox[0].subject + outbox[0].text
    assert "WeChat" not in whole
    assert "欧阳" not in whole


def test_nothing_is_sent_of_what_was_read_already(app, ids, outbox):
    with app.app_context(), transaction():
        contacts.verify(contacts.add(Person.by_public_id(ids["otto"]), "mail", "otto@home.example"))
    otto = signed_in(app, ids["otto"])
    signed_in(app, ids["otto"])
    otto.get(notice_path(otto))
    with app.app_context():
        jobs.run_due()
        assert db.session.scalars(select(Delivery)).one().dropped_at is not None
    assert outbox == []


def test_notices_are_forgotten_in_time_and_no_longer_counted(app, ids):
    signed_in(app, ids["rita"])
    signed_in(app, ids["rita"])
    with app.app_context():
        clock.advance(retention.kept_for("notices") + timedelta(seconds=1))
        retention.apply("notices")
        assert db.session.scalar(select(func.count(AccountNotice.id))) == 0
    assert unread(app, ids["rita"]) == 0


# --- devices that are signed in --------------------------------------------------------------------------------------


def test_the_account_says_by_what_and_on_which_device_and_no_address(app, ids):
    browser = signed_in(app, ids["otto"])
    page = browser.get("/me", headers={"X-Forwarded-For": "203.0.113.9"}).text
    assert "Firefox · Windows" in page
    assert "管理员链接登录" in page
    assert "不记录网络地址和地点" in page
    assert "127.0.0.1" not in page


def test_every_other_device_is_signed_out_with_one_press(app, ids):
    here, phone, tablet = (signed_in(app, ids["rita"]) for _turn in range(3))
    vera = signed_in(app, ids["vera"])
    assert "退出其他所有设备" in here.get("/me").text
    assert here.submit("/me", "/me/sign-ins/revocation").status_code == 303
    assert [each.who() for each in (here, phone, tablet)] == [ids["rita"], None, None]
    assert vera.who() == ids["vera"]
    page = here.get("/me").text
    assert "其他 2 台设备已退出登录" in page
    assert "退出其他所有设备" not in page
    with app.app_context():
        assert len(SignIn.open_of(Person.by_public_id(ids["rita"]))) == 1
