"""Text messages: one port, two drivers. A driver carries; it decides nothing and is never called in a transaction."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections import deque
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from flask import current_app

from board.settings import Settings
from board.transports.errors import CarryError

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds for the gateway to answer
WORTH_A_RETRY = frozenset({408, 425, 429})


class SmsError(CarryError):
    """A text message that was not taken."""


@dataclass(frozen=True)
class Sms:
    """One message. `reference` is the same at each try, so that a gateway may drop repeats."""

    to: str
    text: str
    reference: str


class SmsDriver(Protocol):
    """What carries text messages."""

    def send(self, message: Sms) -> None:
        """Hand the message over; SmsError when it was not taken."""


def tail(phone: str) -> str:
    """A number as logs may hold it: its last four digits."""
    return f"…{phone[-4:]}"


class LogSms:
    """Carries nothing: notes in the log that a message would have gone out, never its text or number."""

    def __init__(self, keep: int = 100) -> None:
        self.sent: deque[Sms] = deque(maxlen=keep)

    def send(self, message: Sms) -> None:
        """Keep the message in this process's memory and log its size."""
        self.sent.append(message)
        log.info(
            "text message %s to %s, %d characters", message.reference, tail(message.to), len(message.text)
        )


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class WebhookSms:
    """Posts `{"to", "text", "reference"}` as JSON to a gateway.

    With a secret it adds `Authorization: Bearer <secret>` and `X-Signature: sha256=<HMAC of the body>`.
    2xx is taken; 408, 425, 429, 5xx and a broken line are worth another try; everything else is final.
    Redirects are not followed: a secret goes to the configured address only.
    """

    def __init__(self, url: str, secret: str = "", timeout: float = TIMEOUT) -> None:  # nosec B107
        self.url, self.secret, self.timeout = url, secret, timeout
        self.opener = build_opener(_NoRedirects)

    def send(self, message: Sms) -> None:
        """Post the message; SmsError when the gateway did not take it."""
        body = json.dumps(
            {"to": message.to, "text": message.text, "reference": message.reference}, ensure_ascii=False
        ).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message.reference}
        if self.secret:
            headers["Authorization"] = f"Bearer {self.secret}"
            headers["X-Signature"] = (
                "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
            )
        request = Request(self.url, data=body, headers=headers, method="POST")
        try:
            with self.opener.open(request, timeout=self.timeout) as answer:
                status = answer.status
        except HTTPError as error:
            status = error.code
            error.close()
        except (OSError, HTTPException) as error:
            raise SmsError(f"the gateway cannot be reached: {error}", final=False) from None
        if not 200 <= status < 300:
            retry = status in WORTH_A_RETRY or status >= 500
            raise SmsError(f"the gateway answered {status}", final=not retry)


def driver_for(settings: Settings) -> SmsDriver:
    """The driver these settings ask for: the webhook where BOARD_SMS_URL is set, else the log."""
    return WebhookSms(settings.sms_url, settings.sms_secret) if settings.sms_url else LogSms()


def driver() -> SmsDriver:
    """The driver of this program; tests may put their own into `app.extensions["sms"]`."""
    if "sms" not in current_app.extensions:
        current_app.extensions["sms"] = driver_for(current_app.config["SETTINGS"])
    chosen: SmsDriver = current_app.extensions["sms"]
    return chosen
