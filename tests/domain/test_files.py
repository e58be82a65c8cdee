"""Stored files: written whole or not at all, and shown to whoever may see them."""

import errno
import os
from contextvars import Context
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from board import files, jobs, seams
from board.clock import freeze, now
from board.db import transaction
from board.errors import Invalid
from board.files import FolderStore, StoredFile
from board.images import rebuild
from tests.people_world import make_app


def photo(colour="red"):
    out = BytesIO()
    Image.new("RGB", (600, 300), colour).save(out, "JPEG")
    return rebuild(out.getvalue(), name="foto.jpg")


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    return make_app(tmp_path_factory.mktemp("city"))


def folder():
    found = files.store()
    assert isinstance(found, FolderStore)
    return found.root


class Somebody(str):
    """A reader by name, as far as an error page asks who reads it."""

    __slots__ = ()

    @property
    def stream(self) -> str:
        return f"person:{self}"


@pytest.fixture
def readers(monkeypatch):
    """Who may see what: a set of (public id, reader), and who reads now."""
    seen: dict[str, Any] = {"may": set(), "reader": None}
    answers = {
        **seams._answers,
        "file_visible": lambda file, person: (file.owner_ref, person) in seen["may"],
        "reader": lambda: seen["reader"],
    }
    monkeypatch.setattr(seams, "_answers", answers)
    return seen


@pytest.fixture
def hung(city):
    """A photo that hangs on Rita's post; gives its row's public id and key."""

    def hang(owner="ritas-post", colour="red"):
        with city.app_context():
            picture = photo(colour)
            key = files.keep(picture)
            with transaction():
                row = StoredFile.add(picture, key, owner_kind="text", owner_ref=owner, caption="路口")
            return row.public_id, key

    return hang


@pytest.fixture
def get(city):
    def ask(address, **headers):
        return Context().run(lambda: city.test_client().get(address, headers=headers))

    return ask


def test_a_public_photo_is_shown_to_everybody_and_kept_for_an_hour(hung, get, readers):
    public_id, _key = hung()
    readers["may"] = {("ritas-post", None)}
    answer = get(f"/files/{public_id}/full")
    assert answer.status_code == 200
    assert answer.content_type == "image/jpeg"
    assert answer.headers["Cache-Control"] == "public, max-age=3600, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    with Image.open(BytesIO(get(f"/files/{public_id}/thumb").data)) as thumb:
        assert thumb.size == (480, 240)
    again = get(f"/files/{public_id}/full", **{"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert "Set-Cookie" not in answer.headers


def test_a_restricted_photo_is_shown_to_its_reader_only_and_never_kept(hung, get, readers):
    public_id, _key = hung()
    readers["may"], readers["reader"] = {("ritas-post", "rita")}, Somebody("rita")
    answer = get(f"/files/{public_id}/full")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    for outsider in (None, Somebody("vera")):
        readers["reader"] = outsider
        refused, missing = get(f"/files/{public_id}/full"), get("/files/nosuchfile/full")
        assert (refused.status_code, missing.status_code) == (404, 404)
        assert refused.data.replace(public_id.encode(), b"nosuchfile") == missing.data


def test_a_part_that_says_nothing_lets_nobody_see(hung, get, readers, monkeypatch):
    public_id, _key = hung()
    monkeypatch.setattr(seams, "_answers", {"reader": lambda: Somebody("adam")})
    assert get(f"/files/{public_id}/full").status_code == 404


@pytest.mark.parametrize("path", ["x/original", "../keys.json/full", "%2e%2e/full", "x/full/y", "x"])
def test_other_addresses_lead_nowhere(get, readers, path):
    assert get(f"/files/{path}").status_code == 404


def test_a_photo_whose_bytes_are_gone_is_missing(city, hung, get, readers):
    public_id, key = hung()
    readers["may"] = {("ritas-post", None)}
    with city.app_context():
        files.forget(key)
    assert get(f"/files/{public_id}/full").status_code == 404


def test_a_removed_photo_leaves_no_bytes(city, hung):
    _public_id, key = hung("gone-post")
    with city.app_context():
        with transaction():
            StoredFile.of("text", "gone-post")[0].remove()
        jobs.run_due()
        assert StoredFile.of("text", "gone-post") == []
        for size in files.SIZES:
            with pytest.raises(FileNotFoundError):
                files.store().open(f"{key}.{size}")
        files.delete_file(stored=key)  # a worker that does it twice does no harm


def test_a_removal_that_is_undone_keeps_the_bytes(city, hung):
    _public_id, key = hung("kept-post")

    def try_it():
        with transaction():
            StoredFile.of("text", "kept-post")[0].remove()
            raise RuntimeError

    with city.app_context():
        with pytest.raises(RuntimeError):
            try_it()
        files.delete_file(stored=key)  # even a stray job looks at the row first
        with files.store().open(f"{key}.full") as file:
            assert file.read(3) == b"\xff\xd8\xff"


def test_photos_come_in_their_order_and_move_from_the_draft_to_the_post(city, hung):
    hung("draft-1"), hung("draft-1", "blue")
    with city.app_context():
        with transaction():
            for position, file in enumerate(reversed(StoredFile.of("text", "draft-1"))):
                file.give_to("text", "post-1", position=position)
        moved = StoredFile.of("text", "post-1")
        assert [file.position for file in moved] == [0, 1]
        assert moved[0].id > moved[1].id
        assert StoredFile.of("text", "draft-1") == []
        assert list(StoredFile.of_many("text", ["post-1", "none"])) == ["post-1"]


def test_the_sweep_takes_old_bytes_without_a_row_and_nothing_else(city, hung):
    _public_id, key = hung("swept-post")
    with city.app_context():
        orphan, fresh = files.keep(photo()), files.keep(photo())
        draft = folder() / "photos" / ".draft-left"
        draft.write_bytes(b"half a photo")
        old = (now().timestamp() - 2 * 86400,) * 2
        for name in (
            f"{orphan}.full",
            f"{orphan}.thumb",
            f"{key}.full",
            f"{key}.thumb",
            "photos/.draft-left",
        ):
            os.utime(folder() / name, old)
        assert files.sweep() == 2
        assert not draft.exists()
        left = {name.rpartition(".")[0] for name, _written in files.store().written()}
        assert orphan not in left
        assert {key, fresh} <= left


def test_a_full_disk_is_told_and_leaves_nothing_half_written(city, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with city.app_context():
        before = {name for name, _written in files.store().written()}
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(Invalid) as refused:
            files.keep(photo())
        assert refused.value.errors.keys() == {"files"}
        assert {name for name, _written in files.store().written()} == before
        assert not list(folder().rglob(".draft-*"))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../keys.json",
        "a/../b",
        "a//b",
        "a/./b",
        "A",
        "a\\b",
        "a\x00",
        "a\n",
        ".draft-1",
        "a" * 121,
    ],
)
def test_a_key_cannot_leave_its_folder(tmp_path, key):
    store = FolderStore(tmp_path / "files")
    for act in (lambda: store.put(key, b""), lambda: store.open(key), lambda: store.delete(key)):
        with pytest.raises(ValueError, match="not a key"):
            act()


@given(st.text(max_size=30))
def test_no_text_at_all_leads_out_of_the_folder(tmp_path_factory, key):
    root = tmp_path_factory.getbasetemp() / "files"
    try:
        FolderStore(root).put(key, b"x")
    except ValueError:
        return
    written = root / key
    assert written.resolve().is_relative_to(root.resolve())
    assert written.read_bytes() == b"x"
    FolderStore(root).delete(key)


def test_what_is_put_twice_is_what_was_put_last(tmp_path):
    store = FolderStore(tmp_path)
    store.put("a/b.full", b"one")
    store.put("a/b.full", b"two")
    with store.open("a/b.full") as file:
        assert file.read() == b"two"
    with freeze(now()):
        assert [name for name, _written in store.written()] == ["a/b.full"]
    store.delete("a/b.full")
    store.delete("a/b.full")
    with pytest.raises(FileNotFoundError):
        store.open("a/b.full")
