"""What the board tells a member of his own doings, for the copy he takes along: his words as he typed them, and where
his cases stand. What others wrote, who they are, and what departments note among themselves is not his to take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from board.db import db
from board.files import StoredFile
from board.i18n import _l
from boards.known import role_word, title_of
from boards.models import (
    Appeal,
    Case,
    CaseEvent,
    IdentityOpening,
    Rating,
    Report,
    Text,
    Thread,
    Watch,
)
from boards.photos import OF_TEXT
from boards.sentences import outcome_word, satisfaction_word, solved_word, status_word
from people import vault
from people.models import Person
from people.own_data import Attached, tells

CHUNK = 100  # rows read at once

NUMBER, AT, WORDS = _l("Number of the post"), _l("When"), _l("Words")


def _pieces(model: Any, *conditions: Any) -> Iterator[list[Any]]:
    """The rows of a model that fit, oldest first, a piece at a time, no transaction held between two pieces."""
    last = 0
    while True:
        query = select(model).where(model.id > last, *conditions).order_by(model.id).limit(CHUNK)
        rows = list(db.session.scalars(query))
        if not rows:
            return
        last = rows[-1].id
        yield rows
        db.session.rollback()
        db.session.expunge_all()


def _number(thread: Thread) -> str:
    return thread.case.number if thread.case is not None else thread.public_id


@tells(
    "threads",
    _l("What I posted"),
    {
        "number": NUMBER, "section": _l("Section"), "posted_at": _l("Posted"), "title": _l("Title"), "words": WORDS,
        "place": _l("Place"), "identity": _l("Who knows that it is mine"), "unit": _l("Department"),
        "status": _l("Status"), "outcome": _l("Outcome"), "closed_at": _l("Closed"), "restricted": _l("Not public"),
        "edited_at": _l("Changed"), "earlier": _l("Earlier words"),
    },
)  # fmt: skip
def threads(person: Person) -> Iterator[dict[str, Any]]:
    """His threads, those that only few may read as well."""
    for rows in _pieces(Thread, Thread.poster_id == person.id):
        for thread in rows:
            case = thread.case
            yield {
                "number": _number(thread),
                "section": thread.section.title,
                "posted_at": thread.posted_at,
                "title": thread.title_text.original(),
                "words": thread.body.original(),
                "place": thread.place_text.original() if thread.place_text is not None else "",
                "identity": title_of(thread.identity),
                "unit": case.department.title if case is not None else "",
                "status": status_word(case.status) if case is not None else "",
                "outcome": outcome_word(case.outcome) if case is not None and case.outcome else "",
                "closed_at": case.closed_at if case is not None else None,
                "restricted": not thread.is_public,
                "edited_at": thread.edited_at,
                "earlier": [
                    revision.public
                    for text in (thread.title_text, thread.body)
                    for revision in text.revisions
                ],
            }


@tells(
    "replies",
    _l("What I wrote under posts"),
    {"number": NUMBER, "at": AT, "words": WORDS, "hidden": _l("Hidden by a moderator")},
)
def replies(person: Person) -> Iterator[dict[str, Any]]:
    """His replies and additions, where each stands."""
    said = CaseEvent.public_text.has(Text.author_id == person.id)
    for rows in _pieces(CaseEvent, CaseEvent.actor_id == person.id, said):
        for event in rows:
            text = event.public_text
            if text is None or text.id == event.thread.body_id or event.kind == "case.rated":
                continue
            yield {
                "number": _number(event.thread),
                "at": event.at,
                "words": text.original(),
                "hidden": text.hidden_at is not None,
            }


@tells(
    "ratings",
    _l("My ratings"),
    {
        "number": NUMBER, "at": AT, "solved": _l("Solved?"), "satisfaction": _l("Content?"), "words": WORDS,
        "round": _l("Round"),
    },
)  # fmt: skip
def ratings(person: Person) -> Iterator[dict[str, Any]]:
    """Every version of every rating."""
    for rows in _pieces(Rating, Rating.person_id == person.id):
        for rating in rows:
            yield {
                "number": rating.case.number,
                "at": rating.at,
                "solved": solved_word(rating.solved),
                "satisfaction": satisfaction_word(rating.satisfaction),
                "words": rating.text.original() if rating.text is not None else "",
                "round": rating.round,
            }


@tells(
    "watches",
    _l("Cases I follow"),
    {
        "number": NUMBER,
        "since": _l("Since"),
        "affected": _l("It concerns me too"),
        "how": _l("How I hear of it"),
    },
)
def watches(person: Person) -> Iterator[dict[str, Any]]:
    """Which threads he follows; what stands in them is their posters'."""
    for rows in _pieces(Watch, Watch.person_id == person.id):
        found = {
            thread.id: thread
            for thread in db.session.scalars(
                select(Thread)
                .where(Thread.id.in_([row.thread_id for row in rows]))
                .options(joinedload(Thread.case))
            )
        }
        for row in rows:
            yield {
                "number": _number(found[row.thread_id]),
                "since": row.since,
                "affected": row.affected,
                "how": row.how,
            }


@tells(
    "objections",
    _l("My reports and appeals"),
    {
        "number": NUMBER,
        "at": AT,
        "what": _l("What"),
        "words": WORDS,
        "reach": _l("Where I can be reached"),
        "decided_at": _l("Decided"),
    },
)
def objections(person: Person) -> Iterator[dict[str, Any]]:
    """What he told the moderators, and when they decided."""
    mine = person.id
    for model in (Report, Appeal):
        for rows in _pieces(model, model.by_id == mine):
            for row in rows:
                yield {
                    "number": _number(row.thread),
                    "at": row.at,
                    "what": str(_l("Report")) if model is Report else str(_l("Appeal")),
                    "words": row.text.original(),
                    "reach": vault.get(f"report:{row.public_id}", "contact") if model is Report else "",
                    "decided_at": row.decided_at,
                }


@tells(
    "lookups",
    _l("Who looked up that it is mine"),
    {"number": NUMBER, "at": AT, "unit": _l("Department"), "role": _l("As"), "reason": _l("Reason")},
)
def lookups(person: Person) -> Iterator[dict[str, Any]]:
    """Each opening of his identity: which department, as what, when and why; officers are not named here."""
    mine = IdentityOpening.case_id.in_(
        select(Case.id).join(Thread, Case.thread_id == Thread.id).where(Thread.poster_id == person.id)
    )
    for rows in _pieces(IdentityOpening, mine):
        for row in rows:
            case = db.session.get_one(Case, row.case_id)
            yield {
                "number": case.number,
                "at": row.at,
                "unit": row.department.title if row.department is not None else "",
                "role": role_word(row.role),
                "reason": row.reason,
            }


@tells("photos", _l("My photos"), {"number": NUMBER, "at": AT, "file": _l("Photo")})
def photos(person: Person) -> Iterator[dict[str, Any]]:
    """His photos as the board keeps them: without the place and the camera they were taken with."""
    for texts in _pieces(Text, Text.author_id == person.id):
        hung = StoredFile.of_many(OF_TEXT, [text.public_id for text in texts])
        for text in texts:
            for file in hung.get(text.public_id, ()):
                ending = file.content_type.rpartition("/")[2]
                yield {
                    "number": _place_of(text),
                    "at": file.created_at,
                    "file": Attached(f"{file.key}.full", f"photos/{file.public_id}.{ending}"),
                }


def _place_of(text: Text) -> str:
    thread = db.session.scalar(select(Thread).where(Thread.body_id == text.id))
    if thread is None:
        thread = db.session.scalar(
            select(Thread)
            .join(CaseEvent, CaseEvent.thread_id == Thread.id)
            .where(CaseEvent.public_text_id == text.id)
            .limit(1)
        )
    return _number(thread) if thread is not None else ""
