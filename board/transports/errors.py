"""What goes wrong on the way out of the house, the same for every transport."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

AT_MOST = 20.0  # seconds that one message may hold a worker, whatever the other end does


class CarryError(Exception):
    """A message that was not taken. The reason names no address and no word of the message.

    `final`: trying again would change nothing. `gone`: nobody lives at that address any more. `wait`: the other end
    asked for so many seconds before the next try.
    """

    def __init__(
        self, reason: str, *, final: bool = False, gone: bool = False, wait: float | None = None
    ) -> None:
        self.final, self.gone, self.wait = final or gone, gone, wait
        super().__init__(reason)


def within(seconds: float, act: Callable[[], None]) -> None:
    """Do `act`; CarryError, worth another try, when it is not over in time.

    A time-out of a socket starts anew with each byte, so an end that drips them could hold a worker for ever.
    The thread that is left behind ends with its own time-outs.
    """
    ended: list[Any] = []

    def run() -> None:
        try:
            act()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    thread = Thread(target=run, name="carry", daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise CarryError(f"no answer within {seconds:.0f} s")
    if ended[0] is not None:
        raise ended[0]
