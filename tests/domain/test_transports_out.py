"""Mails, pushes and chat notes against real ends on this machine: what is taken, tried again, final, gone."""

from __future__ import annotations

import base64
import json
import socket
import time
from datetime import timedelta

import pytest
from py_vapid import Vapid02

from board import clock
from board.settings import Settings, SettingsError, fresh_vapid_key
from board.transports import chat, hosts, mail, push
from board.transports.errors import CarryError
from tests.ends import Mailbox, PushService, Webhook

LETTER = mail.Mail(
    to="otto@police.example", subject="编号 20261121-0042", text="待受理\n", reference="abc123"
)


@pytest.fixture
def mailbox():
    with Mailbox() as box:
        yield box


@pytest.fixture
def service():
    with PushService() as end:
        yield end


def pusher(**more):
    return push.WebPush(fresh_vapid_key(), "mailto:board@police.example", {"127.0.0.1"}, **more)


def note(service, **more):
    told = {"title": "24小时警局", "body": "编号 20261121-0042：待受理"}
    return push.Push(to=json.dumps(service.subscription()), note=told, topic="abc123", lasts=1800, **more)


def refusal(act):
    with pytest.raises(CarryError) as caught:
        act()
    return caught.value


# --- mail


def test_a_mail_arrives_with_a_message_id_that_is_the_same_at_each_try(mailbox):
    carrier = mail.SmtpMail(mailbox.url, "board@police.example")
    carrier.send(LETTER)
    carrier.send(LETTER)
    first, second = mailbox.got
    assert first["Message-ID"] == second["Message-ID"] == "<abc123@police.example>"
    assert first["Subject"] == "编号 20261121-0042"
    assert first.get_content() == "待受理\n"
    assert first["To"] == "otto@police.example"


@pytest.mark.parametrize(
    ("answer", "final", "gone"),
    [
        ("550 5.1.1 no such user otto@police.example", True, True),
        ("550 5.7.1 not wanted here", True, False),
        ("452 4.2.2 mailbox full", False, False),
        ("421 4.3.0 later", False, False),
    ],
)
def test_a_refused_mail_says_whether_another_try_is_worth_it(mailbox, answer, final, gone):
    mailbox.answer = answer
    error = refusal(lambda: mail.SmtpMail(mailbox.url, "board@police.example").send(LETTER))
    assert (error.final, error.gone) == (final, gone)
    assert "otto" not in str(error)


def test_a_mail_server_that_is_away_or_silent_is_tried_again():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{closed.getsockname()[1]}"
    assert not refusal(lambda: mail.SmtpMail(url, "a@b.example").send(LETTER)).final
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        assert not refusal(lambda: mail.SmtpMail(url, "a@b.example", timeout=0.2).send(LETTER)).final


def test_a_password_never_goes_over_an_open_line(mailbox):
    url = mailbox.url.replace("smtp://", "smtp://name:secret@")
    assert not refusal(lambda: mail.SmtpMail(url, "a@b.example").send(LETTER)).final
    assert mailbox.got == []


@pytest.mark.parametrize("address", ["otto@police.example\nBcc: all@police.example", "a b@c@d"])
def test_an_address_cannot_smuggle_a_header(mailbox, address):
    letter = mail.Mail(to=address, subject="x", text="x", reference="r")
    error = refusal(lambda: mail.SmtpMail(mailbox.url, "a@b.example").send(letter))
    assert error.final
    assert all("Bcc" not in each for each in mailbox.got)


# --- push


def test_a_push_is_opened_only_by_the_browser_it_was_sealed_for(service):
    carrier = pusher()
    carrier.send(note(service, urgent=True))
    ((headers, body),) = service.got
    assert service.opened(body) == {"title": "24小时警局", "body": "编号 20261121-0042：待受理"}
    assert "待受理".encode() not in body
    assert (headers["TTL"], headers["Topic"], headers["Urgency"]) == ("1800", "abc123", "high")
    scheme, _space, said = headers["Authorization"].partition(" ")
    assert scheme == "vapid"
    given = dict(part.strip().split("=", 1) for part in said.split(","))
    assert given["k"] == carrier.public_key
    assert Vapid02.verify(headers["Authorization"])
    claims = json.loads(base64.urlsafe_b64decode(given["t"].split(".")[1] + "=="))
    assert claims["aud"] == service.origin


@pytest.mark.parametrize(
    ("status", "final", "gone"),
    [
        (404, True, True),
        (410, True, True),
        (400, True, False),
        (413, True, False),
        (302, True, False),
        (429, False, False),
        (503, False, False),
    ],
)
def test_a_refused_push_says_whether_another_try_is_worth_it(service, status, final, gone):
    service.answers = [(status, {})]
    error = refusal(lambda: pusher().send(note(service)))
    assert (error.final, error.gone) == (final, gone)
    assert len(service.got) == 1  # no redirect is followed


@pytest.mark.parametrize(("said", "seconds"), [("17", 17), ("999999", 3600), ("soon", None), ("-3", 1)])
def test_a_push_service_says_when_to_come_back(service, said, seconds):
    service.answers = [(429, {"Retry-After": said})]
    assert refusal(lambda: pusher().send(note(service))).wait == seconds


def test_a_push_service_may_name_a_date():
    with clock.freeze(clock.now()):
        later = (clock.now() + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        assert 88 <= (push.seconds_of(later) or 0) <= 90


def test_a_push_service_that_hangs_does_not_hold_the_worker(service):
    service.hang = 5.0
    began = time.monotonic()
    error = refusal(lambda: pusher(at_most=0.3).send(note(service)))
    assert not error.final
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://push.example/x",
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://evilfcm.googleapis.com.evil.example/x",
        "https://127.0.0.1/x",
        "file:///etc/passwd",
    ],
)
def test_only_the_push_services_of_browsers_are_called(service, endpoint):
    said = {**service.subscription(), "endpoint": endpoint}
    with pytest.raises(ValueError):
        push.subscription(json.dumps(said), frozenset())


@pytest.mark.parametrize("raw", ["", "null", "[]", "{}", '{"endpoint": 1, "keys": 2}', "x" * 3000])
def test_what_is_no_subscription_is_not_kept(raw):
    with pytest.raises((ValueError, KeyError, TypeError)):
        push.subscription(raw, frozenset())


def test_a_subscription_is_kept_without_what_else_it_says(service):
    said = {**service.subscription(), "expirationTime": None, "more": "x" * 50}
    kept = json.loads(push.subscription(json.dumps(said), {"127.0.0.1"}))
    assert sorted(kept) == ["endpoint", "keys"]


# --- chat


def test_a_note_reaches_a_webhook():
    with Webhook() as end:
        url = chat.address(f"json://127.0.0.1:{end.port}/hook", {"127.0.0.1"})
        chat.AppriseChat({"127.0.0.1"}).send(chat.Chat(url, "24小时警局", "编号 20261121-0042：待受理"))
        ((_path, said),) = end.got
        assert (said["title"], said["message"]) == ("24小时警局", "编号 20261121-0042：待受理")


def test_a_webhook_that_refuses_is_tried_again_and_a_redirect_is_not_followed():
    with Webhook() as end:
        carrier = chat.AppriseChat({"127.0.0.1"})
        for status in (500, 302):
            end.answers = [status]
            to = chat.Chat(f"json://127.0.0.1:{end.port}/hook", "t", "x")
            assert not refusal(lambda to=to: carrier.send(to)).final
        assert [path for path, _said in end.got] == ["/hook", "/hook"]


@pytest.mark.parametrize(
    "raw",
    [
        "json://127.0.0.1/x",
        "jsons://127.0.0.1/x",
        "jsons://localhost/x",
        "jsons://[::1]/x",
        "jsons://[::ffff:10.0.0.1]/x",
        "jsons://10.1.2.3/x",
        "jsons://192.168.0.1/x",
        "jsons://169.254.169.254/latest/meta-data",
        "jsons://2130706433/x",
        "jsons://intranet/x",
        "bark://device@api.day.app",
        "file:///etc/passwd",
        "mailto://user:pass@gmail.com",
        "syslog://",
        "dbus://",
        "form://example.com",
        "wecombot://bad key",
        "http://example.com",
        "wecombot://",
        "x" * 600,
    ],
)
def test_what_leads_into_the_house_is_not_taken(raw):
    with pytest.raises(ValueError):
        chat.address(raw, frozenset())


def test_an_address_cannot_switch_off_what_protects_the_house():
    clean = chat.address(
        "json://127.0.0.1/x?verify=no&redirect=yes&rto=999&cto=999&+Host=evil&-a=b&:c=d", {"127.0.0.1"}
    )
    assert clean == "json://127.0.0.1/x"


def test_a_name_that_points_elsewhere_by_now_is_not_called():
    error = refusal(lambda: chat.AppriseChat().send(chat.Chat("jsons://127.0.0.1/x", "t", "x")))
    assert error.final


@pytest.mark.parametrize(
    ("address", "outside"),
    [("8.8.8.8", True), ("10.0.0.1", False), ("100.64.0.1", False), ("::1", False), ("fd00::1", False),
     ("0.0.0.0", False), ("224.0.0.1", False), ("2002:7f00:1::", False), ("64:ff9b:1::1", False)],
)  # fmt: skip
def test_which_addresses_lie_outside(address, outside):
    assert hosts.is_public(address) is outside


# --- settings


def test_push_has_a_key_of_its_own_outside_production(tmp_path):
    env = {"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path)}
    key = Settings.from_env(env).vapid_key
    assert key
    assert Settings.from_env(env).vapid_key == key


def test_a_mail_server_needs_an_address_that_mails_come_from(tmp_path):
    env = {"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path), "BOARD_SMTP_URL": "smtp://mail.example"}
    with pytest.raises(SettingsError, match="BOARD_MAIL_FROM"):
        Settings.from_env(env)
    with pytest.raises(SettingsError, match="smtp://"):
        Settings.from_env({**env, "BOARD_SMTP_URL": "http://mail.example"})


REAL = {
    "BOARD_MODE": "production",
    "BOARD_SECRET_KEY": "s" * 40,
    "BOARD_LOOKUP_KEY": "l" * 40,
    "BOARD_VAULT_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


@pytest.mark.parametrize(
    "sender",
    [
        {"BOARD_SMS_URL": "https://sms.example/"},
        {"BOARD_SMTP_URL": "smtp://mail.example", "BOARD_MAIL_FROM": "board@police.example"},
        {"BOARD_VAPID_KEY": fresh_vapid_key()},
    ],
)
def test_a_real_board_that_sends_messages_must_know_its_own_address(tmp_path, sender):
    env = {**REAL, "BOARD_DATA": str(tmp_path), **sender}
    with pytest.raises(SettingsError, match=f"{next(iter(sender))} is set.*BOARD_PUBLIC_URL"):
        Settings.from_env(env)
    Settings.from_env({**env, "BOARD_PUBLIC_URL": "https://24.example.gov.cn"})
    Settings.from_env({**env, "BOARD_MODE": "demo"})


def test_a_real_board_that_sends_nothing_starts_without_an_address(tmp_path):
    assert Settings.from_env({**REAL, "BOARD_DATA": str(tmp_path)}).public_url == ""


def test_a_broken_push_key_is_refused(tmp_path):
    env = {"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path), "BOARD_VAPID_KEY": "abc"}
    with pytest.raises(SettingsError, match="BOARD_VAPID_KEY"):
        Settings.from_env({**env, "BOARD_VAPID_KEY": "AA"})
