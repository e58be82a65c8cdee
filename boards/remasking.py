"""Stored texts are masked again when masking learns something: in small steps, from the originals in the vault.

What a text would be is worked out while nobody waits; the write lock is taken for a few rows at a time. A text that
was masked again has the present version, so a run that was stopped goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select, update

from board import masking
from board.db import db, transaction
from board.masking import MASK_VERSION
from board.seams import provided
from boards.models.locking import lock
from boards.models.mention import redraw
from boards.models.text import Text, TextRevision
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from people.vault import VaultError

CHUNK = 200  # texts read at once, without any lock
AT_ONCE = 20  # of those that change, written in one transaction


@dataclass(frozen=True)
class Step:
    """A chunk that is done: how many texts were looked at, how many read otherwise now, kinds newly covered in them."""

    looked: int
    changed: int
    kinds: tuple[str, ...]


def waiting() -> int:
    """How many texts were masked by an earlier version."""
    count = db.session.scalar(select(func.count()).where(Text.mask_version < MASK_VERSION)) or 0
    db.session.rollback()
    return int(count)


def remask(*, dry_run: bool = False, chunk: int = CHUNK) -> Generator[Step]:
    """Mask every text of a lower version again, chunk by chunk; with `dry_run` nothing is written."""
    after, changed = 0, 0
    while True:
        rows = list(
            db.session.scalars(
                select(Text)
                .where(Text.id > after, Text.mask_version < MASK_VERSION)
                .order_by(Text.id)
                .limit(chunk)
            )
        )
        if not rows:
            break
        after = rows[-1].id
        other: list[int] = []
        kinds: list[str] = []
        for text in rows:
            found = _again(text)
            if found is not None:
                other.append(text.id)
                kinds += found
        same = [text.id for text in rows if text.id not in set(other)]
        looked = len(rows)
        db.session.rollback()
        if not dry_run:
            _keep(same)
            for start in range(0, len(other), AT_ONCE):
                _write(other[start : start + AT_ONCE])
        changed += len(other)
        yield Step(looked, len(other), tuple(kinds))
    if changed and not dry_run:
        with transaction():
            provided("reindex", default=None)


def _original(text: Text) -> str | None:
    try:
        return text.original()
    except VaultError:
        return None  # its key is missing, for now or for good: what the public reads is masked again itself


def _again(text: Text) -> list[str] | None:
    """The kinds that this text covers newly; None when it and its earlier versions stay as they are."""
    original = _original(text)
    masked = text.mask(original) if original is not None else text.mask(text.public, covers=())
    earlier = any(_revised(each, text) != each.public for each in text.revisions)
    waits = original is not None and text.is_members_reply and text.contacts is None
    found = {finding.kind for finding in masked.findings}
    if masked.text == text.public and not earlier and not (waits and found & masking.CONTACTS):
        return None
    return sorted(found - set(text.masked))


def _revised(revision: TextRevision, text: Text) -> str:
    # Covers lie over words of the original: none of what stood before is kept with them.
    return text.mask(revision.public, covers=()).text


def _keep(ids: Sequence[int]) -> None:
    """Only the version moves; whatever was written meanwhile has it already."""
    if ids:
        with transaction() as session:
            session.execute(
                update(Text)
                .where(Text.id.in_(ids), Text.mask_version < MASK_VERSION)
                .values(mask_version=MASK_VERSION)
            )


def _write(ids: Sequence[int]) -> None:
    with transaction():
        places = _threads(ids)
        for thread_id in sorted(set(places.values())):
            lock(Thread.id == thread_id)
        rows = db.session.scalars(
            select(Text).where(Text.id.in_(ids), Text.mask_version < MASK_VERSION).order_by(Text.id)
        )
        for text in rows:
            before = text.public
            original = _original(text)
            if original is None:
                text.mask_public()
            else:
                text.put(original)
            revised = [_revised(each, text) for each in text.revisions]
            changed = [each.public for each in text.revisions] != revised or text.public != before
            for revision, public in zip(text.revisions, revised, strict=True):
                revision.put(public)
            place = places.get(text.id)
            thread = db.session.get(Thread, place) if place is not None else None
            if thread is not None and changed:
                thread.masked_anew(text)
            else:
                redraw(text)


def _threads(ids: Sequence[int]) -> dict[int, int]:
    """The thread where everybody reads each of these texts; reports and internal notes stand in none."""
    found: dict[int, int] = {}
    first = select(Thread.id, Thread.title_id, Thread.body_id, Thread.place_id).where(
        or_(Thread.title_id.in_(ids), Thread.body_id.in_(ids), Thread.place_id.in_(ids))
    )
    for thread_id, *texts in db.session.execute(first):
        found |= {text_id: thread_id for text_id in texts if text_id is not None and text_id in ids}
    said = select(CaseEvent.thread_id, CaseEvent.public_text_id).where(CaseEvent.public_text_id.in_(ids))
    for thread_id, text_id in db.session.execute(said):
        if text_id is not None:
            found.setdefault(text_id, thread_id)
    return found
