"""What the state machines share: a board of their own, and how Hypothesis plays them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from board import create_app, facts
from board.db import db
from tests import conftest
from tests.towns import SqliteTown, Town


def on_a_board(machine: Any, folder: Path, town: Town) -> None:
    """Give a machine its `app` in `folder` and the `town` with which it begins each time."""
    machine.app = create_app(conftest.settings(folder, **town.settle(folder)))
    machine.town = town


def begin_anew(machine: Any) -> Path:
    """Let a machine's board be as on its first day; the folder of its data."""
    with machine.app.app_context():
        db.engine.dispose()
    folder: Path = machine.app.config["SETTINGS"].data
    machine.town.settle(folder)
    facts.forget()
    return folder


def play(machine: Any, *, examples: int, steps: int) -> None:
    """Run `examples` histories of up to `steps` steps, found again and made smaller when one fails; on PostgreSQL a
    quarter of them."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples if isinstance(machine.town, SqliteTown) else examples // 4,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )
