"""One way to change rows, and what happens when it cannot: nested, outside, without a zone, on a full disk."""

from __future__ import annotations

import contextvars
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError, StatementError

from board.db import UTCDateTime, after_commit, before_commit, db, random_id, transaction, writing
from board.facts import Fact
from board.jobs import Job
from boards.models import Case, CaseEvent, Tally, Text, Thread
from people.models import Department, Person
from tests.builders import Cast, posted
from tests.domain.test_races import City


def test_rows_change_only_inside_a_transaction(cast: Cast) -> None:
    cast.rita.nickname = "换个名字"
    with pytest.raises(RuntimeError, match="inside transaction"):
        db.session.flush()
    db.session.rollback()
    db.session.add(Fact(key="new", value=1))
    with pytest.raises(RuntimeError, match="inside transaction"):
        db.session.flush()


def test_a_transaction_is_not_nested(app: Flask) -> None:
    with transaction():
        with pytest.raises(RuntimeError), transaction():
            pass
        assert writing()
    assert not writing()


def test_everything_inside_happens_or_nothing(app: Flask) -> None:
    def half() -> None:
        with transaction() as session:
            session.add(Fact(key="half", value=1))
            session.flush()
            raise ValueError

    with pytest.raises(ValueError):
        half()
    assert db.session.get(Fact, "half") is None


def test_what_was_loaded_before_is_read_again_inside(city: City) -> None:
    application, cast = city
    old = cast.rita.nickname

    def rename() -> None:
        with application.app_context(), transaction() as session:
            session.get_one(Person, cast.ids["rita"]).nickname = "新的昵称"

    contextvars.Context().run(rename)
    with transaction():
        assert cast.rita.nickname == "新的昵称" != old


def test_hooks_run_before_and_after_the_commit_and_not_when_it_fails(app: Flask) -> None:
    from board import db as wall

    heard: list[str] = []

    def before(session: object) -> None:
        heard.append("before")

    def after(session: object) -> None:
        heard.append("after")

    before_commit(before)
    after_commit(after)
    try:
        with transaction() as session:
            session.add(Fact(key="hooked", value=1))
        with pytest.raises(ZeroDivisionError), transaction():
            _ = 1 / 0
    finally:
        wall._before.remove(before)
        wall._after.remove(after)
    assert heard == ["before", "after"]


def test_a_moment_without_a_zone_is_refused_and_one_with_any_zone_is_kept_in_utc(city: City) -> None:
    with pytest.raises(StatementError), transaction() as session:
        session.execute(db.update(Person).values(created_at=datetime(2026, 11, 17, 10)))
    local = datetime(2026, 11, 17, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with transaction() as session:
        session.execute(db.update(Person).values(created_at=local))
    kept = db.session.scalars(db.select(Person.created_at)).first()
    assert kept == local
    assert kept is not None
    assert kept.utcoffset() == timedelta(0)
    assert UTCDateTime().process_bind_param(None, db.engine.dialect) is None
    assert kept.astimezone(UTC) == kept


def test_reading_takes_no_write_lock_and_writing_takes_it_at_once(app: Flask, cast: Cast) -> None:
    said: list[str] = []
    db.session.rollback()

    @event.listens_for(Engine, "before_cursor_execute")
    def hear(connection: object, cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("BEGIN"):
            said.append(statement)

    try:
        db.session.scalar(db.select(Department.id).limit(1))
        with transaction():
            db.session.scalar(db.select(Department.id).limit(1))
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    assert said == ["BEGIN", "BEGIN IMMEDIATE"]


def test_sqlite_is_set_up_as_measured(app: Flask) -> None:
    found = {
        name: db.session.scalar(text(f"PRAGMA {name}"))
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    }
    assert found == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_reference_to_nothing_is_refused(city: City) -> None:
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(db.update(Department).values(parent_id=987_654))


def test_random_ids_are_long_and_easy_to_read_aloud() -> None:
    ids = {random_id() for _ in range(2_000)}
    assert len(ids) == 2_000
    assert not set("".join(ids)) & set("01lio")


# --- a full disk -------------------------------------------------------------------------------------------------


def fill_the_disk(application: Flask) -> None:
    """Let SQLite have not one page more than it has."""

    def limit(connection: object, *_rest: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count={pages}")
        cursor.close()

    db.session.remove()
    db.engine.dispose()
    event.listen(db.engine, "connect", limit)


def counted() -> dict[str, int]:
    tables = (Thread, Case, CaseEvent, Text, Job, Tally)
    found = {
        table.__tablename__: db.session.scalar(db.select(db.func.count()).select_from(table)) or 0
        for table in tables
    }
    db.session.rollback()
    return found


def test_a_full_disk_is_said_and_nothing_is_half_written(app: Flask, cast: Cast, tmp_path: Path) -> None:
    @app.post("/test/post")
    def post_here() -> str:
        with transaction():
            posted(cast.rita, body="早高峰很危险。" * 600)
        return "posted"

    client = app.test_client()
    headers = {"Origin": "http://localhost"}

    def send() -> int:
        return contextvars.Context().run(client.post, "/test/post", headers=headers).status_code

    assert send() == 200
    fill_the_disk(app)
    before, answers = counted(), []
    for _ in range(40):
        answers.append(send())
        if answers[-1] != 200:
            break
        before = counted()
    assert answers[-1] == 503
    assert counted() == before, "the post that failed left nothing"
    page = contextvars.Context().run(client.post, "/test/post", headers=headers)
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "5"
    assert page.headers["Cache-Control"] == "no-store"
    assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
