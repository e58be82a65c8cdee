"""Commands about duty: publish a roster, list the hours without anybody, bring in turns from a file."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import click
from flask.cli import AppGroup

from board.clock import now
from board.db import transaction
from board.errors import BoardError, NotFound
from board.i18n import _
from people import roster_import, rosters
from people.models import Department
from people.rosterpage import dated_words
from people.rosters import Draft, Refused, Roster, for_change

duty_cli = AppGroup("duty", help="Rosters: publish, look for holes, bring in turns.")


def _department(key: str) -> Department:
    try:
        return Department.by_key(key)
    except NotFound:
        raise click.ClickException(_("There is no department %(key)s.", key=key)) from None


@duty_cli.command("publish")
@click.argument("department")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; in 30 days when not given.")
@click.option("--dry-run", is_flag=True, help="Say what would change and write nothing.")
def publish(department: str, until: datetime | None, dry_run: bool) -> None:
    """Publish the roster of DEPARTMENT from its rotations and changes; exit 1 when it is refused."""
    key = _department(department).key
    last = until.date() if until is not None else rosters.first_until()
    try:
        if dry_run:
            rosters.check_until(last)
            draft = Roster.of(_department(key)).draft(last)
            _list(draft)
            click.echo(
                _(
                    "Dry run. Turns to come: %(added)s, to go: %(dropped)s.",
                    added=len(draft.added),
                    dropped=len(draft.dropped),
                )
            )
            raise SystemExit(1 if draft.refused else 0)
        with transaction():
            done = for_change(key).publish(by=None, until=last)
            words = (
                _("Nothing to publish: the roster is that already.")
                if done is None
                else _(
                    "Published. Turns that came: %(added)s, that went: %(dropped)s.",
                    added=done.added,
                    dropped=done.dropped,
                )
            )
    except Refused as refused:
        _list(refused.draft)
        raise click.ClickException(str(refused)) from None
    except BoardError as error:
        raise click.ClickException(str(error)) from None
    click.echo(words)


def _list(draft: Draft) -> None:
    for gap in draft.holes:
        click.echo(_("Nobody: %(when)s", when=dated_words(*gap)))
    for person in draft.unreachable:
        click.echo(_("Cannot be reached: %(name)s", name=person.duty_name))


@duty_cli.command("holes")
@click.argument("department", required=False)
@click.option(
    "--days", default=30, show_default=True, type=click.IntRange(1, 366), help="How far to look ahead."
)
def holes(department: str | None, days: int) -> None:
    """List the promised hours without anybody on duty, of DEPARTMENT or of all; exit 1 when there are any."""
    moment, found = now(), 0
    for each in [_department(department)] if department else Department.all():
        for gap in rosters.holes(each, moment, moment + timedelta(days=days)):
            found += 1
            click.echo(f"{each.key}: {dated_words(*gap)}")
    if not found:
        click.echo(_("Somebody is on duty at every promised hour."))
    raise SystemExit(1 if found else 0)


@duty_cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every row and write nothing.")
@click.option(
    "--report", type=click.Path(path_type=Path), help="Where the rows not taken are written, with the reason."
)
def bring_in(file: Path, dry_run: bool, report: Path | None) -> None:
    """Note the turns of FILE (CSV: department,badge,start,end) as changes; they hold once published. May be run again."""
    try:
        rows = roster_import.read(file.read_bytes())
        if dry_run:
            done = roster_import.take(rows, by=None, write=False)
        else:
            with transaction():
                done = roster_import.take(rows, by=None, write=True)
    except (BoardError, OSError) as error:
        raise click.ClickException(str(error)) from None
    refused = [each for each in done if each.state == "refused"]
    for each in refused[:20]:
        click.echo(_("Line %(line)s: %(why)s", line=each.row.line, why=str(each.why)))
    if len(refused) > 20:
        click.echo(_("… and %(more)s more", more=len(refused) - 20))
    if report is not None:
        with report.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["line", "department", "badge", "start", "end", "reason"])
            for each in refused:
                row = each.row
                writer.writerow([row.line, row.department, row.badge, row.start, row.end, str(each.why)])
        click.echo(_("Rows not taken, each with its reason: %(file)s", file=report))
    states = Counter(each.state for each in done)
    words = _("%(new)s new, %(there)s there already, %(refused)s not taken, of %(all)s rows",
              new=states["in"], there=states["there"], refused=states["refused"], all=len(done))  # fmt: skip
    click.echo((_("Dry run, nothing was written: ") if dry_run else "") + words)
