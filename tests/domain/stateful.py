"""What the state machines share: a board of their own, and how Hypothesis plays them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from board import create_app
from tests import conftest


def on_a_board(machine: Any, folder: Path, small_city_file: tuple[Path, dict[str, int]]) -> None:
    """Give a machine its `app` in `folder`, and as `source` and `cast_ids` the small city that it begins with each time."""
    source, ids = small_city_file
    keys = source.parent / "keys.json"
    if keys.exists():
        shutil.copy(keys, folder / "keys.json")
    machine.app = create_app(conftest.settings(folder))
    machine.source, machine.cast_ids = source, dict(ids)


def play(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Run `examples` histories of up to `steps` steps, found again and made smaller when one fails."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )
