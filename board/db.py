"""The database: one declarative base, one way to change rows.

SQLite in WAL mode is the default, PostgreSQL comes by URL. Python's sqlite3 module must not begin
transactions by itself: with its default two threads read the same row, both write, and one update is lost.
So the driver runs in autocommit, and we begin: plain BEGIN to read, BEGIN IMMEDIATE to write.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from psycopg import Error as PsycopgError
from sqlalchemy import DateTime, Engine, MetaData, Result, String, TypeDecorator, event, func, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
)
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

log = logging.getLogger(__name__)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC. A naive one is a bug and is refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone")
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base that Flask-SQLAlchemy makes `Model` of."""

    registry = registry(
        type_annotation_map={datetime: UTCDateTime}, metadata=MetaData(naming_convention=NAMES)
    )


db = SQLAlchemy(model_class=Base, session_options={"autoflush": True})
migrate = Migrate()

if TYPE_CHECKING:

    class Model(Base):
        """The base of every row."""

        __abstract__ = True
else:
    Model = db.Model

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def random_id(length: int = 10) -> str:
    """A random public id: lower case, without the characters people mistake for one another."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


class PublicId:
    """Mixin: the only identity of a row that ever leaves the server."""

    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=random_id)


_writing: ContextVar[bool] = ContextVar("writing", default=False)
Hook = Callable[[Session], None]
_before: list[Hook] = []
_after: list[Hook] = []


@overload
def before_commit(hook: Hook) -> Hook: ...
@overload
def before_commit(*, last: bool) -> Callable[[Hook], Hook]: ...
def before_commit(hook: Hook | None = None, *, last: bool = False) -> Hook | Callable[[Hook], Hook]:
    """Register a hook that runs inside each transaction(), just before its commit.

    The newest hook runs first, so what a part adds there is still written by the wall's own; `last` runs behind all
    others, for what must be locked by nobody longer than it takes to commit.
    """

    def put(hook: Hook) -> Hook:
        if hook not in _before:
            _before.insert(0 if last else len(_before), hook)
        return hook

    return put if hook is None else put(hook)


def after_commit(hook: Callable[[Session], None]) -> Callable[[Session], None]:
    """Register a hook that runs after each commit; it must not fail and must not touch rows."""
    if hook not in _after:
        _after.append(hook)
    return hook


def writing() -> bool:
    """Whether a transaction() is open here."""
    return _writing.get()


@contextmanager
def transaction_to_write() -> Iterator[None]:
    """What begins inside takes SQLite's write lock at once; for connections beside the session, as migrations use."""
    mark = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(mark)


@contextmanager
def transaction() -> Iterator[Session]:
    """Everything inside happens, or nothing: the only place where rows change.

    Ends the request's read transaction and forgets what it loaded, so that what a verb changes is read
    again under the write lock (SQLite: BEGIN IMMEDIATE). Commits at the end, rolls back on any error.
    Not nestable: RuntimeError.
    """
    if _writing.get():
        raise RuntimeError("transaction() inside transaction()")
    session = db.session()
    session.rollback()
    session.expire_all()
    session.info.clear()
    mark = _writing.set(True)
    try:
        yield session
        session.flush()
        for hook in reversed(_before):
            hook(session)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        _writing.reset(mark)
    for hook in _after:
        hook(session)
    session.info.clear()


@event.listens_for(Session, "before_flush")
def only_inside_transaction(session: Session, context: Any, instances: Any) -> None:
    if not _writing.get() and (
        session.new or session.deleted or any(map(session.is_modified, session.dirty))
    ):
        raise RuntimeError("rows change only inside transaction()")


BUSY = 5.0  # seconds to wait for SQLite's lock
LOGGED = 16_000  # pages in SQLite's log until a commit carries them over itself (board/checkpoints.py)


def _on_connect(connection: Any, record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"wal_autocheckpoint={LOGGED}",
        f"busy_timeout={BUSY * 1000:.0f}",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    if _writing.get():
        _begin_to_write(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_to_write(connection: Connection) -> None:
    """Take the write lock, asking about every millisecond for up to BUSY seconds.

    SQLite itself asks the more rarely the longer it has waited, up to ten times a second: beside a busy worker
    that made the slowest of a hundred posts wait for seconds.
    """
    until = time.monotonic() + BUSY
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                # The extended codes of being busy, as while a log is recovered, differ in their higher bits only.
                code = getattr(error.orig, "sqlite_errorcode", 0)
                if code & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.0003, 0.001))  # nosec B311
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY * 1000:.0f}")


IDLE = 1.0  # seconds after which a connection is asked whether its server is still there


def _on_checkin(connection: Any, record: Any) -> None:
    record.info["idle_since"] = time.monotonic()


def _on_checkout(connection: Any, record: Any, proxy: Any) -> None:
    # The pool's own pre_ping asks at every transaction, which costs a job a third of its time.
    if time.monotonic() - record.info.get("idle_since", time.monotonic()) < IDLE:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except PsycopgError as error:
        raise DisconnectionError from error  # the pool opens another one


def prepare(engine: Engine) -> None:
    """Teach an engine our way to begin; called once for each engine."""
    if getattr(engine, "_station_ready", False):
        return
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    else:
        event.listen(engine, "checkin", _on_checkin)
        event.listen(engine, "checkout", _on_checkout)
    engine._station_ready = True  # type: ignore[attr-defined]


class _Watch:
    """A connection that never writes, on which SQLite tells whether anybody committed."""

    def __init__(self, path: str) -> None:
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)


def commits() -> int | None:
    """A number that is another one after every commit, by whatever process; None where the engine has none.

    Costs a few microseconds and begins no transaction: what was read from the database before is as good as
    read now while the number stands. Read it before what it is to vouch for.
    """
    return commits_of(db.engine)


def commits_of(engine: Engine) -> int | None:
    """The same outside of a request."""
    if engine.dialect.name != "sqlite" or engine.url.database in (None, "", ":memory:"):
        return None
    try:
        watch = _watch_of(engine)
        with watch.lock:
            return int(watch.connection.execute("PRAGMA data_version").fetchone()[0])
    except sqlite3.Error:  # a full disk, a file that is gone: whoever asks the database itself is told so
        return None


_watching = threading.Lock()


def _watch_of(engine: Engine) -> _Watch:
    # One a process: what two connections say cannot be compared.
    watch: _Watch | None = getattr(engine, "_station_watch", None)
    if watch is None or watch.process != os.getpid():
        with _watching:
            watch = getattr(engine, "_station_watch", None)
            if watch is None or watch.process != os.getpid():
                watch = engine._station_watch = _Watch(str(engine.url.database))  # type: ignore[attr-defined]
    return watch


def ask(query: Any, **values: Any) -> Result[*tuple[Any, ...]]:
    """The rows of a query of columns, asked of the transaction's connection itself: what the session does around a small
    query costs as much as the query. For what pages ask over and over: `query` is put together once, with bindparam()
    for its values. What the session has not written yet is not in it.
    """
    return db.session.connection().execute(query, values)


def one_at_a_time(name: str) -> None:
    """Wait until nobody else holds `name`, and hold it until the open transaction ends.

    SQLite lets only one write at a time anyway.
    """
    if not is_sqlite():
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def is_sqlite() -> bool:
    """Whether this installation runs on SQLite."""
    return bool(db.engine.dialect.name == "sqlite")


def insert(table: Any) -> Any:
    """An INSERT into a table or model that knows on_conflict_do_nothing() and on_conflict_do_update() here."""
    return (sqlite_insert if is_sqlite() else pg_insert)(table)


def is_away(error: BaseException | None) -> bool:
    """Whether it says that the database cannot be asked now: gone, cut off, starting, full, locked, all connections taken."""
    if isinstance(error, OperationalError | InterfaceError | NoFreeConnection | PendingRollbackError):
        return True
    # A server that stops under a running query is named in many ways; the lost connection tells it.
    return isinstance(error, DBAPIError) and error.connection_invalidated


def let_go(_error: BaseException | None = None) -> None:
    """End what this request has begun and put its connection back; whatever goes wrong there is only written down."""
    # A page that is drawn must not turn into an error because its connection was cut while it was put back.
    try:
        db.session.remove()
    except DBAPIError as error:
        log.warning("a connection was lost while it was put back: %s", error.orig)
        db.session.registry.clear()
    except Exception:
        log.exception("a session was not put back")
        db.session.registry.clear()


def init_app(app: Flask) -> None:
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    options: dict[str, Any] = {}
    if url.startswith("sqlite"):
        options = {
            "connect_args": {"check_same_thread": False, "timeout": 5},
            "pool_size": 20,
            "max_overflow": 400,
        }
    else:
        # A node of pages has few threads, a live process waits for its turn: of PostgreSQL's hundred connections
        # two nodes take eighty at most (docs/running.md).
        most = {"both": 40, "pages": 16, "live": 8}[app.config["SETTINGS"].role]
        options = {"pool_size": min(10, most // 2), "max_overflow": most - min(10, most // 2)}
    # An error that is written down names the statement; what stood in it are people's words, names and keys.
    options["hide_parameters"] = True
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", options)
    db.init_app(app)
    app.teardown_appcontext(let_go)  # the newest is called first: before Flask-SQLAlchemy's own
    migrations = str(Path(app.root_path) / "migrations")  # wherever the command was typed
    migrate.init_app(
        app,
        db,
        migrations,
        render_as_batch=url.startswith("sqlite"),
        compare_type=True,
        compare_server_default=True,
    )
    with app.app_context():
        prepare(db.engine)
