"""Keeping the index true to the board: every step promises a job, the worker writes many of them at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from board import jobs
from board.clock import midnight, now, today
from board.db import db, transaction
from board.events import on
from board.seams import provides
from boards.models.timeline import CaseEvent
from search.document import Document
from search.engines import Changes, Engine, EngineBusy, SearchUnavailable
from search.threads import changes_of, every_document

log = logging.getLogger(__name__)

KIND = "index-thread"
REBUILD = "rebuild-index"
BATCH = 200  # threads written in one commit: a commit costs as much for one as for many
AT_NIGHT = timedelta(hours=3)
AGAIN = 30.0  # seconds until a job looks again at an index that cannot be written


@on("*")
def promise(event: object) -> None:
    """Any step of a thread may change what finds it, and moves its version."""
    if isinstance(event, CaseEvent):
        jobs.put(KIND, key=f"{KIND}:{event.public_id}", thread=event.thread.public_id)


@jobs.handler(KIND)
def write(thread: str) -> None:
    """Write this thread and every other that waits. An index that was never made is made."""
    from search import engine

    waiting = _waiting()
    try:
        if engine().exists():
            engine().write(changes_of([thread, *waiting.values()]))
        else:
            rebuild(engine())
    except EngineBusy:
        raise jobs.Later(1.0) from None
    except SearchUnavailable as error:
        log.error("the search index cannot be written: %s; `flask search rebuild` repairs it", error)
        raise jobs.Later(AGAIN) from None
    db.session.rollback()
    if waiting:
        with transaction() as session:
            session.execute(
                update(jobs.Job)
                .where(jobs.Job.id.in_(waiting), jobs.Job.done_at.is_(None))
                .values(done_at=now(), lease_until=None)
            )


def _waiting() -> dict[int, str]:
    """Jobs like this one that are not done, read before the threads: what is posted later is not among them."""
    rows = db.session.execute(
        select(jobs.Job.id, jobs.Job.ids)
        .where(jobs.Job.kind == KIND, jobs.Job.done_at.is_(None), jobs.Job.failed_at.is_(None))
        .order_by(jobs.Job.id)
        .limit(BATCH)
    ).all()
    db.session.rollback()
    return {job_id: ids["thread"] for job_id, ids in rows}


@provides("index_again")
def promise_again(thread: str) -> None:
    """Words of a thread (public id) went without a step that says so: index it again, inside the open transaction."""
    jobs.put(KIND, key=f"{KIND}:{thread}:{now().isoformat()}", thread=thread)


@provides("rewrite_index")
def promise_rewriting() -> None:
    """Words were erased for good: what the files of the index still hold of them goes when they are written anew, tonight.

    One rewriting a night, however many accounts were deleted that day.
    """
    tonight = midnight(today() + timedelta(days=1)) + AT_NIGHT
    jobs.put(REBUILD, key=f"{REBUILD}:{tonight:%Y-%m-%d}", due_at=tonight)


@provides("reindex")
def promise_rebuild() -> None:
    """Something that many documents hold has changed: promise a new index, inside the open transaction."""
    jobs.put(REBUILD, key=f"{REBUILD}:{now().isoformat()}")


@jobs.handler(REBUILD)
def rebuild_once() -> None:
    """Make the index anew, when nobody else does."""
    from search import engine

    try:
        rebuild(engine())
    except EngineBusy:
        raise jobs.Later(AGAIN) from None


def rebuild(engine: Engine, watch: Callable[[Iterable[Document]], Iterable[Document]] = iter) -> int:
    """Make the index anew from the database; how many threads it holds. Raises EngineBusy.

    `watch` is handed the documents on their way, for a progress bar.
    """
    since = now() - timedelta(seconds=5)  # clocks of two processes may differ a little
    return engine.rebuild(watch(every_document()), lambda: _late(since))


def _late(since: datetime) -> Changes:
    """What was written into the old index since the rebuild began: jobs done meanwhile, or begun and not marked."""
    ids = db.session.scalars(
        select(jobs.Job.ids).where(
            jobs.Job.kind == KIND,
            or_(jobs.Job.done_at >= since, jobs.Job.done_at.is_(None) & (jobs.Job.attempts > 0)),
        )
    ).all()
    changes = changes_of(each["thread"] for each in ids)
    db.session.rollback()
    return changes
