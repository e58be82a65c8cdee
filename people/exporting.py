"""Making the copy of everything the board holds about one person: JSON, a page to read, and his photos, in one ZIP.

It is written into a file of this machine a row at a time, and its photos are copied a piece at a time, so that the
memory needed does not grow with what somebody wrote. Made twice, it is one copy: the row says whether it is ready.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from flask import current_app, render_template
from sqlalchemy import select

from board import jobs, retention
from board.clock import local, now
from board.db import db, random_id, transaction
from board.facts import site
from board.files import PIECE, StoredFile, store
from board.i18n import _, is_english, speaking
from people import news
from people.models import Export, Person
from people.models.export import OF_EXPORT
from people.own_data import Attached, Chapter, chapters, plain

log = logging.getLogger(__name__)

FORMAT = 1
JSON_NAME, PAGE_NAME, STYLE_NAME = "my-data.json", "my-data.html", "my-data.css"
STYLES = "css/copy.css"
ZIP = "application/zip"


@jobs.handler("export-person")
def make(export: str) -> None:
    """Make the copy that was asked for, put it into the store, and tell its owner."""
    found = _find(export)
    if found is None or found.ready_at is not None:
        return
    person_id, language = found.person_id, found.language
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        path = Path(folder) / "copy.zip"
        with speaking(language):
            _write(path, export, person_id)
        name = random_id(20)
        key = f"exports/{name[:2]}/{name}"
        db.session.rollback()  # nothing is held while it is carried into the store
        store().put_file(f"{key}.full", path)
        _ready(export, key, path.stat().st_size)


def _find(public_id: str) -> Export | None:
    return db.session.scalar(select(Export).where(Export.public_id == public_id))


def _ready(public_id: str, key: str, size: int) -> None:
    with transaction() as session:
        row = session.scalar(select(Export).where(Export.public_id == public_id).with_for_update())
        if row is None or row.ready_at is not None or not row.person.active:
            return  # another worker was faster, or the account is gone; the sweep takes the bytes
        row.ready_at, row.bytes, row.done = now(), size, row.total
        session.add(
            StoredFile(
                kind="export", owner_kind=OF_EXPORT, owner_ref=public_id, width=0, height=0,
                content_type=ZIP, key=key, created_at=now(),
            )
        )  # fmt: skip
        news.tell("account.export_ready", row.person)


def _write(path: Path, public_id: str, person_id: int) -> None:
    every = chapters()
    _progress(public_id, 0, len(every))
    attached: list[Attached] = []
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as page:
            _begin(page, every)
            with archive.open(_entry(JSON_NAME), "w", force_zip64=True) as raw:
                raw.write(_opening())
                for place, chapter in enumerate(every):
                    raw.write(f"{',' if place else ''}\n{json.dumps(chapter.name)}: [".encode())
                    _chapter(chapter, person_id, raw, page, attached)
                    raw.write(b"]")
                    _progress(public_id, place + 1, len(every))
                raw.write(b"\n}}\n")
            page.write(render_template("people/own_data/copy_end.html"))
            page.seek(0)
            with archive.open(_entry(PAGE_NAME), "w", force_zip64=True) as out:
                while piece := page.read(PIECE):
                    out.write(piece.encode())
        archive.writestr(
            _entry(STYLE_NAME), (Path(current_app.static_folder or "static") / STYLES).read_bytes()
        )
        for each in attached:
            _attach(archive, each)


def _chapter(
    chapter: Chapter, person_id: int, raw: IO[bytes], page: IO[str], attached: list[Attached]
) -> None:
    page.write(render_template("people/own_data/copy_chapter.html", chapter=chapter))
    number = 0
    for number, row in enumerate(_rows(chapter, person_id), 1):
        unknown = row.keys() - chapter.words.keys()
        if unknown:
            raise KeyError(f"{chapter.name} tells what it has no words for: {sorted(unknown)}")
        attached += [each for each in row.values() if isinstance(each, Attached)]
        told = {name: plain(value) for name, value in row.items()}
        raw.write(f"{',' if number > 1 else ''}\n{json.dumps(told, ensure_ascii=False)}".encode())
        page.write(render_template("people/own_data/copy_row.html", items=_items(chapter, row)))
    page.write(render_template("people/own_data/copy_chapter_end.html", empty=number == 0))


def _rows(chapter: Chapter, person_id: int) -> Iterator[dict[str, Any]]:
    person = db.session.get(Person, person_id)
    if person is not None:
        yield from chapter.rows(person)
    db.session.rollback()


def _items(chapter: Chapter, row: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for reading: a word for each field, moments as they stay true; what is empty is left out."""
    items = []
    for name, value in row.items():
        if value in (None, "", []) or value is False:
            continue
        shown = f"{local(value):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else plain(value)
        items.append(
            {
                "label": chapter.words[name],
                "value": " · ".join(map(str, shown)) if isinstance(shown, list) else _yes(shown),
                "picture": isinstance(value, Attached),
            }
        )
    return items


def _yes(value: Any) -> Any:
    return _("Yes") if value is True else value


def _begin(page: IO[str], every: list[Chapter]) -> None:
    page.write(
        render_template(
            "people/own_data/copy_begin.html", every=every, made=local(now()), site=site(), page_lang=_lang()
        )
    )


def _lang() -> str:
    return "en" if is_english() else "zh-Hans-CN"


def _opening() -> bytes:
    head = {"format": FORMAT, "board": site()["name"], "made_at": plain(now())}
    return (json.dumps(head, ensure_ascii=False)[:-1] + ', "chapters": {').encode()


def _entry(name: str, method: int = ZIP_DEFLATED) -> ZipInfo:
    entry = ZipInfo(name, local(now()).timetuple()[:6])
    entry.compress_type = method
    entry.external_attr = 0o600 << 16
    return entry


def _attach(archive: ZipFile, each: Attached) -> None:
    try:
        data = store().open_large(each.key)
    except FileNotFoundError:
        log.error("the bytes of a photo are gone: %s", each.key)
        return
    with data, archive.open(_entry(each.name, ZIP_STORED), "w", force_zip64=True) as out:
        shutil.copyfileobj(data, out, PIECE)


def _progress(public_id: str, done: int, total: int) -> None:
    with transaction():
        row = _find(public_id)
        if row is not None:
            row.done, row.total = done, total


@retention.removes("exports")
def forget_copies(before: datetime, dry_run: bool) -> int:
    """Copies that were ready, or asked for and never made, before this moment, with their ZIPs."""
    over = select(Export).where(db.func.coalesce(Export.ready_at, Export.asked_at) <= before)
    rows = db.session.scalars(over).all()
    count = len(rows)
    db.session.rollback()
    if dry_run or not count:
        return count
    with transaction():
        rows = db.session.scalars(over).all()
        for row in rows:
            row.remove()
        retention.noted("exports", len(rows))
    return len(rows)
