"""Contacts: who can be reached while no page of his is open, and what has to be shown before an address counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from board import clock
from board.db import db, transaction
from board.transports import push
from people import contacts, vault
from people.members import join
from people.models import Contact

pytestmark = pytest.mark.engines("sqlite", "postgres")

MAIL = "otto@police.example"


def kept(public_id):
    db.session.expire_all()
    return db.session.scalar(db.select(Contact).where(Contact.public_id == public_id))


@pytest.fixture
def cast_on(cast):
    return cast


def test_a_new_address_does_not_count_until_its_link_comes_back(cast_on):
    with transaction():
        contact = contacts.add(cast_on.otto, "mail", MAIL)
        token = contacts.link_proof(contact, "once")
    assert not contacts.reachable(cast_on.otto)
    assert token not in str(kept(contact.public_id).__dict__)
    with transaction():
        found = contacts.by_link(token, for_change=True)
        assert found is not None
        contacts.verify(found)
    assert contacts.reachable(cast_on.otto)
    assert contacts.by_link(token) is None


def test_a_link_is_good_for_a_day(cast_on):
    with transaction():
        token = contacts.link_proof(contacts.add(cast_on.otto, "mail", MAIL), "once")
    clock.advance(timedelta(hours=23, minutes=59))
    assert contacts.by_link(token) is not None
    clock.advance(timedelta(minutes=1))
    assert contacts.by_link(token) is None


def test_a_code_may_be_guessed_five_times(cast_on):
    with transaction():
        contact = contacts.add(cast_on.otto, "chat", "bark://example/key")
        code = contacts.code_proof(contact, "once")
        wrong = "000000" if code != "000000" else "111111"
        assert [contacts.prove(contact, wrong) for _try in range(5)] == [False] * 5
        assert not contacts.prove(contact, code)
        assert contacts.code_proof(contact, "once") == code
        assert not contacts.prove(contact, code)  # the same message again gives no new tries
        code = contacts.code_proof(contact, "anew")
        assert contacts.prove(contact, code)
        assert not contacts.prove(contact, code)
    assert contacts.reachable(cast_on.otto)


def test_an_old_code_proves_nothing(cast_on):
    with transaction():
        contact = contacts.add(cast_on.otto, "chat", "bark://example/key")
        code = contacts.code_proof(contact, "once")
    clock.advance(timedelta(minutes=10))
    with transaction():
        assert not contacts.prove(kept(contact.public_id), code)


def test_a_failing_address_does_not_count_until_something_arrives_again(cast_on):
    with transaction():
        contact = contacts.add(cast_on.otto, "mail", MAIL)
        contacts.verify(contact)
        contacts.fails(contact, "550")
    assert not contacts.reachable(cast_on.otto)
    with transaction():
        contacts.works(kept(contact.public_id))
    assert contacts.reachable(cast_on.otto)


def test_the_unreachable_are_found_with_one_question(cast_on):
    with transaction():
        contacts.verify(contacts.add(cast_on.otto, "mail", MAIL))
        contacts.add(cast_on.lena, "mail", "lena@police.example")
    told = [cast_on.lena, cast_on.otto, cast_on.otis]
    assert [each.badge for each in contacts.unreachable(told)] == ["021001", "021457"]
    assert contacts.unreachable([]) == []


@pytest.mark.parametrize(
    ("kind", "address", "setting"),
    [
        ("phone", "19900000003", {"sms_url": "https://sms.example/"}),
        ("mail", MAIL, {"smtp_url": "smtp://mail.example"}),
        ("push", "https://push.example/1", {}),
        ("chat", "bark://example/key", None),
    ],
)
def test_what_this_board_cannot_send_reaches_nobody(app, cast_on, kind, address, setting):
    settings = app.config["SETTINGS"]
    with transaction():
        contacts.verify(contacts.add(cast_on.otto, kind, address))
    object.__setattr__(settings, "mode", "production")
    driver = push.driver()
    app.extensions["push"] = None
    assert contacts.reachable(cast_on.otto) is (setting is None)  # a robot needs nothing of this board
    app.extensions["push"] = driver if kind == "push" else None
    for name, value in (setting or {}).items():
        object.__setattr__(settings, name, value)
    assert contacts.reachable(cast_on.otto)


def test_a_member_is_reachable_by_the_phone_he_signed_in_with(cast_on):
    with transaction():
        member = join("19900000123")
        assert contacts.reachable(member)
        (phone,) = contacts.of(member)
        assert phone.address == "19900000123"
        contacts.remove(phone)
        assert vault.lookup("phone", "19900000123") == member.owner


def test_the_phone_of_an_officer_counts(cast_on):
    with transaction():
        vault.put(cast_on.otis.owner, "duty_phone", "19900000004")
        contacts.known_phone(cast_on.otis)
    assert contacts.reachable(cast_on.otis)
    with transaction():
        contacts.add(cast_on.otis, "phone", "19900000005")
    assert not contacts.reachable(cast_on.otis)  # another number is to be proven anew


def test_a_browser_belongs_to_whoever_subscribed_it_last(cast_on):
    with transaction():
        contacts.verify(contacts.add(cast_on.otto, "push", "https://push.example/1"))
        contacts.verify(contacts.add(cast_on.otis, "push", "https://push.example/1"))
    assert not contacts.reachable(cast_on.otto)
    assert contacts.reachable(cast_on.otis)


def test_the_same_address_twice_is_one_contact(cast_on):
    with transaction():
        first = contacts.add(cast_on.otto, "mail", MAIL)
        assert contacts.add(cast_on.otto, "mail", MAIL).id == first.id
        assert contacts.add(cast_on.lena, "mail", MAIL).id != first.id  # a mailbox may be shared


def test_a_removed_address_leaves_nothing_in_the_vault(cast_on):
    with transaction():
        contact = contacts.add(cast_on.otto, "mail", MAIL)
        sealed = contact.sealed
        contacts.remove(contact)
    assert vault.get(*sealed) is None
