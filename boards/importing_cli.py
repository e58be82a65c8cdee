"""`flask import threads FILE.csv --section KEY`: old threads come in, and a report says what did not."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import click
from flask.cli import AppGroup

from board.errors import Invalid, NotFound
from board.i18n import _
from boards import importing
from boards.models import Section

import_cli = AppGroup("import", help="Bring in what was written elsewhere.")


@import_cli.command("threads")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--section", required=True, help="Key of the section they go to.")
@click.option("--dry-run", is_flag=True, help="Check every row and write nothing.")
@click.option(
    "--report", type=click.Path(path_type=Path), help="Where the rows not taken are written, with the reason."
)
def threads(file: Path, section: str, dry_run: bool, report: Path | None) -> None:
    """Import FILE (columns id,user,title,posted_at,body and optionally reply,replied_at). May be run again."""
    try:
        Section.by_key(section)
        rows = importing.read(file)
    except NotFound:
        keys = ", ".join(each.key for each in Section.all())
        raise click.ClickException(
            _("There is no section %(key)s; there are: %(keys)s", key=section, keys=keys)
        ) from None
    except Invalid as error:
        raise click.ClickException(str(error)) from None
    states: Counter[str] = Counter()
    refused: list[importing.Taken] = []
    try:
        with click.progressbar(
            importing.take(rows, section, dry_run=dry_run), length=len(rows), label=file.name
        ) as bar:
            for taken in bar:
                states[taken.state] += 1
                if taken.state == "refused":
                    refused.append(taken)
    except Invalid as error:
        raise click.ClickException(str(error)) from None
    for each in refused[:20]:
        click.echo(
            _("line %(line)s, id %(id)s: %(why)s", line=each.row.line, id=each.row.id[:40], why=each.why)
        )
    if len(refused) > 20:
        click.echo(_("… and %(more)s more", more=len(refused) - 20))
    if refused or report:
        target = report or file.with_name(f"{file.stem}-not-taken.csv")
        _write(target, refused)
        click.echo(_("Rows not taken, each with its reason: %(file)s", file=target))
    words = _("%(new)s new, %(there)s there already, %(refused)s not taken, of %(all)s rows",
              new=states["in"], there=states["there"], refused=states["refused"], all=len(rows))  # fmt: skip
    click.echo((_("Dry run, nothing was written: ") if dry_run else "") + words)


def _write(target: Path, refused: list[importing.Taken]) -> None:
    try:
        with target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["line", "id", "reason"])
            writer.writerows([each.row.line, each.row.id, each.why] for each in refused)
    except OSError as error:
        raise click.ClickException(
            _("The report cannot be written: %(why)s", why=error.strerror or "")
        ) from None
