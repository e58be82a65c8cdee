"""When it is time: the jobs that look at pages, and the beat by which everybody sees that the pager lives.

One job stands for every page that is due in the same second, and does whatever else is due, too; a sweep twice a minute
finds what a lost job left. Run late, twice or not at all, they end in the same state.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload, lazyload, load_only, selectinload

from board import jobs
from board.clock import now
from board.db import db, insert, transaction
from board.live import append
from board.seams import health_check, standing_promise
from boards.models import Case, CaseEvent, Deadline
from boards.models.thread import Thread
from notifications.models.page import Page, PagerBeat
from notifications.paging import pager
from notifications.paging.telling import read_tellings

log = logging.getLogger(__name__)

CHUNK = 200
SWEEP = timedelta(seconds=30)
SILENT = timedelta(seconds=90)
POSTPONED = timedelta(seconds=60)


@jobs.handler("pages-due")
def pages_due() -> None:
    """Look at every page that is due. What another worker holds is his; it is looked for again a little later."""
    _call_for_help()
    drain()
    if db.session.scalar(select(Page.id).where(Page.next_at <= now()).limit(1)) is not None:
        db.session.rollback()
        raise jobs.Later(0.5)
    db.session.rollback()


def _call_for_help() -> None:
    """Very many are due: one more worker may join, who asks in his turn."""
    some = select(Page.id).where(Page.next_at <= now()).limit(2 * CHUNK)
    if len(db.session.scalars(some).all()) == 2 * CHUNK:
        with transaction():
            jobs.put("pages-due", key=f"pages-help:{now():%Y%m%d%H%M%S}")
    db.session.rollback()


def drain() -> int:
    """Look at every page that is due and free, some at a time; how many that were."""
    looked = 0
    while cases := _look_at_some():
        looked += cases
    return looked


def _look_at_some() -> int:
    cases: list[int] = []
    try:
        with transaction() as session:
            cases = _due_cases()
            with session.no_autoflush:
                pages = _pages(cases)
                read_tellings({page.cause_id for page in pages})
                moment = now()
                for page in pages:
                    _look(page, moment)
    except Exception:
        if not cases:
            raise
        log.exception("one of %s pages cannot be looked at; each is tried by itself", len(cases))
        for case in cases:
            _look_at_one(case)
    return len(cases)


def _look(page: Page, moment: datetime) -> None:
    before = (page.state, page.leg, page.step)
    pager.look(page, moment)
    if (page.state, page.leg, page.step) != before:
        # The line on the case says so: pages that are kept until the next step are drawn anew.
        thread = page.case.thread
        thread.version += 1
        append(thread.stream, kind="changed", version=thread.version)


def _due_cases() -> list[int]:
    """The cases of some due pages, locked. One that somebody else has just now is passed over, never waited for."""
    query = (
        select(Case.id)
        .join(Page, Page.case_id == Case.id)
        .where(Page.next_at <= now())
        .order_by(Page.next_at, Page.id)
        .limit(CHUNK)
        .with_for_update(of=Case, skip_locked=True)
    )
    return list(dict.fromkeys(db.session.scalars(query)))


def _pages(cases: Sequence[int]) -> list[Page]:
    query = (
        select(Page)
        .where(Page.case_id.in_(cases), Page.next_at <= now())
        .options(
            lazyload(Page.department),
            joinedload(Page.case).options(
                load_only(
                    Case.thread_id, Case.number, Case.status, Case.round, Case.department_id, Case.handler_id
                ),
                lazyload(Case.department),
                selectinload(Case.deadlines).load_only(Deadline.kind, Deadline.round, Deadline.stopped_at),
                joinedload(Case.thread).options(
                    load_only(Thread.public_id, Thread.visibility, Thread.version), lazyload(Thread.section)
                ),
            ),
            joinedload(Page.cause).options(
                load_only(CaseEvent.public_id, CaseEvent.thread_id, CaseEvent.actor_id),
                lazyload(CaseEvent.department),
            ),
        )
        .order_by(Page.next_at, Page.id)
    )
    return list(db.session.scalars(query).unique())


def _look_at_one(case: int) -> None:
    try:
        with transaction():
            db.session.execute(select(Case.id).where(Case.id == case).with_for_update(of=Case))
            for page in _pages([case]):
                _look(page, now())
    except Exception:
        log.exception("a page cannot be looked at; the others go on")
        with transaction():
            db.session.execute(
                update(Page)
                .where(Page.case_id == case, Page.next_at <= now())
                .values(next_at=now() + POSTPONED)
            )


# --- the beat ---------------------------------------------------------------------------------------------


@standing_promise
def keep_sweeping() -> None:
    """Note that the pager lives and promise the next sweep, inside the open transaction."""
    beat()
    promise_sweep()


def promise_sweep() -> None:
    """Promise the next sweep, inside the open transaction."""
    slot = int(now().timestamp() // SWEEP.total_seconds()) + 1
    due_at = datetime.fromtimestamp(slot * SWEEP.total_seconds(), UTC)
    jobs.put("pages-sweep", key=f"pages-sweep:{slot}", due_at=due_at)


@jobs.handler("pages-sweep")
def sweep() -> None:
    """Show that the pager lives, and look at what nobody looked at."""
    with transaction():
        keep_sweeping()
    drain()


def beat() -> None:
    """Note that the pager lives, inside the open transaction."""
    values = insert(PagerBeat).values(id=1, at=now())
    db.session.execute(values.on_conflict_do_update(index_elements=["id"], set_={"at": values.excluded.at}))


def last_beat() -> datetime | None:
    """When the pager last looked, None when it never did."""
    return db.session.scalar(select(PagerBeat.at).where(PagerBeat.id == 1))


def silent_since() -> datetime | None:
    """Since when nobody is called, None while all is well."""
    oldest = now() - SILENT
    last = last_beat()
    if last is not None and last < oldest:
        return last
    late = select(Page.next_at).where(Page.next_at < oldest).order_by(Page.next_at).limit(1)
    return db.session.scalar(late)


@health_check("pager")
def health() -> str:
    """For `/readyz`: `ok`, or what is wrong."""
    return "ok" if silent_since() is None else "nobody is called"
