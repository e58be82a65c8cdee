"""Which tests can run here: marks, the servers they need, and what may not be skipped.

A test marked `postgres`, `redis` or `browser` takes the fixture of the same kind (`postgres_url`, `redis_url`,
`chromium_path`) and runs wherever that is reachable. With `--all` and CI=true a test that cannot run is a failure.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NEEDS = {
    "postgres": "no PostgreSQL: start one, or set TEST_POSTGRES_URL",
    "redis": "no Redis: start one, or set TEST_REDIS_URL",
    "browser": "no Chromium: install one, or set TEST_CHROMIUM",
    "servers": "no nginx, redis-server, initdb and postgres to start servers of our own: install them",
}
POSTGRES_PLACES = ("postgresql+psycopg:///test", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
REDIS_PLACES = ("redis://127.0.0.1:6379/0",)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without these Chromium calls home, and headless drawing on a small machine falls over.
CHROMIUM_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
CHROMIUM_PLACES = ("/usr/bin/chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="run the slow tests too; in CI nothing may be skipped"
    )
    parser.addoption(
        "--old-threads",
        type=Path,
        metavar="FOLDER",
        help="import every CSV file of old threads in FOLDER, too",
    )


def pytest_report_header(config: pytest.Config) -> str:
    return f"old threads: {config.getoption('--old-threads') or 'none given (--old-threads FOLDER)'}"


@cache
def found_postgres() -> str | None:
    """The SQLAlchemy URL of a PostgreSQL that answers and lets us make databases, or None."""
    import psycopg

    given = os.environ.get("TEST_POSTGRES_URL")
    for url in (given,) if given else POSTGRES_PLACES:
        url = url.replace("postgres://", "postgresql+psycopg://").replace(
            "postgresql://", "postgresql+psycopg://"
        )
        try:
            with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=3) as connection:
                row = connection.execute(
                    "select rolcreatedb or rolsuper from pg_roles where rolname = current_user"
                ).fetchone()
        except psycopg.Error:
            continue
        if row and row[0]:
            return url
    return None


@cache
def found_redis() -> str | None:
    """The URL of a Redis that answers, or None."""
    import redis

    given = os.environ.get("TEST_REDIS_URL")
    for url in (given,) if given else REDIS_PLACES:
        try:
            with redis.Redis.from_url(url, socket_connect_timeout=3) as client:
                client.ping()
        except (redis.RedisError, OSError):
            continue
        return url
    return None


@cache
def found_chromium() -> str | None:
    """The path of a Chromium, or None."""
    given = os.environ.get("TEST_CHROMIUM")
    if given:
        return given if os.access(given, os.X_OK) else None
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    return next((place for place in CHROMIUM_PLACES if os.access(place, os.X_OK)), None)


def found_programs() -> str | None:
    """That a test may start a PostgreSQL, a Redis and an nginx of its own, or None."""
    from tests.servers import program

    return "here" if all(map(program, ("nginx", "redis-server", "initdb", "postgres"))) else None


FINDERS: dict[str, Callable[[], str | None]] = {
    "postgres": found_postgres,
    "redis": found_redis,
    "browser": found_chromium,
    "servers": found_programs,
}


def nothing_may_be_skipped(config: pytest.Config) -> bool:
    """True in CI with --all: there every server is present, so a skip hides something."""
    return bool(config.getoption("--all")) and os.environ.get("CI", "").lower() in ("1", "true", "yes")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    named = any("::" in argument for argument in config.args) or "slow" in (config.option.markexpr or "")
    if not config.getoption("--all") and not named:
        slow = [item for item in items if item.get_closest_marker("slow")]
        if slow:
            config.hook.pytest_deselected(items=slow)
            items[:] = [item for item in items if not item.get_closest_marker("slow")]
    if not config.getoption("--old-threads"):
        without = [item for item in items if item.get_closest_marker("old_threads")]
        if without:
            config.hook.pytest_deselected(items=without)
            items[:] = [item for item in items if not item.get_closest_marker("old_threads")]
    # Last, when nothing else is under way: a browser, a server and a worker are enough for two processors.
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark, reason in NEEDS.items():
        if item.get_closest_marker(mark) and FINDERS[mark]() is None:
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and nothing_may_be_skipped(item.config):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} must run here, but: {reason.removeprefix('Skipped: ')}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and nothing_may_be_skipped(collector.config):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} must run here, but was skipped whole"
    return report


@contextmanager
def postgres_database() -> Iterator[str]:
    """The SQLAlchemy URL of an empty database; dropped afterwards."""
    import psycopg
    from sqlalchemy import make_url

    place = found_postgres()
    if place is None:
        pytest.skip(NEEDS["postgres"])
    name = f"board_test_{secrets.token_hex(6)}"
    plain = place.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template template0')
        # No test stops the server: that a commit is on the disk when it is answered may wait.
        connection.execute(f'alter database "{name}" set synchronous_commit = off')
    try:
        yield make_url(place).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of an empty database of the test's own."""
    with postgres_database() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_home() -> Iterator[str]:
    """The SQLAlchemy URL of a database of this process."""
    with postgres_database() as url:
        yield url


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The URL of an empty database number that no other test run on this machine uses; emptied afterwards."""
    import redis

    place = found_redis()
    if place is None:
        pytest.skip(NEEDS["redis"])
    for number in range(15, 0, -1):
        url = f"{place.rsplit('/', 1)[0]}/{number}"
        with redis.Redis.from_url(url) as client:
            if client.dbsize() == 0 and client.set("claimed-by-a-test", "1", nx=True, ex=600):
                try:
                    yield url
                finally:
                    client.flushdb()
                return
    pytest.fail(f"every database of {place} is in use")


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The executable for Playwright's `executable_path`."""
    path = found_chromium()
    if path is None:
        pytest.skip(NEEDS["browser"])
    return Path(path)


@pytest.fixture(scope="session")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """One Chromium for all tests of a run; each takes contexts of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(chromium_path), args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()
