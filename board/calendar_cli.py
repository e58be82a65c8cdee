"""`flask calendar`: import the holidays a government publishes, and show a year as it counts here."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import extract, select

from board.db import db, transaction
from board.errors import Invalid
from board.i18n import _, _l, ngettext
from board.text import normalise
from board.workdays import CalendarDay, Changes, DayName, calendar_for, put_days, seed_from_holidays

calendar_cli = AppGroup("calendar", help="Holidays and make-up working days.")

COLUMNS = ("date", "kind", "name", "name_en")
LARGEST = 1_000_000  # bytes; a year has 366 days


@dataclass(frozen=True)
class Refused:
    """A line that cannot be taken, counted from 1 as editors do, and what to do about it."""

    line: int
    message: str


def read_days(path: Path) -> tuple[dict[date, DayName], list[Refused]]:
    """The days in a CSV file (columns date,kind,name,name_en; UTF-8), and the lines that are none.

    Raises Invalid when the file as a whole cannot be read.
    """
    try:
        raw = path.read_bytes()[: LARGEST + 1]
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise Invalid(_l("%(path)s cannot be read: %(why)s", path=path, why=error.strerror)) from error
    except UnicodeDecodeError as error:
        raise Invalid(_l("%(path)s is not UTF-8; save it as “CSV UTF-8” and try again", path=path)) from error
    if len(raw) > LARGEST:
        raise Invalid(_l("%(path)s is over 1 MB; a file of holidays is much smaller", path=path))
    reader = csv.DictReader(text.splitlines(), strict=True)
    try:
        missing = [name for name in COLUMNS[:3] if name not in (reader.fieldnames or ())]
        if missing:
            raise Invalid(
                _l(
                    "%(path)s has no column %(missing)s; the first line must be date,kind,name,name_en",
                    path=path,
                    missing=", ".join(missing),
                )
            )
        return _days(reader)
    except csv.Error as error:
        raise Invalid(
            _l("%(path)s, line %(line)s is not CSV: %(why)s", path=path, line=reader.line_num, why=error)
        ) from error


def _days(reader: csv.DictReader[str]) -> tuple[dict[date, DayName], list[Refused]]:
    days: dict[date, DayName] = {}
    refused: list[Refused] = []
    lines: dict[date, int] = {}
    for row in reader:
        try:
            day, named = _day(row)
            if day in days:
                raise Invalid(_l("%(day)s stands in line %(line)s already", day=day, line=lines[day]))
        except Invalid as problem:
            refused.append(Refused(reader.line_num, str(problem)))
        else:
            days[day], lines[day] = named, reader.line_num
    return days, refused


def _day(row: dict[str, str]) -> tuple[date, DayName]:
    values = {name: normalise(row.get(name) or "", lines=False).strip() for name in COLUMNS}
    try:
        day = date.fromisoformat(values["date"])
    except ValueError:
        raise Invalid(
            _l("“%(text)s” is not a date; write it as 2026-10-01", text=values["date"][:40])
        ) from None
    if not 2000 <= day.year <= 2200:
        raise Invalid(_l("%(day)s is not a year this board will see", day=day))
    if values["kind"] not in ("holiday", "workday"):
        raise Invalid(_l("“%(kind)s” must be holiday or workday", kind=values["kind"][:40]))
    if not values["name"] or max(len(values["name"]), len(values["name_en"])) > 60:
        raise Invalid(_l("A day needs a name of 1 to 60 characters"))
    return day, DayName(
        "workday" if values["kind"] == "workday" else "holiday", values["name"], values["name_en"]
    )


class _DryRun(Exception):
    """Undoes the transaction of a dry run."""


@calendar_cli.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--whole-year", is_flag=True, help="The file is all that was published for its years: they become final."
)
@click.option("--source", default="", help="Where the days come from; the file's name when left out.")
@click.option("--dry-run", is_flag=True, help="Say what would change and change nothing.")
def import_days(path: Path, whole_year: bool, source: str, dry_run: bool) -> None:
    """Put the days of a CSV file (date,kind,name,name_en) into the calendar; all of them or none."""
    try:
        days, refused = read_days(path)
    except Invalid as problem:
        raise click.ClickException(str(problem)) from None
    for each in refused:
        click.echo(_("line %(line)s: %(message)s", line=each.line, message=each.message), err=True)
    if refused:
        count = len(refused)
        raise click.ClickException(
            ngettext(
                "Nothing was changed: %(num)s line needs correcting.",
                "Nothing was changed: %(num)s lines need correcting.",
                count,
            )
        )
    years = {day.year for day in days} if whole_year else set()
    try:
        with transaction():
            changes = put_days(days, source=(source or path.name)[:60], whole_years=years)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    _report(changes)
    if dry_run:
        click.echo(_("A dry run: nothing was changed."))


@calendar_cli.command("seed")
@click.argument("years", type=click.IntRange(2000, 2200), nargs=-1, required=True)
def seed(years: tuple[int, ...]) -> None:
    """Put the public holidays of YEARS into the calendar, as far as they are known; published years are kept."""
    with transaction():
        changes = seed_from_holidays(years)
    _report(changes)


@calendar_cli.command("show")
@click.argument("year", type=click.IntRange(2000, 2200))
def show(year: int) -> None:
    """Print the days of YEAR that are not what their weekday says, and how many working days it has."""
    rows = db.session.scalars(
        select(CalendarDay).where(extract("year", CalendarDay.day) == year).order_by(CalendarDay.day)
    ).all()
    for row in rows:
        click.echo(f"{row.day}  {row.kind:8}  {row.name}  {row.name_en}  [{row.source}]")
    calendar = calendar_for()
    first = date(year, 1, 1).toordinal()
    count = sum(
        calendar.is_workday(date.fromordinal(day)) for day in range(first, date(year + 1, 1, 1).toordinal())
    )
    click.echo(_("%(year)s has %(count)s working days.", year=year, count=count))
    if calendar.provisional(date(year, 1, 1)):
        click.echo(_("The year is provisional: its make-up working days are not known here yet."))


def _report(changes: Changes) -> None:
    for days, words in (
        (changes.added, _("added")),
        (changes.changed, _("changed")),
        (changes.removed, _("removed")),
        (changes.same, _("already there")),
    ):
        _print_days(days, words)
    if not changes:
        click.echo(_("The calendar stays as it is."))


def _print_days(days: Iterable[date], words: str) -> None:
    for day in days:
        click.echo(f"{day}  {words}")
