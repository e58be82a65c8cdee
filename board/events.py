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
    for listener in (*_named(event.kind), *_listeners.get("*", ())):
        listener(event)


def publish_apart(event: Any) -> None:
    """The same for what belongs to one person and stands on no page: only those who name its kind or family hear it."""
    for listener in _named(event.kind):
        listener(event)


def _named(kind: str) -> list[Listener]:
    return [*_listeners.get(kind, ()), *_listeners.get(kind.partition(".")[0] + ".*", ())]
