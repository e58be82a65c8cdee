"""Events: what happened, told inside the transaction in which it happened.

A listener adds rows (inbox, stream entries, jobs) and nothing else; when it fails the verb is undone,
so nothing is ever half told. Listeners are registered per kind; `case.*` hears every kind of that family.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class Event(Protocol):
    """What every event carries: its kind, its public id and its parameters (never a finished sentence)."""

    kind: str

    @property
    def public_id(self) -> str: ...

    @property
    def parameters(self) -> dict[str, Any]: ...


Listener = Callable[[Any], None]
L = TypeVar("L", bound=Listener)

_listeners: dict[str, list[Listener]] = defaultdict(list)


def on(*kinds: str) -> Callable[[L], L]:
    """Call the decorated function with every event of `kinds`, inside the event's transaction."""

    def put(function: L) -> L:
        for kind in kinds:
            if function not in _listeners[kind]:
                _listeners[kind].append(function)
        return function

    return put


def publish(event: Any) -> None:
    """Tell every listener of the event's kind; whatever a listener raises undoes the transaction."""
    family = event.kind.partition(".")[0] + ".*"
    for listener in (*_listeners.get(event.kind, ()), *_listeners.get(family, ()), *_listeners.get("*", ())):
        listener(event)
