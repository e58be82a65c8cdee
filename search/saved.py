"""Searches that somebody follows: their canonical form, how much they find, and which of them find a thread.

A saved search is a query string, as the search page itself reads it, without what only turns its pages and without
the state of a case: whoever follows it hears when something comes, and that is always new.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from board.seams import provides
from boards.models.section import Section
from people.models import Department
from search import engine
from search.document import order_of
from search.engines import SearchUnavailable
from search.query import LONGEST, Filters, Haystack, Query
from search.threads import documents_of

MOST = 400  # hits that are counted


@lru_cache(maxsize=20_000)
def read(saved: str) -> tuple[Query, Filters]:
    """The query and the filters of a saved search."""
    given = dict(parse_qsl(saved))
    return Query.parse(given.get("q", "")), Filters(given.get("section", ""), given.get("department", ""))


def written(query: Query, filters: Filters) -> str:
    """The one way to write a search down; what `read` understands. Two that ask the same in other spaces are one."""
    pairs = (
        ("q", " ".join(query.text.split())),
        ("section", filters.section),
        ("department", filters.department),
    )
    return urlencode([(name, value) for name, value in pairs if value])


@provides("search.saved")
def canonical(many: Iterable[str]) -> dict[str, tuple[str, str]]:
    """By search, (canonical form, words for its reader), without what asks nothing or names what is not there."""
    asked = {saved: read(saved) for saved in many}
    sections, departments = dict[str, str](), dict[str, str]()
    if any(filters.section for _query, filters in asked.values()):
        sections = {each.key: each.title for each in Section.all() if each.is_public}
    if any(filters.department for _query, filters in asked.values()):
        departments = {each.key: each.title for each in Department.all()}
    found = {}
    for saved, (query, filters) in asked.items():
        known = [sections.get(filters.section), departments.get(filters.department)]
        wanted = [filters.section, filters.department]
        gone = any(key and not name for key, name in zip(wanted, known, strict=True))
        if not (query.empty or gone or len(query.text) > LONGEST):
            found[saved] = (written(query, filters), " · ".join(filter(None, [query.text, *known])))
    return found


@provides("search.count_since")
def count_since(saved: str, since: datetime) -> int | None:
    """How many threads posted after `since` a search finds, at most MOST; None while the index cannot be asked."""
    query, filters = read(saved)
    try:
        hits = engine().search(query, filters, limit=MOST)
    except SearchUnavailable:
        return None
    oldest = order_of(since, "")
    return sum(hit.order >= oldest for hit in hits)


@provides("search.matching")
def matching(public_id: str, saved: Iterable[str]) -> list[str]:
    """Those of these searches that find this thread as it stands now; none for a thread not everybody may read."""
    document = documents_of([public_id]).get(public_id)
    if document is None:
        return []
    haystack = Haystack(document.texts)
    found = []
    for each in saved:
        query, filters = read(each)
        if not query.empty and filters.admit(document) and haystack.meets(query):
            found.append(each)
    return found
