"""The other ends of the transports, real ones on this machine: a mail server, a push service, a webhook."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
import time
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import http_ece
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from board.clock import now


def free_port() -> int:
    """A port on which nobody listens just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Mailbox:
    """A mail server that keeps what it gets, and when each came; with `answer` it refuses each recipient so."""

    def __init__(self, port: int = 0) -> None:
        self.got: list[EmailMessage] = []
        self.came: list[datetime] = []
        self.answer = ""
        self.port = port or free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=10)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answer:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.came.append(now())
        self.got.append(message)
        return "250 OK"

    def __enter__(self) -> Self:
        self.controller.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.controller.stop()


class _Http:
    """A server of one kind of POST, in a thread of its own."""

    def __init__(self) -> None:
        end = self
        self.says_more = b""  # after each answer, on the same line

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers = end.take(self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
                if end.says_more:
                    self.wfile.write(end.says_more)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.origin = f"http://127.0.0.1:{self.port}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class PushService(_Http):
    """A push service with one browser behind it: it answers with `answers`, then 201, and opens what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.hang = 0.0

    def take(self, path, headers, body):
        self.got.append((headers, body))
        time.sleep(self.hang)
        status, more = self.answers.pop(0) if self.answers else (201, {})
        if status == 302:
            more = {"Location": f"{self.origin}/elsewhere", **more}
        return status, more

    def subscription(self, place: str = "1") -> dict[str, Any]:
        """What the browser gives to the board."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": f"{self.origin}/push/{place}",
            "keys": {"p256dh": _text(point), "auth": _text(self.secret)},
        }

    def opened(self, body: bytes) -> dict[str, Any]:
        """A sealed note as the browser reads it."""
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        found: dict[str, Any] = json.loads(plain)
        return found

    def notes(self) -> list[dict[str, Any]]:
        """Everything that came, opened."""
        return [self.opened(body) for _headers, body in self.got]


class Webhook(_Http):
    """Something that takes JSON: it answers with `answers`, then 200."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[int] = []

    def take(self, path, headers, body):
        self.got.append((path, json.loads(body)))
        status = self.answers.pop(0) if self.answers else 200
        return status, {"Location": f"{self.origin}/elsewhere"} if status == 302 else {}


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
