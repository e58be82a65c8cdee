"""Old threads from a CSV file: masked like any post, idempotent by id, and every row that cannot be taken explained.

Columns `id,user,title,posted_at,body` and optionally `reply,replied_at`. An answered row becomes an archived case,
unrated; an unanswered one stays a plain old thread, so that an import pages nobody and breaks no promise.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from board import clock
from board.clock import now
from board.db import db, transaction
from board.errors import BoardError, Invalid
from board.i18n import _
from boards.models import Case, CaseEvent, Section, Thread
from boards.models.case import public_number
from boards.models.status import Outcome, Status
from boards.models.text import Text, clean
from boards.models.timeline import Audience
from people import vault
from people.members import give_free_nickname
from people.models import Person

COLUMNS = ("id", "user", "title", "posted_at", "body")
OPTIONAL = ("reply", "replied_at")
FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
    "%Y/%m/%d",
)
LONGEST_FIELD = 2**31 - 1  # no limit of its own: one endless row must not turn away all the others


@dataclass(frozen=True)
class Row:
    """One line of the file as it stands there."""

    line: int
    id: str
    user: str
    title: str
    posted_at: str
    body: str
    reply: str = ""
    replied_at: str = ""


Words = tuple[str, str, str]  # the title, the text and the reply of a row, cleaned


@dataclass(frozen=True)
class Taken:
    """What became of a row: `in`, `there` (was in already with the same words), `refused`; `why` for people."""

    row: Row
    state: str
    why: str = ""


def read(path: Path) -> list[Row]:
    """The rows of the file; Invalid when it cannot be read, is not UTF-8, or lacks a column."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Invalid(
            _("%(file)s cannot be read: %(why)s", file=path.name, why=error.strerror or "")
        ) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(
            _("%(file)s is not UTF-8 (byte %(place)s); save it as UTF-8", file=path.name, place=error.start)
        ) from None
    csv.field_size_limit(LONGEST_FIELD)
    try:
        reader = csv.DictReader(io.StringIO(text.replace("\0", ""), newline=""))
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise Invalid(_("These columns are missing: %(names)s", names=", ".join(missing)))
        return [
            Row(reader.line_num, *((line.get(name) or "") for name in (*COLUMNS, *OPTIONAL)))
            for line in reader
        ]
    except csv.Error as error:
        raise Invalid(_("%(file)s is not a CSV file: %(why)s", file=path.name, why=str(error))) from None


def moment(text: str) -> datetime:
    """A moment on the city's clocks, in one of the usual formats; Invalid when it is none, or to come."""
    words = " ".join(text.split())
    for form in FORMATS:
        try:
            found = datetime.strptime(words, form).replace(tzinfo=clock.zone()).astimezone(UTC)
        except ValueError:
            continue
        if found > now():
            raise Invalid(_("%(text)s is still to come", text=words))
        if found.year < 1990:
            raise Invalid(_("%(text)s is too long ago", text=words))
        return found
    raise Invalid(_("“%(text)s” is not a date and time", text=words[:40]))


def checked(row: Row) -> tuple[str, str, datetime, str, datetime | None]:
    """Title, body, posted_at, reply and replied_at of a row, cleaned; Invalid says what is wrong with it."""
    if not row.id.strip() or len(row.id.strip()) > 40:
        raise Invalid(_("The id is missing or longer than 40 characters"))
    title = clean(row.title, field="title", lines=False, empty=_("The title is empty"))
    body = clean(row.body, field="body", empty=_("The text is empty"))
    posted_at = moment(row.posted_at)
    if not row.reply.strip():
        return title, body, posted_at, "", None
    reply = clean(row.reply, field="reply")
    replied_at = moment(row.replied_at)
    if replied_at < posted_at:
        if replied_at.astimezone(clock.zone()).date() != posted_at.astimezone(clock.zone()).date():
            raise Invalid(_("The reply is earlier than the post"))
        replied_at = posted_at  # a date without a time
    return title, body, posted_at, reply, replied_at


def take(rows: list[Row], section_key: str, *, dry_run: bool = False) -> Iterator[Taken]:
    """Import each row in a transaction of its own; yields what became of it. May be stopped and run again.

    Invalid when the section is not one that everybody may read: what comes in here is public.
    """
    section = Section.by_key(section_key)
    if not section.is_public or section.is_closed:
        raise Invalid(
            _("%(key)s is not open to the public; old threads cannot be shown there", key=section_key)
        )
    section_id = section.id
    kept = set(db.session.scalars(select(Thread.source).where(Thread.source.like(f"import:{section_key}:%"))))
    db.session.rollback()
    taken: dict[str, Words] = {}
    for row in rows:
        source = f"import:{section_key}:{row.id.strip()}"
        try:
            found = checked(row)
            words = (found[0], found[1], found[3])
            if source in kept:
                _same(words, taken.get(source) or _words(source))
                state = "there"
            else:
                if not dry_run:
                    with transaction():
                        _put(section_id, source, row, *found)
                kept.add(source)
                taken[source] = words
                state = "in"
        except BoardError as error:
            yield Taken(row, "refused", str(error))
        else:
            yield Taken(row, state)


def _same(words: Words, before: Words | None) -> None:
    """Invalid where an id stands for other words than those that came in under it; they stay as they are."""
    if before is not None and words != before:
        raise Invalid(_("Other words came in under this id before; they were not changed"))


def _words(source: str) -> Words | None:
    """What came in under this source; None where its writer has changed it since."""
    thread = db.session.scalars(
        select(Thread)
        .where(Thread.source == source)
        .options(joinedload(Thread.title_text), joinedload(Thread.body))
    ).one()
    answer = db.session.scalar(
        select(Text)
        .join(CaseEvent, CaseEvent.public_text_id == Text.id)
        .where(CaseEvent.thread_id == thread.id, Text.kind == "official", Text.author_id.is_(None))
        .limit(1)
    )
    texts = (thread.title_text, thread.body, answer)
    edited = any(text is not None and text.edited_at is not None for text in texts)
    said = [text.original() if text is not None else "" for text in texts]
    db.session.rollback()
    return None if edited else (said[0], said[1], said[2])


def _put(
    section_id: int,
    source: str,
    row: Row,
    title: str,
    body: str,
    posted_at: datetime,
    reply: str,
    replied_at: datetime | None,
) -> None:
    section = db.session.get_one(Section, section_id)
    poster = _poster(row.user)
    with clock.freeze(posted_at):
        heading = Text.write("title", title, by=poster, field="title", lines=False)
        thread = Thread(
            section=section,
            poster=poster,
            identity="hidden",
            title_text=heading,
            body=Text.write("body", body, by=poster, field="body"),
            title=heading.public,
            kind="archive",
            source=source,
            posted_at=posted_at,
            moved_at=posted_at,
            events_count=0,
            version=0,
            replies_count=0,
        )
        db.session.add(thread)
        db.session.flush()
        if replied_at is not None and section.makes_cases:
            _archived_case(thread, posted_at, replied_at)
        _record(thread, "thread.posted", public=thread.body, by=poster, role="poster", imported=True)
    if replied_at is not None:
        with clock.freeze(replied_at):
            answer = Text.write("official", reply, by=None, field="reply")
            if thread.case is not None:
                thread.case.status, thread.case.outcome = Status.CLOSED, Outcome.EXPLAINED
            _record(
                thread,
                "case.resolved" if thread.case is not None else "reply.posted",
                public=answer,
                by=None,
                role="officer",
                office=section.department,
                imported=True,
                outcome=str(Outcome.EXPLAINED),
            )


def _archived_case(thread: Thread, posted_at: datetime, replied_at: datetime) -> Case:
    department = thread.section.department
    if department is None:
        raise Invalid(_("The section has no department"))
    case = Case(
        thread=thread,
        number=public_number(posted_at),
        status=Status.PENDING,
        department=department,
        round=1,
        round_at=posted_at,
        lead_since=posted_at,
        accepted_at=replied_at,
        answered_at=replied_at,
        resolved_at=replied_at,
        closed_at=replied_at,
        recorded={},
        outcome_details={},
        overdue=False,
        ever_overdue=False,
        at_desk=False,
        returns=0,
        reopened_times=2,  # an archive is not reopened; a new post may name its number
        suspended_round=0,
        extended_round=0,
        asked_round=0,
    )
    db.session.add(case)
    db.session.flush()
    return case


def _record(thread: Thread, kind: str, **values: Any) -> None:
    nobody = Audience(followers=False)
    if thread.case is not None:
        thread.case.record(kind, audience=nobody, **values)
    else:
        thread.record(kind, audience=nobody, **values)


def _poster(user: str) -> Person:
    """The member behind a foreign user name, the same one at every import; the name itself lies in the vault."""
    name = " ".join(user.split())[:80] or "?"
    owner = vault.lookup("import_user", name)
    if owner is not None:
        return Person.by_public_id(owner.partition(":")[2])
    person = Person(kind="member")
    db.session.add(person)
    db.session.flush()
    give_free_nickname(person)
    vault.put(person.owner, "import_user", name, findable=True)
    return person
