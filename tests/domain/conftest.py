"""Boards on both engines, and hands that act at once."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from board.db import db
from tests import conftest
from tests.builders import Cast
from tests.towns import ENGINES, Town


@pytest.fixture(params=ENGINES.values())
def city(request: pytest.FixtureRequest, tmp_path: Path, frozen: None) -> Iterator[tuple[Flask, Cast]]:
    """A board with the small city, its clock held, on both engines with and without --all; the context stays open."""
    town: Town = request.getfixturevalue(f"{request.param}_town")
    with conftest.board_in(town, tmp_path) as application:
        yield application, Cast(dict(town.ids))


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
