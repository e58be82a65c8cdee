"""A button pressed twice at the same moment acts once, and both presses are led to the same place."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from board import once
from board.db import db, transaction
from boards.models import Case, CaseEvent
from complaints.models import Look, Statement
from tests.builders import Cast, case_of
from tests.complaining import complain, open_complaints, tasks
from tests.conftest import ORIGIN, fields_of
from tests.domain.conftest import at_once

Twice = Callable[..., list[TestResponse]]


@pytest.fixture
def twice(app: Flask, cast: Cast, client_of: Callable[[str | None], FlaskClient]) -> Twice:
    """Send one form of Ines' from two windows at once; `given` is what was typed in each."""

    def send(path: str, *given: dict[str, str]) -> list[TestResponse]:
        client = client_of("ines")
        cookie = client.get_cookie("sign_in")
        assert cookie is not None
        page = contextvars.Context().run(client.get, "/me").get_data(as_text=True)
        sent = {"once": once.fresh(), "csrf_token": fields_of(page)["csrf_token"]}

        def press(data: dict[str, str]) -> TestResponse:
            window = app.test_client()
            window.set_cookie("sign_in", cookie.value)
            return contextvars.Context().run(window.post, path, data={**sent, **data}, headers=ORIGIN)

        presses: list[Any] = [lambda data=data: press(data) for data in given]
        return at_once(app, *presses)

    return send


@pytest.fixture
def complained(cast: Cast) -> Callable[[], Case]:
    """Rita's complaint, whose task Ines has taken on."""
    with transaction():
        open_complaints(cast)
    with transaction():
        thread = complain(cast.rita).public_id
    with transaction():
        tasks(case_of(thread))[0].accept(by=cast.ines)
    return lambda: case_of(thread)


@pytest.mark.engines("sqlite", "postgres")
@pytest.mark.parametrize(
    ("path", "typed", "left"),
    [
        ("news", {"news": "我们调取了当晚的执法记录仪。"}, CaseEvent.kind == "inquiry.told"),
        ("statements", {"unit": "traffic-police", "question": "谁在值勤？"}, Statement.id > 0),
    ],
)
def test_an_act_of_a_task_pressed_twice(
    complained: Callable[[], Case], twice: Twice, path: str, typed: dict[str, str], left: Any
) -> None:
    task = tasks(complained())[0].public_id
    db.session.rollback()
    answers = twice(f"/inquiries/{task}/{path}", typed, typed)
    assert [(each.status_code, each.headers.get("Location")) for each in answers] == [
        (303, f"/inspection?case={complained().number}")
    ] * 2
    assert db.session.scalar(db.select(db.func.count()).where(left)) == 1


@pytest.mark.engines("sqlite", "postgres")
def test_a_case_gone_through_twice(
    cast: Cast, reported: Callable[[], Case], complained: Callable[[], Case], twice: Twice
) -> None:
    with transaction():
        reported().answer(by=cast.otto, answer="已处理。", outcome="explained")
    typed = {"case": reported().number, "queue": "empty", "found": "已请该支队补充答复。"}
    db.session.rollback()
    answers = twice("/inspection/looks", typed, typed)
    assert [(each.status_code, each.headers.get("Location")) for each in answers] == [
        (303, "/inspection?queue=empty")
    ] * 2
    assert db.session.scalar(db.select(db.func.count(Look.id))) == 1
