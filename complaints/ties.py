"""Who stands how to whom: offices held, the tree of units, and which of them tie one officer to another.

Arithmetic and nothing else: rows go in, the offices that tie somebody come out. An accused officer is tied to whoever
serves or served beside him, above him or below him at the same time, now or in the last 24 months.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

MONTHS = 24
LEADER = "leader"


def window(moment: datetime) -> datetime:
    """Since when an office still ties: 24 months before `moment`."""
    year, leap_day = moment.year - MONTHS // 12, (moment.month, moment.day) == (2, 29)
    return moment.replace(year=year, day=28 if leap_day else moment.day)


@dataclass(frozen=True)
class Office:
    """One office: in which department (table id), as what, [from, until); until None while it is held."""

    department: int
    role: str
    since: datetime
    until: datetime | None = None

    def counts(self, moment: datetime) -> bool:
        """Whether it is held at `moment` or was in the last 24 months; what begins later ties nobody yet."""
        return self.since <= moment and (self.until is None or self.until > window(moment))


@dataclass(frozen=True)
class Tree:
    """The units: of each those right above it, today and in the last 24 months; and those whose office is to inspect,
    among whose officers serving together is no tie: an accused inspector goes to the other inspectors."""

    above: Mapping[int, Set[int]]
    integrity: Set[int] = field(default_factory=frozenset)

    def up(self, department: int) -> frozenset[int]:
        """Every department above this one; a loop in the data ends the walk."""
        return _walk(department, self.above)

    def down(self, department: int) -> frozenset[int]:
        """Every department below this one."""
        below: dict[int, set[int]] = {}
        for each, parents in self.above.items():
            for parent in parents:
                below.setdefault(parent, set()).add(each)
        return _walk(department, below)


def _walk(start: int, steps: Mapping[int, Set[int]]) -> frozenset[int]:
    found: set[int] = set()
    ahead = [start]
    while ahead:
        fresh = set(steps.get(ahead.pop(), ())) - found - {start}
        found |= fresh
        ahead += fresh
    return frozenset(found)


@dataclass(frozen=True)
class Tie:
    """An accused who holds or held one of these offices between these times is tied. `leaders`: only as its leader."""

    why: str
    departments: frozenset[int]
    since: datetime
    until: datetime | None
    leaders: bool = False

    def holds(self, other: Office, moment: datetime) -> bool:
        """Whether an office of the accused is such a one."""
        return (
            other.department in self.departments
            and (not self.leaders or other.role == LEADER)
            and other.counts(moment)
            and (self.until is None or other.since < self.until)
            and (other.until is None or other.until > self.since)
        )


def ties(offices: Iterable[Office], tree: Tree, moment: datetime) -> list[Tie]:
    """What ties whoever holds or held these offices to accused officers; the reasons say what he is to the accused."""
    found = []
    for office in offices:
        if not office.counts(moment):
            continue
        here, since, until = office.department, office.since, office.until
        found.append(Tie("subordinate", tree.up(here) | {here}, since, until, leaders=True))
        if office.role == LEADER:
            found.append(Tie("superior", tree.down(here) | {here}, since, until))
        if here not in tree.integrity:
            found.append(Tie("same_unit", frozenset({here}), since, until))
    return found


def units(offices: Iterable[Office], tree: Tree, moment: datetime) -> dict[str, frozenset[int]]:
    """Which accused units tie him, by reason: his own, those above it, and those below what he leads or led."""
    own: set[int] = set()
    above: set[int] = set()
    below: set[int] = set()
    for office in offices:
        if office.counts(moment):
            own.add(office.department)
            above |= tree.up(office.department)
            if office.role == LEADER:
                below |= tree.down(office.department)
    return {
        "superior": frozenset(below - own),
        "subordinate": frozenset(above - own),
        "same_unit": frozenset(own),
    }
