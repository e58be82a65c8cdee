"""Wake-ups between processes by Redis: “something was written to these streams”, and nothing more.

They only shorten a wait. What must arrive lies in the database, and every live process looks there by itself: often
while Redis is away, seldom while it answers. So nothing here is stored, retried or waited for.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable

from flask import Flask
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

AWAY = 2.0  # seconds for which a Redis that failed is not asked again
HASTE = 0.25  # seconds that a request may wait for it
PING = 2.0  # seconds between two pings of a listener
SILENCE = 5.0  # seconds without any answer after which a listener takes Redis for gone


def client(url: str, *, patience: float = HASTE) -> Redis:
    """A client that never waits long and never tries twice."""
    return Redis.from_url(
        url, socket_timeout=patience, socket_connect_timeout=patience, retry=Retry(NoBackoff(), 0)
    )


def name_of(secret: str, what: str) -> str:
    """A key that belongs to this installation alone, wherever several share a Redis."""
    return f"station24:{hashlib.sha256(secret.encode()).hexdigest()[:12]}:{what}"


class Wakeups:
    """Says and hears which streams moved. `heard` is called in a thread of its own."""

    def __init__(self, url: str, channel: str) -> None:
        self.url, self.channel = url, channel
        self.speaker = client(url)
        self.away_until = 0.0
        self.well = False

    def say(self, names: Iterable[str]) -> None:
        """Tell all live processes, after the commit. It is not said while Redis is away."""
        if time.monotonic() < self.away_until:
            return
        try:
            self.speaker.publish(self.channel, "\n".join(sorted(set(names))))
        except (RedisError, OSError) as error:
            self.away_until = time.monotonic() + AWAY
            log.warning("Redis is away, hints take a moment longer: %s", type(error).__name__)

    def listen(self, heard: Callable[[set[str]], None]) -> None:
        """Hear until the process ends; connect again for ever. `well` tells whether wake-ups can be relied on."""
        while True:
            try:
                self._hear(heard)
            except (RedisError, OSError, ValueError) as error:
                if self.well:
                    log.warning("Redis is away, the database is asked more often: %s", type(error).__name__)
            self.well = False
            time.sleep(AWAY / 2)

    def _hear(self, heard: Callable[[set[str]], None]) -> None:
        with client(self.url, patience=SILENCE).pubsub() as ear:  # type: ignore[no-untyped-call]
            ear.subscribe(self.channel)
            answered = asked = time.monotonic()
            while time.monotonic() - answered < SILENCE:
                message = ear.get_message(timeout=PING / 2)
                if message is not None:
                    answered = time.monotonic()
                    if not self.well:
                        self.well = True
                        heard(set())  # whatever was said before we listened
                    if message["type"] == "message":
                        heard(set(message["data"].decode().split("\n")))
                if time.monotonic() - asked > PING:
                    asked = time.monotonic()
                    ear.ping()

    def start(self, heard: Callable[[set[str]], None]) -> None:
        """Listen in a thread of its own."""
        threading.Thread(target=self.listen, args=(heard,), name="wakeups", daemon=True).start()


def init_app(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    if settings.redis_url:
        app.extensions["wakeups"] = Wakeups(settings.redis_url, name_of(settings.lookup_key, "wake"))
