"""Fixtures: an app on a fresh database, the cast, a reported case, and requests as somebody."""

from __future__ import annotations

import contextvars
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from board import clock, create_app, facts, web
from board.db import db, transaction
from board.settings import Settings
from boards.models import Case, Thread
from tests.builders import Cast, case_of, posted, small_city

# A Saturday evening would make every “30 min; night 2 h” a night: tests live on a Tuesday morning in the city.
MOMENT = datetime(2026, 11, 17, 2, 0, tzinfo=UTC)  # 10:00 in the city
ORIGIN = {"Origin": "http://localhost"}


def settings(folder: Path, **env: str) -> Settings:
    """Settings of a test installation whose data lie in `folder`."""
    return Settings.from_env({"BOARD_MODE": "test", "BOARD_DATA": str(folder), **env})


@pytest.fixture(scope="session")
def small_city_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A SQLite database with the small city, made once; each test copies it."""
    folder = tmp_path_factory.mktemp("city")
    app = create_app(settings(folder))
    with clock.freeze(MOMENT), app.app_context():
        db.create_all()
        with transaction():
            cast = small_city()
        db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.rollback()
        db.engine.dispose()
    return folder / "board.db", cast.ids


@pytest.fixture
def frozen() -> Iterator[None]:
    """The clock stands at MOMENT; move it with board.clock.advance()."""
    with clock.freeze(MOMENT):
        yield


@pytest.fixture
def app(tmp_path: Path, small_city_file: tuple[Path, dict[str, int]], frozen: None) -> Iterator[Flask]:
    """A board with the small city. The context stays open for domain tests; requests run in their own."""
    source, _ids = small_city_file
    shutil.copy(source, tmp_path / "board.db")
    keys = source.parent / "keys.json"
    if keys.exists():
        shutil.copy(keys, tmp_path / "keys.json")
    application = create_app(settings(tmp_path))
    facts.forget()
    web.forget_pages()
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def cast(app: Flask, small_city_file: tuple[Path, dict[str, int]]) -> Cast:
    """Rita, Otto and the others."""
    return Cast(dict(small_city_file[1]))


@pytest.fixture
def reported(cast: Cast) -> Callable[[], Case]:
    """Rita's case about the traffic light; call it inside a transaction() to change it."""
    with transaction():
        thread_id = posted(cast.rita).public_id
    return lambda: case_of(thread_id)


@pytest.fixture
def thread_posted(cast: Cast) -> Callable[..., str]:
    """Post as somebody; gives the thread's public id."""

    def put(who: str = "rita", **draft: Any) -> str:
        with transaction():
            return posted(getattr(cast, who), **draft).public_id

    return put


@pytest.fixture
def client_of(app: Flask, cast: Cast) -> Callable[[str | None], FlaskClient]:
    """A browser in which somebody is signed in (None: a visitor); each keeps its cookies."""
    clients: dict[str | None, FlaskClient] = {}

    def give(who: str | None = None) -> FlaskClient:
        if who not in clients:
            client = app.test_client()
            if who is not None:
                from people.models import Person
                from people.signing_in import link_for

                def token() -> str:
                    with app.app_context(), transaction() as session:
                        person = session.get(Person, cast.ids[who])
                        assert person is not None
                        return link_for(person)

                link = contextvars.Context().run(token)
                answer = contextvars.Context().run(client.post, f"/sign-in/link/{link}", headers=ORIGIN)
                assert answer.status_code == 303, answer.get_data(as_text=True)[:500]
            clients[who] = client
        return clients[who]

    return give


def fields_of(html: str) -> dict[str, str]:
    """The hidden fields of a page's forms: csrf_token and once."""
    import re

    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", html):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and value and name.group(1) in ("csrf_token", "once"):
            found.setdefault(name.group(1), value.group(1))
    return found


@pytest.fixture
def get_as(client_of: Callable[[str | None], FlaskClient]) -> Callable[..., TestResponse]:
    """GET a path as somebody, each request in a context of its own."""

    def get(who: str | None, path: str, **kwargs: Any) -> TestResponse:
        return contextvars.Context().run(client_of(who).get, path, **kwargs)

    return get


@pytest.fixture
def post_as(
    client_of: Callable[[str | None], FlaskClient], get_as: Callable[..., TestResponse]
) -> Callable[..., TestResponse]:
    """POST form fields as somebody, with the tokens of his session, each request in a context of its own."""

    def send(who: str | None, path: str, headers: dict[str, str] | None = None, **data: Any) -> TestResponse:
        client = client_of(who)
        if who is not None and "csrf_token" not in data:
            page = get_as(who, "/me" if who else "/")
            data["csrf_token"] = fields_of(page.get_data(as_text=True)).get("csrf_token", "")
        sent = {name: value for name, value in data.items() if value is not None}
        return contextvars.Context().run(
            client.post,
            path,
            data=sent,
            headers={**ORIGIN, **(headers or {})},
            content_type="multipart/form-data",
        )

    return send


@pytest.fixture
def threads(app: Flask) -> Callable[[], list[Thread]]:
    """Every thread, oldest first."""
    return lambda: list(db.session.scalars(db.select(Thread).order_by(Thread.id)))


def reachable_postgres() -> str | None:
    """The URL of a PostgreSQL to test on, when one answers."""
    url = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1:5432/test")
    try:
        import psycopg

        psycopg.connect(url.replace("+psycopg", ""), connect_timeout=2).close()
    except Exception:
        return None
    return url
