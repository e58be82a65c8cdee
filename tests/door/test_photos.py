"""Photos of posts and replies: taken from the form, kept through every error, shown to whoever may read the text."""

from __future__ import annotations

import os
import struct
import zlib
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from board import clock, jobs
from board.db import db, transaction
from board.files import StoredFile, store
from boards.models import Case, Thread
from boards.photos import photos_of
from tests.door.writing import WORDS, hidden_of, look, photo, send, write


def files(*each: tuple[bytes, str]) -> list[tuple[BytesIO, str]]:
    return [(BytesIO(data), name) for data, name in each]


def threads() -> list[Thread]:
    db.session.rollback()
    return list(db.session.scalars(select(Thread).order_by(Thread.id)))


def stored(kind: str = "text") -> list[StoredFile]:
    db.session.rollback()
    query = select(StoredFile).where(StoredFile.owner_kind == kind)
    return list(db.session.scalars(query.order_by(StoredFile.position)))


def in_page(answer) -> dict[str, Any]:
    return hidden_of(answer.get_data(as_text=True))


def bomb() -> bytes:
    """A PNG of 60,000 × 60,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def test_photos_hang_on_the_post_in_their_order(client_of):
    answer = write(
        client_of("rita"), files=files((photo("red"), "a.jpg"), (photo("blue", form="PNG"), "b.png"))
    )
    assert answer.status_code == 303
    (thread,) = threads()
    found = photos_of([thread.body])[thread.body.id]
    assert [file.position for file in found] == [0, 1]
    assert [file.caption for file in found] == ["", ""]
    assert stored("draft") == []


def test_everybody_sees_the_photos_of_a_public_post(client_of):
    write(client_of("rita"), files=files((photo(), "a.jpg")))
    (file,) = stored()
    answer = look(client_of(None), f"/files/{file.public_id}/thumb")
    assert answer.status_code == 200
    assert answer.content_type == "image/jpeg"


def test_photos_of_a_restricted_post_are_not_there_for_others(client_of, cast):
    client = client_of("rita")
    answer = write(
        client,
        "110",
        title="有人在砸我家的门",
        body="救命，有人正在撬我家的门",
        files=files((photo(), "a.jpg")),
    )
    data = {**in_page(answer), "step": "checked"}
    assert send(client, "/s/110/threads", data).status_code == 303
    (thread,) = threads()
    assert thread.is_restricted
    (file,) = stored()
    path = f"/files/{file.public_id}/full"
    assert [look(client_of(who), path).status_code for who in (None, "vera", "otto")] == [404, 404, 404]
    assert [look(client_of(who), path).status_code for who in ("rita", "dana")] == [200, 200]
    assert "no-store" in look(client_of("dana"), path).headers["Cache-Control"]


def test_photos_of_a_held_post_vanish_with_it(client_of, cast):
    write(client_of("rita"), files=files((photo(), "a.jpg")))
    (file,) = stored()
    with transaction():
        thread = db.session.scalars(select(Thread)).one()
        thread.hold(by=cast.mona, reason="private_data")
    path = f"/files/{file.public_id}/full"
    assert look(client_of(None), path).status_code == 404
    assert look(client_of("vera"), path).status_code == 404
    assert look(client_of("rita"), path).status_code == 200


def test_a_photo_that_waits_in_a_form_has_no_address(client_of):
    write(client_of("rita"), title="", files=files((photo(), "a.jpg")))
    (file,) = stored("draft")
    assert look(client_of("rita"), f"/files/{file.public_id}/thumb").status_code == 404
    assert look(client_of(None), f"/files/{file.public_id}/full").status_code == 404


def test_photos_survive_an_error_and_are_sent_with_the_next_try(client_of):
    client = client_of("rita")
    answer = write(client, title="", files=files((photo("red"), "红灯.jpg"), (photo("blue"), "b.jpg")))
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert page.count("data:image/jpeg;base64,") == 2
    assert "红灯.jpg" in page
    data = {**in_page(answer), "title": WORDS["title"]}
    assert len(data["files_kept"]) == 2
    assert send(client, "/s/traffic/threads", data).status_code == 303
    assert len(stored()) == 2
    assert stored("draft") == []


def test_a_kept_photo_can_be_left_out(client_of):
    client = client_of("rita")
    answer = write(client, title="", files=files((photo("red"), "a.jpg"), (photo("blue"), "b.jpg")))
    data = {**in_page(answer), "title": WORDS["title"]}
    data["files_kept"] = data["files_kept"][1]
    send(client, "/s/traffic/threads", data)
    assert len(stored()) == 1


def test_photos_survive_the_check_and_the_sign_in(client_of):
    client = client_of(None)
    answer = write(client, body="投诉交警支队民警态度恶劣。", files=files((photo(), "a.jpg")))
    answer = send(client, "/s/traffic/threads", {**in_page(answer), "complaint": "no", "step": "checked"})
    answer = send(client, "/s/traffic/threads", {**in_page(answer), "phone": "19900000042", "step": "send"})
    from tests.door.test_compose import code_for

    answer = send(client, "/s/traffic/threads", {**in_page(answer), "code": code_for("19900000042")})
    assert answer.status_code == 303
    assert len(stored()) == 1


def test_another_forms_photos_cannot_be_taken(client_of):
    write(client_of("vera"), title="", files=files((photo(), "a.jpg")))
    (file,) = stored("draft")
    assert write(client_of("rita"), files_kept=file.public_id).status_code == 303
    assert stored() == []
    assert len(stored("draft")) == 1


def test_a_double_submit_with_photos_keeps_them_once(client_of):
    client = client_of("rita")
    data = {**in_page(look(client, "/s/traffic/new")), **WORDS}
    first = send(client, "/s/traffic/threads", {**data, "files": files((photo(), "a.jpg"))})
    second = send(client, "/s/traffic/threads", {**data, "files": files((photo(), "a.jpg"))})
    assert first.location == second.location
    assert len(stored()) == 1
    assert stored("draft") == []


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"this is no picture", "notes.jpg", "notes.jpg"),
        (b"", "empty.png", "empty.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "x.svg", "x.svg"),
        (photo()[:200], "half.jpg", "half.jpg"),
        (bomb(), "bomb.png", "bomb.png"),
    ],
    ids=["text", "nothing", "svg", "cut off", "bomb"],
)
def test_what_is_no_photo_is_named_and_the_rest_is_kept(client_of, data, name, says):
    client = client_of("rita")
    answer = write(client, files=files((photo(), "good.jpg"), (data, name)))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'href="#f-files"' in page
    assert says in page
    assert in_page(answer)["title"] == WORDS["title"]
    assert threads() == []
    assert send(client, "/s/traffic/threads", in_page(answer)).status_code == 303
    assert len(stored()) == 1


def test_a_photo_over_20_mb_is_named_with_its_size(client_of):
    answer = write(
        client_of("rita"), files=files((b"\xff\xd8\xff" + os.urandom(26 * 1024 * 1024 - 3), "IMG_2041.jpg"))
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "照片不能超过 20 MB" in page
    assert "26 MB" in page


def test_of_ten_photos_nine_are_kept(client_of):
    answer = write(client_of("rita"), files=files(*((photo(), f"{n}.jpg") for n in range(10))))
    assert answer.status_code == 422
    assert "最多 9 张" in answer.get_data(as_text=True)
    assert len(in_page(answer)["files_kept"]) == 9


def test_a_full_disk_lets_the_post_go_without_photos(client_of, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(store()), "put", full)
    client = client_of("rita")
    answer = write(client, files=files((photo(), "a.jpg")))
    assert answer.status_code == 422
    assert in_page(answer)["body"] == WORDS["body"]
    assert send(client, "/s/traffic/threads", in_page(answer)).status_code == 303


def test_what_a_phone_writes_beside_the_pixels_is_gone(client_of):
    out = BytesIO()
    picture = Image.new("RGB", (40, 40), "green")
    exif = picture.getexif()
    exif[0x010F] = "SECRET PHONE"
    picture.save(out, "JPEG", exif=exif, comment=b"SECRET COMMENT")
    write(client_of("rita"), files=files((out.getvalue(), "a.jpg")))
    (file,) = stored()
    data = look(client_of(None), f"/files/{file.public_id}/full").data
    assert b"SECRET" not in data


def test_photos_of_a_form_that_was_never_sent_go_after_a_day(client_of):
    write(client_of("rita"), title="", files=files((photo(), "a.jpg")))
    (file,) = stored("draft")
    key = file.key
    clock.advance(timedelta(hours=25))
    jobs.run_due(kinds=("forget-draft-photos", "delete-file"))
    assert stored("draft") == []
    with pytest.raises(FileNotFoundError):
        store().open(f"{key}.full")


def test_photos_that_were_sent_stay(client_of):
    write(client_of("rita"), files=files((photo(), "a.jpg")))
    clock.advance(timedelta(hours=25))
    jobs.run_due(kinds=("forget-draft-photos", "delete-file"))
    assert len(stored()) == 1


def test_a_reply_takes_photos_and_gives_them_back_when_it_is_refused(client_of, post_as, reported):
    number = reported().number
    thread = reported().thread.public_id
    answer = post_as("rita", f"/t/{thread}/replies", body="", files=files((photo(), "a.jpg")))
    assert answer.status_code == 422
    data = in_page(answer)
    assert data["files_kept"]
    answer = send(client_of("rita"), f"/t/{thread}/replies", {**data, "body": "又闪了，见照片。"})
    assert answer.status_code == 303
    assert answer.location.startswith(f"/cases/{number}#e")
    (file,) = stored()
    assert look(client_of(None), f"/files/{file.public_id}/thumb").status_code == 200


def test_photos_of_many_texts_are_one_query(client_of):
    from sqlalchemy import event

    for _each in range(3):
        write(client_of("rita"), files=files((photo(), "a.jpg")))
    bodies = [thread.body for thread in threads()]
    counted = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    assert len(photos_of(bodies)) == 3
    assert len(counted) == 1
    assert photos_of([]) == {}
    assert db.session.scalars(select(Case)).all()
