"""How the schema is brought up to date: `flask db upgrade`, on SQLite and on PostgreSQL, in one transaction.

Two processes that start together wait for each other. A migration that fails leaves the schema as it was.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.operations.ops import MigrationScript
from flask import current_app
from sqlalchemy import text
from sqlalchemy.engine import Connection

from board.db import UTCDateTime, db, transaction_to_write

LOCK = 240_110  # a number of our own among PostgreSQL's advisory locks


def drawn(kind: str, item: Any, autogen: Any) -> str | bool:
    """How a type of ours stands in a migration: written out, so that old migrations need no code of today."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def drop_if_empty(_context: Any, _revision: Any, directives: list[MigrationScript]) -> None:
    """Write no migration in which nothing happens."""
    if not getattr(context.config.cmd_opts, "autogenerate", False):
        return  # `flask db check` wants to see what was found
    script = directives[0]
    if script.upgrade_ops is not None and script.upgrade_ops.is_empty():
        directives.clear()


def settings() -> dict[str, Any]:
    """What both ways of running share."""
    kept: dict[str, Any] = dict(current_app.extensions["migrate"].configure_args)
    kept.setdefault("process_revision_directives", drop_if_empty)
    return {**kept, "target_metadata": db.metadata, "render_item": drawn, "transactional_ddl": True}


def write_sql() -> None:
    """Print the statements, for administrators who run them by hand."""
    url = db.engine.url.render_as_string(hide_password=False)
    context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"}, **settings())
    with context.begin_transaction():
        context.run_migrations()


def change(connection: Connection) -> None:
    """Change the schema on this connection."""
    context.configure(connection=connection, **settings())
    sqlite = connection.dialect.name == "sqlite"
    with context.begin_transaction():
        if not sqlite:
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        context.run_migrations()
        if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
            raise RuntimeError(f"a row of {broken[0]} would point to a missing row of {broken[2]}")


def run() -> None:
    """Connect and change. SQLite rebuilds tables to alter them, with foreign keys off for the while."""
    with db.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if connection.dialect.name != "sqlite":
            change(connection)
            return
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with transaction_to_write():
                change(connection)
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


if context.is_offline_mode():
    write_sql()
else:
    run()
