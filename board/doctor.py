"""What can be wrong with an installation, each in one sentence with what to do about it.

Other parts add checks of their own. A check reads; what it writes it takes away again.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from board import files, jobs
from board.clock import now
from board.db import db, is_sqlite, transaction
from board.i18n import _, ngettext
from board.transports import mail, sms

log = logging.getLogger(__name__)

ROOM = 500 * 1024 * 1024  # bytes; less is too little to go on with
LATE = timedelta(minutes=1)
SKEW = timedelta(seconds=2)
WORKER_WITHIN = 15.0  # seconds for a worker to do an empty job; it looks ten times a second


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it is, whether it is well, what was found, and what to do when it is not."""

    name: str
    well: bool
    says: str
    todo: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


Check = Callable[[], Finding]
_checks: dict[str, Check] = {}
_reading: set[str] = set()  # those that read rows


def check(name: str, *, reads: bool = False) -> Callable[[Check], Check]:
    """Register a check; the order is that of registration. ValueError for a name that is taken.

    `reads`: it reads rows, so it is left out where the tables are not those of this version.
    """

    def put(function: Check) -> Check:
        if _checks.get(name, function).__qualname__ != function.__qualname__:
            raise ValueError(f"two checks called {name}")
        _checks[name] = function
        if reads:
            _reading.add(name)
        return function

    return put


def examine() -> list[Finding]:
    """Every check that needs no other process, one after the other; a check that breaks is a finding itself."""
    found: list[Finding] = []
    for name, function in _checks.items():
        if name in _reading and not all(each.well for each in found[:2]):
            continue  # neither database nor tables: it would only say so again
        try:
            found.append(function())
        except Exception as error:
            log.exception("the check %s broke", name)
            says = _("%(error)s: this could not be looked at", error=type(error).__name__)
            found.append(Finding(name, False, says, _("See the log of this process.")))
        finally:
            db.session.rollback()
    return found


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"


@check("database")
def database() -> Finding:
    """It answers, and SQLite writes ahead."""
    name = _("Database")
    try:
        if not is_sqlite():
            version = db.session.scalar(text("SHOW server_version"))
            return Finding(name, True, _("PostgreSQL %(version)s answers.", version=version))
        mode = db.session.scalar(text("PRAGMA journal_mode"))
    except SQLAlchemyError as error:
        says = _("The database does not answer (%(error)s).", error=type(error).__name__)
        return Finding(name, False, says, _("Start it, or correct BOARD_DATABASE_URL."))
    if mode != "wal":
        says = _(
            "SQLite keeps its journal as “%(mode)s”, so readers and writers wait for each other.", mode=mode
        )
        return Finding(
            name, False, says, _("Put BOARD_DATA on a disk of this machine, not on a network share.")
        )
    return Finding(name, True, _("SQLite answers and writes ahead (WAL)."))


@check("schema")
def schema() -> Finding:
    """The tables are those that this version of the program expects."""
    name = _("Tables")
    with db.engine.connect() as connection:
        at = set(MigrationContext.configure(connection).get_current_heads())
    heads = set(ScriptDirectory(str(Path(current_app.root_path) / "migrations")).get_heads())
    if at == heads:
        return Finding(
            name, True, _("The tables are those of this version (%(at)s).", at=", ".join(sorted(at)))
        )
    says = _(
        "The tables are those of another version: %(at)s, expected %(heads)s.",
        at=", ".join(sorted(at)) or "–",
        heads=", ".join(sorted(heads)),
    )
    return Finding(
        name, False, says, _("Stop the board, make a backup, run `flask db upgrade`, start it again.")
    )


@check("disk")
def disk() -> Finding:
    """There is room for the database to grow."""
    name = _("Disk")
    folder = current_app.config["SETTINGS"].data
    free = shutil.disk_usage(folder).free
    says = _("%(free)s are free in the data folder.", free=_megabytes(free))
    if free < ROOM:
        return Finding(
            name, False, says, _("Make room: below %(room)s writing may stop.", room=_megabytes(ROOM))
        )
    return Finding(name, True, says)


@check("files")
def stored_files() -> Finding:
    """Photos can be written, read and deleted."""
    name = _("Files")
    key = f"doctor/{secrets.token_hex(8)}"
    try:
        store = files.store()
        store.put(key, b"24")
        with store.open(key) as file:
            same = file.read() == b"24"
        store.delete(key)
    except OSError as error:
        says = _("Photos cannot be stored (%(error)s).", error=error.strerror or type(error).__name__)
        return Finding(
            name, False, says, _("Let this user write in the files folder, or correct BOARD_FILES_URL.")
        )
    if not same:
        says = _("A file that was stored came back as another one.")
        return Finding(name, False, says, _("Look at the disk or at the store of BOARD_FILES_URL."))
    return Finding(name, True, _("Photos can be stored and read back."))


@check("jobs", reads=True)
def lag() -> Finding:
    """Nothing that is due waits for long, and nothing was given up lately."""
    name = _("Jobs")
    moment = now()
    oldest = db.session.scalar(
        select(func.min(jobs.Job.due_at)).where(
            jobs.Job.done_at.is_(None), jobs.Job.failed_at.is_(None), jobs.Job.due_at <= moment
        )
    )
    late = moment - oldest if oldest is not None else timedelta(0)
    if late > LATE:
        says = ngettext(
            "Work has been waiting for %(num)s minute: no worker does it.",
            "Work has been waiting for %(num)s minutes: no worker does it.",
            _minutes(late),
        )
        return Finding(
            name, False, says, _("Start `flask worker`; bin/start and the systemd unit do it by themselves.")
        )
    given_up = db.session.scalar(
        select(func.count(jobs.Job.id)).where(jobs.Job.failed_at > moment - timedelta(days=1))
    )
    if given_up:
        says = ngettext(
            "%(num)s job was given up in the last day.",
            "%(num)s jobs were given up in the last day.",
            given_up,
        )
        return Finding(name, False, says, _("`flask board failed-jobs` lists them with their reasons."))
    return Finding(name, True, _("No work is waiting."))


def _minutes(span: timedelta) -> int:
    return max(1, int(span.total_seconds() // 60))


@check("clock")
def clocks() -> Finding:
    """Database and program agree on the time; deadlines are counted by the program's."""
    name = _("Clock")
    if is_sqlite():
        raw = db.session.scalar(text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"))
        theirs = datetime.fromisoformat(str(raw)).replace(tzinfo=UTC)
    else:
        theirs = db.session.execute(text("SELECT clock_timestamp()")).scalar_one().astimezone(UTC)
    apart = abs(now() - theirs)
    if (not is_sqlite() and apart > SKEW) or apart > timedelta(minutes=1):
        says = _(
            "The clocks of program and database are %(seconds)s s apart.",
            seconds=round(apart.total_seconds(), 1),
        )
        return Finding(
            name, False, says, _("Let NTP set the clock of every machine (`timedatectl set-ntp true`).")
        )
    with tempfile.NamedTemporaryFile(dir=current_app.config["SETTINGS"].data) as probe:
        written = datetime.fromtimestamp(Path(probe.name).stat().st_mtime, UTC)
    apart = abs(now() - written)
    if apart > SKEW:
        says = _("The clock of the disk is %(seconds)s s off.", seconds=round(apart.total_seconds(), 1))
        return Finding(
            name, False, says, _("Put BOARD_DATA on a disk of this machine, not on a network share.")
        )
    return Finding(name, True, _("Program, database and disk have the same time."))


@check("redis")
def redis() -> Finding:
    """Where Redis is set it answers; where it is not, every process looks by itself."""
    name, url = "Redis", current_app.config["SETTINGS"].redis_url
    if not url:
        return Finding(name, True, _("No Redis is set: every process looks for news by itself."))
    from redis import Redis, RedisError

    try:
        Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3).ping()
    except (RedisError, OSError) as error:
        says = _(
            "Redis does not answer (%(error)s); news take up to a second longer.", error=type(error).__name__
        )
        return Finding(name, False, says, _("Start it, or correct BOARD_REDIS_URL."))
    return Finding(name, True, _("Redis answers."))


@check("address")
def address() -> Finding:
    """A board behind a gateway knows its address and whom to believe about its readers."""
    name = _("Address")
    settings = current_app.config["SETTINGS"]
    if settings.mode == "production" and not settings.public_url:
        says = _("The board does not know the address under which it is reached.")
        return Finding(name, False, says, _("Set BOARD_PUBLIC_URL, such as https://24.example.gov.cn."))
    if settings.public_url.startswith("https://") and not settings.proxies:
        says = _(
            "The address is https, and no proxy is believed: every reader would seem to come from the gateway."
        )
        return Finding(name, False, says, _("Set BOARD_PROXIES to the number of proxies before the board."))
    return Finding(name, True, settings.public_url or _("Reached directly on this machine."))


@check("sms")
def text_messages() -> Finding:
    """Codes for signing in leave the house."""
    name = _("Text messages")
    if isinstance(sms.driver_for(current_app.config["SETTINGS"]), sms.LogSms):
        says = _("No SMS gateway is set: messages are only noted in the log.")
        demo = current_app.config["SETTINGS"].demo
        return Finding(
            name, demo, says, "" if demo else _("Set BOARD_SMS_URL; nobody can sign in by phone without.")
        )
    return Finding(name, True, _("An SMS gateway is set."))


@check("mail")
def mails() -> Finding:
    """Mail is set or left out on purpose; the board works without."""
    name = _("Mail")
    if isinstance(mail.driver_for(current_app.config["SETTINGS"]), mail.LogMail):
        return Finding(name, True, _("No mail server is set: nothing is mailed, and nobody is offered it."))
    return Finding(name, True, _("A mail server is set."))


# --- what needs a worker -----------------------------------------------------------------------------------


@jobs.handler("doctor")
def do_nothing(nonce: str) -> None:
    """A job that proves that somebody does jobs."""


def worker(within: float = WORKER_WITHIN) -> Finding:
    """A worker does an empty job in time; opens transactions of its own."""
    name = _("Worker")
    key = f"doctor:{secrets.token_hex(8)}"
    began = time.monotonic()
    with transaction():
        jobs.put("doctor", key=key, nonce=key)
    try:
        while time.monotonic() - began < within:
            if db.session.scalar(select(jobs.Job.done_at).where(jobs.Job.key == key)) is not None:
                milliseconds = round((time.monotonic() - began) * 1000)
                return Finding(name, True, _("A worker did a job within %(ms)s ms.", ms=milliseconds))
            db.session.rollback()
            time.sleep(0.05)
    finally:
        db.session.rollback()
        with transaction() as session:
            session.execute(jobs.Job.__table__.delete().where(jobs.Job.key == key))  # type: ignore[attr-defined]
    says = _("No worker did a job within %(seconds)s seconds.", seconds=round(within))
    return Finding(
        name, False, says, _("Start `flask worker`; bin/start and the systemd unit do it by themselves.")
    )
