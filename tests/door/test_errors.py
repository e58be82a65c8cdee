"""What a reader is told when something cannot be done: true words in both languages, and what was written given back."""

from __future__ import annotations

import contextvars
import re
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import default_exceptions
from werkzeug.test import TestResponse

from board import facts, noting, typed
from board.db import commits, db, transaction
from board.facts import Fact
from tests.domain.test_database import fill_the_disk
from tests.door.writing import hidden_of, look, send

ENGLISH = "auto.m.0.en"
LANGUAGES = ["zh", "en"]
REFUSALS = [400, 403, 404, 405, 408, 409, 410, 413, 414, 415, 418, 422, 429, 500, 501, 503]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Longer than what a page of the database has left, with what must not break out of a field.
WORDS = "昨晚路口又堵了，</textarea><b>&amp; 请看一下。\n第二行。" * 100


def speak(client: FlaskClient, language: str) -> FlaskClient:
    if language == "en":
        client.set_cookie("prefs", ENGLISH)
    return client


def is_said_in(language: str, sentence: str) -> bool:
    """Whether a sentence is in this language and in no other."""
    if language == "zh":
        return bool(CHINESE.search(sentence)) and not re.search(r"[A-Za-z]{3,}", sentence)
    return bool(re.search(r"[a-z]{3,}", sentence)) and not CHINESE.search(sentence)


def heading(answer: TestResponse) -> str:
    found = re.search(r"<h1>(.*?)</h1>", answer.text, re.S)
    assert found is not None, answer.text[:500]
    return unescape(found[1])


def advice(answer: TestResponse) -> str:
    main = answer.text[answer.text.index("<main") : answer.text.index("</main>")]
    return unescape(re.sub(r"<[^>]+>", " ", main))


def speaks_of_a_copy(answer: TestResponse) -> bool:
    """Whether it says that the device has kept what was written, which no server knows."""
    return bool(re.search("保存在这台设备|保存在本机|kept on this device", advice(answer)))


def given_back(answer: TestResponse) -> list[str]:
    """What stands in the fields to be read and copied."""
    found = re.findall(r"<textarea[^>]* readonly[^>]*>\n(.*?)</textarea>", answer.text, re.S)
    return [unescape(each) for each in found]


@pytest.fixture
def refusing(app: Flask) -> Flask:
    """A board with an address for each refusal."""

    @app.route("/test/refused/<int:status>", methods=["GET", "POST"])
    def refuse(status: int) -> str:
        abort(status)

    @app.post("/test/broken")
    def broken() -> str:
        raise ZeroDivisionError

    @app.post("/test/cut")
    def cut() -> str:
        raise OperationalError("SELECT 1", {}, Exception("the server went away"))

    @app.get("/test/lost/<then>")
    def lost(then: str) -> str:
        # As when the server stops under a query: the transaction is broken until somebody ends it.
        db.session.connection().invalidate()
        facts._read_at = 0.0  # to be read again
        if then == "missing":
            abort(404)
        if then == "noted":
            noting.opened("page.read", by="nobody", thing="page:/test/lost")
            return "closed words"
        db.session.execute(select(1))
        return "never"

    return app


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", REFUSALS)
def test_each_refusal_is_said_in_the_readers_language(refusing: Flask, status: int, language: str) -> None:
    client = speak(refusing.test_client(), language)
    page = look(client, f"/test/refused/{status}")
    assert page.status_code == status
    assert page.headers["Cache-Control"] == "no-store"
    assert is_said_in(language, heading(page)), heading(page)
    assert is_said_in(language, advice(page).replace("110", "")), advice(page)
    missing = heading(page).startswith(("没有找到这一页", "This page was not found"))
    assert missing is (status in (404, 405, 410)), heading(page)

    asked = {"Accept": "application/json"}
    problem = contextvars.Context().run(client.get, f"/test/refused/{status}", headers=asked)
    assert problem.status_code == status
    assert problem.mimetype == "application/problem+json"
    assert problem.get_json()["status"] == status
    assert is_said_in(language, problem.get_json()["title"]), problem.get_json()
    assert problem.get_json()["title"] != default_exceptions[status].description
    assert page.text.count("<h1") == 1


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_address_that_takes_only_forms_is_no_page(app: Flask, cast: Any, accept: str) -> None:
    answer = contextvars.Context().run(
        app.test_client().get, "/s/traffic/threads", headers={"Accept": accept}
    )
    assert answer.status_code == 405
    if accept == "application/json":
        assert answer.get_json()["status"] == 405
    else:
        assert heading(answer) == "没有找到这一页"


@pytest.mark.parametrize("language", LANGUAGES)
def test_too_much_text_is_not_said_to_be_too_many_photos(app: Flask, cast: Any, language: str) -> None:
    client = speak(app.test_client(), language)
    form = {"title": "路灯", "body": "字" * 800_000}
    for sent in (form, {**form, "files": (BytesIO(b"x"), "a.jpg")}):
        answer = send(client, "/s/traffic/threads", sent)
        assert answer.status_code == 413
        assert (
            heading(answer)
            == {
                "zh": "文字太多，一次装不下，请分几次提交。",
                "en": "That is too much text for one form. Please send it in several parts.",
            }[language]
        )
        assert not re.search("照片|photo", advice(answer))
    app.config["MAX_CONTENT_LENGTH"] = 1_000
    answer = send(client, "/s/traffic/threads", {"files": (BytesIO(b"x" * 2_000), "a.jpg")})
    assert answer.status_code == 413
    assert re.search("9 张照片|9 photos", heading(answer))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_that_breaks_its_own_page_too_is_still_said(app, cast, monkeypatch, language: str) -> None:
    """As when each question to a database fails in a way of its own: the page of an error also asks who reads it."""

    def fail(token: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("people.session.SignIn.by_token", fail)
    client = speak(app.test_client(), language)
    client.set_cookie("sign_in", "anything")
    answer = look(client, "/mine")
    assert answer.status_code == 500
    assert is_said_in(language, heading(answer)), heading(answer)


def test_a_session_that_cannot_be_put_back_leaves_its_page_as_it_was_drawn(app, cast, monkeypatch) -> None:
    def fail() -> None:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(db.session, "remove", fail)
    assert look(app.test_client(), "/sections").status_code == 200


# --- what was written ------------------------------------------------------------------------------------


def fill_up(application: Flask) -> None:
    """Fill the disk to the last page, so that no sentence fits any more."""
    fill_the_disk(application)

    def write_on() -> None:
        for place in range(2_000):
            with transaction() as session:
                session.add(Fact(key=f"filler-{place}", value="x" * 3_000))

    with pytest.raises(OperationalError, match="full"):
        write_on()
    db.session.remove()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_disk_gives_back_what_was_written(
    app: Flask, reported: Any, client_of: Any, language: str
) -> None:
    case = reported()
    number, thread = case.number, case.thread.public_id
    db.session.rollback()
    rita, otto = speak(client_of("rita"), language), speak(client_of("otto"), language)
    compose = hidden_of(look(rita, "/s/traffic/new").text)
    reply = hidden_of(look(rita, f"/cases/{number}").text)
    desk = hidden_of(look(otto, f"/desk?case={number}").text)
    assert compose["once"]
    assert desk["csrf_token"]
    fill_up(app)

    said = {"zh": "现在存不了", "en": "The board cannot save right now"}[language]
    title, place = "路口 <b>“又堵”</b>", "青松路口"
    for client, path, form, fields in [
        (rita, "/s/traffic/threads", compose, {"title": title, "body": WORDS, "place": place}),
        (rita, f"/t/{thread}/replies", reply, {"body": WORDS}),
        (otto, f"/cases/{number}/acceptance", desk, {"text": WORDS}),
    ]:
        answer = send(client, path, {**form, **fields})
        assert answer.status_code == 503, (path, answer.text[:500])
        assert answer.headers["Retry-After"] == "5"
        assert heading(answer).startswith(said), path
        back = [each.replace("\r\n", "\n") for each in given_back(answer)]
        assert sorted(back) == sorted(fields.values()), path
        assert "<b>" not in answer.text[answer.text.index("<main") : answer.text.index("</main>")]
        assert form["once"] not in answer.text
        assert form["csrf_token"] not in answer.text
        assert not speaks_of_a_copy(answer)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_breaks_gives_back_words_and_no_secrets(refusing: Flask, language: str) -> None:
    client = speak(refusing.test_client(), language)
    secret = {"password": "hush-1", "old_password": "hush-2", "code": "314159", "phone": "19900001234"}
    tokens = {"csrf_token": "hush-3", "once": "hush-4-hush-4-hush-4", "identity": "hush-5"}
    for path, status in [("/test/broken", 500), ("/test/cut", 503), ("/test/refused/409", 409)]:
        answer = send(client, path, {"body": "写好的话", "reason": " ", **secret, **tokens})
        assert answer.status_code == status
        assert given_back(answer) == ["写好的话"]
        assert not any(each in answer.text for each in (*secret.values(), *tokens.values()))
        assert not speaks_of_a_copy(answer)
        assert given_back(send(client, path, secret)) == []


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
@pytest.mark.parametrize("then", ["asked", "missing", "noted"])
def test_a_connection_that_is_cut_is_said_as_such_whatever_was_drawn(
    refusing: Flask, then: str, accept: str
) -> None:
    # As it runs: what leaves the board is the web server's own page.
    refusing.config["PROPAGATE_EXCEPTIONS"] = False
    client = refusing.test_client()
    answer = contextvars.Context().run(client.get, f"/test/lost/{then}", headers={"Accept": accept})
    if (then, accept) == ("missing", "application/json"):
        assert answer.status_code == 404  # for this nobody has to be asked
        return
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "closed words" not in answer.text
    assert look(client, "/").status_code == 200


def test_the_city_keeps_its_name_while_its_database_is_away(refusing: Flask, cast: Any) -> None:
    with transaction():
        facts.put({"name": {"zh": "云川市", "en": "Yunchuan"}})
    client = refusing.test_client()
    assert "云川市" in look(client, "/").text
    answer = look(client, "/test/lost/asked")
    assert answer.status_code == 503
    assert "云川市" in answer.text


def test_who_cannot_tell_whether_anybody_wrote_asks_the_database(app: Flask, cast: Any) -> None:
    assert commits() is not None
    db.engine._station_watch.connection.close()  # type: ignore[attr-defined]
    assert commits() is None
    assert look(app.test_client(), "/").status_code == 200


def test_a_page_that_cannot_be_read_does_not_speak_of_saving(refusing: Flask, cast: Any) -> None:
    answer = look(refusing.test_client(), "/test/refused/503")
    assert heading(answer) == "网站现在打不开这一页，请过一会儿再试。"
    assert given_back(answer) == []


def test_another_site_cannot_put_its_words_on_an_error_page(refusing: Flask) -> None:
    answer = contextvars.Context().run(
        refusing.test_client().post,
        "/test/broken",
        data={"body": "请把钱转到这个账户"},
        headers={"Origin": "https://elsewhere.example"},
    )
    assert answer.status_code == 403
    assert "转到这个账户" not in answer.text


def test_a_verb_does_not_go_on_without_what_it_has_written_so_far(
    app: Flask, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "select", lambda *_columns: text("SELECT nothing FROM nowhere"))
    facts.forget()
    assert facts.facts() == facts.DEFAULTS, "an empty database still says that it is empty"
    with pytest.raises(OperationalError), transaction():
        facts.facts()
    facts.forget()


def test_whatever_is_written_by_hand_is_given_back() -> None:
    templates = Path(__file__).resolve().parents[2] / "templates"
    asked = {
        name
        for path in templates.rglob("*.html")
        for name in re.findall(r'area_field\(\s*"([^"]+)"\s*,', path.read_text())
    }
    assert {"findings", "body"} <= asked
    assert asked <= set(typed.WORDS)
