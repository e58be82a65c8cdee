"""Fixtures: an app on a fresh database, the cast, a reported case, and requests as somebody."""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from board import clock, create_app, facts, web
from board.db import db, transaction
from board.settings import Settings
from boards.models import Case, Thread
from tests import warm
from tests.builders import Cast, case_of, posted
from tests.towns import ENGINES, PostgresTown, SqliteTown, Town

warm.keep()

# A Saturday evening would make every “30 min; night 2 h” a night: tests live on a Tuesday morning in the city.
MOMENT = datetime(2026, 11, 17, 2, 0, tzinfo=UTC)  # 10:00 in the city
ORIGIN = {"Origin": "http://localhost"}


def settings(folder: Path, **env: str) -> Settings:
    """Settings of a test installation whose data lie in `folder`."""
    return Settings.from_env({"BOARD_MODE": "test", "BOARD_DATA": str(folder), **env})


def environment_of(app: Flask, **more: str) -> dict[str, str]:
    """The environment of another process on the same board."""
    kept = app.config["SETTINGS"]
    board = {"BOARD_MODE": "test", "BOARD_DATA": str(kept.data), "BOARD_DATABASE_URL": kept.database_url}
    return {**os.environ, **board, **more}


@contextmanager
def board_in(town: Town, folder: Path, **env: str) -> Iterator[Flask]:
    """A board with the small city and more settings; the context stays open."""
    application = create_app(settings(folder, **town.settle(folder), **env))
    facts.forget()
    web.forget_pages()
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_town(tmp_path_factory: pytest.TempPathFactory) -> SqliteTown:
    """The small city in a file."""
    with clock.freeze(MOMENT):
        return SqliteTown(create_app(settings(tmp_path_factory.mktemp("city"))))


@pytest.fixture(scope="session")
def postgres_town(tmp_path_factory: pytest.TempPathFactory, postgres_home: str) -> Iterator[PostgresTown]:
    """The small city on a PostgreSQL server."""
    with clock.freeze(MOMENT):
        town = PostgresTown(
            create_app(settings(tmp_path_factory.mktemp("city"), BOARD_DATABASE_URL=postgres_home))
        )
    with town.connection:
        yield town


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked engines() and takes a board runs on each of them; the second is for --all, as it finds little new."""
    mark = metafunc.definition.get_closest_marker("engines")
    if mark is None or "town" not in metafunc.fixturenames:
        return
    first, *others = (ENGINES[name] for name in mark.args)
    again = [pytest.param(*engine.values, marks=[*engine.marks, pytest.mark.slow]) for engine in others]
    metafunc.parametrize("town", [first, *again], indirect=True)


@pytest.fixture
def town(request: pytest.FixtureRequest) -> Town:
    """The small city of the test's board: on SQLite, unless the test is marked engines()."""
    made: Town = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_town")
    return made


@pytest.fixture
def frozen() -> Iterator[None]:
    """The clock stands at MOMENT; move it with board.clock.advance()."""
    with clock.freeze(MOMENT):
        yield


@pytest.fixture
def app(tmp_path: Path, town: Town, frozen: None) -> Iterator[Flask]:
    """A board with the small city. The context stays open for domain tests; requests run in their own."""
    with board_in(town, tmp_path) as application:
        yield application


@pytest.fixture
def cast(app: Flask, town: Town) -> Cast:
    """Rita, Otto and the others."""
    return Cast(dict(town.ids))


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
    tokens: dict[str, str] = {}  # one for each sign-in, as it stands in all its pages

    def token(who: str, client: FlaskClient) -> str:
        cookie = client.get_cookie("sign_in")
        sign_in = cookie.value if cookie else ""
        if not tokens.get(sign_in):
            tokens[sign_in] = fields_of(get_as(who, "/me").get_data(as_text=True)).get("csrf_token", "")
        return tokens[sign_in]

    def send(who: str | None, path: str, headers: dict[str, str] | None = None, **data: Any) -> TestResponse:
        client = client_of(who)
        if who is not None and "csrf_token" not in data:
            data["csrf_token"] = token(who, client)
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
