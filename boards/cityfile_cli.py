"""`flask city check FILE`: every mistake in a city file, with its line and its cure."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import select

from board.db import db
from board.errors import BoardError
from board.i18n import _, ngettext
from boards import cityfile, cityload
from boards.models import Thread

city_cli = AppGroup("city", help="A city's departments, sections, people and sample threads as one file.")


@city_cli.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check_file(file: Path) -> None:
    """Explain every mistake in FILE with its line; exit 1 when there is one."""
    city, problems = cityfile.examine(file)
    for problem in problems:
        place = f" {problem.where}:" if problem.where else ""
        click.echo(f"{file}:{problem.line}:{problem.column}:{place} {problem.message} → {problem.remedy}")
    if problems or city is None:
        click.echo(ngettext("%(num)d mistake", "%(num)d mistakes", len(problems)), err=True)
        raise SystemExit(1)
    click.echo(
        _(
            "%(file)s is in order: %(departments)d departments, %(sections)d sections, %(people)d people, "
            "%(threads)d threads",
            file=file,
            departments=len(city.department),
            sections=len(city.section),
            people=len(city.person) + len(city.citizens),
            threads=len(city.thread),
        )
    )


@city_cli.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--if-empty", is_flag=True, help="Load only where no city hangs yet; shifts are published on.")
@click.option(
    "--busy",
    "busy_department",
    is_flag=False,
    flag_value="traffic-police",
    default=None,
    metavar="DEPARTMENT",
    help="Also give a department 200 new and 1,000 open cases.",
)
@click.option("--dry-run", is_flag=True, help="Check the file and say what would be loaded.")
def load_file(file: Path, if_empty: bool, busy_department: str | None, dry_run: bool) -> None:
    """Hang the city in FILE on the wall; loading it again adds what is missing."""
    city, problems = cityfile.examine(file)
    if problems or city is None:
        raise click.ClickException(
            _("%(file)s has mistakes: `flask city check %(file)s` explains them.", file=file)
        )
    if dry_run:
        click.echo(_("%(threads)d threads would be loaded", threads=len(city.thread)))
        return
    # A load that was stopped in the middle is finished by the next one.
    empty = db.session.scalar(select(Thread.id).limit(1)) is None or cityload.unfinished() is not None
    done, acts = cityload.load(city)
    if if_empty and not empty:
        click.echo(_("A city hangs here already; %(shifts)d shifts were published", shifts=done.shifts))
        return
    with click.progressbar(length=len(acts), label=_("Threads and steps")) as bar:
        try:
            for _act in cityload.play(acts, done):
                bar.update(1)
        except cityload.LoadError as error:
            raise click.ClickException(str(error)) from None
    if busy_department is not None:
        with click.progressbar(length=1_200, label=_("Busy cases")) as bar:
            try:
                for _place in cityload.busy(busy_department):
                    bar.update(1)
            except (cityload.LoadError, BoardError) as error:
                raise click.ClickException(str(error)) from None
    click.echo(
        _(
            "Loaded %(departments)d departments, %(sections)d sections, %(people)d people, %(shifts)d shifts, "
            "%(threads)d threads with %(steps)d steps",
            departments=done.departments,
            sections=done.sections,
            people=done.people,
            shifts=done.shifts,
            threads=done.threads,
            steps=done.steps,
        )
    )
