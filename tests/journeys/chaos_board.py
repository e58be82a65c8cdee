"""The board as gunicorn and `flask worker` load it for the chaos test: the same program, with accidents waiting to happen.

A file `die-before` or `die-after` in the data folder makes the worker kill itself, once, before it does a claimed job
or after it has done it and before it notes so.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import jsonify, request

from board import create_app, hub, jobs
from board.hub import socketio
from board.web import client_address

app = create_app()
DATA = app.config["SETTINGS"].data

app.config["LIMITS"] = os.environ.get("CHAOS_LIMITS") != "off"

# A dead worker's jobs come back after seconds, so that the test need not wait a minute for each.
jobs.LEASE = timedelta(seconds=2)


def _accident(name: str) -> None:
    try:
        (DATA / name).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _dangerous(handler: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(handler)
    def run(**ids: Any) -> None:
        _accident("die-before")
        handler(**ids)
        _accident("die-after")

    return run


for _kind, _handler in list(jobs._handlers.items()):
    jobs._handlers[_kind] = _dangerous(_handler)


@socketio.on("whoami")
def whoami() -> int:
    """Which process serves this socket."""
    return os.getpid()


@app.get("/-/seen")
def seen() -> Any:
    """How this request looks from inside, and who answers it."""
    return jsonify(
        address=client_address(), url=request.url, process=os.getpid(), sockets=hub.sockets(),
        forwarded=request.headers.get("Forwarded", ""),
    )  # fmt: skip
