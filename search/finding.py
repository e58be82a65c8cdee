"""From a query to threads: the engine names ids, the rows decide who may read them and whether they still match."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from board.db import db
from boards.models.thread import Thread
from boards.policy import visible_to
from people.models import Person
from search.document import Document
from search.engines import Engine, Hit, SearchUnavailable
from search.query import Filters, Query
from search.threads import documents_of

PAGE = 20
ROUNDS = 10  # times the engine is asked for one page when nearly all it names may not be read


@dataclass(frozen=True, slots=True)
class Found:
    """One result: (public id, version) of the thread, as lists draw it, and its public words as they are now."""

    key: tuple[str, int]
    document: Document


@dataclass(frozen=True, slots=True)
class Results:
    """A page of results, newest first. `older` is the cursor of the next page, None on the last.

    `by_letter` says that the words found nothing and these hold the characters only.
    """

    rows: tuple[Found, ...] = ()
    older: int | None = None
    by_letter: bool = False
    query: Query = field(default_factory=Query)


def find(
    engine: Engine,
    query: Query,
    filters: Filters,
    *,
    reader: Person | None,
    before: int | None = None,
    by_letter: bool = False,
    limit: int = PAGE,
) -> Results:
    """A page of the threads that answer `query` and that `reader` may read. Raises SearchUnavailable.

    Where the words find nothing at all, the characters are tried.
    """
    if query.empty:
        return Results(query=query)
    if not by_letter:
        results = _page(engine, query, filters, reader, before, limit)
        if results.rows or before is not None:
            return results
    letters = query.letter_by_letter()
    results = _page(engine, letters, filters, reader, before, limit)
    return Results(results.rows, results.older, bool(results.rows), letters if results.rows else query)


def _page(
    engine: Engine, query: Query, filters: Filters, reader: Person | None, before: int | None, limit: int
) -> Results:
    rows: list[Found] = []
    for _round in range(ROUNDS):
        hits = engine.search(query, filters, before=before, limit=limit + 1)
        for hit, found in _readable(hits, query, filters, reader):
            if len(rows) == limit:
                return Results(tuple(rows), before, query=query)
            rows.append(found)
            before = hit.order
        if len(hits) <= limit:
            return Results(tuple(rows), query=query)
        if len(rows) == limit:
            # The page is full and the engine has more, but none of those it named is readable: look on.
            more = _page(engine, query, filters, reader, hits[-1].order, 1)
            return Results(tuple(rows), before if more.rows else None, query=query)
        before = hits[-1].order
    return Results(tuple(rows), before, query=query)


def _readable(
    hits: list[Hit], query: Query, filters: Filters, reader: Person | None
) -> list[tuple[Hit, Found]]:
    """The hits that are public, that `reader` may read, and that match as they are now.

    An index lags: a thread may have been restricted, or its words covered, a moment ago.
    """
    ids = [hit.id for hit in hits]
    readable = select(Thread.public_id, Thread.version).where(Thread.public_id.in_(ids), visible_to(reader))
    versions = {row.public_id: row.version for row in db.session.execute(readable)}
    documents = documents_of([public_id for public_id in ids if public_id in versions])
    return [
        (hit, Found((hit.id, versions[hit.id]), document))
        for hit in hits
        if (document := documents.get(hit.id)) is not None
        and (document.version == hit.version or (filters.admit(document) and query.matches(document)))
    ]


def similar(engine: Engine, title: str, *, limit: int = 3) -> list[Thread]:
    """Up to `limit` public threads that tell of much the same; none when search is unavailable."""
    try:
        ids = [hit.id for hit in engine.similar(title, limit=4 * limit)]
    except SearchUnavailable:
        return []
    threads = {
        thread.public_id: thread
        for thread in db.session.scalars(
            select(Thread)
            .where(Thread.public_id.in_(ids), visible_to(None))
            .options(selectinload(Thread.case))
        )
    }
    return [threads[each] for each in ids if each in threads][:limit]
