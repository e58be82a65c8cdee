"""The live path, walked from its beginning to its end: a row is written, and its hint comes back through a socket.

The pass of such a socket is signed, lasts a minute and opens one room of its own, in which nothing is ever said
but the test hint; it reads nobody's streams.
"""

from __future__ import annotations

import json
import os
import secrets
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer
from simple_websocket import Client, ConnectionClosed, ConnectionError
from sqlalchemy import delete, select

from board.db import db, transaction
from board.doctor import Finding
from board.i18n import _
from board.live import Stream, StreamEntry, append

LASTS = 60  # seconds a pass is good for
PATIENCE = 8.0  # seconds for each step
PREFIX = "check"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="live-check")


def room_of(auth: Any) -> str | None:
    """The one room that the pass in a socket's greeting opens; None without a good one."""
    given = auth.get(PREFIX) if isinstance(auth, dict) else None
    if not isinstance(given, str) or len(given) > 300:
        return None
    try:
        return f"{PREFIX}:{_signer().loads(given, max_age=LASTS)}"
    except BadSignature:
        return None


def own_url() -> str:
    """Where this board is reached: its public address, else the port of this machine that bin/start listens on."""
    public: str = current_app.config["SETTINGS"].public_url
    return public or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"


def walk(url: str) -> list[Finding]:
    """Ask the board at `url` for a page, open a socket, and send a hint through it."""
    page = pages(url)
    return [page, hint(url)] if page.well else [page]


def pages(url: str) -> Finding:
    """The board answers over HTTP."""
    name = _("Pages")
    # Straight to the board: a proxy for the way out of the house has no say here.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    began = time.monotonic()
    try:
        with opener.open(f"{url}/live", timeout=PATIENCE) as answer:
            json.load(answer)["entries"]
    except urllib.error.HTTPError as error:
        says = _("%(url)s answers %(status)s.", url=url, status=error.code)
        return Finding(name, False, says, _("Look whether the gateway sends this address to the board."))
    except (OSError, ValueError, KeyError):
        says = _("At %(url)s no board answers.", url=url)
        return Finding(
            name, False, says, _("Start it (bin/start), or name its address: `flask doctor --url …`.")
        )
    return Finding(name, True, _("%(url)s answers in %(ms)s ms.", url=url, ms=_ms(began)))


def hint(url: str) -> Finding:
    """A hint written to the database comes back through a socket."""
    name = _("Live hints")
    nonce = secrets.token_hex(8)
    room = f"{PREFIX}:{nonce}"
    refused = _refusal(url)
    if refused is not None:
        return Finding(name, False, *refused)
    try:
        socket = _greet(url, _signer().dumps(nonce))
    except (ConnectionError, ConnectionClosed, OSError):
        says = _("No WebSocket gets through to the board; pages ask every few seconds instead.")
        return Finding(
            name, False, says, _("Let the gateway pass on Upgrade for /socket.io/ (docs/network.md).")
        )
    try:
        if socket is None:
            says = _("The board took the socket and refused the test.")
            return Finding(name, False, says, _("Run this with the same BOARD_SECRET_KEY as the board."))
        began = time.monotonic()
        with transaction():
            append(room, kind="check", nonce=nonce)
        while time.monotonic() - began < PATIENCE:
            said = _next(socket, began)
            if said is None:
                break
            if said.startswith("42") and nonce in said:
                return Finding(name, True, _("A hint went through a socket in %(ms)s ms.", ms=_ms(began)))
        says = _("A socket opens, but no hint comes through it.")
        return Finding(
            name, False, says, _("Look whether board and command use the same database, and at the log.")
        )
    finally:
        if socket is not None:
            socket.close()
        _forget(room)


def _next(socket: Client, began: float) -> str | None:
    try:
        said = socket.receive(timeout=max(0.1, PATIENCE - (time.monotonic() - began)))
    except ConnectionClosed:
        return None
    if said == "2":  # the other side asks whether we are there
        socket.send("3")
    return None if said is None else str(said)


def _greet(url: str, given: str) -> Client | None:
    """An open Socket.IO connection that hears its room; None when its pass is refused."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    socket = Client.connect(f"{scheme}://{parts.netloc}/socket.io/?EIO=4&transport=websocket")
    began = time.monotonic()
    _next(socket, began)  # the transport's own greeting
    socket.send("40" + json.dumps({PREFIX: given}))
    for _turn in range(5):
        said = _next(socket, began)
        if said is None or said.startswith("44"):
            break
        if said.startswith("40"):
            return socket
    socket.close()
    return None


def _refusal(url: str) -> tuple[str, str] | None:
    """What is said, and what to do, when the board's own door for sockets turns its own pages away."""
    ask = urllib.request.Request(f"{url}/socket.io/?EIO=4&transport=websocket", headers={"Origin": url})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(ask, timeout=PATIENCE).close()
    except urllib.error.HTTPError as error:
        if error.code == 503:
            return (
                _("The board holds as many sockets as it may; further pages ask every few seconds instead."),
                _("Raise BOARD_LIVE_SOCKETS with the threads, or add a live process."),
            )
        if b"origin" in error.read(500):
            return (
                _("The board refuses sockets that come from %(url)s: it believes to be elsewhere.", url=url),
                _(
                    "Let the gateway send Host and X-Forwarded-Proto, and set BOARD_PROXIES and BOARD_PUBLIC_URL."
                ),
            )
    except OSError:
        pass  # the socket itself will tell
    return None


def _forget(room: str) -> None:
    with transaction() as session:
        stream_id = session.scalar(select(Stream.id).where(Stream.name == room))
        if stream_id is not None:
            session.execute(delete(StreamEntry).where(StreamEntry.stream_id == stream_id))
            session.execute(delete(Stream).where(Stream.id == stream_id))
    db.session.rollback()


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
