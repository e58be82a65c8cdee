"""`flask search`: make the index anew, and say how it stands."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import click
from flask.cli import AppGroup, with_appcontext

from board.db import db
from board.doctor import Finding, check
from board.i18n import _, ngettext
from search.document import Document
from search.engines import EngineBusy

search_cli = AppGroup("search", help="The search index.")
RECOMMENDED = 50_000  # threads; beyond that this engine answers too slowly
EVERY = 50  # threads between two steps of the progress bar


@search_cli.command("rebuild")
@with_appcontext
def rebuild() -> None:
    """Make the search index anew from the database; the board goes on meanwhile."""
    from search import engine
    from search.threads import count_public
    from search.upkeep import rebuild as make

    total = count_public()
    db.session.rollback()
    began = time.monotonic()
    with click.progressbar(length=total, label=_("Indexing"), show_pos=True) as bar:

        def watched(documents: Iterable[Document]) -> Iterator[Document]:
            number = 0
            for number, document in enumerate(documents, 1):
                yield document
                if number % EVERY == 0:
                    bar.update(EVERY)
            bar.update(number % EVERY)

        try:
            number = make(engine(), watched)
        except EngineBusy as error:
            raise click.ClickException(_("Nothing was changed: %(why)s.", why=error)) from None
        except OSError as error:
            raise click.ClickException(_("The index could not be written: %(why)s.", why=error)) from None
    took = f"{time.monotonic() - began:.1f}"
    click.echo(
        ngettext(
            "%(count)s thread indexed in %(seconds)s s.",
            "%(count)s threads indexed in %(seconds)s s.",
            number,
            count=f"{number:,}",
            seconds=took,
        )
    )
    _advise(number)


@search_cli.command("status")
@with_appcontext
def status() -> None:
    """Say how the index stands; exit code 1 when search does not work."""
    from search import engine
    from search.threads import count_public

    state = engine().status()
    if state.problem:
        raise click.ClickException(
            _("Search does not work: %(why)s. `flask search rebuild` repairs it.", why=state.problem)
        )
    click.echo(
        _(
            "%(found)s of %(total)s public threads, %(size)s MB.",
            found=f"{state.documents:,}",
            total=f"{count_public():,}",
            size=f"{state.size / 1_000_000:.1f}",
        )
    )
    _advise(state.documents)


@check("search", reads=True)
def finding() -> Finding:
    """The index is there, and holds about as much as the board."""
    from search import engine
    from search.threads import count_public

    state, total = engine().status(), count_public()
    name, repair = _("Search"), _("`flask search rebuild` makes the index anew; the board goes on meanwhile.")
    if state.problem:
        return Finding(name, False, _("Search does not work: %(why)s.", why=state.problem), repair)
    says = _("%(found)s of %(total)s public threads are in the index.", found=state.documents, total=total)
    missing = abs(total - state.documents) > max(20, total // 100)  # what waits for the worker is no fault
    return Finding(name, not missing, says, repair if missing else "")


def _advise(number: int) -> None:
    if number > RECOMMENDED:
        click.echo(
            _(
                "More than %(many)s threads: this engine will answer slowly; plan for a larger one.",
                many=f"{RECOMMENDED:,}",
            )
        )
