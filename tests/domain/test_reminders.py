"""Reminders are told once, whatever happens to the worker that tells them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from board import clock, jobs
from board.db import db, transaction
from boards.clockwork import deadline_reminder
from boards.filing import file_report, remind
from boards.models import CaseEvent

pytestmark = pytest.mark.engines("sqlite", "postgres")


def told(kind: str) -> int:
    return len(db.session.scalars(select(CaseEvent).where(CaseEvent.kind == kind)).all())


def test_a_reminder_whose_worker_died_before_it_could_say_so_is_not_told_again(cast, reported):
    clock.advance(timedelta(minutes=16))
    jobs.run_due()
    assert told("case.reminded") == 1
    done = db.session.scalars(
        select(jobs.Job).where(jobs.Job.kind == "deadline-reminder", jobs.Job.done_at.is_not(None))
    )
    ids = [dict(job.ids) for job in done]
    db.session.rollback()

    for each in ids:
        deadline_reminder(**each)

    assert told("case.reminded") == 1


def test_the_second_reminder_of_a_promise_is_another_one(cast, reported):
    clock.advance(timedelta(minutes=16))
    jobs.run_due()
    clock.advance(timedelta(minutes=9))
    jobs.run_due()

    assert told("case.reminded") == 2


def test_moderators_are_reminded_of_a_report_twice_and_not_four_times(cast, reported):
    with transaction():
        report = file_report(
            reported().thread, kind="name", words="写到了我。", contact="", by=None
        ).public_id
    for minutes, expected in ((61, 1), (50, 2)):
        clock.advance(timedelta(minutes=minutes))
        jobs.run_due()
        remind(report)
        assert told("report.reminded") == expected


def test_nobody_is_reminded_of_a_report_before_its_time(cast, reported):
    with transaction():
        report = file_report(
            reported().thread, kind="name", words="写到了我。", contact="", by=None
        ).public_id
    remind(report)

    assert told("report.reminded") == 0
