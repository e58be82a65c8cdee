"""One table of who may do what. Deny by default; a misspelt name is a KeyError, on purpose.

Pages, JSON, sockets, push links and commands all ask here. Rules are registered by the parts
(`boards/policy.py` …) with `@rule("case.accept")`; a rule takes the person (None for a visitor)
and the thing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from board.errors import NotAllowed
from board.seams import vetoed

Rule = Callable[..., bool]
R = TypeVar("R", bound=Rule)

RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[R], R]:
    """Put the decorated function into the table under each of `names`."""

    def put(function: R) -> R:
        for name in names:
            if name in RULES:
                raise ValueError(f"two rules called {name}")
            RULES[name] = function
        return function

    return put


def may(person: Any, name: str, thing: Any = None) -> bool:
    """May `person` do `name` to `thing`? A part above may keep somebody from a thing altogether: `veto("*")`."""
    return bool(RULES[name](person, thing)) and not vetoed("*", person, thing)


def require(person: Any, name: str, thing: Any = None, message: Any = None) -> None:
    """Raise NotAllowed unless `person` may do `name` to `thing`."""
    if not may(person, name, thing):
        raise NotAllowed(message)
