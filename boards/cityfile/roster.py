"""The shifts a city file promises: its rotations rolled out around the moment of loading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from boards.cityfile.entries import CityFile, Rotation


@dataclass(frozen=True)
class RosterShift:
    """One turn of one department: who holds it, and from when until just before when (UTC)."""

    department: str
    people: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime


def roster(city: CityFile, loaded_at: datetime) -> list[RosterShift]:
    """All shifts from `duty.back_days` before the aware moment `loaded_at` to `duty.days` after it.

    In every department the first group holds the turn that runs at `loaded_at`, so rolling out again at another
    moment gives other shifts: publish them once.
    """
    zone = ZoneInfo(city.city.zone)
    first = loaded_at - timedelta(days=city.duty.back_days)
    last = loaded_at + timedelta(days=city.duty.days)
    rotations = {each.key: list(_turns(each, first, last, zone)) for each in city.duty.rotation}
    shifts: list[RosterShift] = []
    for department in city.department:
        turns = rotations[department.rotation]
        groups = department.duty_groups()
        running = next(index for index, (start, end) in enumerate(turns) if start <= loaded_at < end)
        shifts += [
            RosterShift(department.key, groups[(index - running) % len(groups)], start, end)
            for index, (start, end) in enumerate(turns)
        ]
    return shifts


def _turns(
    rotation: Rotation, first: datetime, last: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """Start and end of each turn that touches the time from `first` to `last`, on the wall clock of `zone`."""
    ordered = sorted(rotation.turns, key=lambda turn: turn.start)
    day = first.astimezone(zone).date() - timedelta(days=1)
    while day <= last.astimezone(zone).date():
        for turn in ordered:
            start = datetime.combine(day, turn.start)
            end = start + timedelta(hours=turn.hours)
            turn_start, turn_end = (each.replace(tzinfo=zone).astimezone(UTC) for each in (start, end))
            if turn_end > first and turn_start <= last:
                yield turn_start, turn_end
        day += timedelta(days=1)
