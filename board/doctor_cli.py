"""`flask doctor`: the whole installation looked at in one run."""

from __future__ import annotations

import json

import click
from flask import Flask
from flask.cli import with_appcontext

from board import doctor, livecheck
from board.i18n import speaking


@click.command("doctor")
@click.option("--url", default="", help="Where the board is reached; its public address, or the local port.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@with_appcontext
def doctor_command(url: str, as_json: bool, language: str) -> None:
    """Look at everything that can be wrong, and walk the live path once; exit code 1 when something is wrong."""
    with speaking(language):
        found = doctor.examine()
        if all(each.well for each in found[:2]):  # without its tables the rest would only repeat it
            found.append(doctor.worker())
            found += livecheck.walk((url or livecheck.own_url()).rstrip("/"))
        well = all(each.well for each in found)
        if as_json:
            click.echo(
                json.dumps({"well": well, "findings": [each.as_dict() for each in found]}, ensure_ascii=False)
            )
        else:
            for each in found:
                click.echo(f"{'ok   ' if each.well else 'WRONG'} {each.name}: {each.says}")
                if each.todo:
                    click.echo(f"      {each.todo}")
    raise SystemExit(0 if well else 1)


def init_app(app: Flask) -> None:
    app.cli.add_command(doctor_command)
