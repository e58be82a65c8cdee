"""The same words again: a text is known by the smallest numbers of its pieces of five letters, however it is spaced,
written or signed. Nothing here looks at who wrote it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from board import retention
from board.clock import now
from board.db import db
from board.text import fold
from boards.models.review_mark import TextPrint
from boards.models.text import Text
from boards.models.thread import Thread
from boards.policy import visible_to

PIECE = 5  # letters
NUMBERS = 8  # kept of each text
ALIKE = 6  # of them, and two texts are one
SHORTEST = 20  # letters: thanks and greetings are alike without being copies
WITHIN = timedelta(days=retention.LINES["prints"].days)
MANY = 3  # threads in which the same words stand


def prints(text: str) -> list[int]:
    """The numbers of a text, at most eight, in order; [] for one too short to tell."""
    letters = "".join(each for each in fold(text).text if each.isalnum())
    if len(letters) < SHORTEST:
        return []
    pieces = {letters[at : at + PIECE] for at in range(len(letters) - PIECE + 1)}
    # Signed, as every engine's plain integers are.
    return sorted(zlib.crc32(piece.encode()) - 2**31 for piece in pieces)[:NUMBERS]


def keep_prints(text: Text, thread: Thread) -> list[int]:
    """Remember the numbers of a text for a day, inside the open transaction, and forget those of yesterday."""
    session = db.session
    session.execute(delete(TextPrint).where(TextPrint.text_id == text.id))
    session.execute(delete(TextPrint).where(TextPrint.at <= now() - WITHIN))
    found = prints(text.public)
    session.add_all([TextPrint(text_id=text.id, thread_id=thread.id, print=each, at=now()) for each in found])
    session.flush()
    return found


@retention.removes("prints")
def forget_prints(before: datetime, dry_run: bool) -> int:
    """The numbers of texts from before this moment."""
    return retention.rows_gone("prints", TextPrint, TextPrint.at <= before, dry_run=dry_run)


def threads_with(found: Iterable[int]) -> list[int]:
    """The ids of the threads of the last day in which a text with these numbers stands."""
    numbers = list(found)
    if not numbers:
        return []
    enough = min(ALIKE, len(numbers))
    rows = db.session.execute(
        select(TextPrint.text_id, TextPrint.thread_id)
        .where(TextPrint.print.in_(numbers), TextPrint.at > now() - WITHIN)
        .group_by(TextPrint.text_id, TextPrint.thread_id)
        .having(func.count() >= enough)
    )
    return sorted({thread_id for _text, thread_id in rows})


def others_like(text: Text, thread: Thread) -> list[Thread]:
    """Other public threads of the last day with the same words, newest first; at most ten, for a moderator's eyes."""
    ids = [each for each in threads_with(prints(text.public)) if each != thread.id]
    if not ids:
        return []
    query = select(Thread).where(Thread.id.in_(ids), visible_to(None)).order_by(Thread.id.desc()).limit(10)
    return list(db.session.scalars(query))
