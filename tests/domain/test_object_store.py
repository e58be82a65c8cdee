"""Files in an object store: the same promises as the folder's, against a real S3 server on this machine."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

from board import clock, files
from board.clock import now
from board.errors import Invalid
from board.files import FolderStore, ObjectStore, Store, StoreAway
from board.images import rebuild
from tests.conftest import board_in, settings
from tests.servers import free_port
from tests.towns import Town

BUCKET = "station-files"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "station")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "twenty-four")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def url(endpoint: str) -> str:
    """A folder of this test's own in the bucket."""
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    return f"s3://{BUCKET}/{uuid.uuid4().hex}?endpoint={endpoint}"


@pytest.fixture(params=["folder", "objects"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "files")
    return ObjectStore(request.getfixturevalue("url"))


def test_what_was_kept_is_given_back_and_replaced_whole(store: Store) -> None:
    store.put("photos/ab/one.full", b"first")
    store.put("photos/ab/one.full", b"second")
    store.put("photos/ab/one.thumb", b"small")
    with store.open("photos/ab/one.full") as file:
        assert file.read() == b"second"


def test_what_is_not_there_is_missing_and_can_be_deleted_all_the_same(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.open("photos/no/such.full")
    store.delete("photos/no/such.full")
    store.put("photos/ab/one.full", b"x")
    store.delete("photos/ab/one.full")
    with pytest.raises(FileNotFoundError):
        store.open("photos/ab/one.full")


def test_all_keys_are_listed_with_the_moment_they_were_written(store: Store) -> None:
    assert list(store.written()) == []
    for name in ("photos/ab/one.full", "photos/cd/two.thumb"):
        store.put(name, b"x")
    found = dict(store.written())
    assert set(found) == {"photos/ab/one.full", "photos/cd/two.thumb"}
    assert all(abs(now() - at) < timedelta(minutes=1) for at in found.values())


@pytest.mark.parametrize(
    "key", ["../outside", "/root", "photos//x", "Photos/x", "a" * 130, "photos/x?y=1", ""]
)
def test_a_key_never_leads_out_of_the_store(store: Store, key: str) -> None:
    for act in (store.open, store.delete, lambda name: store.put(name, b"x")):
        with pytest.raises(ValueError, match="not a key"):
            act(key)


def picture() -> bytes:
    out = BytesIO()
    Image.new("RGB", (600, 300), "red").save(out, "JPEG")
    return out.getvalue()


def test_a_board_on_an_object_store_keeps_photos_there_and_sweeps_what_nobody_owns(
    url: str, tmp_path: Path, town: Town
) -> None:
    with board_in(town, tmp_path, BOARD_FILES_URL=url):
        key = files.keep(rebuild(picture(), name="foto.jpg"))
        assert {name for name, _at in files.store().written()} == {f"{key}.full", f"{key}.thumb"}
        assert not (tmp_path / "files").exists()
        assert files.sweep() == 0, "it may hang somewhere in a moment"
        with clock.freeze(now() + timedelta(days=2)):
            assert files.sweep() == 2
        assert list(files.store().written()) == []


def test_a_store_that_does_not_answer_costs_the_photos_and_not_the_post(tmp_path: Path, town: Town) -> None:
    url = f"s3://{BUCKET}/x?endpoint=http://127.0.0.1:{free_port()}"
    assert settings(tmp_path, BOARD_FILES_URL=url).files_url == url
    store = ObjectStore(url)
    with pytest.raises(StoreAway):
        store.open("photos/ab/one.full")
    with board_in(town, tmp_path, BOARD_FILES_URL=url), pytest.raises(Invalid) as refused:
        files.keep(rebuild(picture(), name="foto.jpg"))
    assert list(refused.value.errors) == ["files"]
