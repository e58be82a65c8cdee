"""Pages kept for visitors: they ask the database nothing until somebody commits, and no page walks a whole table."""

from __future__ import annotations

import contextvars
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import event, text

from board import web
from board.db import commits, db, transaction
from board.settings import Settings, SettingsError
from boards.models import Section
from boards.models.posting import Draft, post
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


# --- handed out at the door ---------------------------------------------------------------------------------


@pytest.fixture
def asked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths with which the program itself was asked."""
    paths: list[str] = []
    dispatch = app.full_dispatch_request

    def heard() -> Any:
        paths.append(request.path)
        return dispatch()

    monkeypatch.setattr(app, "full_dispatch_request", heard)
    return paths


PUBLIC = ("/", "/sections", "/s/traffic", "/s/traffic?status=done", "case", "/guide", "/d")


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("prefs", ["", "dark.l.1.en"])
def test_at_the_door_a_visitor_is_given_the_same(app, client_of, get_as, reported, asked, path, prefs):
    with transaction():
        path = path.replace("case", f"/cases/{reported().number}")
    if prefs:
        client_of(None).set_cookie("prefs", prefs)
    first = get_as(None, path)
    again = get_as(None, path, headers={"X-Request-ID": "d00r"})
    assert len(asked) == 1
    assert (again.status, again.data) == (first.status, first.data)
    assert again.headers.pop("X-Request-ID") == "d00r"
    assert first.headers.pop("X-Request-ID").isalnum()
    assert sorted(again.headers) == sorted(first.headers)


def test_a_notice_whose_readers_are_counted_is_never_handed_out_at_the_door(app, get_as, cast, asked):
    with transaction():
        notice = Draft(title="开放日", body="欢迎来看。", identity="open")
        path = f"/t/{post(Section.by_key('notices'), notice, by=cast.mona).public_id}"
    assert [get_as(None, path).status_code for _turn in range(3)] == [200] * 3
    assert len(asked) == 3


def test_what_is_not_the_very_same_request_goes_in(
    app, client_of, get_as, cast, reported, thread_posted, asked
):
    with transaction():
        path = f"/cases/{reported().number}"
    first = get_as(None, path)
    get_as(None, path)
    assert asked == [path]

    assert get_as(None, path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert contextvars.Context().run(client_of(None).head, path).data == b""
    assert get_as(None, path, base_url="https://localhost").headers["Strict-Transport-Security"]
    assert "Sign in" in in_english(client_of, get_as, path)
    assert 'href="/sign-in"' not in get_as("rita", path).get_data(as_text=True)
    assert 'name="csrf_token"' not in get_as(None, path).get_data(as_text=True)
    asked.clear()
    thread_posted("vera", title="别的路口的事", body="另一件事。")  # a commit
    get_as(None, path)
    assert asked == [path]


def test_a_page_whose_time_is_over_is_drawn_anew(app, get_as, asked, monkeypatch):
    get_as(None, "/")
    asked.clear()
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    get_as(None, "/")
    assert asked == ["/"]


def test_the_door_says_in_the_log_what_it_gave(app, get_as, caplog):
    get_as(None, "/s/traffic")
    caplog.clear()
    with caplog.at_level("INFO", logger="board.web"):
        get_as(None, "/s/traffic", headers={"X-Request-ID": "d00r"})
    (record,) = caplog.records
    assert record.getMessage() == "GET /s/traffic 200"
    assert (record.request_id, record.status) == ("d00r", 200)


def in_english(client_of: Any, get_as: Any, path: str) -> str:
    """A visitor's page in English; his browser forgets it again."""
    client_of(None).set_cookie("prefs", "auto.m.0.en")
    html = get_as(None, path).get_data(as_text=True)
    client_of(None).delete_cookie("prefs")
    return str(html)


def test_a_page_that_read_before_it_was_asked_for_vouches_for_nothing(app: Flask, cast: Any) -> None:
    @app.get("/test/early")
    def early() -> Any:
        db.session.execute(text("SELECT 1"))
        return web.cached_page("test-early", "always", lambda: ("drawn", None))

    @app.get("/test/late")
    def late() -> Any:
        return web.cached_page("test-late", lambda: "always", lambda: ("drawn", None))

    for path, held in (("/test/early", 0), ("/test/late", 1)):
        app.extensions["shelf"].held.clear()
        answer = contextvars.Context().run(app.test_client().get, path)
        assert answer.text == "drawn"
        assert len(app.extensions["shelf"].held) == held, path
