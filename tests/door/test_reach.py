"""怎么提醒我: adding, proving, testing and removing a contact; receipts; and what could not be carried."""

from __future__ import annotations

import contextvars
import hashlib
import hmac
import json
import re
from datetime import timedelta

import pytest

from board import clock, jobs
from board.db import db, transaction
from board.transports import mail, push
from notifications.checking import check
from notifications.models import Delivery, queue
from people import contacts, vault
from people.models import Contact
from tests.ends import PushService

pytestmark = pytest.mark.engines("sqlite", "postgres")


def fresh(query):
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(query).all()


def found(pattern, words):
    match = re.search(pattern, words)
    assert match is not None
    return match[1]


def of(person):
    db.session.rollback()
    db.session.expire_all()
    return contacts.of(person)


@pytest.fixture
def posted_mail(app):
    app.extensions["mail"] = mail.LogMail()
    return app.extensions["mail"].sent


@pytest.fixture
def anybody(client_of):
    """Somebody without a sign-in."""

    def send(method, path, **options):
        return contextvars.Context().run(client_of(None).open, path, method=method, **options)

    return send


def test_a_mail_address_is_proven_by_the_button_behind_its_link(
    app, cast, post_as, get_as, anybody, posted_mail
):
    object.__setattr__(app.config["SETTINGS"], "public_url", "http://localhost")
    assert post_as("rita", "/contacts", kind="mail", address=" rita@HOME.example ").status_code == 303
    jobs.run_due(kinds=("carry",))
    (letter,) = posted_mail
    assert letter.to == "rita@home.example"
    path = found(r"http://localhost(/contacts/link/\S+)", letter.text)
    for _preview in range(2):
        assert anybody("GET", path).status_code == 200
    assert of(cast.rita)[0].verified_at is None
    assert anybody("POST", path, headers={"Origin": "http://localhost"}).status_code == 200
    assert of(cast.rita)[0].counts
    assert anybody("GET", path).status_code == 404
    page = get_as("rita", "/settings").text
    assert "ri…@home.example" in page
    assert "rita@home.example" not in page


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b", "a b@c.example", "a@b@c.example", "a@b.example\nBcc: x@y.example", "<a@b.example>",
     "a@b.example,c@d.example", "x" * 250 + "@b.example", "王@例子.中国"],
)  # fmt: skip
def test_what_is_no_mail_address_is_not_taken(cast, post_as, address):
    answer = post_as("rita", "/contacts", kind="mail", address=address)
    assert answer.status_code == 422
    assert of(cast.rita) == []


def test_a_browser_counts_when_it_has_shown_the_test(app, cast, post_as, anybody):
    with PushService() as service:
        key = app.config["SETTINGS"].vapid_key
        object.__setattr__(app.config["SETTINGS"], "carry_hosts", frozenset({"127.0.0.1"}))
        app.extensions["push"] = push.WebPush(key, "mailto:a@b.example", {"127.0.0.1"})
        said = json.dumps(service.subscription())
        assert post_as("otto", "/contacts", kind="push", address=said).status_code == 303
        jobs.run_due(kinds=("carry",))
        (note,) = service.notes()
    assert not of(cast.otto)[0].counts
    for _twice in range(2):
        assert anybody("POST", note["receipt"]).status_code == 204
    assert of(cast.otto)[0].counts
    (delivery,) = fresh(db.select(Delivery))
    assert delivery.delivered_at == clock.now()
    wrong = note["receipt"][:-1] + ("0" if note["receipt"][-1] != "0" else "1")
    assert anybody("POST", wrong).status_code == 404


def test_the_on_duty_switch_offers_reminders_and_takes_them_back(app, cast, post_as, get_as):
    def said_of(who, address):
        return post_as(who, "/contacts/device", address=address).json

    with PushService() as service:
        key = app.config["SETTINGS"].vapid_key
        object.__setattr__(app.config["SETTINGS"], "carry_hosts", frozenset({"127.0.0.1"}))
        app.extensions["push"] = push.WebPush(key, "mailto:a@b.example", {"127.0.0.1"})
        address = json.dumps(service.subscription())
        assert 'data-controller="desk-remind"' in get_as("otto", "/desk").text
        assert said_of("otto", address) == {"contact": "", "counts": False}

        desk = "/desk?queue=pending"
        answer = post_as("otto", "/contacts", kind="push", address=address, back=desk)
        assert (answer.status_code, answer.headers["Location"]) == (303, desk)
        (contact,) = of(cast.otto)
        assert said_of("otto", address) == {"contact": contact.public_id, "counts": False}
        with transaction():
            contacts.verify(of(cast.otto)[0])
        assert said_of("otto", address) == {"contact": contact.public_id, "counts": True}
        assert said_of("lena", address) == {"contact": "", "counts": False}

        answer = post_as("otto", f"/contacts/{contact.public_id}/removal", back=desk)
        assert (answer.status_code, answer.headers["Location"]) == (303, desk)
        assert said_of("otto", address) == {"contact": "", "counts": False}


def test_the_way_back_from_a_contact_never_leaves_the_board(cast, post_as):
    with transaction():
        contact = contacts.add(cast.otto, "mail", "otto@home.example").public_id
    answer = post_as("otto", f"/contacts/{contact}/removal", back="//elsewhere.example/")
    assert answer.headers["Location"] == "/settings#reach"


def test_a_board_that_cannot_push_offers_nothing_at_the_switch(app, get_as):
    app.extensions["push"] = None
    assert "desk-remind" not in get_as("otto", "/desk").text


def test_a_push_address_that_is_none_is_not_taken(cast, post_as):
    for raw in ("", "{}", '{"endpoint": "http://127.0.0.1/", "keys": {}}', "x" * 5000):
        assert post_as("otto", "/contacts", kind="push", address=raw).status_code == 422
    assert of(cast.otto) == []


def test_members_have_no_chat_robots_and_no_second_telephone(post_as):
    assert post_as("rita", "/contacts", kind="chat", address="wecombot://abcdefgh").status_code == 403
    assert post_as("rita", "/contacts/phone", phone="19900000042").status_code == 403
    assert post_as("otto", "/contacts", kind="fax", address="1").status_code == 404


def test_an_officers_telephone_counts_after_its_code_and_the_old_one_until_then(cast, post_as):
    with transaction():
        vault.put(cast.otto.owner, "duty_phone", "19900000003")
        contacts.known_phone(cast.otto)
    page = post_as("otto", "/contacts/phone", phone="199 0000 0042").text
    code = found(r"data-demo-code>(\d{6})<", page)
    wrong = "000000" if code != "000000" else "111111"
    assert post_as("otto", "/contacts/phone", phone="199 0000 0042", code=wrong).status_code == 422
    assert of(cast.otto)[0].address == "19900000003"
    assert of(cast.otto)[0].counts
    assert post_as("otto", "/contacts/phone", phone="199 0000 0042", code=code).status_code == 303
    assert of(cast.otto)[0].address == "19900000042"
    assert of(cast.otto)[0].counts


def test_what_belongs_to_somebody_else_is_not_there(cast, post_as):
    with transaction():
        contact = contacts.add(cast.otto, "mail", "otto@police.example").public_id
    for act in ("check", "code", "removal"):
        assert post_as("lena", f"/contacts/{contact}/{act}").status_code == 404
    assert len(of(cast.otto)) == 1


def test_nobody_can_be_flooded_with_tests(app, cast, post_as):
    with transaction():
        contact = contacts.add(cast.otto, "mail", "otto@police.example").public_id
    found = {post_as("otto", f"/contacts/{contact}/check").status_code for _try in range(12)}
    assert found == {303, 429}


def test_thirteen_are_too_many(cast, post_as):
    with transaction():
        for number in range(12):
            contacts.add(cast.otto, "mail", f"otto{number}@police.example")
    assert post_as("otto", "/contacts", kind="mail", address="one@more.example").status_code == 422


def test_a_failing_contact_is_shown_to_its_owner_and_his_leader_without_the_address(cast, get_as):
    with transaction():
        contact = contacts.add(cast.otto, "mail", "otto@police.example")
        contacts.verify(contact)
        contacts.fails(contact, "the mail server answered 550")
    assert "送不到" in get_as("otto", "/settings").text
    leader = get_as("lena", "/settings").text
    assert "欧阳涛" in leader
    assert "police.example" not in leader
    for who in ("hugo", "rita", "otis"):
        assert "欧阳涛" not in get_as(who, "/settings").text


def test_visitors_see_no_such_section(get_as):
    page = get_as(None, "/settings")
    assert page.status_code == 200
    assert 'id="reach"' not in page.text


def test_the_service_worker_keeps_no_pages(get_as):
    answer = get_as(None, "/service-worker.js")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "javascript" in answer.headers["Content-Type"]
    assert "caches" not in answer.text
    assert '"fetch"' not in answer.text


# --- receipts of text messages


@pytest.fixture
def texted(app, cast):
    object.__setattr__(app.config["SETTINGS"], "sms_secret", "s3cret")
    with transaction():
        vault.put(cast.otto.owner, "duty_phone", "19900000003")
        contacts.known_phone(cast.otto)
        return check(contacts.of(cast.otto)[0]).public_id


def receipt(anybody, said, secret="s3cret"):
    body = json.dumps(said).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Signature": signature, "Content-Type": "application/json"}
    return anybody("POST", "/receipts/sms", data=body, headers=headers).status_code


def test_the_gateway_says_that_it_arrived(texted, anybody):
    jobs.run_due(kinds=("carry",))
    for _twice in range(2):
        assert receipt(anybody, {"reference": texted, "status": "delivered"}) == 204
    (delivery,) = fresh(db.select(Delivery))
    assert delivery.delivered_at is not None
    assert receipt(anybody, {"reference": texted, "status": "failed"}) == 204  # too late to be believed
    assert fresh(db.select(Delivery))[0].failed_at is None


def test_the_gateway_says_that_a_number_bounces(texted, anybody, cast):
    jobs.run_due(kinds=("carry",))
    assert receipt(anybody, {"reference": texted, "status": "failed", "reason": "unknown 19900000003"}) == 204
    (delivery,) = fresh(db.select(Delivery))
    assert delivery.failed_at is not None
    assert "199" not in delivery.last_error
    assert not contacts.reachable(cast.otto)


def test_only_the_gateway_is_believed(app, texted, anybody):
    said = {"reference": texted, "status": "delivered"}
    assert receipt(anybody, said, secret="wrong") == 404
    assert anybody("POST", "/receipts/sms", json=said).status_code == 404
    object.__setattr__(app.config["SETTINGS"], "sms_secret", "")
    assert receipt(anybody, said, secret="") == 404
    assert fresh(db.select(Delivery))[0].delivered_at is None


def test_receipts_of_what_is_unknown_or_broken(texted, anybody):
    assert receipt(anybody, {"reference": "nothing", "status": "delivered"}) == 204
    broken: list[object] = [[], {}, {"reference": 7}, "x"]
    for said in broken:
        assert receipt(anybody, said) == 422
    assert fresh(db.select(Delivery))[0].delivered_at is None


# --- what could not be carried


def test_an_administrator_sees_what_was_given_up_and_sends_it_again(app, cast, post_as, get_as, posted_mail):
    with transaction():
        contacts.verify(contacts.add(cast.otto, "mail", "otto@police.example"))
        delivery = check(contacts.of(cast.otto)[0])
        delivery.failed_at, delivery.last_error, delivery.attempts = (
            clock.now(),
            "the mail server answered 554",
            10,
        )
        public_id = delivery.public_id
    page = get_as("adam", "/admin/deliveries").text
    assert "the mail server answered 554" in page
    assert "otto@police.example" not in page
    assert "欧阳涛" not in page
    assert post_as("adam", f"/admin/deliveries/{public_id}/resending").status_code == 303
    jobs.run_due(kinds=("carry",))
    assert len(posted_mail) == 1
    assert post_as("adam", f"/admin/deliveries/{public_id}/resending").status_code == 409
    assert public_id not in get_as("adam", "/admin/deliveries").text


def test_what_waits_for_hours_is_shown_too(cast, get_as):
    with transaction():
        made = queue(cast.otto, "mail", key="stuck", purpose="check", topic="contact:x")
        assert made is not None
        public_id = made.public_id
    assert public_id not in get_as("adam", "/admin/deliveries").text
    clock.advance(timedelta(hours=3, seconds=1))
    assert public_id in get_as("adam", "/admin/deliveries").text


def test_of_a_contact_that_was_removed_nothing_is_left(cast, post_as):
    with transaction():
        contact = contacts.add(cast.otto, "mail", "otto@police.example")
        public_id, sealed = contact.public_id, contact.sealed
    assert post_as("otto", f"/contacts/{public_id}/removal").status_code == 303
    assert fresh(db.select(Contact).where(Contact.public_id == public_id)) == []
    assert vault.get(*sealed) is None


def test_a_telephone_can_keep_the_board_on_its_home_screen(get_as):
    said = json.loads(get_as(None, "/manifest.webmanifest").text)
    assert (said["display"], said["start_url"]) == ("standalone", "/")
    assert {icon["sizes"] for icon in said["icons"]} == {"192x192", "512x512"}
    assert all(get_as(None, icon["src"]).status_code == 200 for icon in said["icons"])
    assert 'rel="manifest"' in get_as(None, "/").text


def test_an_administrator_signs_somebody_out_at_the_console(app, cast, get_as):
    assert get_as("otto", "/me").status_code == 200
    clock.advance(timedelta(seconds=1))
    result = contextvars.Context().run(app.test_cli_runner().invoke, args=["people", "sign-out", "021456"])
    assert result.exit_code == 0, result.output
    assert get_as("otto", "/me").status_code == 303
    db.session.rollback()
    db.session.expire_all()
    assert cast.otto.signed_out_at == clock.now()
