"""Stored files: bytes in a store, a row for each, and one address that asks the same rules as the page.

Bytes are written before the transaction that makes their row, so a crash leaves bytes without a row and never a
row without bytes; `sweep` clears those away.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self, cast
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Flask, Response, current_app, send_file
from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.exceptions import ServiceUnavailable

from board import jobs, retention
from board.clock import now
from board.db import Model, PublicId, db, random_id, transaction
from board.errors import Invalid, NotFound
from board.i18n import _l
from board.images import Picture
from board.seams import provided

log = logging.getLogger(__name__)

SIZES = ("full", "thumb")
# Half the time in which a private person's face must be covered: a shared cache may not show it for longer.
PUBLIC_FOR = timedelta(hours=1)
ORPHANED = timedelta(days=1)
PIECE = 1 << 20  # bytes of a large file in memory at once
_KEY = re.compile(r"[a-z0-9]+(?:[/._-][a-z0-9]+)*")


def checked(key: str) -> str:
    """`key`; ValueError when it is none."""
    if len(key) > 120 or _KEY.fullmatch(key) is None:
        raise ValueError(f"not a key: {key[:40]!r}")
    return key


class Store(Protocol):
    """Where bytes lie. A key is lower-case letters and digits, in parts divided by single `/`, `.`, `_` or `-`."""

    def put(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`, whole or not at all; what was there is replaced. OSError when it cannot."""

    def put_file(self, key: str, source: Path) -> None:
        """The same with what stands in the file `source`, however large, a piece at a time."""

    def open(self, key: str) -> BinaryIO:
        """The bytes under `key`. FileNotFoundError when there are none."""

    def open_large(self, key: str) -> BinaryIO:
        """The same, read a piece at a time, for what does not fit into memory."""

    def delete(self, key: str) -> None:
        """Forget `key`; nothing happens when it is not there."""

    def written(self) -> Iterator[tuple[str, datetime]]:
        """All keys with the moment they were written."""


class FolderStore:
    """A store in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`: written beside, forced to the disk, then renamed into its place."""
        self._write(key, BytesIO(data))

    def put_file(self, key: str, source: Path) -> None:
        """Keep what stands in `source` under `key` in the same way."""
        with source.open("rb") as data:
            self._write(key, data)

    def _write(self, key: str, data: BinaryIO) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                shutil.copyfileobj(data, file, PIECE)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def open(self, key: str) -> BinaryIO:
        """The bytes under `key`. FileNotFoundError when there are none."""
        return self._path(key).open("rb")

    open_large = open

    def delete(self, key: str) -> None:
        """Forget `key`; nothing happens when it is not there."""
        self._path(key).unlink(missing_ok=True)

    def written(self) -> Iterator[tuple[str, datetime]]:
        """All keys with the moment they were written; a draft that a crash left is cleared away when old."""
        for path in self.root.rglob("*"):
            try:
                written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if path.is_dir():
                    continue
                if path.name.startswith(".draft-"):
                    if written < now() - ORPHANED:
                        path.unlink(missing_ok=True)
                    continue
            except FileNotFoundError:
                continue  # deleted while we looked
            yield path.relative_to(self.root).as_posix(), written

    def _path(self, key: str) -> Path:
        return self.root / checked(key)


class StoreAway(OSError):
    """The store does not answer; what it holds is not lost."""


class ObjectStore:
    """A store in a bucket, by fsspec: any service that speaks S3.

    An object appears whole or not at all, so nothing is written beside and renamed. Listings and contents are never
    kept in memory: other processes write too.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        self.root = f"{parts.netloc}{parts.path}".rstrip("/")
        self.options: dict[str, Any] = {
            "client_kwargs": {
                name: value
                for name, value in (
                    ("endpoint_url", options.get("endpoint")),
                    ("region_name", options.get("region")),
                )
                if value
            },
            "config_kwargs": {
                "connect_timeout": 3,
                "read_timeout": 20,
                "retries": {"max_attempts": 2},
                # Services other than Amazon's need not know the newer checksums.
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
            "use_listings_cache": False,
            "skip_instance_cache": True,
        }
        self.held: tuple[int, Any] = (0, None)
        self.lock = threading.Lock()

    def put(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`. StoreAway when the service does not take it."""
        path = self._path(key)
        with self._asking() as bucket:
            bucket.pipe_file(path, data)

    def put_file(self, key: str, source: Path) -> None:
        """Keep what stands in `source` under `key`. StoreAway when the service does not take it."""
        path = self._path(key)
        with self._asking() as bucket:
            bucket.put_file(str(source), path)

    def open(self, key: str) -> BinaryIO:
        """The bytes under `key`. FileNotFoundError when there are none, StoreAway when nobody answers."""
        path = self._path(key)
        with self._asking() as bucket:
            return BytesIO(bucket.cat_file(path))

    def open_large(self, key: str) -> BinaryIO:
        """The same, carried through a file of this machine, so that the memory holds a piece of it at a time."""
        path = self._path(key)
        with self._asking() as bucket, ExitStack() as unless_given:
            local = unless_given.enter_context(tempfile.TemporaryFile())
            with bucket.open(path, "rb", block_size=8 * PIECE, cache_type="readahead") as data:
                shutil.copyfileobj(data, local, PIECE)
            local.seek(0)
            unless_given.pop_all()
            return cast(BinaryIO, local)

    def delete(self, key: str) -> None:
        """Forget `key`; nothing happens when it is not there."""
        path = self._path(key)
        with self._asking() as bucket, suppress(FileNotFoundError):
            bucket.rm_file(path)

    def written(self) -> Iterator[tuple[str, datetime]]:
        """All keys with the moment they were written."""
        with self._asking() as bucket:
            found = bucket.find(self.root, detail=True)
        for path, facts in found.items():
            yield path.removeprefix(f"{self.root}/"), facts["LastModified"]

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        try:
            yield self._bucket()
        except FileNotFoundError:
            raise
        except Exception as error:  # fsspec passes on whatever its client raises
            log.error("the store of files does not answer: %s", type(error).__name__)
            raise StoreAway(errno.EIO, type(error).__name__) from error

    def _bucket(self) -> Any:
        # Its client runs in a thread of its own, which a fork does not take along.
        with self.lock:
            process, bucket = self.held
            if process != os.getpid():
                import s3fs

                bucket = s3fs.S3FileSystem(**self.options)
                self.held = (os.getpid(), bucket)
            return bucket

    def _path(self, key: str) -> str:
        return f"{self.root}/{checked(key)}"


class StoredFile(PublicId, Model):
    """A file that hangs on something: a photo of a post. Its owner is told by kind and public id."""

    __tablename__ = "stored_file"
    __table_args__ = (Index("ix_stored_file_owner", "owner_kind", "owner_ref", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), default="photo")
    owner_kind: Mapped[str] = mapped_column(String(20))
    owner_ref: Mapped[str] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(default=0)
    caption: Mapped[str] = mapped_column(String(200), default="")
    width: Mapped[int]
    height: Mapped[int]
    content_type: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(100), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)

    @classmethod
    def of(cls, owner_kind: str, owner_ref: str) -> list[Self]:
        """The files of one owner, in their order."""
        query = select(cls).where(cls.owner_kind == owner_kind, cls.owner_ref == owner_ref)
        return list(db.session.scalars(query.order_by(cls.position, cls.id)))

    @classmethod
    def of_many(cls, owner_kind: str, owner_refs: Iterable[str]) -> dict[str, list[Self]]:
        """The files of many owners of one kind, in one query; owners without files are left out."""
        query = select(cls).where(cls.owner_kind == owner_kind, cls.owner_ref.in_(list(owner_refs)))
        found: dict[str, list[Self]] = {}
        for each in db.session.scalars(query.order_by(cls.position, cls.id)):
            found.setdefault(each.owner_ref, []).append(each)
        return found

    @classmethod
    def add(
        cls,
        picture: Picture,
        key: str,
        *,
        owner_kind: str,
        owner_ref: str,
        position: int = 0,
        caption: str = "",
    ) -> Self:
        """The row of a picture that `keep()` has stored under `key`, inside the open transaction."""
        row = cls(
            owner_kind=owner_kind,
            owner_ref=owner_ref,
            position=position,
            caption=caption,
            width=picture.width,
            height=picture.height,
            content_type=picture.content_type,
            key=key,
        )
        db.session.add(row)
        return row

    def give_to(self, owner_kind: str, owner_ref: str, *, position: int | None = None) -> None:
        """Hang the file on another owner: a draft's photo becomes the post's."""
        self.owner_kind, self.owner_ref = owner_kind, owner_ref
        if position is not None:
            self.position = position

    def remove(self) -> None:
        """Take the file away, inside the open transaction; a job deletes its bytes after the commit."""
        jobs.put("delete-file", key=f"delete-file:{self.key}", stored=self.key)
        db.session.delete(self)


def store() -> Store:
    """The store of this installation."""
    found: Store = current_app.extensions["files"]
    return found


def keep(picture: Picture) -> str:
    """Write both sizes of a picture; the key for its row. Call it before the transaction.

    Raises Invalid (field `files`) when the store is full or away, so that the post can go without its photos.
    """
    name = random_id(20)
    key = f"photos/{name[:2]}/{name}"
    try:
        store().put(f"{key}.full", picture.full)
        store().put(f"{key}.thumb", picture.thumb)
    except StoreAway as error:
        # What of it arrived has no row; the nightly sweep clears it away.
        raise Invalid(
            _l("Photos cannot be kept right now; send it without them and add them later"), field="files"
        ) from error
    except OSError as error:
        forget(key)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        log.error("the store of files is full")
        raise Invalid(
            _l("There is no room for photos right now; send it without them and add them later"),
            field="files",
        ) from error
    return key


def forget(key: str) -> None:
    """Delete both sizes under `key`; nothing happens where they are gone."""
    for size in SIZES:
        store().delete(f"{key}.{size}")


@jobs.handler("delete-file")
def delete_file(stored: str) -> None:
    """Delete the bytes of a row that is gone."""
    taken = db.session.scalar(select(StoredFile.id).where(StoredFile.key == stored))
    db.session.rollback()
    if taken is None:
        forget(stored)


@retention.removes("files")
def forget_orphans(before: datetime, dry_run: bool) -> int:
    """Delete bytes from before this moment that have no row (a crash between store and commit)."""
    old = [key for key, written in store().written() if written < before]
    rows = set(db.session.scalars(select(StoredFile.key)))
    db.session.rollback()
    orphans = [key for key in old if key.rpartition(".")[0] not in rows]
    if dry_run or not orphans:
        return len(orphans)
    for key in orphans:
        store().delete(key)
    with transaction():
        retention.noted("files", len(orphans))
    return len(orphans)


def sweep() -> int:
    """Delete bytes that have had no row for a day; how many files."""
    return retention.apply("files")


bp = Blueprint("files", __name__)


def visible(file: StoredFile, person: Any) -> bool:
    """May `person` (None for a visitor) see `file`? Only the part that owns it can say so; by default nobody."""
    return bool(provided("file_visible", file, person, default=False))


@bp.get("/files/<public_id>/<any(full, thumb):size>")
def show(public_id: str, size: str) -> Response:
    """A stored file; for whoever may not see it there is none."""
    file = db.session.scalar(select(StoredFile).where(StoredFile.public_id == public_id))
    if file is None:
        raise NotFound
    public = visible(file, None)
    if not public:
        reader = provided("reader")
        if reader is None or not visible(file, reader):
            raise NotFound
    try:
        with store().open(f"{file.key}.{size}") as stored:
            data = BytesIO(stored.read())
    except FileNotFoundError:
        log.error("the bytes of file %s are gone", file.public_id)
        raise NotFound from None
    except StoreAway:
        raise ServiceUnavailable(retry_after=5) from None
    ending = file.content_type.rpartition("/")[2]
    response = send_file(
        data,
        mimetype=file.content_type,
        # Pages show it all the same; opened by its own address it never becomes a page of this house.
        as_attachment=True,
        download_name=f"{file.public_id}.{ending}",
        etag=f"{file.public_id}-{size}",
    )
    response.headers["Cache-Control"] = (
        f"public, max-age={int(PUBLIC_FOR.total_seconds())}, immutable" if public else "private, no-store"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def init_app(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    folder = settings.data / "files"
    app.extensions["files"] = ObjectStore(settings.files_url) if settings.files_url else FolderStore(folder)
    app.register_blueprint(bp)
