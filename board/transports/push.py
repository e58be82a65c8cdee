"""Web Push (RFC 8030, 8188, 8291, 8292): a note to a browser, readable by nobody on its way.

An address is the browser's subscription as JSON: `{"endpoint", "keys": {"p256dh", "auth"}}`.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import current_app

from board.clock import now
from board.settings import Settings
from board.transports.errors import AT_MOST, CarryError, within
from board.transports.hosts import is_allowed, is_push_service

log = logging.getLogger(__name__)

TIMEOUT = (5.0, 10.0)  # seconds to connect, and for the service to answer
LONGEST = 2000  # characters of an address
LONGEST_WAIT = 3600.0  # seconds; what a service asks for beyond that is not believed


@dataclass(frozen=True)
class Push:
    """One note. `topic` (at most 32 characters of base64url) is the same at each try: a service that still holds the
    earlier one puts this in its place. `lasts`: seconds after which it need not arrive any more."""

    to: str
    note: dict[str, Any]
    topic: str
    lasts: int
    urgent: bool = False


def subscription(raw: str, allowed: Collection[str]) -> str:
    """A browser's subscription as it is kept: its address and keys and nothing else; ValueError when it is none."""
    if len(raw) > LONGEST:
        raise ValueError("too long")
    said = json.loads(raw)
    endpoint, keys = str(said["endpoint"]), said["keys"]
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if parts.username or parts.password or parts.fragment or not host:
        raise ValueError("no push service")
    if not is_allowed(host, allowed) and not (
        parts.scheme == "https" and parts.port in (None, 443) and is_push_service(host)
    ):
        raise ValueError("no push service")
    kept = {name: str(keys[name]) for name in ("p256dh", "auth")}
    point, secret = (_bytes(kept[name]) for name in ("p256dh", "auth"))
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    if len(secret) != 16:
        raise ValueError("no key")
    return json.dumps({"endpoint": endpoint, "keys": kept}, sort_keys=True)


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class WebPush:
    """Carries notes to the push services of the browsers, signed with this installation's VAPID key.

    404 and 410: the browser is gone. 408, 425, 429, 5xx and silence: worth another try, at the time the service asks
    for. Everything else is final. Redirects are not followed.
    """

    def __init__(
        self, key: str, contact: str, allowed: Collection[str] = (), at_most: float = AT_MOST
    ) -> None:
        number = int.from_bytes(_bytes(key), "big")
        self.private = ec.derive_private_key(number, ec.SECP256R1())
        self.contact, self.allowed, self.at_most = contact, allowed, at_most

    @property
    def public_key(self) -> str:
        """What a browser wants for its subscription: the uncompressed point in base64url."""
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def send(self, push: Push) -> None:
        """Hand the note over; CarryError when the service did not take it."""
        within(self.at_most, lambda: self._send(push))

    def _send(self, push: Push) -> None:
        # Taken in at the first use: they bring 15 MB of HTTP along, and web processes never send.
        import requests
        from py_vapid import Vapid02
        from pywebpush import WebPusher, WebPushException

        try:
            to = json.loads(subscription(push.to, self.allowed))
            sealed = WebPusher(to).encode(
                json.dumps(push.note, ensure_ascii=False).encode(), content_encoding="aes128gcm"
            )
        except (ValueError, KeyError, TypeError, WebPushException):
            raise CarryError("no push subscription", gone=True) from None
        assert sealed is not None
        parts = urlsplit(to["endpoint"])
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "sub": self.contact,
            "exp": int(now().timestamp()) + 6 * 3600,
        }
        headers = {
            **Vapid02(self.private).sign(claims),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(push.lasts),
            "Topic": push.topic,
            "Urgency": "high" if push.urgent else "normal",
        }
        try:
            with requests.post(
                to["endpoint"],
                data=sealed["body"],
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,  # what it says beyond its number is not read
            ) as answer:
                status, wait = answer.status_code, answer.headers.get("Retry-After")
        except requests.RequestException as error:
            raise CarryError(f"the push service cannot be reached: {type(error).__name__}") from None
        if status in (404, 410):
            raise CarryError(f"the push service answered {status}", gone=True)
        if not 200 <= status < 300:
            again = status in (408, 425, 429) or status >= 500
            raise CarryError(
                f"the push service answered {status}",
                final=not again,
                wait=seconds_of(wait) if again else None,
            )


def seconds_of(retry_after: str | None) -> float | None:
    """How long a `Retry-After` asks to wait: seconds or a date; None when it says nothing that makes sense."""
    if not retry_after:
        return None
    try:
        seconds = float(int(retry_after))
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.fromtimestamp(now().timestamp(), UTC)).total_seconds()
    return min(max(1.0, seconds), LONGEST_WAIT)


def driver_for(settings: Settings) -> WebPush | None:
    """The driver these settings ask for; None in production without a key of its own."""
    if not settings.vapid_key:
        return None
    return WebPush(settings.vapid_key, settings.vapid_contact, settings.carry_hosts)


def driver() -> WebPush | None:
    """The driver of this program; None where it cannot push."""
    if "push" not in current_app.extensions:
        current_app.extensions["push"] = driver_for(current_app.config["SETTINGS"])
    chosen: WebPush | None = current_app.extensions["push"]
    return chosen
