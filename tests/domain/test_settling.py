"""A city that is loaded calls nobody for what its sample posts did, neither while it is loaded nor later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from board import clock, create_app, jobs
from board.db import db, transaction
from board.settings import Settings
from board.transports.sms import LogSms
from boards.cityfile import CityFile, read
from boards.cityload import busy, load, play
from boards.models import CaseEvent, Section
from boards.models.posting import Draft, post
from boards.models.review_mark import ReviewMark
from boards.models.status import OPEN
from notifications.models import Delivery, Page, PageStep
from notifications.paging import auditing
from people.models import Person

REMINDING = {"case.reminded", "case.overdue"}  # of promises that run out while people live with them
YUNCHUAN = Path(__file__).resolve().parents[2] / "city" / "yunchuan.toml"
MORNING = datetime(2026, 11, 17, 2, 0, tzinfo=UTC)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LogSms]:
    app = create_app(Settings.from_env({"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path)}))
    with clock.freeze(MORNING), app.app_context():
        db.create_all()
        app.extensions["sms"] = LogSms()
        yield app.extensions["sms"]
        db.session.rollback()
        db.engine.dispose()


def small_city() -> CityFile:
    """The demo city with the posts that nobody has answered for, and the urgent ones."""
    city = read(YUNCHUAN)
    waiting = [each for each in city.thread if len(each.steps) < 2][:12]
    assert waiting
    return replace(city, thread=tuple(waiting))


def work(app: Flask) -> None:
    jobs.run_due()
    jobs.run_due()
    db.session.rollback()


def test_the_samples_of_a_city_call_nobody_by_telephone(gateway: LogSms) -> None:
    from flask import current_app as app

    done, acts = load(small_city())
    for _act in play(acts, done):
        jobs.run_due(kinds=("carry", "pages-due"))  # a worker that runs meanwhile
    pages = db.session.scalars(select(Page).where(Page.state != "ended")).all()
    assert [page for page in pages if page.case.status in OPEN], "nobody has answered for some of them"
    assert db.session.scalars(select(Delivery).where(Delivery.channel == "sms")).all()
    for hours in (0, 1, 8, 24, 48):
        clock.advance(timedelta(hours=hours))
        work(app)
    assert not gateway.sent
    assert not db.session.scalars(select(PageStep).where(PageStep.told_at > MORNING)).all(), "nor on a page"
    assert auditing.open_alarms() == []


def test_moderators_of_a_loaded_city_find_the_last_days_posts_alone(gateway: LogSms) -> None:
    done, acts = load(small_city())
    list(play(acts, done))
    jobs.run_due()
    marked = db.session.scalars(select(ReviewMark)).all()
    assert marked, "somebody's first post is a day old at most"
    assert all(mark.text.created_at >= MORNING - timedelta(days=1) for mark in marked)


def test_the_cases_that_make_a_department_busy_call_nobody_either(gateway: LogSms) -> None:
    from flask import current_app as app

    done, acts = load(replace(read(YUNCHUAN), thread=()))
    assert list(play(acts, done)) == []
    clock.advance(timedelta(hours=5))
    loading = busy("traffic-police", new=6, working=6)
    for _place in range(4):
        next(loading)
    loading.close()  # stopped in the middle, and run again
    for _place in busy("traffic-police", new=6, working=6):
        jobs.run_due(kinds=("carry", "pages-due"))  # a worker that runs meanwhile
    ended = clock.now()
    pages = db.session.scalars(select(Page)).all()
    assert [page for page in pages if page.case.status == "pending"], "nobody has answered for some of them"
    texts = select(Delivery).where(Delivery.channel == "sms")
    assert db.session.scalars(texts).all()
    work(app)
    assert not gateway.sent
    for hours in (1, 8, 24, 48):
        clock.advance(timedelta(hours=hours))
        work(app)
    sent = db.session.scalars(texts.where(Delivery.sent_at.is_not(None))).all()
    assert {each.event.kind for each in sent if each.event is not None} <= REMINDING
    assert all(each.event is not None and each.event.at > ended for each in sent)
    called = (
        select(CaseEvent.kind)
        .join(Page, Page.event_id == CaseEvent.id)
        .join(PageStep, PageStep.page_id == Page.id)
        .where(PageStep.told_at > ended)
    )
    assert set(db.session.scalars(called)) <= REMINDING, "nor on a page"
    assert auditing.open_alarms() == []


def test_whoever_posts_afterwards_is_heard(gateway: LogSms) -> None:
    from flask import current_app as app

    done, acts = load(small_city())
    assert list(play(acts, done))
    work(app)
    clock.advance(timedelta(minutes=5))
    with transaction() as session:
        rita = session.scalars(select(Person).where(Person.kind == "member")).first()
        assert rita is not None
        post(
            Section.by_key("traffic"),
            Draft(title="路口的灯坏了", body="早高峰很危险，请@交警支队看一下。"),
            by=rita,
        )
    work(app)
    assert gateway.sent, "the duty officer of the traffic police"
