"""Deliveries on their way: sent once in effect, tried again, given up, dropped when nobody needs them any more."""

from __future__ import annotations

import contextvars
import json
import re
import signal
from datetime import timedelta

import pytest

from board import clock, jobs
from board.db import db, transaction
from board.transports import chat, mail, push, sms
from boards.models import Case
from boards.models.watch import follow
from notifications.checking import check
from notifications.models import Delivery, InboxItem
from notifications.models.delivery import queue
from notifications.reaching import channels_of
from people import contacts, vault
from people.models import Contact
from tests import forked
from tests.builders import case_of, posted
from tests.conftest import ORIGIN, environment_of
from tests.ends import Mailbox, PushService, Webhook

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def city(app, cast):
    return app, cast


@pytest.fixture
def cast_on(cast):
    return cast


@pytest.fixture
def service(city):
    app, _cast = city
    with PushService() as end:
        app.extensions["push"] = push.WebPush(
            app.config["SETTINGS"].vapid_key, "mailto:a@b.example", {"127.0.0.1"}, at_most=1.0
        )
        yield end


@pytest.fixture
def mailbox(city):
    app, _cast = city
    with Mailbox() as box:
        app.extensions["mail"] = mail.SmtpMail(box.url, "board@police.example", timeout=2)
        yield box


def subscribed(person, service, place="1"):
    with transaction():
        contact = contacts.add(person, "push", json.dumps(service.subscription(place)))
        contacts.verify(contact)
        return contact.public_id


def mailed(person, address="rita@home.example"):
    with transaction():
        contact = contacts.add(person, "mail", address)
        contacts.verify(contact)
        return contact.public_id


def answered(cast):
    """Rita's case, answered by Otto; what she is to be told of, and by nothing but what the test promises."""
    with transaction():
        made = posted(cast.rita)
        follow(made, by=cast.rita, how="inbox")
        thread = made.public_id
    with transaction():
        return case_of(thread).accept(by=cast.otto, answer="已派人去看路口的信号灯。").public_id


def news(cast, channel, event):
    """The delivery by which Rita is to hear of a step of her case; its public id. One is made where none reaches her."""
    from boards.models import CaseEvent

    with transaction() as session:
        found = session.scalars(db.select(CaseEvent).where(CaseEvent.public_id == event)).one()
        promised = db.select(Delivery).where(Delivery.event_id == found.id, Delivery.channel == channel)
        made = session.scalar(promised.where(Delivery.person_id == cast.rita.id)) or queue(
            cast.rita, channel, key=f"test:{event}:{channel}", purpose="news", event=found
        )
        assert made is not None
        return made.public_id


def kept_delivery(public_id):
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(db.select(Delivery).where(Delivery.public_id == public_id)).one()


def carried(public_id):
    jobs.run_due(kinds=("carry",))
    return kept_delivery(public_id)


def kept(contact):
    db.session.expire_all()
    return db.session.scalar(db.select(Contact).where(Contact.public_id == contact))


# --- what is said


def test_a_push_names_a_number_and_a_state_and_nothing_else(cast_on, service):
    subscribed(cast_on.rita, service)
    delivery = carried(news(cast_on, "push", answered(cast_on)))
    assert delivery.sent_at == clock.now()
    (note,) = service.notes()
    assert "20261117-0001" in note["body"]
    said = json.dumps(note, ensure_ascii=False)
    for word in ("青松路", "红绿灯", "信号灯", "王丽", "青松路居民", "欧阳", "021456"):
        assert word not in said
    assert service.got[0][0]["Topic"] == delivery.public_id


def test_of_a_restricted_case_not_even_the_number_is_said(cast_on, service):
    subscribed(cast_on.rita, service)
    event = answered(cast_on)
    made = news(cast_on, "push", event)
    with transaction():
        found = db.session.scalars(db.select(Delivery).where(Delivery.public_id == made)).one().event
        assert found is not None
        thread = found.thread
        thread.visibility = "restricted"
        thread.restricted_to_id = cast_on.otto.departments[0].id
    carried(made)
    (note,) = service.notes()
    assert "2026" not in note["body"]


def test_a_mail_holds_a_link_and_neither_title_nor_words(city, mailbox):
    app, cast = city
    object.__setattr__(app.config["SETTINGS"], "public_url", "https://board.example")
    mailed(cast.rita)
    delivery = carried(news(cast, "mail", answered(cast)))
    (letter,) = mailbox.got
    text = letter.get_content()
    assert "https://board.example/cases/20261117-0001#e" in text
    assert "https://board.example/unsubscribe/" in letter["List-Unsubscribe"]
    assert letter["Message-ID"] == f"<{delivery.public_id}@police.example>"
    for word in ("青松路", "红绿灯", "信号灯", "王丽", "欧阳"):
        assert word not in text + letter["Subject"]


# --- once in effect


def test_a_delivery_that_was_sent_is_not_sent_again(cast_on, mailbox):
    from notifications.carrying import carry

    mailed(cast_on.rita)
    made = news(cast_on, "mail", answered(cast_on))
    carried(made)
    carry(made)
    assert len(mailbox.got) == 1


def test_two_devices_hear_once_each_though_one_is_away(cast_on, service):
    subscribed(cast_on.rita, service, "1")
    subscribed(cast_on.rita, service, "2")
    made = news(cast_on, "push", answered(cast_on))
    service.answers = [(201, {}), (503, {})]
    assert carried(made).sent_at is not None
    clock.advance(timedelta(hours=2))
    carried(made)
    assert len(service.got) == 2


@pytest.mark.parametrize("second", [410, 503, 201])
def test_of_two_answers_of_a_push_service_to_one_note_the_first_counts(cast_on, service, second):
    contact = subscribed(cast_on.rita, service)
    event = answered(cast_on)
    service.says_more = f"HTTP/1.1 {second} Again\r\nContent-Length: 0\r\n\r\n".encode()
    made = news(cast_on, "push", event)
    assert carried(made).sent_at == clock.now()
    assert kept(contact).counts
    service.answers = [(410, {})]  # and the other way round: what came first was no
    with transaction():
        check(kept(contact))
    service.says_more = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    jobs.run_due(kinds=("carry",))
    assert len(service.got) == 2
    assert kept(contact) is None


def forgotten(public_id):
    """As if the worker had died before it noted that this was sent."""
    with transaction():
        delivery = db.session.scalars(db.select(Delivery).where(Delivery.public_id == public_id)).one()
        delivery.sent_at = None
        jobs.put("carry", key=f"again:{public_id}", delivery=public_id)


def shown(app, note):
    answer = contextvars.Context().run(app.test_client().post, note["receipt"])
    assert answer.status_code == 204


def test_a_note_that_was_taken_twice_and_shown_twice_arrived_once(city, service):
    app, cast = city
    subscribed(cast.rita, service)
    made = news(cast, "push", answered(cast))
    carried(made)
    forgotten(made)
    carried(made)
    one, other = service.notes()
    assert one == other
    assert {headers["Topic"] for headers, _body in service.got} == {made} == {one["tag"]}
    first = clock.now()
    shown(app, one)
    clock.advance(timedelta(seconds=5))
    shown(app, other)
    delivery = kept_delivery(made)
    assert (delivery.sent_at, delivery.delivered_at, delivery.failed_at) == (first, first, None)


def test_a_note_whose_receipt_came_before_the_next_try_is_not_sent_again(city, service):
    app, cast = city
    subscribed(cast.rita, service)
    made = news(cast, "push", answered(cast))
    carried(made)
    forgotten(made)
    shown(app, service.notes()[0])
    carried(made)
    assert len(service.got) == 1


WORKER = """
import os, signal, sys
from datetime import datetime
from board import Settings, clock, create_app, jobs
from notifications import carrying

place, channel, at = sys.argv[1:]
app = create_app(Settings.from_env(live=False))
carry, send = jobs._handlers["carry"], carrying.SENDERS[channel]

def die_at(here):
    if here == place:
        os.kill(os.getpid(), signal.SIGKILL)

def sending(load, parcel):
    die_at("loaded")
    send(load, parcel)
    die_at("sent")

def carrying_it(**ids):
    die_at("claimed")
    carry(**ids)
    die_at("noted")

jobs._handlers["carry"], carrying.SENDERS[channel] = carrying_it, sending
with app.app_context(), clock.freeze(datetime.fromisoformat(at)):
    jobs.run_due(kinds=("carry",))
"""


class Ends:
    """A real end for each channel, and by what name each message came there."""

    def __init__(self, box: Mailbox, service: PushService, robot: Webhook, gateway: Webhook) -> None:
        self.box, self.service, self.robot, self.gateway = box, service, robot, gateway
        # How another process of this board finds them.
        self.env = {
            "BOARD_SMTP_URL": box.url,
            "BOARD_MAIL_FROM": "board@police.example",
            "BOARD_SMS_URL": f"{gateway.origin}/sms",
            "BOARD_CARRY_HOSTS": "127.0.0.1",
        }

    def reach(self, person, channel):
        """Let the person have this channel and no other one."""
        with transaction():
            if channel == "sms":
                vault.put(person.owner, "phone", "19900000001")
                contacts.known_phone(person)
                return
            address = {
                "mail": "rita@home.example",
                "push": json.dumps(self.service.subscription()),
                "chat": f"json://127.0.0.1:{self.robot.port}/hook",
            }[channel]
            contacts.verify(contacts.add(person, channel, address))

    def names(self, channel):
        """What came by this channel: the names it came by, of a chat robot, which knows none, the words."""
        return {
            "mail": [letter["Message-ID"] for letter in self.box.got],
            "push": [headers["Topic"] for headers, _body in self.service.got],
            "chat": [said["message"] for _path, said in self.robot.got],
            "sms": [said["reference"] for _path, said in self.gateway.got],
        }[channel]


@pytest.fixture
def ends(city):
    app, _cast = city
    with Mailbox() as box, PushService() as service, Webhook() as robot, Webhook() as gateway:
        app.extensions["mail"] = mail.SmtpMail(box.url, "board@police.example", timeout=2)
        app.extensions["push"] = push.WebPush(
            app.config["SETTINGS"].vapid_key, "mailto:a@b.example", {"127.0.0.1"}
        )
        app.extensions["chat"] = chat.AppriseChat({"127.0.0.1"})
        app.extensions["sms"] = sms.WebhookSms(f"{gateway.origin}/sms")
        yield Ends(box, service, robot, gateway)


@pytest.mark.parametrize("channel", ["mail", "push", "chat", "sms"])
@pytest.mark.parametrize(
    ("place", "before", "copies"),
    [("claimed", 0, 1), ("loaded", 0, 1), ("sent", 1, 2), ("noted", 1, 1)],
)
def test_what_a_killed_worker_left_is_sent_and_a_copy_is_known_as_one(
    city, ends, channel, place, before, copies
):
    app, cast = city
    ends.reach(cast.rita, channel)
    made = news(cast, channel, answered(cast))
    env = environment_of(app, **ends.env)
    died = forked.run(WORKER, place, channel, clock.now().isoformat(), env=env)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert len(ends.names(channel)) == before
    assert (kept_delivery(made).sent_at is not None) is (place == "noted")
    job = db.select(jobs.Job.done_at).where(jobs.Job.key == f"carry:{made}")
    assert db.session.scalar(job) is None, "whoever died has not said that it is done"
    clock.advance(timedelta(minutes=2))  # its lease has run out
    assert carried(made).sent_at is not None
    assert db.session.scalar(job) is not None
    assert len(ends.names(channel)) == copies
    assert len(set(ends.names(channel))) == 1


# --- tried again, given up, dropped


def test_a_mail_waits_while_the_server_is_down_for_an_hour(city):
    app, cast = city
    mailed(cast.rita)
    box = Mailbox()
    app.extensions["mail"] = mail.SmtpMail(box.url, "board@police.example", timeout=1)
    made = news(cast, "mail", answered(cast))
    for _minute in range(62):
        assert carried(made).failed_at is None
        clock.advance(timedelta(minutes=1))
    assert carried(made).attempts > 3
    with box:
        for _minute in range(61):
            clock.advance(timedelta(minutes=1))
            carried(made)
        assert len(box.got) == 1
    assert carried(made).last_error is None


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(cast_on, service, status):
    contact = subscribed(cast_on.rita, service)
    sealed = kept(contact).sealed
    service.answers = [(status, {})]
    delivery = carried(news(cast_on, "push", answered(cast_on)))
    assert delivery.failed_at is not None
    assert kept(contact) is None
    assert vault.get(*sealed) is None


def test_a_push_service_that_asks_to_wait_is_left_alone_so_long(cast_on, service):
    subscribed(cast_on.rita, service)
    service.answers = [(429, {"Retry-After": "300"})]
    made = news(cast_on, "push", answered(cast_on))
    carried(made)
    clock.advance(timedelta(seconds=299))
    carried(made)
    assert len(service.got) == 1
    clock.advance(timedelta(seconds=2))
    assert carried(made).sent_at is not None
    assert len(service.got) == 2


def test_a_push_service_that_hangs_is_asked_again(cast_on, service):
    subscribed(cast_on.rita, service)
    made = news(cast_on, "push", answered(cast_on))
    service.hang = 1.5
    assert carried(made).sent_at is None
    service.hang = 0.0
    clock.advance(timedelta(seconds=3))
    delivery = carried(made)
    assert delivery.sent_at is not None
    assert {headers["Topic"] for headers, _body in service.got} == {delivery.public_id}


def test_a_mailbox_that_is_not_there_fails_and_does_not_count(cast_on, mailbox):
    contact = mailed(cast_on.rita)
    mailbox.answer = "550 5.1.1 no such user rita@home.example"
    delivery = carried(news(cast_on, "mail", answered(cast_on)))
    assert delivery.failed_at is not None
    assert "rita" not in delivery.last_error
    assert kept(contact).failing_since is not None
    assert "mail" not in channels_of(cast_on.rita, "news")


def test_after_the_last_try_it_is_given_up(cast_on, service):
    subscribed(cast_on.rita, service)
    made = news(cast_on, "push", answered(cast_on))
    service.answers = [(503, {})] * 50
    for _hour in range(15):
        carried(made)
        clock.advance(timedelta(hours=1, seconds=1))
    delivery = carried(made)
    assert delivery.failed_at is not None
    assert delivery.attempts == len(service.got) == 10


def test_news_that_were_read_meanwhile_are_not_sent(cast_on, service):
    subscribed(cast_on.rita, service)
    made = news(cast_on, "push", answered(cast_on))
    with transaction() as session:
        session.execute(db.update(InboxItem).values(read_at=clock.now()))
    assert carried(made).dropped_at is not None
    assert service.got == []


def test_a_closed_account_hears_nothing(cast_on, service):
    subscribed(cast_on.rita, service)
    made = news(cast_on, "push", answered(cast_on))
    with transaction():
        cast_on.rita.active = False
    assert carried(made).dropped_at is not None
    assert service.got == []


def test_without_a_contact_that_works_it_is_given_up(cast_on, service):
    made = news(cast_on, "push", answered(cast_on))
    assert carried(made).last_error == "no contact that works"


# --- checks


def checked(contact):
    with transaction():
        found = db.session.scalar(db.select(Contact).where(Contact.public_id == contact))
        return check(found).public_id


def test_a_mail_address_is_asked_for_its_link(city, mailbox):
    app, cast = city
    object.__setattr__(app.config["SETTINGS"], "public_url", "https://board.example")
    with transaction():
        contact = contacts.add(cast.rita, "mail", "rita@home.example").public_id
    carried(checked(contact))
    (letter,) = mailbox.got
    token = letter.get_content().partition("/contacts/link/")[2].split()[0]
    found = contacts.by_link(token)
    assert found is not None
    assert found.public_id == contact


def test_a_chat_shows_the_code_that_proves_it(city):
    app, cast = city
    with Webhook() as end:
        app.extensions["chat"] = chat.AppriseChat({"127.0.0.1"})
        with transaction():
            contact = contacts.add(cast.otto, "chat", f"json://127.0.0.1:{end.port}/hook").public_id
        carried(checked(contact))
        found = re.search(r"\d{6}", end.got[0][1]["message"])
        assert found is not None
        code = found[0]
    with transaction():
        assert contacts.prove(kept(contact), code)


def test_a_check_of_what_was_removed_is_dropped(cast_on, service):
    contact = subscribed(cast_on.rita, service)
    made = checked(contact)
    with transaction():
        contacts.remove(kept(contact))
    assert carried(made).dropped_at is not None


# --- which channels


def test_the_many_who_follow_get_no_text_messages(cast_on):
    with transaction():
        vault.put(cast_on.otto.owner, "duty_phone", "19900000003")
        contacts.known_phone(cast_on.otto)
    assert channels_of(cast_on.otto, "page") == ["live", "sms"]
    assert channels_of(cast_on.otto, "news") == ["live"]


# --- calls


def paged(cast, number=1):
    for _case in range(number):
        with transaction():
            posted(cast.rita)
    jobs.run_due(kinds=("pages-due", "carry"))


def test_a_call_leads_to_one_button_which_ends_it(city, service):
    app, cast = city
    subscribed(cast.otto, service)
    paged(cast)
    (note,) = service.notes()
    assert note["url"].startswith("/a/")
    assert "20261117-0001" in note["body"]
    answer = contextvars.Context().run(app.test_client().post, note["url"], headers=ORIGIN)
    assert answer.status_code == 303
    db.session.rollback()
    db.session.expire_all()
    assert db.session.scalars(db.select(Case)).one().acknowledged_by_id == cast.otto.id
    clock.advance(timedelta(minutes=10))
    jobs.run_due(kinds=("pages-due", "carry"))
    assert len(service.got) == 1


def test_a_call_that_was_answered_before_its_turn_is_not_sent(cast_on, service):
    subscribed(cast_on.otto, service)
    with transaction():
        thread = posted(cast_on.rita).public_id
    with transaction():
        case_of(thread).acknowledge(by=cast_on.lena)
    jobs.run_due(kinds=("carry",))
    assert service.got == []
    pushes = db.session.scalars(db.select(Delivery).where(Delivery.channel == "push")).all()
    assert pushes
    assert all(each.dropped_at is not None for each in pushes)


def test_many_calls_in_a_minute_are_one_more_message_that_counts_them(cast_on, service):
    subscribed(cast_on.otto, service)
    paged(cast_on, 5)
    assert len(service.got) == 1
    clock.advance(timedelta(minutes=1, seconds=6))
    jobs.run_due(kinds=("carry",))
    _first, rest = service.notes()
    assert rest["body"] == "有 4 件诉求等您签收"
    assert rest["url"] == "/desk"


def test_who_may_not_acknowledge_gets_a_link_to_the_case_and_no_button(cast_on, service):
    subscribed(cast_on.dana, service)
    with transaction():
        posted(cast_on.rita, body="有人持刀追打，请@交警支队看一下。")
    jobs.run_due(kinds=("pages-due", "carry"))
    for note in service.notes():
        assert not note["url"].startswith("/a/")
    assert service.got
