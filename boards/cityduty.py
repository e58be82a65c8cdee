"""The duty of a loaded city: the rotations behind its shifts, and the changes of shift that are past."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from math import gcd

from sqlalchemy import select

from board.clock import local
from board.db import db
from boards.cityfile.entries import CityFile, DepartmentEntry
from boards.cityfile.roster import RosterShift
from people.models import HandoverNote, Rotation, RotationMember
from people.rosterforms import GROUPS

AGO = 12  # rounds of the groups before the day of loading: what runs at that moment is in the rotation, too
PRESSED = timedelta(minutes=3)  # after the change, by the relief of a sample shift


def add_rotations(
    city: CityFile,
    shifts: Iterable[RosterShift],
    moment: datetime,
    departments: dict[str, int],
    people: dict[str, int],
) -> None:
    """Give each department without a rotation those of the file, so that they go on as its shifts do.

    Inside the open transaction. Each turn of the day becomes a rotation of its own. Groups that share somebody
    cannot be told apart by the page that shows them, and get none.
    """
    kept = set(db.session.scalars(select(Rotation.department_id).distinct()))
    held: dict[tuple[str, date, time], tuple[str, ...]] = {}
    for shift in shifts:
        start = local(shift.starts_at)
        held[shift.department, start.date(), start.time()] = shift.people
    kinds = {each.key: each for each in city.duty.rotation}
    today = local(moment).date()
    for entry in city.department:
        if departments[entry.key] in kept:
            continue
        turns = sorted(kinds[entry.rotation].turns, key=lambda turn: turn.start)
        round_ = _round(entry, len(turns))
        for number, turn in enumerate(turns):
            groups = [held.get((entry.key, today + timedelta(days=day), turn.start)) for day in range(round_)]
            names = [who for group in groups for who in group or ()]
            if None in groups or len(names) != len(set(names)) or round_ > len(GROUPS):
                continue
            rotation = Rotation(
                department_id=departments[entry.key],
                name="值班" if len(turns) == 1 else ("白班", "夜班", "第三班", "第四班")[min(number, 3)],
                starts_on=today - timedelta(days=AGO * round_),
                starts=turn.start,
                minutes=turn.hours * 60,
                groups=list(GROUPS[:round_]),
            )
            rotation.members = [
                RotationMember(place=place, person_id=people[who])
                for place, group in enumerate(groups)
                for who in group or ()
            ]
            db.session.add(rotation)


def _round(entry: DepartmentEntry, turns: int) -> int:
    """After how many days the same group holds the same turn of the day again."""
    groups = len(entry.duty_groups())
    return groups // gcd(groups, turns)


def hand_over(
    shifts: Iterable[RosterShift], moment: datetime, departments: dict[str, int], people: dict[str, int]
) -> None:
    """Note for each change of the sample shifts before `moment` that the relief took over. Inside the open transaction."""
    relief: dict[tuple[str, datetime], str] = {}
    for shift in shifts:
        if shift.starts_at <= moment and shift.people:
            relief[shift.department, shift.starts_at] = shift.people[0]
    for (key, at), who in relief.items():
        db.session.add(
            HandoverNote(
                department_id=departments[key],
                changes_at=at,
                taken_over_at=at + PRESSED,
                taken_over_by_id=people[who],
            )
        )
