"""Photos of texts: taken from a form, kept with it until it is sent, shown to whoever may read what they belong to."""

from __future__ import annotations

import base64
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from PIL import Image
from sqlalchemy import or_, select
from werkzeug.datastructures import FileStorage

from board import jobs, retention
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotFound
from board.files import StoredFile, keep, store
from board.i18n import _l
from board.images import LARGEST, MB, Picture, rebuild
from board.permissions import may
from board.seams import provides
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.policy import sees
from people.models import Person

log = logging.getLogger(__name__)

MOST = 9
DRAFT, OF_TEXT = "draft", "text"
KEPT = timedelta(days=retention.LINES["drafts"].days)
TINY = (160, 118)  # pixels of the previews that stand inside a form that comes back


@dataclass
class Pending:
    """The photos of a form that is not sent yet, stored under its once-token, in the order they were chosen.

    Only those that the form names are its photos: of two copies of one form each takes its own.
    """

    token: str
    ids: list[str] = field(default_factory=list)
    error: Any = None

    @classmethod
    def of(cls, token: str, kept: Iterable[str], files: Sequence[FileStorage]) -> Pending:
        """What a form brings: the photos it names already and those it uploads. Opens its own transaction.

        Never raises for a photo: `error` says what is wrong with the first one that could not be taken.
        """
        pending = cls(token)
        pending.ids = [row.public_id for row in pending._rows(list(kept)[: 2 * MOST])][:MOST]
        pending._take([file for file in files if file.filename])
        return pending

    def _take(self, files: Sequence[FileStorage]) -> None:
        taken: list[tuple[Picture, str, str]] = []
        for file in files:
            if len(self.ids) + len(taken) >= MOST:
                self.error = self.error or _l(
                    "At most %(most)s photos; the first %(most)s are kept.", most=MOST
                )
                break
            name = (file.filename or "")[:100]
            try:
                picture = rebuild(_bytes(file, name), name=name)
                taken.append((picture, keep(picture), name))
            except Invalid as error:
                self.error = self.error or error.message
        if not taken:
            return
        with transaction() as session:
            rows = [
                StoredFile.add(
                    picture, key, owner_kind=DRAFT, owner_ref=self.token, position=place, caption=name
                )
                for place, (picture, key, name) in enumerate(taken, len(self.ids))
            ]
            due = now() + KEPT
            jobs.put(
                "forget-draft-photos",
                key=f"forget-draft-photos:{self.token}:{due:%Y%m%d%H%M}",
                due_at=due,
                token=self.token,
            )
            session.flush()
            self.ids += [row.public_id for row in rows]

    def _rows(self, ids: Sequence[str]) -> list[StoredFile]:
        if not ids:
            return []
        found = {
            row.public_id: row
            for row in db.session.scalars(
                select(StoredFile).where(
                    StoredFile.owner_kind == DRAFT,
                    StoredFile.owner_ref == self.token,
                    StoredFile.public_id.in_(ids),
                )
            )
        }
        return [found[each] for each in dict.fromkeys(ids) if each in found]

    def shown(self) -> list[dict[str, str]]:
        """The photos for the form: id, name, and a tiny picture inside the page, so that no address leads to it."""
        return [
            {"id": row.public_id, "name": row.caption, "thumb": tiny(row)} for row in self._rows(self.ids)
        ]

    def hang_on(self, text: Text) -> None:
        """Give the photos to the text they were sent with, inside the open transaction."""
        for place, row in enumerate(self._rows(self.ids)):
            row.caption = ""  # the name a phone gave the file is nobody's business
            row.give_to(OF_TEXT, text.public_id, position=place)


def _bytes(file: FileStorage, name: str) -> bytes:
    """What was uploaded; too large files are refused before they fill the memory."""
    size = file.stream.seek(0, 2)
    file.stream.seek(0)
    if size > LARGEST:
        megabytes = f"{math.ceil(size / MB * 10) / 10:g}"
        raise Invalid(
            _l("Photos can be at most 20 MB; “%(name)s” has %(size)s MB", name=name[:60], size=megabytes)
        )
    return file.stream.read()


def tiny(file: StoredFile) -> str:
    """A preview of a stored photo as a `data:` address; empty when its bytes are gone."""
    try:
        with store().open(f"{file.key}.thumb") as stored, Image.open(stored) as picture:
            picture.thumbnail(TINY)
            out = BytesIO()
            picture.convert("RGB").save(out, "JPEG", quality=60)
    except OSError:
        log.warning("the preview of file %s cannot be made", file.public_id)
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


@jobs.handler("forget-draft-photos")
def forget_draft_photos(token: str) -> None:
    """Take away what was uploaded with a form that was never sent."""
    with transaction():
        over = [row for row in StoredFile.of(DRAFT, token) if row.created_at <= now() - KEPT]
        for row in over:
            row.remove()
        retention.noted("drafts", len(over))


@retention.removes("drafts")
def forget_drafts(before: datetime, dry_run: bool) -> int:
    """Photos of forms that were not sent before this moment, should their own job have been lost."""
    old = select(StoredFile).where(StoredFile.owner_kind == DRAFT, StoredFile.created_at <= before)
    if dry_run:
        count = len(db.session.scalars(old.with_only_columns(StoredFile.id)).all())
        db.session.rollback()
        return count
    with transaction():
        rows = db.session.scalars(old).all()
        for row in rows:
            row.remove()
        retention.noted("drafts", len(rows))
    return len(rows)


def photos_of(texts: Iterable[Text]) -> dict[int, list[StoredFile]]:
    """The photos of texts by the text's id, in their order, in one query; texts without photos are left out."""
    by_ref = {text.public_id: text.id for text in texts if text is not None}
    if not by_ref:
        return {}
    return {by_ref[ref]: files for ref, files in StoredFile.of_many(OF_TEXT, by_ref).items()}


@dataclass(frozen=True)
class Hung:
    """A photo and where it hangs: its text's thread, and the step that said the text, if one did."""

    file: StoredFile
    thread: Thread
    event: CaseEvent | None


def hung(file: StoredFile) -> Hung | None:
    """Where a photo hangs; None for what waits in a form, and where its text is hidden or gone."""
    if file.owner_kind != OF_TEXT:
        return None
    text = db.session.scalar(select(Text).where(Text.public_id == file.owner_ref))
    if text is None or text.hidden_at is not None:
        return None
    event = db.session.scalar(
        select(CaseEvent)
        .where(or_(CaseEvent.public_text_id == text.id, CaseEvent.internal_text_id == text.id))
        .order_by(CaseEvent.seq)
        .limit(1)
    )
    thread = (
        event.thread
        if event is not None
        else db.session.scalar(select(Thread).where(Thread.body_id == text.id))
    )
    return Hung(file, thread, event) if thread is not None else None


@provides("file_visible")
def file_visible(file: StoredFile, person: Person | None) -> bool:
    """Whoever sees a text in its thread sees its photos; what waits in a form nobody sees by an address."""
    place = hung(file)
    return place is not None and _shown(place, person)


def _shown(place: Hung, person: Person | None) -> bool:
    thread = place.thread
    if not sees(person, thread):
        return False
    thread.open_for(person)
    if place.event is not None and not place.event.is_public:
        return thread.case is not None and may(person, "case.note", thread.case)
    return True


def shown_to(person: Person | None, public_id: str) -> Hung:
    """A photo for this reader; NotFound for what is missing and for what he may not see."""
    file = db.session.scalar(select(StoredFile).where(StoredFile.public_id == public_id))
    place = hung(file) if file is not None else None
    if place is None or not _shown(place, person):
        raise NotFound
    return place


def addresses(file: StoredFile) -> dict[str, str]:
    """Where the sizes of a photo are, and the page that shows it large."""
    return {
        "thumb": f"/files/{file.public_id}/thumb",
        "full": f"/files/{file.public_id}/full",
        "page": f"/photos/{file.public_id}",
    }
