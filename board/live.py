"""Live delivery: stream entries written with the data, hints sent to open pages.

A stream is `person:<id>`, `department:<key>` or `case:<thread id>`. Its sequence is allocated under the
stream row's lock inside the verb's transaction, so numbers are dense and in commit order on every engine.
The socket carries hints, never data: `{stream, seq, kind}`. Whoever misses one catches up over HTTP by cursor.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, current_app, g
from markupsafe import Markup
from sqlalchemy import JSON, ForeignKey, Index, String, Table, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.pool import PoolProxiedConnection

from board import retention
from board.clock import now
from board.db import Model, after_commit, ask, before_commit, db, insert, let_go, writing
from board.errors import database_away
from board.seams import may_follow, provided
from board.wakeups import Wakeups

log = logging.getLogger(__name__)

BACKLOG = 200  # entries given to one cursor at once; a cursor further back is told to reset
KEPT = timedelta(days=retention.LINES["live"].days)  # unless the installation chose otherwise
CALM = 1.0  # seconds between two looks of a process that is woken


class Stream(Model):
    """The head of one stream: the number of its last entry."""

    __tablename__ = "stream"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    seq: Mapped[int] = mapped_column(default=0)


class StreamEntry(Model):
    """One hint, kept for whoever was away."""

    __tablename__ = "stream_entry"
    __table_args__ = (Index("ix_stream_entry_stream_seq", "stream_id", "seq", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int] = mapped_column(ForeignKey("stream.id"))
    seq: Mapped[int]
    hint: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


def append(stream: str, **hint: Any) -> None:
    """Add an entry to `stream` at the end of the open transaction. `hint` names kinds and public ids only."""
    if not writing():
        raise RuntimeError("a stream entry is written inside transaction()")
    db.session().info.setdefault("stream_entries", []).append((stream, hint))


@before_commit
def write_entries(session: Session) -> None:
    """Write what append() collected, in a number of statements that does not grow with it.

    Streams are taken in the order of their names, so that no two verbs deadlock.
    """
    entries: list[tuple[str, dict[str, Any]]] = session.info.get("stream_entries", [])
    if not entries:
        return
    by_name: dict[str, list[dict[str, Any]]] = {}
    for name, hint in entries:
        hints = by_name.setdefault(name, [])
        if hint not in hints:
            hints.append(hint)
    heads = cast(Table, Stream.__table__)
    more = insert(heads)
    rows = session.execute(
        more.on_conflict_do_update(
            index_elements=["name"], set_={"seq": heads.c.seq + more.excluded.seq}
        ).returning(heads.c.name, heads.c.id, heads.c.seq),
        [{"name": name, "seq": len(by_name[name])} for name in sorted(by_name)],
    ).all()
    moment = now()
    session.execute(
        cast(Table, StreamEntry.__table__).insert(),
        [
            {"stream_id": stream_id, "seq": seq, "hint": hint, "created_at": moment}
            for name, stream_id, last in rows
            for seq, hint in enumerate(by_name[name], last - len(by_name[name]) + 1)
        ],
    )


@after_commit
def wake(session: Session) -> None:
    """Shorten the wait of this process's own pump, and by Redis that of others; without they see the rows soon."""
    entries = session.info.get("stream_entries")
    if not entries:
        return
    _awake.set()
    wakeups = current_app.extensions.get("wakeups")
    if wakeups is not None:
        wakeups.say(name for name, _hint in entries)


_awake = threading.Event()


_heads = select(Stream.name, Stream.seq).where(Stream.name.in_(bindparam("names", expanding=True)))


def cursors(names: list[str]) -> dict[str, int]:
    """Where each stream stands now; read it before the data that a page shows."""
    heads: dict[str, int] = {name: seq for name, seq in ask(_heads, names=names)}
    return {name: heads.get(name, 0) for name in names}


def backlog(since: dict[str, int]) -> dict[str, Any]:
    """What came after each cursor: `{entries: [{stream, seq, …}], reset: [stream]}`, at most BACKLOG a stream.

    The caller has checked that the reader may follow these streams.
    """
    answer: dict[str, Any] = {"entries": [], "reset": []}
    heads = {
        name: (stream_id, seq)
        for name, stream_id, seq in db.session.execute(
            select(Stream.name, Stream.id, Stream.seq).where(Stream.name.in_(list(since)))
        )
    }
    for name, cursor in since.items():
        stream_id, head = heads.get(name, (None, 0))
        if cursor == head:
            continue
        if cursor > head or cursor < 0 or head - cursor > BACKLOG:
            answer["reset"].append({"stream": name, "seq": head})
            continue
        rows = db.session.execute(
            select(StreamEntry.seq, StreamEntry.hint)
            .where(StreamEntry.stream_id == stream_id, StreamEntry.seq > cursor)
            .order_by(StreamEntry.seq)
        ).all()
        if len(rows) < head - cursor:  # swept away
            answer["reset"].append({"stream": name, "seq": head})
            continue
        answer["entries"] += [{"stream": name, "seq": seq, **hint} for seq, hint in rows]
    return answer


def allowed(person: Any, since: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """Split cursors into those this person may follow and the names he may not; junk is refused too."""
    good: dict[str, int] = {}
    refused: list[str] = []
    for name, cursor in list(since.items())[:50]:
        if isinstance(name, str) and type(cursor) is int and may_follow(person, name):
            good[name] = cursor
        else:
            refused.append(str(name)[:80])
    return good, refused


@retention.removes("live")
def forget_entries(before: datetime, dry_run: bool) -> int:
    """Forget the hints from before this moment; cursors further back are told to reset."""
    return retention.rows_gone("live", StreamEntry, StreamEntry.created_at < before, dry_run=dry_run)


def sweep() -> int:
    """Forget entries that are kept no longer; how many."""
    return retention.apply("live")


class Pump:
    """Reads new entries and hands each to `emit(name, hint)`: one thread in each live process.

    It follows the heads of the streams somebody here listens to (`joined()`), so a gap in table ids, as
    concurrent transactions make on PostgreSQL, can never hide an entry.
    """

    def __init__(
        self,
        app: Flask,
        emit: Callable[[str, dict[str, Any]], None],
        joined: Callable[[], set[str]],
        poll: float,
    ) -> None:
        self.app, self.emit, self.joined, self.poll = app, emit, joined, poll
        self.seen: dict[str, int] = {}
        self.version: int | None = None
        self.watch: PoolProxiedConnection | None = None
        self.lock = threading.Lock()
        self.wakeups: Wakeups | None = app.extensions.get("wakeups")

    def start(self) -> None:
        """Run in a thread of its own until the process ends."""
        threading.Thread(target=self.run, name="live-pump", daemon=True).start()
        if self.wakeups is not None:
            self.wakeups.start(self._heard)

    def _heard(self, names: set[str]) -> None:
        if not names or names & self.joined():
            _awake.set()

    def run(self) -> None:
        """Read whenever this process committed, and every `poll` seconds for what others did.

        Where others wake us by Redis a look once in CALM seconds is enough, for the one wake-up that gets lost.
        """
        with self.app.app_context():
            while True:
                _awake.wait(CALM if self.wakeups is not None and self.wakeups.well else self.poll)
                _awake.clear()
                try:
                    self.turn()
                except Exception:
                    log.exception("the live pump could not read; it goes on")
                    let_go()
                    self.watch = None
                    time.sleep(0.5)

    def follow(self, heads: dict[str, int]) -> None:
        """Emit what comes after these heads. They are read after their names stand in `joined()`, and before the
        backlog: what is committed in between arrives twice, never not at all."""
        with self.lock:
            for name, seq in heads.items():
                self.seen.setdefault(name, seq)

    def turn(self) -> None:
        """Read once and emit what is new."""
        with self.lock:
            names = self.joined()
            for gone in set(self.seen) - names:
                del self.seen[gone]
            known = dict(self.seen)
        if not known:
            return
        version = self._version()
        if version is not None and version == self.version:
            return
        moved = {name: known[name] for name, seq in cursors(sorted(known)).items() if seq > known[name]}
        news = backlog(moved) if moved else {"entries": [], "reset": []}
        db.session.rollback()
        # Who loses a right hears nothing more: streams that take one away go first, each still in its order.
        first = {entry["stream"] for entry in news["entries"] if entry.get("recheck")}
        for entry in sorted(news["entries"], key=lambda each: each["stream"] not in first):
            self.emit(entry["stream"], entry)
        for reset in news["reset"]:
            self.emit(reset["stream"], {**reset, "reset": True})
        with self.lock:
            for each in (*news["entries"], *news["reset"]):
                name = each["stream"]
                if name in self.seen:
                    self.seen[name] = max(self.seen[name], each["seq"])
        self.version = version

    def _version(self) -> int | None:
        """On SQLite one pragma tells whether anybody committed; None elsewhere, where the heads are simply read."""
        if db.engine.dialect.name != "sqlite":
            return None
        if self.watch is None:
            # data_version counts other connections' commits, so this one never writes and stays open;
            # raw, because inside a transaction the pragma would not move.
            self.watch = db.engine.raw_connection()
        cursor = self.watch.cursor()
        (version,) = cursor.execute("PRAGMA data_version").fetchone()
        cursor.close()
        return int(version)


# --- what a page carries -----------------------------------------------------------------------------------


def watching(*names: str) -> None:
    """This page shows these streams. A view calls it before it reads the data, so that nothing falls in between."""
    known: dict[str, int] = g.setdefault("live_cursors", {})
    fresh = [name for name in names if name not in known]
    if fresh:
        known.update(cursors(fresh))


def live_body(*names: str) -> Markup:
    """Attributes for `<body>`: the cursors of this page and how it listens; nothing where nothing is live.

    A signed-in reader listens by socket, always to his own stream too. A visitor asks once a minute.
    """
    if database_away():
        return Markup()
    person = provided("reader")
    watching(*names, *([person.stream] if person is not None else []))
    if not g.live_cursors:
        return Markup()
    return Markup(' data-controller="live" data-live="{}" data-cursors="{}"').format(
        "socket" if person is not None else "poll",
        json.dumps(g.live_cursors, ensure_ascii=False, separators=(",", ":")),
    )
