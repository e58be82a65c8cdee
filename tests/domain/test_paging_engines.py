"""Calls on both engines: several workers at once, workers that are killed at each step, and officers who are faster."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from board import jobs
from board.clock import advance, now
from board.db import db, transaction
from board.jobs import Job
from boards.models import Case, Thread
from boards.models.locking import lock
from notifications.models import Page, PageState, PageStep, Telling
from notifications.paging import auditing, pager, ticking
from tests import forked
from tests.builders import Cast, posted
from tests.conftest import environment_of
from tests.domain.conftest import at_once

City = tuple[Flask, Cast]
MANY = 30

# A worker in a process of its own that is killed at one of the steps of its way, or at none.
WORKER = """
import os, signal, sys
from datetime import datetime
from board import clock, create_app, jobs
from board.settings import Settings
from notifications.paging import pager, ticking

point, moment = sys.argv[1], datetime.fromisoformat(sys.argv[2])

def die(*_args, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

def after(place, name, turns=1):
    named_there = isinstance(place, dict)
    real, count = place[name] if named_there else getattr(place, name), [0]
    def then(*args, **named):
        result = real(*args, **named)
        count[0] += 1
        if count[0] >= turns:
            die()
        return result
    if named_there:
        place[name] = then
    else:
        setattr(place, name, then)

app = create_app(Settings.from_env(live=False))
if point == "claimed":
    jobs._handlers["pages-due"] = die
elif point == "locked":
    after(ticking, "_due_cases")
elif point == "told one":
    after(pager, "tell", 3)
elif point == "looked":
    after(pager, "look", 7)
elif point == "committed":
    after(ticking, "_look_at_some")
elif point == "done":
    after(jobs._handlers, "pages-due")
elif point == "swept":
    after(ticking, "keep_sweeping")
with app.app_context(), clock.freeze(moment):
    print(jobs.run_due(kinds=("pages-due", "pages-sweep")), flush=True)
"""


def worker(application: Flask, point: str, moment: datetime) -> subprocess.CompletedProcess[str]:
    return forked.run(WORKER, point, moment.isoformat(), env=environment_of(application))


def post_many(cast: Cast, count: int = MANY) -> None:
    with transaction():
        for place in range(count):
            posted(cast.rita, title=f"第 {place} 个路口的灯坏了")


def steps() -> Counter[str]:
    """How many pages took each step."""
    db.session.rollback()
    return Counter(db.session.scalars(select(PageStep.who).where(PageStep.told_at.is_not(None))))


def told() -> Counter[str]:
    """How often each badge was told, by the page's own channel."""
    from people.models import Person

    db.session.rollback()
    rows = db.session.scalars(select(Person.badge).join(Telling, Telling.person_id == Person.id))
    return Counter(str(badge) for badge in rows)


def test_two_workers_take_each_step_of_many_pages_once(city: City) -> None:
    application, cast = city
    post_many(cast)
    advance(timedelta(minutes=8))
    results = at_once(application, ticking.drain, ticking.drain, ticking.drain)
    assert not [each for each in results if isinstance(each, Exception)]
    ticking.drain()
    assert steps() == {"duty": MANY, "next_on_roster": MANY, "leader": MANY}
    assert told() == {cast.otto.badge: MANY, cast.lena.badge: MANY}
    assert auditing.audit() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    ["claimed", "locked", "told one", "looked", "committed", "done", "swept"],
)
def test_a_worker_killed_at_any_step_leaves_nothing_undone_and_nothing_done_twice(
    city: City, point: str
) -> None:
    application, cast = city
    post_many(cast, 9)
    with transaction():
        ticking.promise_sweep()
    advance(timedelta(minutes=8))
    db.session.remove()
    killed = worker(application, point, now())
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with transaction() as session:
        session.execute(db.update(Job).values(lease_until=now() - timedelta(seconds=1)))
    db.session.remove()
    lived = worker(application, "nothing", now() + timedelta(seconds=2))
    assert lived.returncode == 0, lived.stderr
    assert steps() == {"duty": 9, "next_on_roster": 9, "leader": 9}
    assert told() == {cast.otto.badge: 9, cast.lena.badge: 9}
    assert auditing.audit() == []


def test_a_lost_job_is_made_good_by_the_next_sweep(city: City) -> None:
    _application, cast = city
    post_many(cast, 3)
    with transaction():
        db.session.execute(db.delete(Job).where(Job.kind == "pages-due"))
        ticking.promise_sweep()
    advance(timedelta(minutes=8))
    jobs.run_due(kinds=("pages-sweep",))
    assert steps()["leader"] == 3


def test_an_officer_and_the_pager_in_the_same_moment(city: City) -> None:
    application, cast = city
    post_many(cast, 1)
    number = db.session.scalars(select(Case.number)).one()
    otto = cast.ids["otto"]
    advance(timedelta(minutes=8))
    db.session.remove()

    def acknowledge() -> None:
        from people.models import Person

        with transaction():
            case = Case.numbered(number, reader=db.session.get(Person, otto), for_change=True)
            person = db.session.get(Person, otto)
            assert person is not None
            case.acknowledge(by=person)

    results = at_once(application, acknowledge, ticking.drain)
    assert not [each for each in results if isinstance(each, Exception)], results
    page = db.session.scalars(select(Page)).one()
    assert page.state == PageState.ACKNOWLEDGED
    assert page.step == 3
    advance(timedelta(hours=1))
    before = told()
    ticking.drain()
    assert told() == before


def test_a_page_that_cannot_be_looked_at_holds_up_no_other(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    _application, cast = city
    post_many(cast, 5)
    broken = db.session.scalars(select(Page.id).order_by(Page.id)).all()[2]
    real = pager.look

    def look(page: Page, moment: datetime | None = None) -> None:
        if page.id == broken:
            raise RuntimeError("a broken row")
        real(page, moment)

    advance(timedelta(minutes=8))
    with monkeypatch.context() as patch:
        patch.setattr(pager, "look", look)
        ticking.drain()
        assert steps()["leader"] == 4
    advance(timedelta(minutes=3))
    assert auditing.audit() == ["late_step"]
    assert steps()["leader"] == 5


@pytest.mark.engines("postgres")
def test_a_case_that_somebody_works_on_just_now_is_passed_over_and_looked_at_afterwards(
    app: Flask, cast: Cast
) -> None:
    # SQLite has one writer; only on PostgreSQL can a case be held while others are looked at.
    post_many(cast, 4)
    held = db.session.scalars(select(Thread.public_id).order_by(Thread.id)).all()[1]
    advance(timedelta(minutes=8))
    db.session.remove()

    def hold() -> int:
        with transaction():
            lock(Thread.public_id == held)
            waiting: list[int] = at_once(app, ticking.drain)
            return waiting[0]

    assert hold() == 3
    assert db.session.scalar(select(func.count()).where(Page.next_at <= now())) == 1
    ticking.drain()
    assert steps()["leader"] == 4
