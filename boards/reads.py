"""How often a notice was read: counted in memory and written now and then, so that reading never waits for writing.

Only sections that say so count reads; elsewhere a counter would arm people against the poster.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter

from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from board.db import transaction
from boards.models.thread import Thread

log = logging.getLogger(__name__)

EVERY = 10.0  # seconds between two writes
_waiting: Counter[str] = Counter()
_written_at = 0.0
_lock = threading.Lock()


def count(public_id: str) -> None:
    """Note one reading of a thread."""
    with _lock:
        _waiting[public_id] += 1


def write(*, at_once: bool = False) -> None:
    """Write what was counted, at most every ten seconds; call it when the page is done reading."""
    global _written_at
    with _lock:
        if not _waiting or (not at_once and time.monotonic() - _written_at < EVERY):
            return
        batch, _written_at = dict(_waiting), time.monotonic()
        _waiting.clear()
    try:
        with transaction() as session:
            for public_id, number in sorted(batch.items()):
                session.execute(
                    update(Thread)
                    .where(Thread.public_id == public_id)
                    .values(views_count=Thread.views_count + number)
                    .execution_options(synchronize_session=False)
                )
    except OperationalError:
        with _lock:
            _waiting.update(batch)  # the disk is full or the file is locked: the page matters more
        log.warning("reads of %s notices could not be written yet", len(batch))


__all__ = ["count", "write"]
