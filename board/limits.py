"""How often one reader may do what costs others work or space.

The counts forgive: they lie in the memory of this process, or in Redis for all processes together where there is one;
while it is away each process counts for itself. What must hold exactly (codes by text message, the passwords of
staff) is counted in tables instead.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from flask import Flask, current_app
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.exceptions import TooManyRequests

from board.wakeups import AWAY, HASTE, name_of

log = logging.getLogger(__name__)
T = TypeVar("T")


@cache
def _limit(text: str) -> RateLimitItem:
    return parse(text)


class Counts:
    """Moving windows: in Redis when `url` is given, in memory otherwise and whenever Redis does not answer."""

    def __init__(self, url: str = "", prefix: str = "") -> None:
        self.here = MovingWindowRateLimiter(MemoryStorage())
        self.shared: MovingWindowRateLimiter | None = None
        self.away_until = 0.0
        if url:
            options: dict[str, Any] = {"socket_timeout": HASTE, "socket_connect_timeout": HASTE}
            options["retry"] = Retry(NoBackoff(), 0)
            storage = RedisStorage(url, key_prefix=prefix, **options)
            self.shared = MovingWindowRateLimiter(storage)

    def hit(self, item: RateLimitItem, *who: str) -> bool:
        """Count one; False, and nothing is counted, when the window is full."""
        return self._ask(lambda window: window.hit(item, *who))

    def free_at(self, item: RateLimitItem, *who: str) -> float:
        """When (seconds since 1970) the next one fits."""
        return self._ask(lambda window: window.get_window_stats(item, *who).reset_time)

    def _ask(self, question: Callable[[MovingWindowRateLimiter], T]) -> T:
        if self.shared is not None and time.monotonic() >= self.away_until:
            try:
                return question(self.shared)
            except (RedisError, OSError) as error:
                self.away_until = time.monotonic() + AWAY
                log.warning("Redis is away, each process counts for itself: %s", type(error).__name__)
        return question(self.here)


def spend(act: str, limit: str, who: str) -> None:
    """Count one `act` by `who` against a limit such as "30 per hour".

    TooManyRequests (429, with the seconds until the next one) when it is used up; then nothing is counted.
    """
    if not current_app.config.get("LIMITS", True):
        return
    item, counts = _limit(limit), current_app.extensions["limits"]
    if not counts.hit(item, act, who):
        raise TooManyRequests(retry_after=max(1, round(counts.free_at(item, act, who) - time.time())))


def init_app(app: Flask) -> None:
    # Not by Flask-Limiter: its hooks cost a tenth of a kept page, on every request.
    settings = app.config["SETTINGS"]
    app.extensions["limits"] = Counts(settings.redis_url, name_of(settings.lookup_key, "limits"))
