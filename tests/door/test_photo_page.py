"""A photo on a page of its own: large, between its neighbours, and for nobody who may not read what it hangs on."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from board import audit
from board.db import db, transaction
from board.files import StoredFile
from boards.models import Thread
from tests.door.test_photos import files, in_page, stored, threads
from tests.door.writing import WORDS, look, photo, send, write


def text(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


@pytest.fixture
def three(client_of: Any) -> list[str]:
    """The pages of Rita's three photos, in their order."""
    client = client_of("rita")
    pictures = [(photo(colour), f"{colour}.jpg") for colour in ("red", "blue", "teal")]
    assert write(client, files=files(*pictures)).status_code == 303
    with transaction():
        found = stored()
        found[1].caption = "路口东北角"
        return [f"/photos/{each.public_id}" for each in found]


def links(page: str, rel: str) -> list[str]:
    return re.findall(rf'<a[^>]*rel="{rel}" href="([^"]+)"', page)


def test_the_thumbnail_leads_to_the_page_and_the_page_to_its_neighbours_and_back(
    client_of: Any, three: list[str]
) -> None:
    visitor = client_of(None)
    thread = threads()[0]
    assert thread.case is not None
    case_page = text(look(visitor, f"/cases/{thread.case.number}"))
    assert re.findall(r'href="(/photos/\w+)"', case_page) == three
    assert re.findall(r'src="(/files/\w+/thumb)"', case_page) == [
        f"{path.replace('/photos/', '/files/')}/thumb" for path in three
    ]
    first, second, third = (text(look(visitor, path)) for path in three)
    assert (links(first, "prev"), links(first, "next")) == ([], [three[1]])
    assert (links(second, "prev"), links(second, "next")) == ([three[0]], [three[2]])
    assert (links(third, "prev"), links(third, "next")) == ([three[1]], [])
    assert "路口东北角" in second
    assert WORDS["title"] in second
    assert f'href="/cases/{thread.case.number}"' in second
    source = re.search(r'<img src="(/files/\w+/full)"', second)
    assert source is not None
    file = look(visitor, source[1])
    assert file.status_code == 200
    assert file.headers["Content-Disposition"].startswith("attachment"), (
        "opened by itself it is no page of ours"
    )


def test_a_photo_of_a_reply_leads_back_to_the_reply(client_of: Any, three: list[str]) -> None:
    thread = threads()[0]
    page = look(client_of("vera"), f"/t/{thread.public_id}")
    once = re.search(r'name="once" value="([^"]+)"', text(look(client_of("vera"), page.headers["Location"])))
    assert once is not None
    said = {"body": "我也拍了一张。", "once": once[1], "files": files((photo("green"), "g.jpg"))}
    token = re.search(
        r'name="csrf_token" value="([^"]+)"', text(look(client_of("vera"), page.headers["Location"]))
    )
    assert token is not None
    answer = send(client_of("vera"), f"/t/{thread.public_id}/replies", {**said, "csrf_token": token[1]})
    assert answer.status_code == 303
    db.session.rollback()
    newest = db.session.scalars(select(StoredFile).order_by(StoredFile.id.desc())).first()
    assert newest is not None
    back = text(look(client_of(None), f"/photos/{newest.public_id}"))
    assert f"{page.headers['Location']}#e2" in back
    assert links(back, "prev") == links(back, "next") == []


def test_a_held_post_takes_its_photo_pages_along(client_of: Any, cast: Any, three: list[str]) -> None:
    with transaction():
        db.session.scalars(select(Thread)).one().hold(by=cast.mona, reason="private_data")
    found = {
        who: look(client_of(who), three[0]).status_code for who in (None, "vera", "rita", "mona", "hugo")
    }
    assert found == {None: 404, "vera": 404, "rita": 200, "mona": 200, "hugo": 404}


def test_a_restricted_photo_is_the_same_404_and_its_reading_is_noted(client_of: Any, cast: Any) -> None:
    client: FlaskClient = client_of("rita")
    answer = write(
        client, "110", title="有人在砸我家的门", body="救命，有人正在撬我家的门", files=files((photo(), "a.jpg"))
    )  # fmt: skip
    data = {**in_page(answer), "step": "checked"}
    assert send(client, "/s/110/threads", data).status_code == 303
    (file,) = stored()
    path, never = f"/photos/{file.public_id}", "/photos/zzzzzzzzzz"

    def body(who: str | None, where: str) -> tuple[int, str]:
        found = look(client_of(who), where)
        page = re.sub(r'(name="csrf_token" value=)"[^"]*"', "", text(found))
        return found.status_code, page.replace(where, "…").replace(where[8:], "…")

    for who in (None, "vera", "otto", "adam", "mona"):
        assert body(who, path) == body(who, never)
        assert body(who, path)[0] == 404
    page = look(client_of("dana"), path)
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    db.session.rollback()
    readers = set(
        db.session.scalars(select(audit.AuditEntry.actor).where(audit.AuditEntry.act == "case.read"))
    )
    assert cast.dana.public_id in readers
    assert cast.otto.public_id not in readers


def test_what_waits_in_a_form_has_no_page(client_of: Any) -> None:
    write(client_of("rita"), title="", files=files((photo(), "a.jpg")))
    (file,) = stored("draft")
    assert look(client_of("rita"), f"/photos/{file.public_id}").status_code == 404
