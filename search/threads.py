"""Threads as documents: the public words of what everybody may read, and nothing of anything else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from board.db import db
from boards.models.assist import AssistTask
from boards.models.case import Case
from boards.models.section import Section
from boards.models.text import Text
from boards.models.thread import Thread
from boards.models.timeline import CaseEvent
from boards.policy import visible_to
from people.models import Department
from search.document import Document
from search.engines import Changes

CHUNK = 500  # threads read at once


def documents_of(public_ids: Sequence[str]) -> dict[str, Document]:
    """The documents of these threads by public id, without those that not everybody may read."""
    if not public_ids:
        return {}
    return {document.id: document for document in _read(Thread.public_id.in_(public_ids))}


def changes_of(public_ids: Iterable[str]) -> Changes:
    """What the index must take over of these threads, as they are now."""
    wanted = list(dict.fromkeys(public_ids))
    documents: dict[str, Document] = {}
    for start in range(0, len(wanted), CHUNK):
        documents |= documents_of(wanted[start : start + CHUNK])
    return Changes(list(documents.values()), [each for each in wanted if each not in documents])


def count_public() -> int:
    """How many threads an index of the whole board holds."""
    query = select(db.func.count()).select_from(Thread).where(visible_to(None))
    return int(db.session.scalar(query) or 0)


def every_document() -> Iterator[Document]:
    """The documents of the whole board, oldest first, read in chunks so that no long read holds up the writers."""
    last = 0
    while True:
        ids = db.session.scalars(
            select(Thread.id).where(Thread.id > last, visible_to(None)).order_by(Thread.id).limit(CHUNK)
        ).all()
        documents = _read(Thread.id.in_(ids)) if ids else []
        db.session.rollback()
        if not ids:
            return
        yield from documents
        last = ids[-1]


@cache
def _public_threads() -> Any:
    # Built once: making the aliases anew for every search cost more than running the query.
    title, body, place = aliased(Text), aliased(Text), aliased(Text)
    return (
        select(
            Thread.id,
            Thread.public_id,
            Thread.posted_at,
            Thread.version,
            Thread.section_id,
            Thread.title_id,
            Thread.body_id,
            Thread.place_id,
            title.public.label("title"),
            func.coalesce(title.hidden_at, title.erased_at).label("title_hidden"),
            body.public.label("body"),
            func.coalesce(body.hidden_at, body.erased_at).label("body_hidden"),
            place.public.label("place"),
            func.coalesce(place.hidden_at, place.erased_at).label("place_hidden"),
            Case.id.label("case_id"),
            Case.number,
            Case.status,
            Case.department_id,
        )
        .join(title, Thread.title_id == title.id)
        .join(body, Thread.body_id == body.id)
        .outerjoin(place, Thread.place_id == place.id)
        .outerjoin(Case, Case.thread_id == Thread.id)
        .where(visible_to(None))
        .order_by(Thread.id)
    )


def _read(condition: Any) -> list[Document]:
    rows = db.session.execute(_public_threads().where(condition)).all()
    said = _said([row.id for row in rows])
    helping = _helping([row.case_id for row in rows if row.case_id])
    sections = {section.id: section for section in Section.all()}
    departments = {department.id: department for department in Department.all()}
    documents = []
    for row in rows:
        section = sections[row.section_id]
        offices = [
            departments[key] for key in dict.fromkeys((row.department_id, *helping[row.case_id])) if key
        ]
        own = (row.title_id, row.body_id, row.place_id)
        documents.append(
            Document(
                id=row.public_id,
                title="" if row.title_hidden else row.title,
                posted_at=row.posted_at,
                body="" if row.body_hidden else row.body,
                replies=tuple(text for text_id, text in said[row.id] if text_id not in own),
                number=row.number or "",
                names=(
                    *([row.place] if row.place and not row.place_hidden else []),
                    *filter(None, (section.name, section.name_en)),
                    *(name for office in offices for name in (*office.names, office.name_en) if name),
                ),
                section=section.key,
                departments=tuple(office.key for office in offices),
                status=str(row.status or ""),
                version=row.version,
            )
        )
    return documents


def _said(thread_ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """The public texts of the steps of each thread, oldest first, as (text id, text)."""
    said: dict[int, list[tuple[int, str]]] = defaultdict(list)
    rows = db.session.execute(
        select(CaseEvent.thread_id, Text.id, Text.public)
        .join(Text, CaseEvent.public_text_id == Text.id)
        .where(
            CaseEvent.thread_id.in_(thread_ids),
            CaseEvent.visibility == "public",
            Text.hidden_at.is_(None),
            Text.erased_at.is_(None),
        )
        .order_by(CaseEvent.thread_id, CaseEvent.seq)
    )
    for thread_id, text_id, public in rows:
        said[thread_id].append((text_id, public))
    return said


def _helping(case_ids: Sequence[int]) -> dict[int | None, list[int]]:
    """The departments with an open task in each case."""
    helping: dict[int | None, list[int]] = defaultdict(list)
    rows = db.session.execute(
        select(AssistTask.case_id, AssistTask.department_id)
        .where(AssistTask.case_id.in_(case_ids), AssistTask.state == "open")
        .order_by(AssistTask.id)
    )
    for case_id, department_id in rows:
        helping[case_id].append(department_id)
    return helping
