"""How often one reader may do what costs others work or space: counted in the memory of this process.

The counts forgive: they are lost on a restart and each process has its own. What must hold exactly (codes by text
message, the passwords of staff) is counted in tables instead.
"""

from __future__ import annotations

import time
from functools import cache

from flask import Flask, current_app
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests


@cache
def _limit(text: str) -> RateLimitItem:
    return parse(text)


def spend(act: str, limit: str, who: str) -> None:
    """Count one `act` by `who` against a limit such as "30 per hour".

    TooManyRequests (429, with the seconds until the next one) when it is used up; then nothing is counted.
    """
    if not current_app.config.get("LIMITS", True):
        return
    item, window = _limit(limit), current_app.extensions["limits"]
    if not window.hit(item, act, who):
        free_at = window.get_window_stats(item, act, who).reset_time
        raise TooManyRequests(retry_after=max(1, round(free_at - time.time())))


def init_app(app: Flask) -> None:
    # Not by Flask-Limiter: its hooks cost a tenth of a kept page, on every request.
    app.extensions["limits"] = MovingWindowRateLimiter(MemoryStorage())
