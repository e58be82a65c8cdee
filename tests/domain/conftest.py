"""Boards on both engines, and hands that act at once."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from board import clock, create_app, facts, web
from board.db import db, transaction
from tests import conftest
from tests.builders import Cast, small_city


def board_with_a_city(folder: Path, **env: str) -> tuple[Flask, dict[str, int]]:
    """A fresh board on the database that `env` names (default SQLite in `folder`), with the small city."""
    application = create_app(conftest.settings(folder, **env))
    facts.forget()
    web.forget_pages()
    with application.app_context():
        db.create_all()
        with transaction():
            ids = small_city().ids
    return application, ids


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Flask, Cast]]:
    """A board with the small city, its clock held, on SQLite and then on PostgreSQL; the context stays open."""
    env = {}
    if request.param == "postgres":
        env["BOARD_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    with clock.freeze(conftest.MOMENT):
        application, ids = board_with_a_city(tmp_path, **env)
        with application.app_context():
            yield application, Cast(ids)
            db.session.remove()
            db.engine.dispose()


def at_once(application: Flask, *acts: Callable[[], Any]) -> list[Any]:
    """Let each act run in a thread of its own, all starting together; what each gave, or the exception it raised."""
    gate = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        with application.app_context():
            gate.wait(10)
            try:
                results[place] = act()
            except Exception as error:
                results[place] = error
            finally:
                db.session.remove()

    threads = [
        threading.Thread(target=contextvars.Context().run, args=(run, place, act))
        for place, act in enumerate(acts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    db.session.rollback()
    db.session.expire_all()
    return results
