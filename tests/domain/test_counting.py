"""The nightly look at the counters, on both engines."""

from __future__ import annotations

import logging
from datetime import timedelta

from flask import Flask
from sqlalchemy import delete, event, select, update

from board import clock, jobs
from board.db import db, transaction
from boards.counting import promise_reconciliation
from boards.models import tally
from boards.models.tally import Tally, tallies
from tests.builders import Cast, case_of, posted

City = tuple[Flask, Cast]
LEAD = "department:traffic-police"


def night() -> None:
    """Let the worker live through a night in which its promise comes due."""
    with transaction():
        promise_reconciliation()
    clock.advance(timedelta(hours=18))
    jobs.run_due(kinds=("reconcile-tallies",))


def test_a_counter_that_went_wrong_is_written_down_and_set_right(city: City, caplog) -> None:
    _app, cast = city
    with transaction():
        posted(cast.rita)
        posted(cast.vera)
    with transaction() as session:
        session.execute(update(Tally).where(Tally.scope == LEAD).values(value=7))
        session.execute(delete(Tally).where(Tally.scope == "section:traffic"))
        session.add(Tally(scope="section:household", name="overdue", value=1))

    with caplog.at_level(logging.WARNING, logger="boards.counting"):
        night()

    assert tallies(LEAD, "section:traffic")[LEAD] == {"pending": 2}
    assert tallies("section:traffic")["section:traffic"]["pending"] == 2
    assert tallies("section:household")["section:household"]["overdue"] == 0
    assert [record.getMessage() for record in caplog.records] == [
        "the counter pending of department:traffic-police stood at 7 and is 2; it is set right",
        "the counter overdue of section:household stood at 1 and is 0; it is set right",
        "the counter pending of section:traffic stood at 0 and is 2; it is set right",
    ]


def test_a_night_in_which_all_is_true_says_nothing_and_the_next_one_is_promised(city: City, caplog) -> None:
    _app, cast = city
    with transaction():
        case = posted(cast.rita).public_id
    with transaction():
        case_of(case).note_breaches()

    night()

    assert caplog.records == []
    due = db.session.scalars(
        select(jobs.Job.due_at).where(jobs.Job.kind == "reconcile-tallies", jobs.Job.done_at.is_(None))
    ).one()
    assert f"{clock.local(due):%Y-%m-%d %H:%M}" == "2026-11-19 03:30"


def test_what_is_counted_while_the_counters_are_looked_at_stays_counted(city: City) -> None:
    _app, cast = city
    with transaction():
        posted(cast.rita)
    with transaction() as session:
        session.execute(update(Tally).where(Tally.scope == LEAD).values(value=7))

    wrong = tally.drift()
    with transaction():
        posted(cast.vera)
    with transaction():
        tally.correct(wrong)

    assert tallies(LEAD)[LEAD] == {"pending": 2}
    assert tally.drift() == []


def test_rows_and_counters_are_read_at_one_moment(city: City) -> None:
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_more) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    tally.drift()
    event.remove(db.engine, "before_cursor_execute", note)
    assert sum("FROM tally" in each or 'FROM "case"' in each for each in seen) == 1
