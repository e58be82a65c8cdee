"""Work that must happen after a commit: a row in the same transaction, done by `flask worker`.

A job carries ids, never content; its handler reads everything again and may be run twice without harm.
`key` is unique text, so the same promise is never made twice. `due_at` is schedule, and `lease_until` is both
lease and retry: a worker that dies simply lets its lease run out.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from flask import Flask, current_app
from sqlalchemy import JSON, CursorResult, Index, String, Text, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import now
from board.db import Model, db, transaction, writing

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
ATTEMPTS = 8
BACK_OFF = (1, 2, 5, 15, 60, 300, 900)  # seconds before the next try

H = TypeVar("H", bound=Callable[..., Any])


class Job(Model):
    """One promise."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_open", "done_at", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(60))
    ids: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    due_at: Mapped[datetime]
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)


_handlers: dict[str, Callable[..., Any]] = {}


class Later(Exception):
    """Raised by a handler whose resource is taken just now: the job waits, and it costs no attempt."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        super().__init__(f"again in {seconds} s")


def handler(kind: str) -> Callable[[H], H]:
    """Register the function that does jobs of `kind`; it is called with the job's ids."""

    def put(function: H) -> H:
        if kind in _handlers and _handlers[kind].__qualname__ != function.__qualname__:
            raise ValueError(f"two handlers of {kind}")
        _handlers[kind] = function
        return function

    return put


def put(kind: str, *, key: str, due_at: datetime | None = None, **ids: Any) -> None:
    """Promise a job inside the open transaction; a promise with the same key already made stands."""
    if not writing():
        raise RuntimeError("a job is promised inside transaction()")
    moment = now()
    values = {
        "key": key,
        "kind": kind,
        "ids": ids,
        "due_at": due_at or moment,
        "attempts": 0,
        "created_at": moment,
    }
    insert: Any = sqlite_insert if db.engine.dialect.name == "sqlite" else pg_insert
    db.session.execute(insert(Job).values(**values).on_conflict_do_nothing(index_elements=["key"]))


def cancel(key: str) -> None:
    """Take back a promise that has not been kept yet, inside the open transaction."""
    db.session.execute(
        update(Job).where(Job.key == key, Job.done_at.is_(None)).values(done_at=now(), last_error="cancelled")
    )


def claim(kinds: tuple[str, ...] = ()) -> tuple[int, str, str, dict[str, Any]] | None:
    """Lease the next due job for this worker: (id, lease, kind, ids), or None when nothing is due."""
    moment = now()
    free = or_(Job.lease_until.is_(None), Job.lease_until < moment)
    query = (
        select(Job.id)
        .where(Job.done_at.is_(None), Job.failed_at.is_(None), Job.due_at <= moment, free)
        .order_by(Job.due_at, Job.id)
        .limit(1)
    )
    if kinds:
        query = query.where(Job.kind.in_(kinds))
    while True:
        # Look before locking: an idle worker must not take SQLite's write lock ten times a second.
        found = db.session.scalar(query)
        db.session.rollback()
        if found is None:
            return None
        with transaction() as session:
            locked = query if _is_sqlite() else query.with_for_update(skip_locked=True)
            job_id = session.scalar(locked)
            if job_id is None:
                return None
            columns = (Job.kind, Job.ids, Job.attempts)
            kind, ids, attempts = session.execute(select(*columns).where(Job.id == job_id)).one()
            this = update(Job).where(Job.id == job_id)
            if attempts >= ATTEMPTS:
                # Every worker that took it died in it; one more try would cost one more worker.
                log.error("job %s is given up: its worker died each time", job_id)
                session.execute(this.values(failed_at=moment, last_error="its worker died each time"))
                continue
            lease = secrets.token_hex(8)
            session.execute(this.values(lease=lease, lease_until=moment + LEASE, attempts=attempts + 1))
        return job_id, lease, kind, ids


def _is_sqlite() -> bool:
    return bool(db.engine.dialect.name == "sqlite")


def _mark(job_id: int, lease: str, **values: Any) -> None:
    with transaction() as session:
        session.execute(
            update(Job).where(Job.id == job_id, Job.lease == lease).values(lease_until=None, **values)
        )


def run_one(kinds: tuple[str, ...] = ()) -> bool:
    """Claim and do one due job; False when there was none. A failing job is tried again later."""
    claimed = claim(kinds)
    if claimed is None:
        return False
    job_id, lease, kind, ids = claimed
    log.debug("job %s %s %s", job_id, kind, ids)
    stop = threading.Event()
    keeper = threading.Thread(
        target=_extend, args=(_app(), job_id, lease, stop), name=f"lease-{job_id}", daemon=True
    )
    keeper.start()
    try:
        _handlers[kind](**ids)
    except Later as later:
        db.session.rollback()
        _mark(job_id, lease, due_at=now() + timedelta(seconds=later.seconds), attempts=Job.attempts - 1)
    except Exception as error:
        db.session.rollback()
        log.exception("job %s of kind %s failed", job_id, kind)
        attempts = db.session.scalar(select(Job.attempts).where(Job.id == job_id)) or 1
        db.session.rollback()
        note = f"{type(error).__name__}: {error}"[:500]
        if attempts >= ATTEMPTS:
            _mark(job_id, lease, failed_at=now(), last_error=note)
        else:
            wait = BACK_OFF[min(attempts - 1, len(BACK_OFF) - 1)]
            _mark(job_id, lease, due_at=now() + timedelta(seconds=wait), last_error=note)
    else:
        _mark(job_id, lease, done_at=now())
    finally:
        stop.set()
        db.session.rollback()
    return True


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]


def _extend(app: Flask, job_id: int, lease: str, stop: threading.Event) -> None:
    """Keep the lease alive while the handler runs."""
    while not stop.wait(LEASE.total_seconds() / 3):
        try:
            with app.app_context(), transaction() as session:
                session.execute(
                    update(Job).where(Job.id == job_id, Job.lease == lease).values(lease_until=now() + LEASE)
                )
        except Exception:
            log.exception("lease of job %s could not be extended", job_id)


def run_due(limit: int = 10_000, kinds: tuple[str, ...] = ()) -> int:
    """Do every due job now; the number done. For tests and commands."""
    done = 0
    while done < limit and run_one(kinds):
        done += 1
    return done


def work(stop: threading.Event, poll: float = 0.1) -> None:
    """The worker's loop, until `stop` is set; what runs is finished first."""
    while not stop.is_set():
        try:
            busy = run_one()
        except Exception:
            log.exception("the worker could not reach the database")
            db.session.remove()
            busy = False
            stop.wait(1.0)
        if not busy:
            stop.wait(poll)


def sweep(older_than: timedelta = timedelta(days=7)) -> int:
    """Forget jobs that were done long ago; how many."""
    with transaction() as session:
        result = session.execute(Job.__table__.delete().where(Job.done_at < now() - older_than))  # type: ignore[attr-defined]
        return int(cast(CursorResult[Any], result).rowcount)


def wait_until_idle(timeout: float = 10.0) -> bool:
    """Wait (seconds) until no job is due, another process doing them; False when time is up."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        open_jobs = db.session.scalar(
            select(Job.id).where(Job.done_at.is_(None), Job.failed_at.is_(None), Job.due_at <= now()).limit(1)
        )
        db.session.rollback()
        if open_jobs is None:
            return True
        time.sleep(0.05)
    return False
