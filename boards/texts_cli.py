"""`flask texts remask`: after an update that covers more, stored texts are masked again."""

from __future__ import annotations

from collections import Counter

import click
from flask.cli import AppGroup

from board.i18n import _
from boards import remasking
from boards.coach import kind_words

texts_cli = AppGroup("texts", help="What was written on the board.")


@texts_cli.command("remask")
@click.option("--dry-run", is_flag=True, help="Say what would change and write nothing.")
@click.option("--chunk", default=remasking.CHUNK, show_default=True, help="Texts looked at in one go.")
def remask(dry_run: bool, chunk: int) -> None:
    """Mask again every text that an earlier version masked. May be stopped and run again at any time."""
    looked = changed = 0
    kinds: Counter[str] = Counter()
    steps = remasking.remask(dry_run=dry_run, chunk=max(1, chunk))
    with click.progressbar(length=remasking.waiting(), label=_("Masking texts again")) as bar:
        for step in steps:
            looked += step.looked
            changed += step.changed
            kinds.update(step.kinds)
            bar.update(step.looked)
    for kind, count in kinds.most_common():
        click.echo(f"  {kind_words([kind])}: {count}")
    words = _("%(changed)s of %(looked)s texts read otherwise now", changed=changed, looked=looked)
    if dry_run:
        words = _("Dry run, nothing was written: %(changed)s of %(looked)s texts would read otherwise",
                  changed=changed, looked=looked)  # fmt: skip
    click.echo(words)
