"""The port of every search engine: what one must be able to do, whatever holds its index.

Engines find ids. Who may read what they name is decided afterwards, on the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.document import Document
from search.query import Filters, Query


class SearchUnavailable(Exception):
    """The index is missing, damaged or of another version: pages go on and say so, a rebuild repairs it."""


class EngineBusy(Exception):
    """Another process is writing the index just now: try again in a moment."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One thread that matched: its public id, its place among all threads, the version that was indexed."""

    id: str
    order: int
    version: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Threads to write anew, and public ids of threads that are not to be found any more."""

    documents: Sequence[Document] = ()
    gone: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """How an index stands: number of documents, bytes on disk, what is wrong ('' when nothing is)."""

    documents: int = 0
    size: int = 0
    problem: str = ""


class Engine(Protocol):
    """An index of threads."""

    def search(
        self, query: Query, filters: Filters = Filters(), *, before: int | None = None, limit: int = 20
    ) -> list[Hit]:
        """Up to `limit` matching threads, newest first, all placed below `before`. Raises SearchUnavailable."""
        ...

    def similar(self, text: str, *, limit: int = 10) -> list[Hit]:
        """Threads that share most of the telling words of `text`, best first. Raises SearchUnavailable."""
        ...

    def write(self, changes: Changes) -> None:
        """Add, replace and remove threads in one commit. Raises EngineBusy, SearchUnavailable."""
        ...

    def rebuild(self, documents: Iterable[Document], late: Callable[[], Changes]) -> int:
        """Make a new index of all `documents` and put it in the place of the old one; how many it holds.

        `late` is called once at the end, while nobody else can write: it gives what changed meanwhile.
        Raises EngineBusy while another rebuild runs.
        """
        ...

    def exists(self) -> bool:
        """Whether an index was ever made here; a damaged one was."""
        ...

    def status(self) -> Status:
        """How the index stands; never raises."""
        ...
