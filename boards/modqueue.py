"""The moderators' one queue: everything that waits for them, the oldest promise first, a page at a time.

A source is one kind of thing that waits (reports, held threads, appeals …). A part that has another one puts it in with
`add`; the queue, its counts, its pages and its keys then know it. No source shows who somebody is, what else he wrote
or how often: a moderator judges words.
"""

from __future__ import annotations

import base64
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.base import ExecutableOption

from board.clock import now
from board.db import db
from board.errors import NotFound
from board.permissions import may
from boards.models.text import Text
from boards.models.thread import Thread
from boards.policy import not_about_own, visible_to
from people.models import Person

PAGE = 30
MOST = 1000  # counted: beyond that the number is `1000+`


class Place(NamedTuple):
    """Where a page begins: behind the item with this promise and key."""

    due_at: datetime
    key: str

    def __str__(self) -> str:
        raw = f"{int(self.due_at.timestamp() * 1_000_000)}.{self.key}"
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, raw: str) -> Place | None:
        """A place as it stands in an address; None for none and for what is not one."""
        if not raw or len(raw) > 120:
            return None
        try:
            stamp, dot, key = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode().partition(".")
            moment = datetime.fromtimestamp(int(stamp) / 1_000_000, UTC)
        except (ValueError, OverflowError, OSError):
            return None
        return cls(moment, key) if dot and ":" in key else None


@dataclass(frozen=True)
class Item:
    """One thing that waits: its source and public id, until when it is promised, and what it is about."""

    source: str
    id: str
    due_at: datetime
    thread: Thread
    row: Any
    text: Text | None = None
    why: Sequence[str] = field(default_factory=tuple)

    @property
    def key(self) -> str:
        """`report:abc`, the same in every place that names it."""
        return f"{self.source}:{self.id}"

    @property
    def path(self) -> str:
        """Its own page."""
        return f"/moderation/{self.source}/{self.id}"


@dataclass(frozen=True)
class Source:
    """One kind of thing that waits. `model` has a public_id, a due moment and a thread.

    `open` is the condition of what still waits, `label` its tab, `settle(row, by, decision)` closes it with what was done
    (`kept`: nothing was), `rule` and `thing` ask whether this person may. `thread`, `text` and `why` are what the item of
    a row shows, `load` reads them with a page of rows.
    """

    name: str
    label: Callable[[], str]
    model: Any
    due: Any
    open: Callable[[Person], ColumnElement[bool]]
    settle: Callable[[Any, Person, str], None]
    rule: str = "thread.hold"
    thing: Callable[[Any], Any] = lambda row: row.thread
    thread: Callable[[Any], Thread] = lambda row: row.thread
    text: Callable[[Any], Text | None] = lambda row: row.text
    why: Callable[[Any], Sequence[str]] = lambda row: ()
    load: Sequence[ExecutableOption] = ()
    thread_id: Any = None  # the column that names the thread; None where the model is the thread itself
    within: timedelta = timedelta(0)  # the promise is `due` and this: for rows that know only when they came
    ever: ColumnElement[bool] = field(default_factory=true)  # what a row must be to have ever waited here

    def _query(self, person: Person, *columns: Any) -> Any:
        query = select(*columns or (self.model,))
        if self.thread_id is not None:
            query = query.join(Thread, self.thread_id == Thread.id)
        return query.where(
            self.open(person), Thread.visibility != "restricted", visible_to(person), not_about_own(person)
        )

    def page(self, person: Person, after: Place | None, limit: int) -> list[Item]:
        """The next items behind a place of the whole queue, in a number of statements that does not grow with them."""
        if not may(person, "moderation.open"):
            return []
        # What the rule of each row would ask besides, the query asks already: who may read it, and whom it is about.
        query = self._query(person) if self.model is Thread else self._query(person, self.model, Thread)
        if after is not None:
            query = query.where(self._behind(after))
        query = query.order_by(self.due, self.model.public_id).limit(limit)
        rows = db.session.execute(query.options(joinedload(Thread.case), *self.load)).unique()
        return [self._item(row[0], row[-1]) for row in rows]

    def _item(self, row: Any, thread: Thread) -> Item:
        due = (getattr(row, self.due.key) or now()) + self.within
        return Item(self.name, row.public_id, due, thread, row, self.text(row), tuple(self.why(row)))

    def _behind(self, after: Place) -> ColumnElement[bool]:
        source, _colon, public_id = after.key.partition(":")
        moment = after.due_at - self.within
        later: ColumnElement[bool] = self.due > moment
        if self.name > source:
            return or_(later, self.due == moment)
        if self.name == source:
            return or_(later, and_(self.due == moment, self.model.public_id > public_id))
        return later

    def count(self, person: Person) -> int:
        """How many wait, at most MOST."""
        some = self._query(person, self.model.id).limit(MOST).subquery()
        return int(db.session.scalar(select(func.count()).select_from(some)) or 0)

    def find(self, public_id: str, person: Person) -> Item:
        """The item; NotFound for what is missing, what this person may not moderate, and what was never his to read."""
        row = db.session.scalar(select(self.model).where(self.model.public_id == public_id, self.ever))
        if row is None or not may(person, self.rule, self.thing(row)):
            raise NotFound
        return self._item(row, self.thread(row))

    def waits(self, row: Any, person: Person) -> bool:
        """Whether nobody has decided it yet."""
        query = self._query(person, self.model.id).where(self.model.id == row.id)
        return db.session.scalar(query) is not None


SOURCES: dict[str, Source] = {}


def add(source: Source) -> Source:
    """Put a source into the queue; tabs stand in the order in which they were added."""
    if source.name in SOURCES:
        raise ValueError(f"two sources called {source.name}")
    SOURCES[source.name] = source
    return source


def source_named(name: str) -> Source:
    """The source; NotFound when there is none."""
    if name not in SOURCES:
        raise NotFound
    return SOURCES[name]


@dataclass(frozen=True)
class Listed:
    """One page of the queue and the cursor of the next one."""

    items: Sequence[Item]
    after: str = ""


def listed(person: Person, *, kind: str = "", after: str = "", limit: int = PAGE) -> Listed:
    """What waits for this person, the oldest promise first; of one source, or of all."""
    place = Place.read(after)
    chosen = [SOURCES[kind]] if kind in SOURCES else list(SOURCES.values())
    pages = [source.page(person, place, limit + 1) for source in chosen]
    items = list(heapq.merge(*pages, key=lambda each: (each.due_at, each.key)))
    shown = items[:limit]
    more = str(Place(shown[-1].due_at, shown[-1].key)) if len(items) > limit else ""
    return Listed(shown, more)


def counts(person: Person) -> dict[str, int]:
    """How many wait, by source."""
    return {name: source.count(person) for name, source in SOURCES.items()}


def item_at(key: str, person: Person) -> Item | None:
    """The item that `key` names; None for an empty key. NotFound for whoever may not."""
    name, _colon, public_id = key.partition(":")
    return source_named(name).find(public_id, person) if key else None


def settle_thread(thread: Thread, *, by: Person, decision: str) -> list[str]:
    """What waited about a thread is answered by an act on the whole of it; the keys of what was."""
    keys = []
    for source in SOURCES.values():
        if source.thread_id is None or source.name in ("appeal", "contact"):
            continue
        rows = db.session.scalars(
            select(source.model).join(Thread, source.thread_id == Thread.id).where(
                source.open(by), Thread.id == thread.id
            )
        )  # fmt: skip
        for row in list(rows):
            source.settle(row, by, decision)
            keys.append(f"{source.name}:{row.public_id}")
    return keys
