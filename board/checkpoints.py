"""SQLite's log, carried into the database file by the worker and not by whoever happens to commit.

Left to itself SQLite has the commit that fills the log's thousandth page copy all of them and wait for the disk twice:
one post in thirty. A passive checkpoint stops no reader and no writer. Without a worker the log is carried over by a
commit after all, sixteen times later.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing

from flask import Flask

from board.db import commits, db, is_sqlite

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds


def carry(path: str) -> tuple[int, int]:
    """Carry over what nobody reads any more: pages in the log, and pages of them that are in the database now."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        _busy, logged, carried = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return logged, carried


def carry_until(stop: threading.Event, app: Flask) -> None:
    """Carry over whatever was committed, once a second until `stop` is set; the worker runs this in a thread."""
    with app.app_context():
        path = db.engine.url.database
        if not is_sqlite() or path in (None, "", ":memory:"):
            return
        seen: int | None = None
        while not stop.wait(EVERY):
            try:
                state = commits()
                if state != seen:
                    carry(str(path))
                    seen = state
            except sqlite3.Error as error:
                log.error("the log could not be carried over and is tried again: %s", error)
