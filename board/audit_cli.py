"""`flask audit`: hold the log to its hashes, and read what was noted of one thing. At the console alone."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import func, select

from board import audit
from board.audit import AuditEntry, AuditReason
from board.clock import local
from board.db import db, transaction
from board.i18n import _, ngettext
from board.noting import account

audit_cli = AppGroup("audit", help="The log of what staff do and read.")


def _published(file: Path) -> dict[date, str]:
    try:
        kept = json.loads(file.read_text("utf-8"))["roots"]
        return {date.fromisoformat(day): str(root) for day, root in kept.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise click.ClickException(
            _("%(file)s holds no roots as /transparency/roots.json gives them: %(why)s", file=file, why=error)
        ) from None


@audit_cli.command("verify")
@click.option(
    "--roots",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What /transparency/roots.json gave at some time, kept elsewhere.",
)
def verify(roots: Path | None) -> None:
    """Read the whole log and name the first row that is not as it was written; exit code 1 when there is one."""
    published = _published(roots) if roots else {}
    count = db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    with click.progressbar(length=count, label=_("Audit log")) as bar:
        done = 0

        def progress(number: int, end: int) -> None:
            nonlocal done
            if number - done >= 500 or number == end:
                bar.update(number - done)
                done = number

        found = audit.verify(published, progress)
    db.session.rollback()
    if found is not None:
        click.echo(_("Row %(number)s is not as it was written: %(why)s.", number=found.number, why=found.why))
        raise SystemExit(1)
    click.echo(
        ngettext(
            "%(num)d row, every one as it was written.", "%(num)d rows, every one as it was written.", count
        )
    )


@audit_cli.command("show")
@click.option(
    "--thing", required=True, help="Such as case:20261121-0042, person:k3f9…, department:traffic-police."
)
@click.option("--limit", default=50, show_default=True)
def show(thing: str, limit: int) -> None:
    """Print what was noted of THING, the newest first. That it was looked up is noted, too."""
    rows = db.session.execute(
        select(AuditEntry, AuditReason.words)
        .outerjoin(AuditReason, AuditReason.number == AuditEntry.number)
        .where(AuditEntry.thing == thing)
        .order_by(AuditEntry.number.desc())
        .limit(limit)
    ).all()
    lines = [_line(entry, words) for entry, words in rows]
    with transaction():
        audit.note("audit.shown", by=None, thing=thing[:80], account=account())
    for line in lines or [_("Nothing is noted of %(thing)s.", thing=thing)]:
        click.echo(line)


def _line(entry: AuditEntry, words: str | None) -> str:
    details = " ".join(f"{name}={value}" for name, value in entry.details.items() if value is not None)
    reason = f" “{words}”" if words else (" …" if entry.reason_commitment else "")
    return f"{entry.number} {local(entry.at):%Y-%m-%d %H:%M:%S} {entry.actor or '-'} {entry.act} {details}{reason}".rstrip()


@audit_cli.command("erase-reason")
@click.argument("number", type=int)
def erase_reason(number: int) -> None:
    """Forget the words of row NUMBER, as when they name somebody; the log holds, and the erasing is noted."""
    with transaction() as session:
        if session.get(AuditReason, number) is None:
            raise click.ClickException(_("Row %(number)s has no words.", number=number))
        audit.erase_reason(number, by=None)
    click.echo(_("The words of row %(number)s are gone.", number=number))


def init_app(app: Flask) -> None:
    app.cli.add_command(audit_cli)
