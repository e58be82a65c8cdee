"""Sockets from outside: clients that follow streams as the browser does, over a network that loses and repeats."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterable
from html import unescape
from typing import Any

import requests
import socketio

from tests.cursors import Cursors


class Visitor:
    """One browser's cookies, and what it can do over HTTP."""

    def __init__(self, url: str, link: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.headers["Origin"] = url
        self.http.trust_env = False
        answer = self.http.post(f"{url}/sign-in/link/{link}", allow_redirects=False, timeout=20)
        assert answer.status_code == 303, answer.text[:500]

    @property
    def cookies(self) -> str:
        """As a Cookie header."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)

    def send(self, path: str, page: str, **fields: str) -> requests.Response:
        """Fill in the form of `page` and send it to `path`."""
        html = self._again("GET", self.url + page).text
        for name in ("csrf_token", "once"):
            found = re.search(rf'name="{name}" value="([^"]*)"', html)
            if found:
                fields.setdefault(name, unescape(found.group(1)))
        return self._again("POST", self.url + path, data=fields, allow_redirects=False)

    def _again(self, method: str, url: str, **options: Any) -> requests.Response:
        """Ask, and ask again when the line breaks, as a person does when a web process dies under the request.

        A form keeps its once-token, so sending it twice is what the board promises to bear.
        """
        for attempt in range(6):
            try:
                return self.http.request(method, url, timeout=20, **options)
            except requests.ConnectionError:
                if attempt == 5:
                    raise
                time.sleep(0.5 * (attempt + 1))
        raise AssertionError("unreachable")

    def poll(self, at: dict[str, int]) -> dict[str, Any]:
        """GET /live."""
        since = [("since", f"{name}:{seq}") for name, seq in at.items()]
        answer = self._again("GET", self.url + "/live", params=since)
        assert answer.status_code == 200, answer.text[:300]
        found: dict[str, Any] = answer.json()
        return found


class Client:
    """An open page: cursors, the items it was told of, and a socket on a bad line."""

    def __init__(self, visitor: Visitor, at: dict[str, int], *, seed: int = 0, bad: float = 0.0) -> None:
        self.visitor, self.bad = visitor, bad
        self.cursors = Cursors(at)
        self.applied: list[dict[str, Any]] = []
        self.heard_at: dict[tuple[str, int], float] = {}
        self.gaps = self.dropped = 0
        self.dice = random.Random(seed)
        self.lock = threading.RLock()
        self.held: list[dict[str, Any]] = []
        self.socket = socketio.Client(
            reconnection_delay=0.2, reconnection_delay_max=1, randomization_factor=0.5
        )
        self.socket.on("connect", lambda: self.socket.start_background_task(self.hello))
        self.socket.on("hint", self._on_hint)

    def connect(self) -> None:
        """Open the socket; ConnectionError when the board refuses it."""
        self.socket.connect(
            self.visitor.url,
            headers={"Cookie": self.visitor.cookies},
            transports=["websocket"],
            wait_timeout=20,
        )

    def close(self) -> None:
        """Close it for good."""
        self.socket.disconnect()
        self.socket.shutdown()

    def _on_hint(self, hint: dict[str, Any]) -> None:
        self.heard_at.setdefault((hint["stream"], hint["seq"]), time.perf_counter())
        with self.lock:
            chance = self.dice.random()
            if chance < self.bad:
                self.dropped += 1
                return
            if chance < 2 * self.bad:
                self.held.append(hint)  # arrives later, out of order
                return
            for each in [hint, *([hint] if chance > 1 - self.bad else []), *self._late()]:
                self.take(each)

    def _late(self) -> Iterable[dict[str, Any]]:
        late, self.held = self.held, []
        return late

    def take(self, hint: dict[str, Any]) -> None:
        """One hint, as live.js takes it."""
        meaning = self.cursors.take(hint)
        if meaning == "new":
            self.applied.append(hint)
        elif meaning == "gap":
            self.gaps += 1
            self.ask()

    def ask(self) -> None:
        """Fetch what is missing over HTTP."""
        with self.lock:
            self.applied += self.cursors.catch_up(self.visitor.poll(self.cursors.at))

    def hello(self) -> None:
        """Tell the socket our cursors and take in the backlog."""
        with self.lock:
            at = dict(self.cursors.at)
        try:
            answer = self.socket.call("hello", at, timeout=10)
        except (socketio.exceptions.SocketIOError, OSError):
            return  # the next connection says hello again
        with self.lock:
            self.applied += self.cursors.catch_up(answer)

    def items(self) -> list[str]:
        """The inbox items it was told of, in order, doubled ones twice."""
        return [hint["item"] for hint in self.applied if hint.get("item")]
