"""A large city in seconds: models played through the real verbs, then copied in bulk with their chains sealed anew.

A copy takes every column of every row of its model, so it cannot drift from what the verbs write; it has its own
ids, numbers, people, place and moment. Values are carried as SQLite keeps them: no conversion either way.
"""

from __future__ import annotations

import gc
import hashlib
import marshal
import multiprocessing
import os
import random
import re
import resource
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from multiprocessing.connection import Connection as Pipe
from operator import itemgetter
from typing import Any

from sqlalchemy import Table, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateIndex

from bench.playing import PLACE, Life, Model, play
from board.clock import local, now
from board.commitments import GENESIS, canonical, digest
from board.db import ALPHABET, db, random_id, transaction
from board.jobs import Job
from boards.models import Case, CaseEvent, Deadline, Mention, Rating, Thread, tally
from boards.models.section import DayNumber
from boards.models.text import Text
from boards.models.timeline import replay, verify
from boards.models.watch import Watch
from notifications.models import Page, PageState
from notifications.paging import pager
from people.models import Appointment, Department, Person, SignIn
from people.models.sign_in import hashed

# In the order in which their rows can stand: what a row refers to comes first.
COPIED: tuple[type[Any], ...] = (Text, Thread, Case, CaseEvent, Page, Deadline, Mention, Watch, Rating)
BATCH = 1_000
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00)?")
SURNAMES = "青钢昆红滨学东湖老建和平安康明新春秋山河文武长兴"
ROADS = tuple(f"{one}{two}路" for one in SURNAMES[:16] for two in "松柏杨柳梅兰竹菊桂槐")
STREETS = tuple(f"{one}{two}街" for one in SURNAMES[8:] for two in "设业民政学兴华丰裕康")
PLACES = tuple(f"{road}与{street}" for road in ROADS for street in STREETS)
CHUNKS = ["".join(each) for each in product(ALPHABET, repeat=3)]  # public ids are put together from these
SIZE = len(CHUNKS)

Tell = Callable[[int, int], None]


@dataclass
class Seeded:
    """What was made, for whoever measures: public addresses, sign-in tokens, and how long the copying took."""

    threads: int
    seconds: float
    processor: float
    rows: int
    talked: list[str] = field(default_factory=list)  # numbers of cases with 20 replies
    members: list[str] = field(default_factory=list)  # sign-in tokens
    officers: list[str] = field(default_factory=list)  # sign-in tokens of officers of the traffic police
    own: str = ""  # a case with 20 replies whose poster holds members[0]


def seed(threads: int, tell: Tell, *, members: int = 400, officers: int = 110, chance: int = 24) -> Seeded:
    """Fill the open application's empty city with `threads` threads, half of them in `traffic`.

    `tell(done, all)` is called on the way. Raises RuntimeError when a chain or a counter does not hold afterwards.
    """
    rng = random.Random(chance)
    people = _members(members)
    tokens = _sign_ins(people[:200], staff=False)
    desk = _sign_ins(_officers("traffic-police", officers), staff=True)
    models = list(play(people))
    with transaction() as session:
        # What the models promised is promised for them; the copies wake nobody, and nobody is missed who was not called.
        session.execute(Job.__table__.delete())  # type: ignore[attr-defined]
        for page in session.scalars(select(Page).where(Page.state != PageState.ENDED)).all():
            pager.silence(page)
    began, spent = time.perf_counter(), _processor()
    copier = Copier(models, rng, people)
    gc.disable()  # a million rows are made and none refers to another
    try:
        rows = copier.copy(threads - len(models), tell)
    finally:
        gc.enable()
    seconds, processor = time.perf_counter() - began, _processor() - spent
    with transaction():
        tally.reconcile()
    db.session.rollback()
    _check(rng, threads)
    talked = list(
        db.session.scalars(
            select(Case.number)
            .join(Thread, Case.thread_id == Thread.id)
            .where(Thread.replies_count >= 20)
            .order_by(Thread.id.desc())
        )
    )
    own = db.session.scalar(
        select(Case.number)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Thread.replies_count >= 20, Thread.poster_id == people[0])
        .limit(1)
    )
    db.session.rollback()
    return Seeded(threads, seconds, processor, rows, talked, tokens, desk, own or talked[0])


def _processor() -> float:
    """Seconds of processor time of this process and of those that it has waited for."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


# --- people ---------------------------------------------------------------------------------------------


def people(members: int, officers: int) -> tuple[list[str], list[str]]:
    """Sign-in tokens of new members and of new officers of the traffic police, without any thread."""
    return _sign_ins(_members(members), staff=False), _sign_ins(
        _officers("traffic-police", officers), staff=True
    )


def _members(number: int) -> list[int]:
    with transaction() as session:
        rows = [Person(kind="member", nickname=f"街坊{n}号") for n in range(number)]
        session.add_all(rows)
        session.flush()
        return [each.id for each in rows]


def _officers(department: str, number: int) -> list[int]:
    with transaction() as session:
        office = Department.by_key(department)
        rows = [Person(kind="staff", badge=f"9{n:05}") for n in range(number)]
        session.add_all(rows)
        session.flush()
        for each in rows:
            session.add(
                Appointment(
                    person=each, department=office, role="officer", starts_at=now() - timedelta(days=30)
                )
            )
        return [each.id for each in rows]


def _sign_ins(people: Iterable[int], *, staff: bool) -> list[str]:
    tokens: list[str] = []
    moment = now()
    with transaction() as session:
        for number in people:
            tokens.append(random_id(40))
            session.add(
                SignIn(
                    token_hash=hashed(tokens[-1]),
                    person_id=number,
                    created_at=moment,
                    expires_at=moment + timedelta(days=1),
                    remembered=True,
                    second_factor_at=moment if staff else None,
                )
            )
    return tokens


# --- copying --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seal:
    """How an event is sealed: the canonical form of its public fields, cut at what differs, and where results go."""

    pieces: tuple[str | int, ...]
    actor: int | None  # the slot of its actor's table id, where he differs from copy to copy
    actor_slots: tuple[int, int]
    text: int | None  # the slot of the words of its public text
    text_slots: tuple[int, int]
    previous: int
    hash: int


class _Model:
    """One model, ready to be copied.

    A copy is one flat list of values, `base` with some of its slots filled anew; each row of the copy picks its
    values from that list, so that only what differs costs anything.
    """

    def __init__(self, connection: Connection, model: Model) -> None:
        self.section, self.life = model.section, model.life
        rows = {each: _rows_of(connection, each, model.thread_id) for each in COPIED}
        thread = rows[Thread][0]
        self.posted = _moment(thread["posted_at"])
        self.counts = [len(rows[each]) for each in COPIED]
        self.base: list[Any] = []
        self.ids: list[tuple[int, int, int]] = []  # (slot, table, place among the copy's rows of that table)
        self.public_ids: list[int] = []
        self.moments: list[tuple[int, datetime, str, str]] = []  # (slot, moment, separator, ending)
        self.joined: list[tuple[int, tuple[str | int, ...]]] = []  # (slot, texts and slots to join)
        self.words: list[tuple[int, tuple[str, ...]]] = []  # (slot, texts to join by the copy's place)
        self.number = self.last_hash = self.public = -1
        self.rows: list[tuple[int, Callable[[list[Any]], tuple[Any, ...]]]] = []
        self._known: dict[Any, int] = {}
        self._keys = {
            (_table(kind).name, row["id"]): (table, place)
            for table, kind in enumerate(COPIED)
            for place, row in enumerate(rows[kind])
        }
        staff = set(connection.execute(select(Person.id).where(Person.kind == "staff")).scalars())
        writers = {row["author_id"] for row in rows[Text]} | {row["actor_id"] for row in rows[CaseEvent]}
        other = next((each for each in writers - staff - {None, thread["poster_id"]}), None)
        self.people = {each: self._slot(None) for each in (thread["poster_id"], other) if each is not None}
        slots = {
            (kind, row["id"]): self._row(table, kind, row)
            for table, kind in enumerate(COPIED)
            for row in rows[kind]
        }
        self.seals = [
            self._seal(slots[CaseEvent, row["id"]], row, slots)
            for row in sorted(rows[CaseEvent], key=lambda row: int(row["seq"]))
        ]

    def _slot(self, value: Any) -> int:
        self.base.append(value)
        return len(self.base) - 1

    def _kept(self, key: Any, fill: Callable[[int], None]) -> int:
        if key not in self._known:
            self._known[key] = self._slot(None)
            fill(self._known[key])
        return self._known[key]

    def _id(self, table: str, number: int) -> int:
        return self._kept((table, number), lambda slot: self.ids.append((slot, *self._keys[table, number])))

    def _when(self, written: str) -> int:
        moment, ending = datetime.fromisoformat(written).replace(tzinfo=None), written[26:]
        return self._kept(written, lambda slot: self.moments.append((slot, moment, written[10], ending)))

    def _row(self, table: int, kind: type[Any], row: dict[str, Any]) -> dict[str, int]:
        """Give each value of a row its slot; the slots by column."""
        slots: dict[str, int] = {}
        copied = {_table(each).name for each in COPIED}
        for column in _table(kind).columns:
            name, value = column.name, row[column.name]
            target = next((key.column.table.name for key in column.foreign_keys), "")
            if value is None:
                slot = self._slot(None)
            elif column.primary_key:
                slot = self._id(_table(kind).name, value)
            elif target in copied:
                slot = self._id(target, value)
            elif target == "person" and value in self.people:
                slot = self.people[value]
            elif isinstance(value, str) and MOMENT.fullmatch(value):
                slot = self._when(value)
            elif isinstance(value, str) and MOMENT.search(value):
                slot = self._slot(None)
                self.joined.append((slot, self._cut(value)))
            elif isinstance(value, str) and PLACE in value:
                slot = self._slot(None)
                self.words.append((slot, tuple(value.split(PLACE))))
            else:
                slot = self._slot(value)
                if name == "public_id":
                    self.public_ids.append(slot)
            slots[name] = slot
        if kind is Thread:
            self.public, self.last_hash = slots["public_id"], slots["last_hash"]
        if kind is Case:
            self.number = slots["number"]
        self.rows.append((table, itemgetter(*(slots[column.name] for column in _table(kind).columns))))
        return slots

    def _cut(self, written: str) -> tuple[str | int, ...]:
        """A text with moments in it, as constant texts and the slots of its moments."""
        pieces: list[str | int] = []
        at = 0
        for found in MOMENT.finditer(written):
            pieces += [written[at : found.start()], self._when(found[0])]
            at = found.end()
        return (*pieces, written[at:])

    def _seal(
        self,
        slots: dict[str, int],
        row: dict[str, Any],
        all_slots: dict[tuple[type[Any], int], dict[str, int]],
    ) -> _Seal:
        event = db.session.get_one(CaseEvent, row["id"])
        fields = event.public_fields()
        if digest(fields) != event.hash:
            raise RuntimeError("a model's chain does not hold")
        at = self._when(fields["at"])
        marks = {"thread": self.public, "at": at, "previous": slots["previous_hash"]}
        marks["actor"], marks["public"] = slots["actor_commitment"], slots["public_commitment"]
        given = {name: f"‹{name}›" for name in marks if fields[name] is not None}
        parts = re.split("(‹[a-z]+›)", canonical({**fields, **given}).decode())
        pieces = [(marks[each[1:-1]],) if each.startswith("‹") else self._cut(each) for each in parts]
        words = all_slots[Text, row["public_text_id"]]["public"] if row["public_commitment"] else None
        return _Seal(
            tuple(each for piece in pieces for each in piece),
            slots["actor_id"] if row["actor_id"] in self.people else None,
            (slots["actor_salt"], slots["actor_commitment"]),
            words,
            (slots["public_salt"], slots["public_commitment"]),
            slots["previous_hash"],
            slots["hash"],
        )


def _table(kind: type[Any]) -> Table:
    table: Table = kind.__table__
    return table


def _rows_of(connection: Connection, kind: type[Any], thread_id: int) -> list[dict[str, Any]]:
    """The rows of `kind` that belong to a thread, as SQLite keeps them."""
    name = _table(kind).name
    if kind is Text:
        where = (
            "id IN (SELECT title_id FROM thread WHERE id = :t UNION SELECT body_id FROM thread WHERE id = :t "
            "UNION SELECT place_id FROM thread WHERE id = :t UNION SELECT public_text_id FROM case_event WHERE "
            "thread_id = :t UNION SELECT internal_text_id FROM case_event WHERE thread_id = :t)"
        )
    elif kind is Thread:
        where = "id = :t"
    elif "thread_id" in _table(kind).columns:
        where = "thread_id = :t"
    else:
        where = 'case_id IN (SELECT id FROM "case" WHERE thread_id = :t)'
    found = connection.execute(text(f'SELECT * FROM "{name}" WHERE {where} ORDER BY id'), {"t": thread_id})
    return [dict(row) for row in found.mappings()]


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


class Copier:
    """Copies models into the database of the open application."""

    def __init__(self, models: Sequence[Model], rng: random.Random, people: Sequence[int]) -> None:
        self.rng, self.people = rng, people
        self.numbers: dict[str, int] = {}
        with db.engine.connect() as connection:
            self.models = [_Model(connection, each) for each in models]
            self.last = [
                connection.execute(
                    text(f'SELECT coalesce(max(id), 0) FROM "{_table(each).name}"')
                ).scalar_one()
                for each in COPIED
            ]
            self.numbers.update(connection.execute(select(DayNumber.day, DayNumber.last)).tuples().all())
            ids = connection.execute(select(Person.id, Person.public_id)).tuples()
            self.public_ids = {number: public_id.encode() for number, public_id in ids}
        db.session.rollback()
        self.rows: list[list[tuple[Any, ...]]] = [[] for _each in COPIED]
        self.written = 0

    def copy(self, number: int, tell: Tell) -> int:
        """Make `number` copies; how many rows that were."""
        chosen = self._choose(number)
        indexes = [index for kind in COPIED for index in _table(kind).indexes if not index.unique]
        statements = [_insert(kind) for kind in COPIED]
        db.session.remove()
        db.engine.dispose()
        with closing(sqlite3.connect(str(db.engine.url.database), isolation_level=None)) as raw:
            # Nobody else is here and a broken load is thrown away: no journal, no waiting for the disk.
            for order in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-600000", "temp_store=MEMORY"):
                raw.execute(f"PRAGMA {order}")
            for index in indexes:
                raw.execute(f'DROP INDEX IF EXISTS "{index.name}"')
            for done, batch in self._batches(chosen):
                raw.execute("BEGIN")
                for statement, rows in zip(statements, batch, strict=True):
                    raw.executemany(statement, rows)
                    self.written += len(rows)
                raw.execute("COMMIT")
                tell(done, number)
            raw.execute("BEGIN")
            raw.executemany(
                "INSERT INTO day_number (day, last) VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET last = excluded.last",
                sorted(self.numbers.items()),
            )
            for index in indexes:
                raw.execute(str(CreateIndex(index).compile(db.engine)))
            raw.execute("COMMIT")
            raw.execute("PRAGMA journal_mode=WAL")
        return self.written

    def _batches(self, chosen: list[tuple[_Model, timedelta]]) -> Iterator[tuple[int, list[Any]]]:
        """The rows of the copies, BATCH threads at a time, made by a process of its own while the last are written."""
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe(duplex=False)
        maker = context.Process(target=self._make, args=(chosen, theirs), daemon=True)
        maker.start()
        theirs.close()
        for begin in range(0, len(chosen), BATCH):
            yield min(len(chosen), begin + BATCH), marshal.loads(ours.recv_bytes())
        self.numbers = marshal.loads(ours.recv_bytes())
        maker.join()

    def _make(self, chosen: list[tuple[_Model, timedelta]], pipe: Pipe) -> None:
        for begin in range(0, len(chosen), BATCH):
            for model, shift in chosen[begin : begin + BATCH]:
                self._copy(model, shift)
            pipe.send_bytes(marshal.dumps(self.rows))
            for rows in self.rows:
                rows.clear()
        pipe.send_bytes(marshal.dumps(self.numbers))

    def _choose(self, number: int) -> list[tuple[_Model, timedelta]]:
        """Which model each copy follows and how far it moves, oldest first, so that numbers rise with time."""
        rng = self.rng
        traffic = [each for each in self.models if each.section == "traffic"]
        others = [each for each in self.models if each.section != "traffic"]
        picked: list[_Model] = []
        for group, size in ((traffic, number // 2), (others, number - number // 2)):
            picked += rng.choices(group, weights=[each.life.weight for each in group], k=size)
        moved = [(each, _shift(each.life, rng)) for each in picked]
        moved.sort(key=lambda pair: pair[0].posted + pair[1])
        return moved

    def _copy(self, model: _Model, shift: timedelta) -> None:
        rng, last = self.rng, self.last
        flat = model.base.copy()
        for slot, table, place in model.ids:
            flat[slot] = last[table] + 1 + place
        for table, count in enumerate(model.counts):
            last[table] += count
        for slot in model.public_ids:
            number = rng.getrandbits(60)
            flat[slot] = (
                CHUNKS[number % SIZE] + CHUNKS[number // SIZE % SIZE] + CHUNKS[number // SIZE**2 % SIZE] + "b"
            )
        for slot in model.people.values():
            flat[slot] = self.people[rng.getrandbits(30) % len(self.people)]
        for slot, moment, separator, ending in model.moments:
            flat[slot] = (moment + shift).isoformat(separator, "microseconds") + ending
        for slot, pieces in model.joined:
            flat[slot] = "".join([flat[each] if type(each) is int else each for each in pieces])  # type: ignore[misc]
        somewhere = PLACES[rng.getrandbits(30) % len(PLACES)]
        for slot, texts in model.words:
            flat[slot] = somewhere.join(texts)
        day = f"{local(model.posted + shift):%Y%m%d}"
        self.numbers[day] = self.numbers.get(day, 0) + 1
        flat[model.number] = f"{day}-{self.numbers[day]:04d}"
        self._seal(model, flat)
        for table, pick in model.rows:
            self.rows[table].append(pick(flat))

    def _seal(self, model: _Model, flat: list[Any]) -> None:
        """Close the copy's chain: its own salts, commitments and hashes."""
        previous = GENESIS
        for seal in model.seals:
            flat[seal.previous] = previous
            if seal.actor is not None:
                salt = os.urandom(16)
                flat[seal.actor_slots[0]] = salt.hex()
                flat[seal.actor_slots[1]] = hashlib.sha256(
                    salt + self.public_ids[flat[seal.actor]]
                ).hexdigest()
            if seal.text is not None:
                salt = os.urandom(16)
                flat[seal.text_slots[0]] = salt.hex()
                flat[seal.text_slots[1]] = hashlib.sha256(salt + flat[seal.text].encode()).hexdigest()
            whole = "".join(
                [flat[each] if type(each) is int else each for each in seal.pieces]  # type: ignore[misc]
            )
            previous = flat[seal.hash] = hashlib.sha256(whole.encode()).hexdigest()
        flat[model.last_hash] = previous


def _insert(kind: type[Any]) -> str:
    columns = [column.name for column in _table(kind).columns]
    names = ", ".join(f'"{name}"' for name in columns)
    return f'INSERT INTO "{_table(kind).name}" ({names}) VALUES ({", ".join("?" * len(columns))})'


def _shift(life: Life, rng: random.Random) -> timedelta:
    seconds = rng.uniform(-life.earlier.total_seconds(), life.later.total_seconds())
    return timedelta(seconds=int(seconds))


# --- whether it holds -----------------------------------------------------------------------------------


def _check(rng: random.Random, threads: int) -> None:
    """Verify the chains of some threads and all counters; RuntimeError names what does not hold."""
    number = db.session.scalar(text("SELECT count(*) FROM thread")) or 0
    traffic = db.session.scalar(
        text("SELECT count(*) FROM thread JOIN section ON section.id = section_id WHERE key = 'traffic'")
    )
    if number < threads or not 0.45 < (traffic or 0) / number < 0.55:
        raise RuntimeError(f"{number} threads, {traffic} of them in traffic")
    first, last = db.session.execute(text("SELECT min(id), max(id) FROM thread")).one()
    for _each in range(100):
        thread = db.session.scalar(select(Thread).where(Thread.id >= rng.randint(first, last)).limit(1))
        assert thread is not None
        if not all(finding.chain and finding.text in ("open", "none") for finding in verify(thread.events)):
            raise RuntimeError(f"the chain of {thread} does not hold")
        if thread.case is not None and replay(thread.events) != thread.case.tracked():
            raise RuntimeError(f"{thread.case} is not what its events say")
        db.session.expunge_all()
    db.session.rollback()
