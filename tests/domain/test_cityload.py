"""The demo city, played through the board's own verbs: nothing is refused, whatever the hour it is loaded at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from board import clock, create_app, jobs
from board.db import db
from board.settings import Settings
from boards.cityfile import read
from boards.cityload import load, play
from boards.models import Case, Thread
from boards.models.status import Outcome, Status, Visibility
from notifications.models import InboxItem, Unread
from people.models import Department, Rotation, told_with
from people.rosters import Roster, first_until
from search.upkeep import REBUILD

YUNCHUAN = Path(__file__).resolve().parents[2] / "city" / "yunchuan.toml"
# Twenty past three at night in the middle of the long October holidays, when every working clock stands still.
NIGHT = datetime(2026, 10, 3, 19, 20, tzinfo=UTC)


@pytest.fixture
def empty_board(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(Settings.from_env({"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path)}))
    with clock.freeze(NIGHT), app.app_context():
        db.create_all()
        yield app
        db.session.rollback()
        db.engine.dispose()


@pytest.mark.slow
def test_every_step_of_the_demo_city_is_one_the_board_allows_and_loading_again_changes_nothing(empty_board):
    city = read(YUNCHUAN)
    done, acts = load(city)
    played = list(play(acts, done))

    assert len(played) == len(acts) == len(city.thread) + sum(len(thread.steps) for thread in city.thread)
    cases = list(db.session.scalars(select(Case)))
    assert {case.status for case in cases} == set(Status)
    assert {case.outcome for case in cases if case.outcome} == set(Outcome)
    assert any(case.overdue for case in cases)
    assert any(case.round > 1 for case in cases)
    assert any(case.extended_round for case in cases)
    assert set(db.session.scalars(select(Thread.visibility))) == set(Visibility)
    assert max(db.session.scalars(select(Thread.replies_count))) > 20
    assert max(db.session.scalars(select(Thread.moved_at))) <= NIGHT
    for department in Department.all():
        for days in (0, 1, 15, 29):
            assert department.on_duty(NIGHT + timedelta(days=days)), (department.key, days)

    unread = select(InboxItem).where(InboxItem.person_id.is_not(None), InboxItem.read_at.is_(None))
    waiting = list(db.session.scalars(unread))
    assert waiting, "a demo with nothing new shows nothing"
    assert min(item.created_at for item in waiting) >= NIGHT - timedelta(days=1), "nobody lived these weeks"
    assert db.session.scalar(select(func.sum(Unread.count))) == len(waiting)

    again, left = load(city)
    assert left == []
    clock.advance(timedelta(days=3))
    assert list(play(left, again)) == []
    assert set(waiting) <= set(db.session.scalars(unread)), "what people live with is theirs to read"
    assert (again.departments, again.sections, again.people, again.shifts) == (0, 0, 0, 0)
    assert rebuilds() == 0


@pytest.mark.slow
def test_a_department_with_a_new_name_is_found_by_it(empty_board):
    city = read(YUNCHUAN)
    load(city)
    assert rebuilds() == 0, "a new city is indexed thread by thread"

    renamed = replace(city.department[0], name="云川市公安总局")
    load(replace(city, department=(renamed, *city.department[1:])))

    assert rebuilds() == 1


def rebuilds() -> int:
    """How often a new index was promised."""
    return len(db.session.scalars(select(jobs.Job.id).where(jobs.Job.kind == REBUILD)).all())


@pytest.mark.parametrize("hours", [0, 7])
def test_the_rotations_of_a_loaded_city_go_on_as_its_published_shifts_do(empty_board, hours):
    clock.advance(timedelta(hours=hours))
    load(read(YUNCHUAN))
    rotating = set(db.session.scalars(select(Rotation.department_id)))
    assert len(rotating) > 25
    for department in Department.all():
        if department.id not in rotating:
            continue
        draft = Roster.of(department).draft(first_until())
        assert draft.dropped == ()
        assert draft.holes == ()
        published = Roster.of(department).published(clock.now(), clock.now() + timedelta(days=40))
        last = max(turn.ends_at for turn in published)
        assert all(turn.starts_at >= last for turn in draft.added), department.key
        assert told_with(department) == department.on_duty()
