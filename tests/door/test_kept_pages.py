"""Pages kept for visitors: they ask the database nothing until somebody commits, and no page walks a whole table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from board import web
from board.db import commits, db, transaction
from board.settings import Settings, SettingsError
from tests.conftest import settings

LARGE = (
    "thread",
    "case",
    "case_event",
    "text",
    "deadline",
    "mention",
    "watch",
    "rating",
    "inbox_item",
    "job",
)


@contextmanager
def statements(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that is executed inside the block, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_a_kept_page_asks_the_database_nothing(app, get_as, reported):
    with transaction():
        case = f"/cases/{reported().number}"
    for path in ("/", "/s/traffic", case):
        first = get_as(None, path)
        with statements(app) as seen:
            again = get_as(None, path)
        assert (again.status_code, again.data) == (200, first.data)
        assert seen == [], path


def test_a_commit_anywhere_makes_the_page_ask_again(app, cast, get_as, reported):
    with transaction():
        path = f"/cases/{reported().number}"
    before = get_as(None, path).get_data(as_text=True)
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口，到了再告诉您。")
    after = get_as(None, path).get_data(as_text=True)
    assert "两名民警正赶往路口" not in before
    assert "两名民警正赶往路口" in after


def test_a_page_that_is_held_is_gone_for_visitors_at_once(app, cast, get_as, reported):
    with transaction():
        path = f"/cases/{reported().number}"
    assert get_as(None, path).status_code == 200
    with transaction():
        reported().thread.hold(by=cast.mona, reason="private_data")
    assert get_as(None, path).status_code == 404


def test_a_commit_that_changes_nothing_here_keeps_the_page(
    app, cast, get_as, reported, thread_posted, monkeypatch
):
    with transaction():
        path = f"/cases/{reported().number}"
    get_as(None, path)
    monkeypatch.setattr(web, "_keep", lambda *_arguments: pytest.fail("drawn anew"))
    thread_posted("vera", title="别的路口的事", body="另一件事。")
    assert get_as(None, path).status_code == 200


def test_every_commit_gives_another_number(app, thread_posted):
    first = commits()
    assert commits() == first
    thread_posted()
    assert commits() != first


def test_without_the_store_every_page_is_drawn(app, get_as, reported, monkeypatch):
    monkeypatch.setitem(app.config, "SETTINGS", settings(app.config["SETTINGS"].data, BOARD_PAGE_CACHE="off"))
    get_as(None, "/s/traffic")
    with statements(app) as seen:
        get_as(None, "/s/traffic")
    assert seen


def test_the_setting_of_the_store_is_on_or_off(tmp_path):
    with pytest.raises(SettingsError, match="BOARD_PAGE_CACHE"):
        Settings.from_env({"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path), "BOARD_PAGE_CACHE": "maybe"})


@pytest.mark.parametrize("who", [None, "rita", "vera", "otto"])
@pytest.mark.parametrize("path", ["/s/traffic", "/s/traffic?status=done", "case", "/inbox", "/mine"])
def test_no_page_walks_a_table_that_grows(app, get_as, reported, who, path):
    with transaction():
        number = reported().number
    path = f"/cases/{number}" if path == "case" else path
    with statements(app) as seen:
        get_as(who, path)
    for statement, parameters in seen:
        if not statement.startswith("SELECT"):
            continue
        plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        for row in plan:
            walked = re.match(r"SCAN (\w+)(?! USING)", str(row[3]))
            table = re.sub(r"_\d+$", "", walked[1]) if walked else ""
            assert table not in LARGE or "USING" in str(row[3]), f"{path} walks {table}: {statement}"
    db.session.rollback()
