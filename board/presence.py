"""Who has what open just now. Each live process says so for its own sockets, and whoever draws a page reads them all.

A process keeps one entry with everything its sockets look at: written at once when that changes and again every
BEAT seconds. An entry older than GONE counts for nothing, so a process that dies is forgotten by itself. What it
costs grows with the processes, not with the readers, and a page process needs no socket to know.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterable
from datetime import timedelta

from flask import Flask, current_app
from sqlalchemy import delete, select

from board.clock import now
from board.db import db, transaction
from board.live import Stream, StreamEntry, append
from board.seams import provided

log = logging.getLogger(__name__)

STREAM = "looking"  # a name without a colon: no client may ever follow it
BEAT = 20.0  # seconds
SETTLE = 0.3  # seconds in which several changes become one entry
GONE = timedelta(seconds=45)
KEPT = timedelta(minutes=10)  # for hints about presence: older ones are nobody's business

Look = tuple[str, str]  # what is open (its stream), and the public id of the person who has it open


def tell(node: str, looks: Iterable[Look], changed: Iterable[str] = ()) -> None:
    """Put the whole word of `node` in place of its last one; `changed` names what open pages should ask for again.

    Opens its own transaction.
    """
    said = sorted(set(looks))
    streams = {name for thing in set(changed) for name in provided("presence_streams", thing, default=())}
    db.session.rollback()
    with transaction() as session:
        moment = now()
        rows = session.execute(
            select(StreamEntry.id, StreamEntry.hint, StreamEntry.created_at)
            .join(Stream)
            .where(Stream.name == STREAM)
        ).all()
        over = [row.id for row in rows if row.hint.get("node") == node or row.created_at <= moment - GONE]
        if over:
            session.execute(delete(StreamEntry).where(StreamEntry.id.in_(over)))
        if said:
            append(STREAM, node=node, looks=said)
        if streams:
            touched = select(Stream.id).where(Stream.name.in_(sorted(streams)))
            session.execute(
                delete(StreamEntry).where(
                    StreamEntry.stream_id.in_(touched), StreamEntry.created_at < moment - KEPT
                )
            )
        for name in sorted(streams):
            append(name, kind="presence")


def lookers(things: Iterable[str]) -> dict[str, set[str]]:
    """Who has each of `things` open, as public ids of persons; the reader's rights were asked before."""
    wanted = set(things)
    found: dict[str, set[str]] = {}
    if not wanted:
        return found
    words = db.session.scalars(
        select(StreamEntry.hint)
        .join(Stream, StreamEntry.stream_id == Stream.id)
        .where(Stream.name == STREAM, StreamEntry.created_at > now() - GONE)
    )
    for word in words:
        for thing, person in word["looks"]:
            if thing in wanted:
                found.setdefault(thing, set()).add(person)
    return found


class Presence:
    """What the sockets of this process look at."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.node = secrets.token_hex(8)
        self.looks: dict[str, Look] = {}
        self.said: set[Look] = set()
        self.lock = threading.Lock()
        self.changed = threading.Event()

    def start(self) -> None:
        """Speak in a thread of its own until the process ends."""
        threading.Thread(target=self._run, name="live-presence", daemon=True).start()

    def look(self, socket: str, person: str, thing: str) -> None:
        """This socket's reader opened `thing`."""
        with self.lock:
            self.looks[socket] = (thing, person)
        self.changed.set()

    def leave(self, socket: str, thing: str | None = None) -> None:
        """This socket's reader looks away: from `thing`, or from whatever it was."""
        with self.lock:
            if socket not in self.looks or (thing is not None and self.looks[socket][0] != thing):
                return
            del self.looks[socket]
        self.changed.set()

    def turn(self) -> None:
        """Say what stands now, when there is anything to say."""
        with self.lock:
            looks = set(self.looks.values())
        if looks or self.said:
            tell(self.node, looks, {thing for thing, _person in looks ^ self.said})
            self.said = looks

    def _run(self) -> None:
        while True:
            if self.changed.wait(BEAT):
                time.sleep(SETTLE)
                self.changed.clear()
            try:
                with self.app.app_context():
                    self.turn()
            except Exception:  # this thread must live
                log.exception("presence could not be written; it is said again soon")


def here() -> Presence:
    """The presence of this process."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    found: Presence = app.extensions.setdefault("presence", Presence(app))
    return found
