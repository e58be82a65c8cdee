"""Filling in the compose form as a browser does."""

from __future__ import annotations

import contextvars
import re
from html import unescape
from io import BytesIO
from typing import Any

from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from tests.conftest import ORIGIN

WORDS = {"title": "青松路与建设街路口红绿灯一直闪黄灯", "body": "早高峰很危险，请@交警支队看一下。"}


def photo(colour: str = "red", size: tuple[int, int] = (60, 40), form: str = "JPEG") -> bytes:
    """A small picture as a file."""
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, form)
    return out.getvalue()


def hidden_of(html: str) -> dict[str, Any]:
    """Every hidden, checked or typed value of a page's forms, as a browser would send them again."""
    found: dict[str, Any] = {}

    def add(name: str, value: str) -> None:
        if name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value

    main = html[html.index("<main") : html.index("</main>")]
    for tag in re.findall(r"<input[^>]*>", main):
        attributes = {key: unescape(value) for key, value in re.findall(r'([a-z-]+)="([^"]*)"', tag)}
        kind, name = attributes.get("type", "text"), attributes.get("name")
        if not name or kind in ("file", "search"):
            continue
        if kind in ("radio", "checkbox") and " checked" not in tag:
            continue
        if name in ("once", "csrf_token") and name in found:
            continue
        if kind == "radio" and attributes.get("value", "") == "":
            continue
        add(name, attributes.get("value", ""))
    for name, value in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', main, re.S):
        add(name, unescape(value))
    return found


def send(client: FlaskClient, path: str, data: dict[str, Any]) -> TestResponse:
    """POST a form from this site, each in a context of its own."""
    return contextvars.Context().run(
        client.post, path, data=data, headers=ORIGIN, content_type="multipart/form-data"
    )


def look(client: FlaskClient, path: str) -> TestResponse:
    """GET a page, each in a context of its own."""
    return contextvars.Context().run(client.get, path)


def write(client: FlaskClient, section: str | None = "traffic", **words: Any) -> TestResponse:
    """Open the form, fill it in, send it."""
    page = look(client, f"/s/{section}/new" if section else "/new")
    assert page.status_code == 200, page.get_data(as_text=True)[:800]
    data = {**hidden_of(page.get_data(as_text=True)), **WORDS, **words}
    return send(client, f"/s/{section}/threads" if section else "/threads", data)
