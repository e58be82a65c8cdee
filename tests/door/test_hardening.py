"""What holds whoever asks for more than his share, or for what no form offers."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from board.db import db
from people import codes
from people.models import Person
from tests.builders import Cast
from tests.conftest import ORIGIN

ClientOf = Callable[[str | None], FlaskClient]
Answer = Callable[..., TestResponse]


def ask(client: FlaskClient, method: str, path: str, **options: Any) -> TestResponse:
    return contextvars.Context().run(client.open, path, method=method, **options)


def test_codes_of_many_telephones_cannot_be_guessed_from_one_address(app: Flask, client_of: ClientOf) -> None:
    client = client_of(None)

    def guess(number: int, code: str = "000000", address: str = "192.0.2.7") -> TestResponse:
        form = {"phone": f"199{number:08d}", "code": code}
        where = {"REMOTE_ADDR": address}
        return ask(client, "POST", "/sign-in", data=form, headers=ORIGIN, environ_base=where)

    def right(number: int) -> str:
        def make() -> str:
            with app.app_context():
                return str(codes.start_code(f"199{number:08d}", "198.51.100.1").shown)

        return contextvars.Context().run(make)

    for number in range(30):
        assert "请稍后" not in guess(number).text
    first, second = right(100), right(101)
    assert guess(100, first).status_code == 422  # the right one comes too late here …
    assert guess(101, second, "192.0.2.8").status_code == 303  # … and goes on working elsewhere


def test_searching_has_a_limit_and_reading_has_none(get_as: Answer) -> None:
    found = [get_as(None, "/search?q=路口").status_code for _ in range(91)]
    assert 429 not in found[:90]
    last = get_as(None, "/search?q=路口")
    assert (found[90], last.status_code) == (429, 429)
    assert int(last.headers["Retry-After"]) > 0
    assert get_as(None, "/search").status_code != 429
    assert get_as(None, "/s/traffic").status_code == 200


def test_posting_has_a_limit(
    post_as: Answer, reported: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from boards.views import compose, replies

    assert all(int(each.partition(" ")[0]) <= 300 for each in (replies.REPLIES, compose.POSTS, compose.FORMS))
    monkeypatch.setattr(replies, "REPLIES", "3 per hour")
    monkeypatch.setattr(compose, "FORMS", "3 per hour")
    reply = f"/t/{reported().thread.public_id}/replies"
    db.session.rollback()
    for path in (reply, "/s/traffic/threads"):
        statuses = [post_as("rita", path, body="").status_code for _ in range(4)]
        assert 429 not in statuses[:3]
        assert statuses[3] == 429


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
@pytest.mark.parametrize("length", ["told", "untold"])
def test_a_body_of_words_is_held_to_two_megabytes_however_it_is_written(
    client_of: ClientOf, kind: str, length: str
) -> None:
    words = b"a" * (4 * 1024 * 1024)
    body = b"title=" + words
    if kind.startswith("multipart"):
        body = b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\n' + words + b"\r\n--x--\r\n"
        kind += "; boundary=x"
    environ: dict[str, Any] = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))}
    if length == "untold":  # as with chunks, of which the server knows the end
        environ |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    for path in ("/prefs", "/s/traffic/threads", "/sign-in"):
        sent = BytesIO(body)
        answer = ask(
            client_of(None), "POST", path, input_stream=sent, headers=ORIGIN, environ_overrides=environ
        )
        if kind.startswith("multipart") or length == "told":
            assert answer.status_code == 413, path
        else:  # nobody says beforehand how long it is: no more is read
            assert answer.status_code < 500
            assert sent.tell() < 2.2 * 1024 * 1024, path


def test_a_form_of_words_just_below_is_read(client_of: ClientOf) -> None:
    answer = ask(
        client_of(None), "POST", "/prefs", data={"theme": "dark", "x": "a" * 2_000_000}, headers=ORIGIN
    )
    assert answer.status_code == 303


def test_fields_that_no_form_has_change_nothing(cast: Cast, post_as: Answer) -> None:
    def everything() -> dict[str, list[Any]]:
        db.session.rollback()
        people = db.session.execute(
            select(Person.public_id, Person.kind, Person.badge, Person.active, Person.password_hash)
        ).all()
        found: dict[str, list[Any]] = {"people": sorted(map(str, people))}
        for name in ("appointment", "sign_in", "shift"):
            count = db.session.scalar(select(func.count()).select_from(db.metadata.tables[name]))
            found[name] = [count]
        db.session.rollback()
        return found

    forged = {
        "kind": "staff", "role": "administrator", "is_staff": "1", "badge": "999999", "active": "0", "id": "1", "public_id": "x",
        "person_id": "1", "poster_id": "1", "visibility": "restricted", "status": "closed", "outcome": "solved",
        "department_id": "1", "appointments": "administrator", "password_hash": "x", "number": "20000101-0001",
        "version": "99", "hidden_at": "2026-01-01", "second_factor_at": "2026-01-01",
    }  # fmt: skip
    post_as("rita", "/me/nickname", nickname="春天的银杏", **forged)
    before = everything()
    answer = post_as(
        "rita", "/s/traffic/threads", title="人行道的地砖松动了", body="下雨天会溅水，请派人修一修。", identity="hidden",
        similar_seen="1", **forged,
    )  # fmt: skip
    assert answer.status_code == 303
    from boards.models import Case, Thread

    thread = db.session.scalars(select(Thread).order_by(Thread.id.desc()).limit(1)).one()
    case = db.session.scalars(select(Case).where(Case.thread_id == thread.id)).one()
    assert (thread.visibility, str(case.status), case.outcome) == ("public", "pending", None)
    assert thread.poster_id == cast.ids["rita"]
    assert case.number != "20000101-0001"
    assert case.department.key == "traffic-police"
    assert everything() == before


def test_no_key_of_the_installation_is_ever_printed(
    app: Flask, get_as: Answer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from boards import desk

    settings = app.config["SETTINGS"]
    keys = [settings.secret_key, *settings.vault_keys, settings.lookup_key]

    def broken(*_args: Any, **_more: Any) -> None:
        raise RuntimeError(f"{settings!r} {settings}")

    monkeypatch.setattr(desk.Desk, "counts", broken)
    with caplog.at_level("DEBUG"):
        answer = get_as("otto", "/desk")
    assert answer.status_code == 500
    said = answer.text + caplog.text + repr(settings)
    assert "RuntimeError" in caplog.text
    assert [key for key in keys if key in said] == []
