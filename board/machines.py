"""The machine this process runs on: what must hold there before the board starts, and a row by which others see it.

Each mistake that would lose data or stop a whole node later is refused here, at start, with what to do about it.
"""

from __future__ import annotations

import hashlib
import logging
import socket
import sqlite3
import sys
import threading
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import util
from pathlib import Path

from flask import Flask
from sqlalchemy import String, delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import now
from board.db import Model, insert, let_go, transaction
from board.settings import INSTALL_SCALED, Settings, SettingsError

log = logging.getLogger(__name__)

BEAT = 30.0  # seconds between two signs of life
ALIVE = timedelta(seconds=90)  # three signs of life missed: that machine is gone

# SQLite's log is shared memory, and its locks are the file system's: neither crosses a network. What a virtual
# machine shares with its own host (9p, virtiofs) has one kernel behind it and is left alone.
NETWORK = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "ceph",
        "glusterfs",
        "lustre",
        "afs",
        "beegfs",
        "gpfs",
        "orangefs",
        "davfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.rclone",
        "fuse.davfs2",
        "fuse.ceph",
        "fuse.juicefs",
        "fuse.mfs",
    ]
)


class Machine(Model):
    """A machine whose worker is alive, or was until `seen_at`."""

    __tablename__ = "machine"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    host: Mapped[str] = mapped_column(String(120))
    seen_at: Mapped[datetime]


def this_machine() -> str:
    """A name for this machine that no other one has and that a restart does not change."""
    for source in ("/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/sys/kernel/random/boot_id"):
        try:
            found = Path(source).read_text().strip()
        except OSError:
            continue
        if found:
            break
    else:
        found = f"{uuid.getnode():x}"
    # The number itself is confidential (machine-id(5)).
    return hashlib.sha256(f"station24 {found}".encode()).hexdigest()[:16]


# --- signs of life ------------------------------------------------------------------------------------------


def beat() -> None:
    """Write down that this machine is alive."""
    values = {"id": this_machine(), "host": socket.gethostname()[:120], "seen_at": now()}
    with transaction() as session:
        session.execute(
            insert(Machine)
            .values(**values)
            .on_conflict_do_update(
                index_elements=["id"], set_={"host": values["host"], "seen_at": values["seen_at"]}
            )
        )


def beat_until(stop: threading.Event, app: Flask) -> None:
    """Give a sign of life every BEAT seconds until `stop` is set, then take the row away: the database may move."""
    with app.app_context():
        while True:
            try:
                beat()
            except SQLAlchemyError as error:
                log.error("no sign of life could be given: %s", type(error).__name__)
            finally:
                let_go()
            if stop.wait(BEAT):
                break
        try:
            with transaction() as session:
                session.execute(delete(Machine).where(Machine.id == this_machine()))
        except SQLAlchemyError:
            log.info("the row of this machine stays until it is old")
        finally:
            let_go()


# --- what is refused at start -------------------------------------------------------------------------------


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that `path` lies on, by a text in the form of /proc/mounts; "" when unknown."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = point == "/" or path == Path(point) or Path(point) in path.parents
        if inside and len(point) >= len(best):  # of two on one point the later one is seen
            best, kind = point, fields[2]
    return kind


def gevent_rules() -> bool:
    """Whether gevent has taken the place of sockets and threads in this process."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("socket"))


def check(settings: Settings) -> None:
    """SettingsError, with the remedy, when this process must not run on this machine with these settings."""
    sqlite = settings.database_url.startswith("sqlite")
    _check_server(settings, sqlite=sqlite)
    if sqlite:
        file = Path(settings.database_url.removeprefix("sqlite:///")).absolute()
        _check_place(file)
        _check_alone(file)


def _check_server(settings: Settings, *, sqlite: bool) -> None:
    if sqlite and (settings.role == "live" or gevent_rules()):
        raise SettingsError(
            "gevent does not go with SQLite: one writer that waits would stop every socket of the process. "
            "Set BOARD_DATABASE_URL=postgresql://…, or start the board with gunicorn.conf.py and without BOARD_ROLE"
        )
    if gevent_rules() and settings.role != "live":
        raise SettingsError(
            "gunicorn was started with gevent, which only the live process may use. "
            "Use gunicorn.conf.py for pages and gunicorn.live.conf.py for the live process"
        )
    if settings.role != "live":
        return
    if util.find_spec("gevent") is None:
        raise SettingsError(f"BOARD_ROLE=live needs gevent: {INSTALL_SCALED}")
    if util.find_spec("geventwebsocket") is not None:
        raise SettingsError(
            "gevent-websocket is installed, and its mere presence breaks gunicorn's gevent worker: "
            "pip uninstall gevent-websocket"
        )


def _check_place(file: Path) -> None:
    try:
        mounts = Path("/proc/self/mounts").read_text()
    except OSError:
        return  # no Linux; there is no cheap way to know
    kind = file_system(file.parent.resolve(), mounts)
    if kind in NETWORK:
        raise SettingsError(
            f"{file} lies on a network file system ({kind}), where SQLite loses what two machines write. "
            "Put BOARD_DATA on a disk of this machine, or set BOARD_DATABASE_URL=postgresql://…"
        )


def _check_alone(file: Path) -> None:
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=5)) as connection:
            rows = connection.execute(
                "SELECT host, seen_at FROM machine WHERE id != ?", (this_machine(),)
            ).fetchall()
    except sqlite3.Error:
        return  # a database from before there was such a table, or one that somebody else will find broken
    for host, seen_at in rows:
        ago = now() - datetime.fromisoformat(seen_at).replace(tzinfo=UTC)
        if abs(ago) < ALIVE:
            raise SettingsError(
                f"another machine, {host}, runs a board on this SQLite database (seen "
                f"{max(0, round(ago.total_seconds()))} s ago). Stop it there and start again in "
                f"{round(ALIVE.total_seconds())} s, or move to PostgreSQL: BOARD_DATABASE_URL=postgresql://…"
            )
