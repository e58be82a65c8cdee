"""The board as gunicorn and `flask worker` load it for the chaos test: the same program, with accidents waiting to happen.

A file `die-before` or `die-after` in the data folder makes the worker kill itself, once, before it does a claimed job
or after it has done it and before it notes so; `die-after-mail` does so when a mail server has taken a mail and no row
says so yet. A file `slow-post` or `slow-job` makes the next POST in the middle of its transaction, or the next job
`note-down`, take SLOW seconds, once; from then on the file is called `…-began`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, NoReturn

from flask import has_request_context, jsonify, request
from sqlalchemy.orm import Session

from board import create_app, hub, jobs
from board.db import before_commit
from board.hub import socketio
from board.web import client_address
from notifications import carrying
from notifications.paging import telling

app = create_app()
DATA = app.config["SETTINGS"].data
SLOW = 2.0  # seconds; gunicorn.conf.py grants five to what is under way

app.config["LIMITS"] = os.environ.get("CHAOS_LIMITS") != "off"

# A dead worker's jobs come back after seconds, so that the test need not wait a minute for each.
jobs.LEASE = timedelta(seconds=2)
# So that calls are many messages: by the board's own windows all calls of a minute ride in two.
if "CHAOS_WINDOW" in os.environ:
    telling.WINDOW = dict.fromkeys((True, False), int(os.environ["CHAOS_WINDOW"]))


def _accident(name: str) -> None:
    try:
        (DATA / name).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _slowly(name: str) -> None:
    try:
        (DATA / name).rename(DATA / f"{name}-began")
    except FileNotFoundError:
        return
    time.sleep(SLOW)


@before_commit
def _slow_post(session: Session) -> None:
    if has_request_context() and request.method == "POST":
        _slowly("slow-post")


@jobs.handler("note-down")
def note_down(number: int) -> None:
    """A job that leaves a line each time it is done."""
    _slowly("slow-job")
    with (DATA / "noted").open("a") as notes:
        notes.write(f"{number}\n")


def _dangerous(handler: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(handler)
    def run(**ids: Any) -> None:
        _accident("die-before")
        handler(**ids)
        _accident("die-after")

    return run


for _kind, _handler in list(jobs._handlers.items()):
    jobs._handlers[_kind] = _dangerous(_handler)

_by_mail = carrying.SENDERS["mail"]


def _dangerous_mail(load: carrying.Load, parcel: carrying.Parcel) -> None:
    _by_mail(load, parcel)
    _accident("die-after-mail")


carrying.SENDERS["mail"] = _dangerous_mail


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


@app.get("/-/breaks")
def breaks() -> NoReturn:
    """A mistake in the code."""
    raise RuntimeError("the lamp post fell over")
