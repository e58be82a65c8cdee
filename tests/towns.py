"""The small city on either engine: made once in a process, and as on its first day for each test that takes it.

On PostgreSQL a process has one database, which is emptied by DELETE and filled again: that takes 20 ms. A copy of a
template for each test takes 650 ms, most of it DROP DATABASE; TRUNCATE of all tables takes a second and more.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from board.db import db, transaction
from tests.builders import small_city

ENGINES = {"sqlite": pytest.param("sqlite"), "postgres": pytest.param("postgres", marks=pytest.mark.postgres)}


class Town(Protocol):
    """The small city, wherever it is stored."""

    ids: dict[str, int]

    def settle(self, folder: Path) -> dict[str, str]:
        """Make it as it was on its first day; the settings by which a board with its data in `folder` finds it."""

    def watching(self, folder: Path) -> Any:
        """A context that gives a function: what it answers is another thing after every commit that left something."""


def _made() -> dict[str, int]:
    """Put the small city into an empty database; the table ids of the cast."""
    db.create_all()
    with transaction():
        return small_city().ids


class SqliteTown:
    """A file; each board gets a copy."""

    def __init__(self, application: Flask) -> None:
        self.home: Path = application.config["SETTINGS"].data
        with application.app_context():
            self.ids = _made()
            db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            db.session.rollback()
            db.engine.dispose()

    def settle(self, folder: Path) -> dict[str, str]:
        """Copy it; whoever has the file open must have let go of it."""
        for suffix in ("-wal", "-shm"):
            (folder / f"board.db{suffix}").unlink(missing_ok=True)
        shutil.copy(self.home / "board.db", folder / "board.db")
        shutil.copy(self.home / "keys.json", folder / "keys.json")
        return {}

    @contextmanager
    def watching(self, folder: Path) -> Iterator[Callable[[], Any]]:
        """By a connection that commits nothing itself."""
        with closing(sqlite3.connect(folder / "board.db")) as connection:
            yield lambda: connection.execute("PRAGMA data_version").fetchone()


class PostgresTown:
    """A database of this process; one board after the other has it."""

    def __init__(self, application: Flask) -> None:
        settings = application.config["SETTINGS"]
        self.url, self.keys = settings.database_url, settings.data / "keys.json"
        with application.app_context():
            self.ids = _made()
            db.session.remove()
            db.engine.dispose()
        self.connection = psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True)
        tables = [table.name for table in db.metadata.sorted_tables]
        self._keep(tables)
        self.versions = " union all ".join(
            f"""select '{name}', sum(hashtext(ctid::text || xmin::text)) from "{name}" """ for name in tables
        )

    def _keep(self, tables: list[str]) -> None:
        """Remember every row and where the numbers stand; work out how to come back to that."""
        inhabited = [name for name in tables if self._rows(f'select exists(select 1 from "{name}")')[0][0]]
        self._rows("create schema kept")
        for name in inhabited:
            self._rows(f'create table kept."{name}" as table "{name}"')
        numbers = self._rows(
            "select sequencename, coalesce(last_value, start_value), last_value is not null from pg_sequences"
        )
        append_only = [
            name
            for (name,) in self._rows(
                "select distinct tgrelid::regclass::text from pg_trigger where not tgisinternal"
            )
        ]
        self.first_day = "; ".join(
            (
                # Whatever the board before has left open: it must neither wait for us nor write into the next one's rows.
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()",
                "begin",
                *(f'alter table "{name}" disable trigger user' for name in append_only),
                *(f'delete from "{name}"' for name in reversed(tables)),
                *(f'insert into "{name}" table kept."{name}"' for name in inhabited),
                *(f"""select setval('"{name}"', {value}, {called})""" for name, value, called in numbers),
                *(f'alter table "{name}" enable trigger user' for name in append_only),
                "commit",
            )
        )

    def _rows(self, statement: str) -> list[Any]:
        done = self.connection.execute(statement)
        return done.fetchall() if done.description else []

    def settle(self, folder: Path) -> dict[str, str]:
        """Put the rows back; whoever is connected is sent away."""
        self.connection.execute(self.first_day)
        shutil.copy(self.keys, folder / "keys.json")
        return {"BOARD_DATABASE_URL": self.url}

    @contextmanager
    def watching(self, folder: Path) -> Iterator[Callable[[], Any]]:
        """By the version of each row."""
        yield lambda: sorted(self._rows(self.versions))
