"""The ways in which news reach a person. A channel is called inside the transaction, so it only promises.

`live` writes a hint into the person's stream. What leads out of the board (push, mail, chat, text messages) is promised
as a delivery and carried by the worker: see models/delivery.py and carrying.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from board.live import append


@dataclass(frozen=True)
class News:
    """What changed for one person (public id): the unread count, absolute, and the item that is new, if one is."""

    person: str
    unread: int
    item: str | None = None


Carry = Callable[[News], None]

CHANNELS: dict[str, Carry] = {}


def channel(name: str) -> Callable[[Carry], Carry]:
    """Register a channel; ValueError for a name that is taken."""

    def put(function: Carry) -> Carry:
        if CHANNELS.get(name, function).__qualname__ != function.__qualname__:
            raise ValueError(f"two channels called {name}")
        CHANNELS[name] = function
        return function

    return put


@channel("live")
def hint(news: News) -> None:
    """Open pages of this person show the new count."""
    if news.item is None:
        append(f"person:{news.person}", kind="inbox", unread=news.unread)
    else:
        append(f"person:{news.person}", kind="inbox", unread=news.unread, item=news.item)
