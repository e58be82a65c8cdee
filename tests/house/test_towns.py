"""The small city that tests take: as on its first day each time, on either engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError

from board import facts
from board.db import db, transaction
from people.models import Person, Shift
from tests.builders import Cast, posted
from tests.towns import Town


def everything() -> dict[str, list[str]]:
    """Every row of every table."""
    db.session.rollback()
    rows: dict[str, Any] = {
        table.name: db.session.execute(table.select()) for table in db.metadata.sorted_tables
    }
    return {name: sorted(map(repr, found)) for name, found in rows.items()}


@pytest.mark.engines("sqlite", "postgres")
def test_what_a_test_leaves_behind_is_gone_for_the_next(app: Flask, cast: Cast, town: Town, tmp_path: Path):
    first_day = everything()
    with transaction():
        posted(cast.rita)
        cast.otto.name = "换了名字"
        db.session.execute(delete(Shift))
    changed = {name for name, rows in everything().items() if rows != first_day[name]}
    assert changed >= {"thread", "case_event", "person", "shift"}
    db.session.remove()
    db.engine.dispose()

    town.settle(tmp_path)
    facts.forget()
    assert everything() == first_day
    with transaction():
        assert posted(cast.rita).id == 1


@pytest.mark.engines("sqlite", "postgres")
def test_a_watcher_sees_what_was_committed_and_nothing_else(
    app: Flask, cast: Cast, town: Town, tmp_path: Path
):
    def think_better_of_it() -> None:
        with transaction():
            posted(cast.rita)
            raise RuntimeError("undone")

    with town.watching(tmp_path) as seen:
        before = seen()
        with pytest.raises(RuntimeError):
            think_better_of_it()
        assert seen() == before
        with transaction():
            cast.otto.name = "换了名字"
        assert seen() != before


@pytest.mark.engines("postgres")
def test_whoever_still_holds_rows_of_the_board_before_is_sent_away(app: Flask, town: Town, tmp_path: Path):
    forgotten = db.engine.connect()
    forgotten.execute(update(Person).values(name="谁也不放手"))

    town.settle(tmp_path)
    with pytest.raises(OperationalError):
        forgotten.execute(update(Person).values(name="谁也不放手"))
    forgotten.close()
    assert "谁也不放手" not in db.session.scalars(db.select(Person.name)).all()
