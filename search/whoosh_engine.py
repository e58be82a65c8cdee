"""The embedded engine: a Whoosh index in a folder beside the database.

`current` in that folder is a small file naming the index folder in use; a rebuild makes another folder and replaces
the file, which is atomic. There is one writer at a time, guaranteed by the operating system's lock on a file in
the index folder, so a killed writer leaves neither a lock nor half a commit behind.

Readers open the index for each search and read it with plain file access. Opening takes a third of a millisecond
that way and searching no longer than with mapped memory; but a mapped file that somebody truncates kills the whole process.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import logging
import math
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from whoosh import fields, index
from whoosh.analysis import Token, Tokenizer
from whoosh.filedb.filestore import FileStorage
from whoosh.query import And, Every, Phrase, Term

from board.i18n import _
from search.document import Document
from search.engines import Changes, EngineBusy, Hit, SearchUnavailable, Status
from search.query import Filters, Need, Query, Word, placed, telling_words
from search.segmenter import words

log = logging.getLogger(__name__)

FORMAT = 1  # counted up when the same text would be indexed otherwise; an older index asks for a rebuild
PATIENCE = 60.0  # seconds a rebuild waits for a writer to finish before it gives up
COMMON = 0.2  # a word in more than this part of all threads tells nothing about one
APART = "\x1e"  # between the texts of one document; no text holds a control character
ATTEMPTS = 4  # to open an index that is being written
SEGMENTS = 40  # of which the places are remembered
TELLING = 8  # words of a title that are looked at for similar threads


class UnitTokenizer(Tokenizer):
    """Makes the units of texts that are joined by `APART`, each with its position."""

    def __call__(self, value: str, positions: bool = False, **_options: Any) -> Iterator[Token]:
        token = Token(positions, False)
        token.stopped = False
        token.boost = 1.0
        for token.text, token.pos in placed(tuple(value.split(APART))):
            yield token


def _schema() -> fields.Schema:
    return fields.Schema(
        id=fields.ID(unique=True, stored=True),
        order=fields.NUMERIC(int, 64, signed=True, sortable=True, stored=True),
        version=fields.NUMERIC(int, 64, signed=True, stored=True),
        title=fields.KEYWORD(scorable=False),
        words=fields.KEYWORD(scorable=False),
        units=fields.TEXT(analyzer=UnitTokenizer(), phrase=True),
        section=fields.ID(),
        department=fields.KEYWORD(scorable=False),
        status=fields.ID(),
    )


def _row(document: Document) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": document.id,
        "order": document.order,
        "version": document.version,
        "title": tuple(sorted(words(document.title))),
        "words": tuple(sorted(set[str]().union(*map(words, document.texts)))),
        "units": APART.join(document.texts),
        "section": document.section,
        "department": document.departments,
        "status": document.status,
    }
    return {name: value for name, value in row.items() if value not in ("", ())}


class WhooshEngine:
    """See `search.engines.Engine`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._places: dict[str, dict[int, int]] = {}

    # ------------------------------------------------------------ reading

    def search(
        self, query: Query, filters: Filters = Filters(), *, before: int | None = None, limit: int = 20
    ) -> list[Hit]:
        """Up to `limit` matching threads, newest first, all placed below `before`. Raises SearchUnavailable."""
        if query.empty:
            return []
        asked = _all([_need(need) for need in query.wanted] + _keys(filters))
        unwanted = [_all([_need(need) for need in group]) for group in query.unwanted]
        with self._searcher() as searcher:
            best: list[tuple[int, int]] = []
            for leaf, offset in _leaves(searcher):
                orders = self._orders(leaf)
                # Not by Whoosh's AndNot: it does not move the unwanted up to the first match, and lets that one through.
                without = set[int]().union(*(group.docs(leaf) for group in unwanted))
                places = (
                    (orders[number], number + offset) for number in asked.docs(leaf) if number not in without
                )
                if before is not None:
                    places = (place for place in places if place[0] < before)
                best.extend(heapq.nlargest(limit, places))
            return [_hit(searcher.stored_fields(number)) for _, number in heapq.nlargest(limit, best)]

    def similar(self, text: str, *, limit: int = 10) -> list[Hit]:
        """Threads that share most of the telling words of `text`, best first. Raises SearchUnavailable.

        A word weighs the more the rarer it is, and half as much where it stands in the body only; a word that no
        thread holds half as much as the rarest. Threads that hold at least half of the weight are given, the newer
        first among about equally good ones.
        """
        with self._searcher() as searcher:
            total = max(searcher.reader().doc_count(), 1)
            common = max(int(COMMON * total), 3)
            rarity = {}
            for word in telling_words(text):
                frequency = _frequency(searcher, word, common)
                if frequency <= common:
                    rarity[word] = math.log(1 + total / (1 + frequency)) * (1.0 if frequency else 0.5)
            telling = heapq.nlargest(TELLING, rarity, key=lambda word: (rarity[word], word))
            enough = sum(rarity[word] for word in telling) / 2
            weights: dict[int, float] = {}
            places: dict[int, int] = {}
            for leaf, offset in _leaves(searcher):
                orders = self._orders(leaf)
                for number, weight in _weighed(leaf, telling, rarity, enough).items():
                    weights[number + offset] = weight
                    places[number + offset] = orders[number]
            near = list(weights)
            near.sort(key=lambda number: (round(4 * weights[number] / enough), places[number]), reverse=True)
            return [_hit(searcher.stored_fields(number)) for number in near[:limit]]

    def _orders(self, leaf: Any) -> _Orders:
        """The places of a segment's threads: a segment never changes, so each is read from its file once."""
        name = str(leaf.reader().segment().segment_id())
        if name not in self._places and len(self._places) >= SEGMENTS:
            self._places.clear()
        return _Orders(self._places.setdefault(name, {}), leaf.reader().column_reader("order"))

    def exists(self) -> bool:
        """Whether an index was ever made here; a damaged one was."""
        return (self.root / "current").exists()

    def status(self) -> Status:
        """How the index stands; never raises."""
        try:
            with self._searcher() as searcher:
                documents = searcher.reader().doc_count()
                for leaf, _ in _leaves(searcher):
                    for _number in Every("order").docs(leaf):
                        break
            folder = self._folder()
            return Status(documents, sum(path.stat().st_size for path in folder.iterdir() if path.is_file()))
        except (SearchUnavailable, OSError) as error:
            return Status(problem=str(error))

    @contextmanager
    def _searcher(self) -> Iterator[Any]:
        """A searcher over the index as it is now; whatever a broken index raises becomes SearchUnavailable."""
        try:
            searcher = self._open_searcher()
            try:
                yield searcher
            finally:
                searcher.close()
        except SearchUnavailable:
            raise
        except Exception as error:
            # A damaged file may raise anything at all, from struct.error to AssertionError.
            log.warning("the search index cannot be read", exc_info=True)
            raise SearchUnavailable(
                _("the index is damaged (%(kind)s)", kind=type(error).__name__)
            ) from error

    def _open_searcher(self) -> Any:
        return _patiently(lambda: _open(self._folder()).searcher())

    def _folder(self) -> Path:
        """The index folder in use. Raises SearchUnavailable when there is none that fits."""
        name = self._pointed_at()
        while not (self.root / name).is_dir():
            # A rebuild may have put a new index in place since the name was read, and swept the old one.
            before, name = name, self._pointed_at()
            if name == before:
                raise SearchUnavailable(_("the index folder is gone"))
        return self.root / name

    def _pointed_at(self) -> str:
        try:
            pointer = json.loads((self.root / "current").read_text())
            name, made_as = str(pointer["folder"]), int(pointer["format"])
        except FileNotFoundError:
            raise SearchUnavailable(_("there is no index yet")) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise SearchUnavailable(_("the file that names the index is damaged")) from None
        if made_as != FORMAT:
            raise SearchUnavailable(_("the index was made by another version"))
        if os.sep in name:
            raise SearchUnavailable(_("the index folder is gone"))
        return name

    # ------------------------------------------------------------ writing

    def write(self, changes: Changes) -> None:
        """Add, replace and remove threads in one commit. Raises EngineBusy, SearchUnavailable."""
        if not changes.documents and not changes.gone:
            return
        folder = self._folder()
        rows = [_row(document) for document in changes.documents]
        if not rows and not self._holds_any(changes.gone):
            return  # a restricted thread was never here: its steps must not even set off a merge
        try:
            writer = _patiently(lambda: _open(folder).writer(limitmb=64))
        except index.LockError:
            raise EngineBusy("another process is writing the index") from None
        except Exception as error:
            raise SearchUnavailable(
                f"the index cannot be opened for writing ({type(error).__name__})"
            ) from error
        try:
            if self._folder() != folder:
                raise EngineBusy("a rebuild has put a new index in place")
            _put(writer, rows, changes.gone)
            writer.commit()
        except (EngineBusy, SearchUnavailable):
            _cancel(writer)
            raise
        except Exception as error:
            _cancel(writer)
            raise SearchUnavailable(
                f"the index cannot be written ({type(error).__name__}: {error})"
            ) from error

    def _holds_any(self, public_ids: Iterable[str]) -> bool:
        """Whether one of these threads is in the index, asked while nobody writes it."""
        lock = FileStorage(str(self._folder())).lock("MAIN_WRITELOCK")
        if not lock.acquire():
            raise EngineBusy("another process is writing the index")
        try:
            with self._searcher() as searcher:
                return any(("id", each) in searcher.reader() for each in public_ids)
        finally:
            lock.release()

    def rebuild(self, documents: Iterable[Document], late: Callable[[], Changes]) -> int:
        """Make a new index of all `documents` and put it in the place of the old one; how many it holds.

        Searching and writing go on in the old one until the swap. Raises EngineBusy while another rebuild runs
        or when a writer does not finish within a minute.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with self._only_rebuild():
            self._sweep()
            folder = self.root / f"index-{secrets.token_hex(6)}"
            folder.mkdir()
            made = FileStorage(str(folder), supports_mmap=False).create_index(_schema())
            writer = made.writer(limitmb=128)
            try:
                for document in documents:
                    writer.add_document(**_row(document))
                writer.commit()
            except BaseException:
                _cancel(writer)
                shutil.rmtree(folder, ignore_errors=True)
                raise
            with self._nobody_writes():
                changes = late()
                if changes.documents or changes.gone:
                    writer = made.writer(limitmb=64)
                    _put(writer, [_row(document) for document in changes.documents], changes.gone)
                    writer.commit()
                self._point_to(folder)
            self._sweep()
            return int(made.doc_count())

    @contextmanager
    def _only_rebuild(self) -> Iterator[None]:
        with (self.root / "rebuild.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise EngineBusy(_("another rebuild is running")) from None
            yield

    @contextmanager
    def _nobody_writes(self) -> Iterator[None]:
        """Hold the old index's writer lock, when there is an old index."""
        try:
            folder = self._folder()
        except SearchUnavailable:
            yield
            return
        lock = FileStorage(str(folder)).lock("MAIN_WRITELOCK")
        end = time.monotonic() + PATIENCE
        while not lock.acquire():
            if time.monotonic() > end:
                raise EngineBusy(_("a writer does not finish"))
            time.sleep(0.05)
        try:
            yield
        finally:
            lock.release()

    def _point_to(self, folder: Path) -> None:
        draft = self.root / "current.new"
        with draft.open("w") as file:
            json.dump({"folder": folder.name, "format": FORMAT}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.root / "current")

    def _sweep(self) -> None:
        """Remove index folders that nothing points to: replaced ones, and those of a killed rebuild."""
        try:
            kept: Path | None = self._folder()
        except SearchUnavailable:
            kept = None
        for folder in self.root.glob("index-*"):
            if folder != kept:
                shutil.rmtree(folder, ignore_errors=True)


class _Orders:
    """The place of each thread of a segment among all threads, remembered once it was read."""

    def __init__(self, known: dict[int, int], column: Any) -> None:
        self.known, self.column = known, column

    def __getitem__(self, number: int) -> int:
        place = self.known.get(number)
        if place is None:
            place = self.known[number] = self.column[number]
        return place


def _frequency(searcher: Any, word: str, common: int) -> int:
    """How many threads hold a word; any number above `common` when more than that many do.

    Whoosh counts replaced and removed threads until their segment is merged away. What a reader is shown must not
    depend on that: a merge may have been set off by a thread that he may not know of.
    """
    reader = searcher.reader()
    frequency: int = reader.doc_frequency("words", word)
    if frequency - (reader.doc_count_all() - reader.doc_count()) > common:
        return frequency
    if not reader.has_deletions():
        return frequency
    living = 0
    for leaf, _offset in _leaves(searcher):
        for _number in Term("words", word).docs(leaf):
            living += 1
            if living > common:
                return living
    return living


def _weighed(leaf: Any, telling: list[str], rarity: dict[str, float], enough: float) -> dict[int, float]:
    """The threads of a segment that hold at least `enough` of the weight of the telling words, the rarest word first.

    As soon as the words still to come are too light to reach it by themselves, only the threads found so far are
    looked up in their long lists.
    """
    weights: dict[int, float] = {}
    left = sum(rarity[word] for word in telling)
    for word in telling:
        for field in ("words", "title"):
            if left >= enough:
                numbers: Iterable[int] = Term(field, word).docs(leaf)
            else:
                numbers = _among(Term(field, word).matcher(leaf), sorted(weights))
            for number in numbers:
                weights[number] = weights.get(number, 0.0) + rarity[word] / 2
        left -= rarity[word]
    return {number: weight for number, weight in weights.items() if weight >= enough}


def _among(matcher: Any, wanted: list[int]) -> Iterator[int]:
    """Which of these numbers, in their order, a matcher has."""
    for number in wanted:
        if not matcher.is_active():
            return
        if matcher.id() < number:
            matcher.skip_to(number)
            if not matcher.is_active():
                return
        if matcher.id() == number:
            yield number


def _leaves(searcher: Any) -> list[tuple[Any, int]]:
    """The parts of the index that hold anything; an empty index has one that does not even have columns."""
    return [(leaf, offset) for leaf, offset in searcher.leaf_searchers() if leaf.reader().doc_count_all()]


def _patiently(opening: Callable[[], Any]) -> Any:
    """What `opening` gives: a rebuild or a merge may take files away between reading their names and opening them."""
    for attempt in range(ATTEMPTS):
        try:
            return opening()
        except (FileNotFoundError, index.EmptyIndexError):
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.02 * (attempt + 1))
    raise AssertionError("unreachable")


def _open(folder: Path) -> Any:
    return FileStorage(str(folder), supports_mmap=False).open_index()


def _put(writer: Any, rows: Iterable[dict[str, Any]], gone: Iterable[str]) -> None:
    for public_id in gone:
        writer.delete_by_term("id", public_id)
    for row in rows:
        writer.update_document(**row)


def _cancel(writer: Any) -> None:
    try:
        writer.cancel()
    except Exception:
        # A writer over broken files may not even be able to give up; its lock goes with its file.
        log.debug("the index writer could not be cancelled", exc_info=True)


def _hit(stored: dict[str, Any]) -> Hit:
    return Hit(id=stored["id"], order=stored["order"], version=stored["version"])


def _all(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else And(parts)


def _keys(filters: Filters) -> list[Any]:
    pairs = (("section", filters.section), ("department", filters.department), ("status", filters.status))
    return [Term(field, key) for field, key in pairs if key]


def _need(need: Need) -> Any:
    if isinstance(need, Word):
        return Term("words", need.text)
    if len(need.units) > 1:
        return Phrase("units", list(need.units))
    return Term("units", need.units[0])
