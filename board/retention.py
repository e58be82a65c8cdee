"""How long things are kept: one closed table for the whole board, read by the privacy page and by the nightly upkeep.

A part says with `removes(name)` how what has passed its time is found and taken away; a name that is not in the table
is a KeyError, and a line of the table that no part fills stops the board at its start. What was removed is counted by
month and kind, and published (board/roots.py): never whose it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import ColumnElement, String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from board.clock import local, now
from board.db import Model, db, insert, transaction, writing
from board.i18n import _l, ngettext
from board.settings import SettingsError

CHUNK = 500  # rows taken away in one transaction, so that nobody waits long to write
ON_DEMAND = frozenset({"accounts"})  # removed these days after their owner asked for it, not by their age


@dataclass(frozen=True)
class Line:
    """One kind of thing: what it is, for how long it is kept (days), and why so long. `least` and `most` are the days
    that an installation may choose with BOARD_KEEP; equal ones leave no choice."""

    name: str
    what: Any
    why: Any
    days: float
    least: float = -1
    most: float = -1

    @property
    def choice(self) -> bool:
        """Whether an installation may choose another time."""
        return self.least < self.most


HOUR = 1 / 24

TABLE = (
    Line("codes", _l("Codes sent by text message, and the keyed hashes of telephone and network address with them"),
         _l("so that nobody is sent too many in a day"), 2),
    Line("attempts", _l("Failed tries to sign in, by keyed hashes"), _l("so that guessing gets slower"), 2),
    Line("links", _l("One-time links for signing in, used or not"), _l("so that a link pressed late can say that it is over"), 2),
    Line("acknowledgements", _l("One-time links by which officers acknowledge"),
         _l("so that a link pressed late can say that it is over"), 1),
    Line("challenges", _l("Answers that passkeys gave"), _l("so that no answer opens anything twice"), 2),
    Line("devices", _l("The marks by which the board knows your devices again"),
         _l("so that you are told only of sign-ins on others"), 400, 30, 400),
    Line("sign_ins", _l("Devices that were signed in, after they were signed out"),
         _l("so that you can see where you were signed in"), 30, 1, 180),
    Line("carried", _l("What was sent when the sign-in had ended"), _l("so that it is there when you are signed in again"), HOUR),
    Line("drafts", _l("Photos in forms that were never sent"), _l("so that a form that comes back has its photos"), 1),
    Line("once", _l("The marks of forms that were sent"), _l("so that a form sent twice acts once"), 3),
    Line("prints", _l("Number prints of texts"), _l("so that the same words in many posts of one day are noticed"), 1),
    Line("live", _l("Hints to open pages"), _l("so that a page that was away catches up"), 7, 1, 30),
    Line("jobs", _l("Notes of work that is done"), _l("so that nothing is done twice"), 7, 2, 30),
    Line("tidings", _l("Marks that you were told of a step outside of the board"), _l("so that nobody is told twice"), 30, 14, 90),
    Line("deliveries", _l("Notes of messages that arrived or were given up"),
         _l("so that it can be found out why one did not come"), 90, 30, 365),
    Line("notices", _l("Messages of the board to you about your own account"), _l("so that you can read them again"), 180, 30, 730),
    Line("exports", _l("Copies of your data that you asked for"), _l("so that you can fetch them"), 7, 1, 30),
    Line("originals", _l("Originals of words that were covered, after the matter was closed"),
         _l("so that the department can look something up, and you can have it done again"), 365, 90, 3650),
    Line("receipts", _l("Receipts, after the matter was closed"), _l("so that you can read the answer"), 90),
    Line("files", _l("Files that belong to nothing any more"), _l("so that what was just stored is not taken for it"), 1),
    Line("accounts", _l("Accounts, after their owners asked to delete them"), _l("so that it can be taken back"), 7),
)  # fmt: skip

LINES = {line.name: line for line in TABLE}

Remover = Callable[[datetime, bool], int]
R = TypeVar("R", bound=Remover)

_removers: dict[str, list[Remover]] = {}


class RetentionCount(Model):
    """How many things of one kind were removed in one month of the city."""

    __tablename__ = "retention_count"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)


def removes(name: str) -> Callable[[R], R]:
    """Register one way in which things of this kind are removed: a function of (everything before this moment is over,
    only count it) that gives how many. It opens its own transactions and calls noted() in them."""
    line = LINES[name]

    def put(function: R) -> R:
        removers = _removers.setdefault(line.name, [])
        removers[:] = [each for each in removers if each.__qualname__ != function.__qualname__]
        removers.append(function)
        return function

    return put


def kept_for(name: str) -> timedelta:
    """How long things of this kind are kept here."""
    chosen: Mapping[str, int] = current_app.config["SETTINGS"].keep
    return timedelta(days=chosen.get(name, LINES[name].days))


def noted(name: str, count: int, at: datetime | None = None) -> None:
    """Count what was removed, inside the transaction that removes it."""
    if not writing():
        raise RuntimeError("what is removed is counted inside transaction()")
    if not count:
        return
    table = RetentionCount.__table__
    order = insert(table).values(month=f"{local(at or now()):%Y-%m}", kind=LINES[name].name, count=count)
    db.session.execute(
        order.on_conflict_do_update(
            index_elements=["month", "kind"], set_={"count": table.c.count + order.excluded.count}
        )
    )


def rows_gone(
    name: str,
    model: Any,
    over: ColumnElement[bool],
    *,
    dry_run: bool,
    key: Any = None,
    beside: Callable[[Sequence[Any]], None] | None = None,
) -> int:
    """Remove the rows of `model` that are over, a chunk at a time; how many. `beside` is called with their keys first."""
    column = model.id if key is None else key
    if dry_run:
        count = db.session.scalar(select(func.count()).select_from(model).where(over)) or 0
        db.session.rollback()
        return int(count)
    removed = 0
    while True:
        found = list(db.session.scalars(select(column).where(over).limit(CHUNK)))
        db.session.rollback()  # an idle look takes no lock
        if not found:
            return removed
        with transaction() as session:
            if beside is not None:
                beside(found)
            result = session.execute(
                delete(model).where(column.in_(found)).execution_options(synchronize_session=False)
            )
            gone = int(result.rowcount)  # type: ignore[attr-defined]
            noted(name, gone)
        removed += gone
        if len(found) < CHUNK:
            return removed


def apply(name: str, *, dry_run: bool = False) -> int:
    """Remove everything of one kind whose time is over; how many. With `dry_run` it is only counted."""
    before = now() - kept_for(name)
    return sum(remover(before, dry_run) for remover in _removers.get(name, ()))


def apply_all(*, dry_run: bool = False) -> Iterator[tuple[Line, int]]:
    """The whole table, line by line, in its order."""
    for line in TABLE:
        yield line, apply(line.name, dry_run=dry_run)


def duration_words(days: float) -> str:
    """`7 days`, `1 hour`."""
    if days < 1:
        return str(ngettext("%(num)d hour", "%(num)d hours", round(days * 24)))
    return str(ngettext("%(num)d day", "%(num)d days", round(days)))


def rules() -> list[tuple[str, str, str]]:
    """What, how long, and why, in the reader's language: what the privacy page promises is what the upkeep does."""
    return [
        (str(line.what), duration_words(kept_for(line.name) / timedelta(days=1)), str(line.why))
        for line in TABLE
    ]


def counts(first: date) -> Counter[str]:
    """How many of each kind were removed in the month that begins on `first`."""
    rows = db.session.execute(
        select(RetentionCount.kind, RetentionCount.count).where(RetentionCount.month == f"{first:%Y-%m}")
    )
    return Counter({kind: count for kind, count in rows})


def first_month() -> str | None:
    """The first month in which anything was counted, as `2026-11`."""
    return db.session.scalar(select(func.min(RetentionCount.month)))


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@with_appcontext
def retention(dry_run: bool) -> None:
    """Remove what has been kept for long enough, as the nightly upkeep does, and say how much of what."""
    for line, count in apply_all(dry_run=dry_run):
        days = kept_for(line.name) / timedelta(days=1)
        click.echo(f"{count:>8}  {line.name:<12} {duration_words(days)} · {line.what}")


def check(keep: Mapping[str, int]) -> None:
    """SettingsError for a kind that there is not, that leaves no choice, or a time outside of its limits."""
    for name, days in keep.items():
        line = LINES.get(name)
        if line is None or not line.choice:
            names = ", ".join(each.name for each in TABLE if each.choice)
            raise SettingsError(f"BOARD_KEEP: there is no choice for “{name}”; there is one for {names}")
        if not line.least <= days <= line.most:
            raise SettingsError(
                f"BOARD_KEEP: {name} can be kept for {line.least:g} to {line.most:g} days, not for {days}"
            )


def complete() -> list[str]:
    """The lines of the table that no part fills."""
    return [line.name for line in TABLE if not _removers.get(line.name) and line.name not in ON_DEMAND]


def init_app(app: Flask) -> None:
    check(app.config["SETTINGS"].keep)
    app.cli.add_command(retention)
