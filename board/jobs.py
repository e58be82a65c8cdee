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
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from flask import Flask, current_app
from sqlalchemy import JSON, Index, String, Text, and_, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from board import leases, retention
from board.clock import now
from board.db import Model, before_commit, db, insert, is_away, is_sqlite, let_go, transaction, writing

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
ATTEMPTS = 8
BATCH = 50  # jobs a worker claims at once
NOTED = 0.2  # seconds until what was done is noted
HELD = 1.0  # seconds after which a worker gives back what it has claimed and not begun
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
_single: set[str] = set()
_cancelled = 0  # how often a promise was taken back in this process


class Later(Exception):
    """Raised by a handler whose resource is taken just now: the job waits, and it costs no attempt."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        super().__init__(f"again in {seconds} s")


def handler(kind: str, *, single: bool = False) -> Callable[[H], H]:
    """Register the function that does jobs of `kind`; it is called with the job's ids.

    `single`: of all workers one at a time does jobs of this kind.
    """

    def put(function: H) -> H:
        if kind in _handlers and _handlers[kind].__qualname__ != function.__qualname__:
            raise ValueError(f"two handlers of {kind}")
        _handlers[kind] = function
        if single:
            _single.add(kind)
        return function

    return put


def put(kind: str, *, key: str, due_at: datetime | None = None, **ids: Any) -> None:
    """Promise a job inside the open transaction; a promise with the same key already made stands.

    The rows of all promises are written together at the end of the transaction: a post makes a dozen of them.
    """
    if not writing():
        raise RuntimeError("a job is promised inside transaction()")
    moment = now()
    promises: dict[str, dict[str, Any]] | None = db.session.info.setdefault("promises", {})
    if promises is None:
        raise RuntimeError("promised after the promises were written")
    promises.setdefault(
        key,
        {
            "key": key,
            "kind": kind,
            "ids": ids,
            "due_at": due_at or moment,
            "attempts": 0,
            "created_at": moment,
        },
    )


@before_commit
def _promise(session: Session) -> None:
    """Write down what was promised. This hook is older than those of the parts, so it runs after them."""
    promises = session.info.get("promises")
    session.info["promises"] = None
    if promises:
        order = insert(Job.__table__).on_conflict_do_nothing(index_elements=["key"])
        session.execute(order, list(promises.values()))


def cancel(key: str) -> None:
    """Take back a promise that has not been kept yet, inside the open transaction."""
    global _cancelled
    _cancelled += 1
    if key in (db.session.info.get("promises") or ()):
        _promise(db.session())
        db.session.info["promises"] = {}
    db.session.execute(
        update(Job).where(Job.key == key, Job.done_at.is_(None)).values(done_at=now(), last_error="cancelled")
    )


class Claimed(NamedTuple):
    """A job that this worker holds; `tried` counts this time."""

    id: int
    lease: str
    kind: str
    ids: dict[str, Any]
    tried: int


def claim(kinds: tuple[str, ...] = ()) -> Claimed | None:
    """Lease the next due job for this worker, or None when nothing is due."""
    return next(iter(claim_many(1, kinds)), None)


def claim_many(limit: int, kinds: tuple[str, ...] = ()) -> list[Claimed]:
    """Lease up to `limit` due jobs in one transaction, the longest due first; [] when nothing is due.

    Only jobs that nobody has tried yet come together: one that failed, or whose worker died, comes alone, so that
    what kills its worker cannot use up the attempts of others. A job of a single kind comes alone too.
    """
    moment = now()
    due = (
        (Job.done_at.is_(None), Job.failed_at.is_(None), Job.due_at <= moment)
        + (or_(Job.lease_until.is_(None), Job.lease_until < moment),)
        + ((Job.kind.in_(kinds),) if kinds else ())
    )
    look = select(Job.id).where(*due).limit(1)
    query = (
        select(Job.id, Job.kind, Job.ids, Job.attempts).where(*due).order_by(Job.due_at, Job.id).limit(limit)
    )
    if not is_sqlite():
        query = query.with_for_update(skip_locked=True)
    while True:
        # Look before locking: an idle worker must not take SQLite's write lock ten times a second.
        found = db.session.scalar(look)
        db.session.rollback()
        if found is None:
            return []
        with transaction() as session:
            rows = session.execute(query).all()
            held = _choose(rows, secrets.token_hex(8))
            if held:
                _set(
                    Job.id.in_([each.id for each in held]),
                    lease=held[0].lease,
                    lease_until=moment + LEASE,
                    attempts=Job.attempts + 1,
                )
        if held or not rows:
            return held


def _choose(rows: Sequence[Any], lease: str) -> list[Claimed]:
    """Which of the due rows one worker takes now, inside the open transaction."""
    held: list[Claimed] = []
    for job_id, kind, ids, attempts in rows:
        if attempts >= ATTEMPTS:
            # Every worker that took it died in it; one more try would cost one more worker.
            log.error("job %s is given up: its worker died each time", job_id)
            _set(Job.id == job_id, failed_at=now(), last_error="its worker died each time")
            continue
        alone = attempts > 0 or kind in _single
        if alone and held:
            break
        if kind in _single and not leases.take(f"job:{kind}", lease, LEASE):
            _set(Job.id == job_id, due_at=now() + timedelta(seconds=1))
            continue
        held.append(Claimed(job_id, lease, kind, ids, attempts + 1))
        if alone:
            break
    return held


def _set(condition: Any, **values: Any) -> None:
    db.session.execute(
        update(Job).where(condition).values(**values), execution_options={"synchronize_session": False}
    )


def _mark(job_id: int, lease: str, **values: Any) -> None:
    with transaction():
        _set(and_(Job.id == job_id, Job.lease == lease), lease_until=None, **values)


class Batch:
    """The jobs this worker holds: one under way, the others waiting their turn.

    What is done is noted for several at once, at most NOTED seconds later: a note of its own costs as much as a small
    job. A worker that is killed in between has these done again, which every handler bears. A thread of its own
    keeps the leases alive, and gives the waiting ones back when the one under way takes long: another worker may
    be idle.
    """

    def __init__(self, app: Flask, held: list[Claimed]) -> None:
        self.app, self.lease = app, held[0].lease
        self.waiting = deque(held)
        self.done: list[int] = []
        self.lock = threading.RLock()
        self.ended = threading.Event()
        self.began = self.noted = time.monotonic()
        self.cancelled = _cancelled

    def __enter__(self) -> Batch:
        threading.Thread(target=self._keep, name=f"lease-{self.lease}", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self.note()
        self.give_back()
        db.session.rollback()

    def __iter__(self) -> Iterator[Claimed]:
        """Each job as its turn comes; what was taken back or cancelled meanwhile is left out."""
        first = True
        while first or time.monotonic() - self.began <= HELD:
            if time.monotonic() - self.noted > NOTED or self.cancelled != _cancelled:
                self.note()
            with self.lock:
                if not self.waiting:
                    return
                claimed = self.waiting.popleft()
            first = False
            yield claimed

    def end(self, claimed: Claimed, **values: Any) -> None:
        """One job ended well, or with `values` in its row."""
        if not values and claimed.kind not in _single:
            with self.lock:
                self.done.append(claimed.id)
            return
        self.note(claimed, values or {"done_at": now()})

    def note(self, claimed: Claimed | None = None, values: dict[str, Any] | None = None) -> None:
        """Write down what was done, and look which of the waiting jobs are still ours to do.

        While the database is away it is asked again: what is done shall not be done twice.
        """
        until = time.monotonic() + LEASE.total_seconds()
        while True:
            try:
                with self.lock:
                    self._note(claimed, values or {})
                return
            except SQLAlchemyError as error:
                let_go()
                if not is_away(error) or time.monotonic() > until:
                    raise
                time.sleep(0.3)

    def _note(self, claimed: Claimed | None, values: dict[str, Any]) -> None:
        self.cancelled, self.noted = _cancelled, time.monotonic()
        waiting = [each.id for each in self.waiting]
        if not self.done and claimed is None and not waiting:
            return
        with transaction() as session:
            if self.done:
                mine = and_(Job.id.in_(self.done), Job.lease == self.lease)
                _set(mine, lease_until=None, done_at=now())
            if claimed is not None:
                _set(and_(Job.id == claimed.id, Job.lease == self.lease), lease_until=None, **values)
                leases.let_go(self.lease)
            standing = set(
                session.scalars(
                    select(Job.id).where(Job.id.in_(waiting), Job.lease == self.lease, Job.done_at.is_(None))
                )
            )
        self.done.clear()
        self.waiting = deque(each for each in self.waiting if each.id in standing)

    def _keep(self) -> None:
        prolonged = self.began
        third = LEASE.total_seconds() / 3
        while not self.ended.wait(min(HELD, third)):
            with self.app.app_context():
                try:
                    if time.monotonic() - self.began > HELD:
                        self.give_back()
                        with self.lock:
                            self._note(None, {})
                    if time.monotonic() - prolonged >= third * 0.95:
                        self._prolong()
                        prolonged = time.monotonic()
                except Exception as error:
                    log.error("lease %s could not be extended: %s", self.lease, type(error).__name__)
                finally:
                    let_go()

    def _prolong(self) -> None:
        with transaction():
            _set(
                and_(Job.lease == self.lease, Job.lease_until.is_not(None), Job.done_at.is_(None)),
                lease_until=now() + LEASE,
            )
            leases.prolong(self.lease, LEASE)

    def give_back(self) -> None:
        """What waits is free for others, as if it had not been taken."""
        with self.lock:
            ids = [each.id for each in self.waiting]
            self.waiting.clear()
            if ids:
                with transaction():
                    _set(
                        and_(Job.id.in_(ids), Job.lease == self.lease, Job.done_at.is_(None)),
                        lease=None,
                        lease_until=None,
                        attempts=Job.attempts - 1,
                    )


def do(claimed: Claimed, end: Callable[..., None]) -> None:
    """Do one job that this worker holds and say how it ended. A failing job is tried again later."""
    log.debug("job %s %s %s", claimed.id, claimed.kind, claimed.ids)
    try:
        _handlers[claimed.kind](**claimed.ids)
    except Later as later:
        db.session.rollback()
        end(claimed, due_at=now() + timedelta(seconds=later.seconds), attempts=Job.attempts - 1)
    except Exception as error:
        db.session.rollback()
        log.exception("job %s of kind %s failed", claimed.id, claimed.kind)
        note = f"{type(error).__name__}: {error}"[:500]
        if claimed.tried >= ATTEMPTS:
            end(claimed, failed_at=now(), last_error=note)
        else:
            wait = BACK_OFF[min(claimed.tried - 1, len(BACK_OFF) - 1)]
            end(claimed, due_at=now() + timedelta(seconds=wait), last_error=note)
    else:
        end(claimed)


def run_some(limit: int = BATCH, kinds: tuple[str, ...] = (), stop: threading.Event | None = None) -> int:
    """Claim some due jobs and do them; how many were done. When `stop` is set the others are given back."""
    held = claim_many(limit, kinds)
    if not held:
        return 0
    done = 0
    with Batch(_app(), held) as batch:
        for claimed in batch:
            do(claimed, batch.end)
            done += 1
            if stop is not None and stop.is_set():
                break
    return done


def run_one(kinds: tuple[str, ...] = ()) -> bool:
    """Claim and do one due job; False when there was none."""
    return run_some(1, kinds) == 1


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]


def run_due(limit: int = 10_000, kinds: tuple[str, ...] = ()) -> int:
    """Do every due job now; the number done. For tests and commands."""
    done = 0
    while done < limit and (some := run_some(min(BATCH, limit - done), kinds)):
        done += some
    return done


def work(stop: threading.Event, poll: float = 0.1) -> None:
    """The worker's loop, until `stop` is set; what runs is finished first."""
    while not stop.is_set():
        try:
            busy = run_some(stop=stop) > 0
        except Exception as error:
            if is_away(error):
                log.error("the worker cannot reach the database and asks again: %s", error)
            else:
                log.exception("the worker stumbled and goes on")
            let_go()
            busy = False
            stop.wait(1.0)
        if not busy:
            stop.wait(poll)


@retention.removes("jobs")
def forget_done(before: datetime, dry_run: bool) -> int:
    """Forget the notes of work that was done before this moment."""
    return retention.rows_gone("jobs", Job, Job.done_at < before, dry_run=dry_run)


def sweep() -> int:
    """Forget jobs that were done long ago; how many."""
    return retention.apply("jobs")


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
