"""One way to change rows, and what happens when it cannot: nested, outside, without a zone, on a full disk."""

from __future__ import annotations

import contextvars
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from board import checkpoints
from board import db as board_db
from board.db import LOGGED, UTCDateTime, after_commit, before_commit, db, random_id, transaction, writing
from board.facts import Fact
from board.jobs import Job
from boards.models import Case, CaseEvent, Tally, Text, Thread
from people.models import Department, Person
from tests.builders import Cast, posted
from tests.conftest import ORIGIN
from tests.domain.test_races import City
from tests.servers import wait_for


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


def test_a_lock_that_nobody_gives_back_is_an_error_in_the_end(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_db, "BUSY", 0.2)
    db.session.remove()
    other = sqlite3.connect(app.config["SETTINGS"].data / "board.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"), transaction():
        db.session.scalar(db.select(Department.id).limit(1))
    other.execute("ROLLBACK")
    other.close()
    with transaction():
        assert db.session.scalar(db.select(Department.id).limit(1))


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


def asked(application: Flask, method: str, path: str, **fields: str) -> int:
    client = application.test_client()
    given: dict[str, Any] = {"data": fields, "headers": ORIGIN} if method == "POST" else {}
    return contextvars.Context().run(lambda: client.open(path, method=method, **given).status_code)


def test_a_sign_that_an_engine_takes_in_no_text_is_a_refusal_and_no_fault(city: City) -> None:
    application, _cast = city
    assert asked(application, "GET", "/d/x%00y") == 404
    assert asked(application, "GET", "/cases/x%00y") == 404
    assert asked(application, "POST", "/staff/sign-in", login="x\0y", password="a guess") == 422


def test_an_error_that_is_written_down_holds_nobodys_words(
    city: City, caplog: pytest.LogCaptureFixture
) -> None:
    application, _cast = city
    secret = "只有她自己知道的昵称"

    @application.get("/breaks")
    def breaks() -> str:
        with transaction() as session:
            session.execute(text("SELECT no_such_column, :word"), {"word": secret})
        return ""

    @application.get("/crosses")
    def crosses() -> str:
        with transaction() as session:
            for _turn in range(2):
                session.add(Person(kind="member", nickname=secret))
        return ""

    assert asked(application, "GET", "/breaks") >= 500
    assert asked(application, "GET", "/crosses") == 409
    assert "no_such_column" in caplog.text
    assert "nickname_lookup" in caplog.text
    assert secret not in caplog.text


def test_what_a_setting_keeps_secret_is_in_no_traceback(app: Flask) -> None:
    kept = app.config["SETTINGS"]
    assert all(key not in repr(kept) for key in (kept.secret_key, kept.lookup_key, *kept.vault_keys))
    assert kept.mode in repr(kept)


@pytest.mark.engines("sqlite")
def test_the_log_is_carried_over_beside_the_commits(app: Flask) -> None:
    path = str(db.engine.url.database)
    checkpoints.carry(path)
    for _turn in range(3):
        with transaction() as session:  # more pages than SQLite's own limit of a thousand
            session.execute(insert(Fact), [{"key": f"{_turn}-{n}", "value": "x" * 3000} for n in range(500)])
    logged, carried = checkpoints.carry(path)
    assert logged == carried > 1000  # no commit had begun it anew
    assert db.session.connection().exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == LOGGED


@pytest.mark.engines("sqlite")
def test_the_worker_carries_the_log_over_until_it_stops(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 0.01)
    stop, path = threading.Event(), str(db.engine.url.database)
    carrying = threading.Thread(target=checkpoints.carry_until, args=(stop, app))
    carrying.start()
    try:
        with transaction() as session:
            session.execute(insert(Fact), [{"key": "long", "value": "x" * 3000}])
        assert wait_for(lambda: _carried(path), 5)
    finally:
        stop.set()
        carrying.join(5)
    assert not carrying.is_alive()


def _carried(path: str) -> bool:
    """Whether the database file itself has the newest commit: read without its log."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as alone:
        return alone.execute("SELECT count(*) FROM fact WHERE key = 'long'").fetchone() == (1,)
