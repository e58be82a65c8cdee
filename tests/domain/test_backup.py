"""Backup and restore: a consistent copy while the board goes on, and the way back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from flask import Flask

from board.db import db, transaction
from boards.models import Thread
from tests.builders import posted


@pytest.fixture
def stamped(app: Flask) -> Flask:
    """The database says which migration it is at, as a real one does."""
    with transaction() as session:
        session.execute(
            db.text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)")
        )
        session.execute(db.text("INSERT INTO alembic_version VALUES ('test')"))
    return app


def titles() -> list[str]:
    return list(db.session.scalars(db.select(Thread.title).order_by(Thread.id)))


def test_what_was_backed_up_comes_back_and_what_came_later_is_kept_beside(stamped, cast, tmp_path: Path):
    with transaction():
        posted(cast.rita, title="备份之前")
    runner = stamped.test_cli_runner()
    kept = tmp_path / "kept.db"
    assert runner.invoke(args=["backup", str(kept)]).exit_code == 0

    with transaction():
        posted(cast.rita, title="备份之后")
    db.session.remove()
    answer = runner.invoke(args=["restore", str(kept), "--yes"])

    assert answer.exit_code == 0, answer.output
    assert titles() == ["备份之前"]
    aside = next(tmp_path.glob("board.db.before-*"))
    with sqlite3.connect(aside) as connection:
        assert connection.execute("SELECT count(*) FROM thread").fetchone() == (2,)


def test_a_stale_log_is_not_replayed_into_the_restored_database(stamped, cast, tmp_path: Path):
    kept = tmp_path / "kept.db"
    runner = stamped.test_cli_runner()
    assert runner.invoke(args=["backup", str(kept)]).exit_code == 0
    db.session.remove()
    db.engine.dispose()
    (tmp_path / "board.db-wal").write_bytes(b"not of this database" * 500)

    assert runner.invoke(args=["restore", str(kept), "--yes"]).exit_code == 0

    assert titles() == []
    assert db.session.scalar(db.text("PRAGMA integrity_check")) == "ok"


def test_a_backup_never_overwrites(stamped, tmp_path: Path):
    there = tmp_path / "there.db"
    there.write_text("mine")

    answer = stamped.test_cli_runner().invoke(args=["backup", str(there)])

    assert answer.exit_code == 1
    assert there.read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 3000])
def test_what_is_no_backup_is_refused_and_nothing_is_replaced(stamped, cast, tmp_path: Path, content: bytes):
    with transaction():
        posted(cast.rita, title="还在")
    db.session.remove()
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(content)

    answer = stamped.test_cli_runner().invoke(args=["restore", str(wrong), "--yes"])

    assert answer.exit_code == 1
    assert titles() == ["还在"]
