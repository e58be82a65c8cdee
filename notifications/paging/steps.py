"""The steps of an escalation policy: who is told, after how long, by which channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from board.errors import Invalid
from board.i18n import _l

MOST_STEPS = 8
LATEST_MINUTES = 120
LATEST_SHARE = 100


class Who(StrEnum):
    """Whom a step means; asked anew whenever it is taken."""

    DUTY = "duty"
    NEXT_ON_ROSTER = "next_on_roster"
    LEADER = "leader"
    LEADERS_ABOVE = "leaders_above"
    DESK = "desk"


@dataclass(frozen=True)
class Step:
    """`after` counts from the call: minutes when it is urgent, else per cent of the section's reply time.

    `channels`: only these, beside open pages; empty means every one that reaches the person.
    """

    who: Who
    after: int
    channels: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The step that a row keeps."""
        return cls(Who(row["who"]), int(row["after"]), tuple(row.get("channels", ())))

    def row(self) -> dict[str, Any]:
        """As a row keeps it."""
        return {"who": str(self.who), "after": self.after, "channels": list(self.channels)}


# domain.md §5: urgent at any hour and the desk at once; ordinary by shares of the reply time, on its calendar.
URGENT = (
    Step(Who.DUTY, 0),
    Step(Who.DESK, 0),
    Step(Who.NEXT_ON_ROSTER, 2),
    Step(Who.LEADER, 5),
    Step(Who.LEADERS_ABOVE, 10),
)
ORDINARY = (
    Step(Who.DUTY, 0),
    Step(Who.NEXT_ON_ROSTER, 25),
    Step(Who.LEADER, 50),
    Step(Who.DESK, 80),
)


def defaults(urgent: bool) -> tuple[Step, ...]:
    """The station's steps, for departments that have none of their own."""
    return URGENT if urgent else ORDINARY


def checked(steps: Iterable[Step], *, urgent: bool) -> tuple[Step, ...]:
    """The steps in the order in which they come due. Invalid, all at once, where calls could be lost with them."""
    chosen: Sequence[Step] = sorted(steps, key=lambda each: each.after)
    latest = LATEST_MINUTES if urgent else LATEST_SHARE
    errors: dict[str, Any] = {}
    if not chosen or chosen[0].after != 0:
        errors["steps"] = _l("Somebody has to be told at once: give one step the time 0.")
    elif not any(each.who == Who.DESK for each in chosen):
        errors["steps"] = _l("The command centre has to be among the steps: there is always somebody.")
    elif len({each.who for each in chosen}) < len(chosen):
        errors["steps"] = _l("Nobody is told twice of the same call: name each of them once.")
    elif len(chosen) > MOST_STEPS or any(not 0 <= each.after <= latest for each in chosen):
        errors["steps"] = _l("Choose times from 0 to %(latest)s.", latest=latest)
    if errors:
        raise Invalid(errors=errors)
    return tuple(chosen)
