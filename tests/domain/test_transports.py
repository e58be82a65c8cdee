"""Text messages against a real gateway on this machine: what is taken, what is tried again, what is final."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from board.settings import Settings
from board.transports.sms import LogSms, Sms, SmsError, WebhookSms, driver_for

MESSAGE = Sms(to="19900000001", text="验证码 482913", reference="abc123")


class Gateway(ThreadingHTTPServer):
    """A gateway that answers with `answers`, then 200, and remembers what it got."""

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/sms"


@pytest.fixture
def gateway():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.got.append((self.path, dict(self.headers), body))
            status = server.answers.pop(0) if server.answers else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self):
            self.do_POST()

        def log_message(self, *args):
            pass

    server = Gateway(Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_webhook_posts_signed_json(gateway):
    WebhookSms(gateway.url, "s3cret").send(MESSAGE)
    ((path, headers, body),) = gateway.got
    assert path == "/sms"
    assert json.loads(body) == {"to": "19900000001", "text": "验证码 482913", "reference": "abc123"}
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["X-Signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["Idempotency-Key"] == "abc123"


def test_without_a_secret_nothing_is_signed(gateway):
    WebhookSms(gateway.url).send(MESSAGE)
    assert not {"Authorization", "X-Signature"} & set(gateway.got[0][1])


@pytest.mark.parametrize(
    ("status", "final"),
    [
        (400, True),
        (401, True),
        (404, True),
        (302, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_refusals_say_whether_another_try_is_worth_it(gateway, status, final):
    gateway.answers = [status]
    with pytest.raises(SmsError) as caught:
        WebhookSms(gateway.url, "s3cret").send(MESSAGE)
    assert caught.value.final is final
    assert len(gateway.got) == 1  # a redirect is not followed: the secret goes to one address only


def test_a_gateway_that_is_away_or_silent_is_tried_again():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(SmsError) as caught:
        WebhookSms(f"http://127.0.0.1:{port}/").send(MESSAGE)
    assert not caught.value.final
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(SmsError) as caught:
            WebhookSms(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2).send(MESSAGE)
        assert not caught.value.final


def test_the_log_holds_neither_the_number_nor_the_text(caplog):
    caplog.set_level(logging.DEBUG)
    driver = LogSms()
    driver.send(MESSAGE)
    assert "abc123" in caplog.text
    assert "19900000001" not in caplog.text
    assert "482913" not in caplog.text
    assert list(driver.sent) == [MESSAGE]


def test_the_settings_choose_the_driver(tmp_path):
    env = {"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path)}
    assert isinstance(driver_for(Settings.from_env(env)), LogSms)
    webhook = driver_for(
        Settings.from_env({**env, "BOARD_SMS_URL": "https://sms.example/", "BOARD_SMS_SECRET": "x"})
    )
    assert isinstance(webhook, WebhookSms)
    assert (webhook.url, webhook.secret) == ("https://sms.example/", "x")
