"""Commands of the wall: the worker, keys, backup and restore."""

from __future__ import annotations

import gc
import signal
import sqlite3
import threading
from pathlib import Path
from types import FrameType

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

from board import checkpoints, jobs, machines, messages, retention
from board.clock import now
from board.db import db, is_sqlite, transaction
from board.i18n import _, ngettext
from board.seams import promise_standing
from board.settings import fresh_keys, fresh_vapid_key

board_cli = AppGroup("board", help="Keys and upkeep of this installation.")


@click.command("worker")
@click.option("--once", "only_once", is_flag=True, help="Do what is due and stop.")
@with_appcontext
def worker(only_once: bool) -> None:
    """Do the board's jobs until told to stop; what runs is finished first."""
    promise_upkeep()
    if only_once:
        click.echo(ngettext("%(num)d job done", "%(num)d jobs done", jobs.run_due()))
        return
    stop = threading.Event()

    def enough(signum: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, enough)
    signal.signal(signal.SIGINT, enough)
    click.echo("worker: ready", err=True)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    alive = threading.Thread(target=machines.beat_until, args=(stop, app), name="beat", daemon=True)
    alive.start()
    carrying = threading.Thread(
        target=checkpoints.carry_until, args=(stop, app), name="checkpoints", daemon=True
    )
    carrying.start()
    # The program itself stays as long as this process does: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    jobs.work(stop)
    alive.join(5)
    carrying.join(5)
    click.echo("worker: stopped", err=True)


def promise_upkeep() -> None:
    """Make sure the nightly upkeep of today is promised, and what the parts do again and again."""
    with transaction():
        jobs.put("upkeep", key=f"upkeep:{now():%Y-%m-%d}")
        promise_standing()


@jobs.handler("upkeep", single=True)
def upkeep() -> None:
    """Forget what has been kept for long enough (board/retention.py), and promise the next night's upkeep."""
    from datetime import timedelta

    for _line, _count in retention.apply_all():
        pass
    tomorrow = now() + timedelta(days=1)
    with transaction():
        jobs.put("upkeep", key=f"upkeep:{tomorrow:%Y-%m-%d}", due_at=tomorrow)


@board_cli.command("make-keys")
def make_keys() -> None:
    """Print a fresh set of secrets for the environment of a production installation."""
    for name, value in {**fresh_keys(), "BOARD_VAPID_KEY": fresh_vapid_key()}.items():
        click.echo(f"{name}={value}")


@board_cli.command("failed-jobs")
def failed_jobs() -> None:
    """List the jobs that were given up, newest first."""
    rows = db.session.scalars(
        select(jobs.Job).where(jobs.Job.failed_at.is_not(None)).order_by(jobs.Job.id.desc())
    )
    for job in rows.fetchmany(50):
        click.echo(f"{job.failed_at:%Y-%m-%d %H:%M} {job.kind} {job.key}: {job.last_error}")


@board_cli.command("messages")
@click.option("--add", "area", help="Write the missing ones down, without words, in this area's catalogue.")
def list_messages(area: str | None) -> None:
    """List the messages that lack their Chinese words; exit 1 when there are any."""
    lacking = messages.missing()
    for message, places in sorted(lacking.items(), key=lambda item: item[1]):
        click.echo(f"{places[0]}: {message}")
    if area and lacking:
        click.echo(messages.write_down(area, list(lacking)))
    raise SystemExit(1 if lacking else 0)


def _database_file() -> Path:
    if not is_sqlite():
        raise click.ClickException(_("This board runs on PostgreSQL: use pg_dump and pg_restore."))
    return Path(db.engine.url.database or "")


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Write a consistent copy of the database to FILE while the board goes on."""
    source = _database_file()
    if file.exists():
        raise click.ClickException(_("%(file)s is there already; name a new file.", file=file))
    draft = file.with_name(file.name + ".part")
    draft.unlink(missing_ok=True)
    try:
        with sqlite3.connect(source) as connection:
            connection.execute("VACUUM INTO ?", (str(draft),))
        connection.close()
        check(draft)
        draft.replace(file)
        with sqlite3.connect(source, timeout=5) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    except (OSError, sqlite3.Error) as error:
        draft.unlink(missing_ok=True)
        raise click.ClickException(_("The backup was not written: %(why)s", why=error)) from None
    size = f"{file.stat().st_size:,}"
    click.echo(
        _("%(file)s: %(size)s bytes, checked. Keep keys.json and files/ with it.", file=file, size=size)
    )


def check(file: Path) -> None:
    """Raise ClickException unless `file` is a sound SQLite database of this board."""
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.close()
    except sqlite3.Error as error:
        words = _("%(file)s is not a backup of this board: %(why)s", file=file, why=error)
        raise click.ClickException(words) from None
    if verdict != "ok" or version is None:
        raise click.ClickException(_("%(file)s is damaged: %(why)s", file=file, why=verdict))


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def restore(file: Path, yes: bool) -> None:
    """Put the backup FILE in the place of the database. Stop the board first; the old one is kept beside it."""
    target = _database_file()
    check(file)
    if not yes:
        click.confirm(
            _("Replace %(target)s by %(file)s? Stop the board first.", target=target, file=file), abort=True
        )
    db.session.remove()
    db.engine.dispose()
    aside = target.with_name(f"{target.name}.before-{now():%Y%m%d-%H%M%S}")
    # A copy first, then two renames: at no moment is there no database, and the log of the old one must not
    # be replayed into the new one.
    draft = target.with_name(target.name + ".restoring")
    try:
        draft.write_bytes(file.read_bytes())
        if target.exists():
            with sqlite3.connect(target, timeout=2) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            target.rename(aside)
        for suffix in ("-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        draft.replace(target)
    except (OSError, sqlite3.Error) as error:
        draft.unlink(missing_ok=True)
        raise click.ClickException(_("Nothing was replaced: %(why)s", why=error)) from None
    click.echo(
        _(
            "Restored. The database before is %(aside)s. Run `flask search rebuild` before you start the board.",
            aside=aside,
        )
    )


def init_app(app: Flask) -> None:
    app.cli.add_command(worker)
    app.cli.add_command(board_cli)
    app.cli.add_command(backup)
    app.cli.add_command(restore)
