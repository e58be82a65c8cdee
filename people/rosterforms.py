"""What a leader types about a roster, read and judged: every field that cannot be taken says what to do instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from board.clock import now, zone
from board.errors import Invalid
from board.i18n import _l
from board.text import normalise
from people import rosters
from people.models import DutyWindow, Override, Person, Rotation, RotationMember
from people.rosterpage import dated_words
from people.rosters import Roster
from people.turns import within

KINDS = ("add", "remove", "replace")
GROUPS = ("A", "B", "C", "D", "E", "F", "G", "H")
LONGEST = timedelta(days=31)
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-([0-2][0-9]|3[01])")

Form = Mapping[str, str]


class Jumped(ValueError):
    """A time of day that does not exist on its day: the clocks leave it out."""


def moment_of(day: date, clock: time, where: ZoneInfo | None = None) -> datetime:
    """A wall-clock time of the city in UTC, the first one where it comes twice; Jumped when there is none."""
    wall = datetime.combine(day, clock)
    found = wall.replace(tzinfo=where or zone()).astimezone(UTC)
    if found.astimezone(where or zone()).replace(tzinfo=None) != wall:
        raise Jumped
    return found


def date_of(text: str) -> date | None:
    """A date such as `2026-11-18`, None for anything else."""
    try:
        return date.fromisoformat(text.strip()) if len(text.strip()) == 10 else None
    except ValueError:
        return None


def time_of(text: str) -> time | None:
    """A time such as `08:30`, None for anything else."""
    try:
        return time.fromisoformat(text.strip()) if len(text.strip()) == 5 else None
    except ValueError:
        return None


@dataclass
class _Reading:
    """One form; `errors` collects what is to be said beside each field."""

    form: Form
    errors: dict[str, Any]

    def text(self, name: str) -> str:
        return normalise(self.form.get(name, "")[:200], lines=False)

    def note(self, name: str, message: Any) -> None:
        self.errors.setdefault(name, message)

    def moment(self, name: str) -> datetime | None:
        day, clock = date_of(self.form.get(f"{name}_day", "")), time_of(self.form.get(f"{name}_time", ""))
        if day is None or not 2020 <= day.year <= 2100:
            self.note(f"{name}_day", _l("Choose a day, such as 2026-11-18."))
            return None
        if clock is None:
            self.note(f"{name}_time", _l("Write a time, such as 08:30."))
            return None
        try:
            return moment_of(day, clock)
        except Jumped:
            self.note(
                f"{name}_time",
                _l(
                    "%(time)s does not exist on that day: the clocks go forward. Choose a time after the change.",
                    time=f"{clock:%H:%M}",
                ),
            )
            return None


def change_from(form: Form, roster: Roster, *, by: Person | None, source: str = "hand") -> Override:
    """The override that was typed, not added yet; Invalid with a message for each field that cannot be taken."""
    read = _Reading(form, {})
    kind = form.get("kind", "")
    if kind not in KINDS:
        read.note("kind", _l("Choose what changes."))
    people = {person.public_id: person for person in rosters.colleagues(roster.department)}
    person = people.get(form.get("person", ""))
    if person is None:
        read.note("person", _l("Choose somebody who serves here now."))
    instead = people.get(form.get("instead", "")) if kind == "replace" else None
    if kind == "replace" and instead is None:
        read.note("instead", _l("Choose who comes instead."))
    elif instead is not None and instead == person:
        read.note("instead", _l("Choose somebody else: nobody replaces himself."))
    start, end = read.moment("from"), read.moment("to")
    if start is not None and end is not None:
        _judge_span(read, start, end)
    reason = read.text("reason")
    if len(reason) > 80:
        read.note("reason", _l("Keep the reason under 80 characters."))
    if not read.errors and person is not None and start is not None and end is not None:
        _judge_effect(read, roster, kind, person, instead, start, end)
    if read.errors:
        raise Invalid(errors=read.errors)
    assert person is not None
    assert start is not None
    assert end is not None
    return Override(
        department_id=roster.department.id,
        kind=kind,
        person_id=person.id,
        instead_id=instead.id if instead is not None else None,
        starts_at=start,
        ends_at=end,
        reason=reason,
        source=source,
        created_by_id=by.id if by is not None else None,
    )


def _judge_span(read: _Reading, start: datetime, end: datetime) -> None:
    if end <= start:
        read.note("to_time", _l("The end must come after the start."))
    elif end <= now():
        read.note("to_day", _l("That time is over; what has been is not changed any more."))
    elif end - start > LONGEST:
        read.note("to_day", _l("That is longer than 31 days. Make it shorter, or change the rotation."))
    elif start > now() + rosters.LONGEST:
        read.note("from_day", _l("That is more than a year ahead."))


def _judge_effect(
    read: _Reading,
    roster: Roster,
    kind: str,
    person: Person,
    instead: Person | None,
    start: datetime,
    end: datetime,
) -> None:
    """A change that changes nothing, or puts somebody on duty twice, is a slip."""
    turns = roster.planned(start, end)

    def held(who: Person) -> list[tuple[datetime, datetime]]:
        mine = [(turn.starts_at, turn.ends_at) for turn in turns if turn.person == who.id]
        return within(mine, [(start, end)])

    if kind == "add":
        _judge_free(read, "person", person, held(person))
        return
    mine = held(person)
    if not mine:
        read.note("person", _l("%(name)s has no turn in that time.", name=person.duty_name))
    elif instead is not None:
        _judge_free(
            read, "instead", instead, [span for piece in mine for span in within(held(instead), [piece])]
        )


def _judge_free(read: _Reading, name: str, who: Person, spans: list[tuple[datetime, datetime]]) -> None:
    if spans:
        read.note(
            name,
            _l(
                "%(name)s has a turn already: %(when)s. Choose another time.",
                name=who.duty_name,
                when=dated_words(*spans[0]),
            ),
        )


def rotation_from(form: Form, roster: Roster, rotation: Rotation) -> None:
    """Fill `rotation` with what was typed; Invalid with a message for each field that cannot be taken."""
    read = _Reading(form, {})
    name = read.text("name")
    if not name or len(name) > 40:
        read.note("name", _l("Give it a name of at most 40 characters."))
    starts_on, ends_on = date_of(form.get("starts_on", "")), None
    if starts_on is None or not 2020 <= starts_on.year <= 2100:
        read.note("starts_on", _l("Choose a day, such as 2026-11-18."))
    if form.get("ends_on", "").strip():
        ends_on = date_of(form["ends_on"])
        if ends_on is None or ends_on.year > 2100:
            read.note("ends_on", _l("Choose a day, such as 2026-11-18."))
        elif starts_on is not None and ends_on < starts_on:
            read.note("ends_on", _l("The last day must not come before the first."))
    starts = time_of(form.get("starts", ""))
    if starts is None:
        read.note("starts", _l("Write a time, such as 08:30."))
    minutes = _minutes(form.get("hours", ""))
    if minutes is None:
        read.note("hours", _l("Write how many hours a turn lasts, 0.5 to 72."))
    days_each = form.get("days_each", "1").strip()
    if not (days_each.isascii() and days_each.isdigit() and 1 <= int(days_each[:4]) <= 31):
        read.note("days_each", _l("Write a number of days, 1 to 31."))
    days, weekdays = _days(read, ("weekdays", "working", "off"))
    season = _season(read)
    members = _members(read, roster)
    if read.errors:
        raise Invalid(errors=read.errors)
    assert starts_on is not None
    assert starts is not None
    assert minutes is not None
    rotation.name, rotation.starts_on, rotation.ends_on = name, starts_on, ends_on
    rotation.starts, rotation.minutes, rotation.days_each = starts, minutes, int(days_each)
    rotation.days, rotation.weekdays = days, weekdays
    rotation.season_from, rotation.season_to = season
    rotation.groups = list(GROUPS[: max(members.values()) + 1])
    kept = {member.person_id: member for member in rotation.members}
    for person_id, member in kept.items():
        if person_id not in members:
            rotation.members.remove(member)
    for person_id, place in members.items():
        if person_id in kept:
            kept[person_id].place = place
        else:
            rotation.members.append(RotationMember(person_id=person_id, place=place))


def _days(read: _Reading, kinds: tuple[str, ...]) -> tuple[str, str]:
    """Which days, and which weekdays; these only where they are meant."""
    days = read.form.get("days", "weekdays")
    if days not in kinds:
        read.note("days", _l("Choose which days."))
    weekdays = "".join(str(number) for number in range(7) if read.form.get(f"weekday_{number}"))
    if days != "weekdays":
        return days, "0123456"
    if not weekdays:
        read.note("weekday_0", _l("Choose at least one weekday."))
    return days, weekdays


def _minutes(text: str) -> int | None:
    try:
        minutes = round(float(text.strip().replace("，", ".").replace(",", ".")) * 60)
    except (ValueError, OverflowError):
        return None
    return minutes if 30 <= minutes <= 72 * 60 else None


def _season(read: _Reading) -> tuple[str | None, str | None]:
    first, last = (read.form.get(name, "").strip() for name in ("season_from", "season_to"))
    if not first and not last:
        return None, None
    for name, text in (("season_from", first), ("season_to", last)):
        if not _is_month_day(text):
            read.note(name, _l("Write month and day, such as 10-15; or leave both empty."))
    return first, last


def _is_month_day(text: str) -> bool:
    if not _MONTH_DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(f"2028-{text}")  # a leap year
    except ValueError:
        return False
    return True


def _members(read: _Reading, roster: Roster) -> dict[int, int]:
    members = {
        person.id: GROUPS.index(read.form[f"group_{person.public_id}"])
        for person in rosters.colleagues(roster.department)
        if read.form.get(f"group_{person.public_id}", "") in GROUPS
    }
    if not members:
        read.note("groups", _l("Put at least one person into group A."))
        return members
    empty = [GROUPS[place] for place in range(max(members.values())) if place not in members.values()]
    if empty:
        read.note(
            "groups",
            _l("Group %(group)s is empty: put somebody in, or use the letters before it.", group=empty[0]),
        )
    return members


def hours_from(form: Form, roster: Roster) -> list[DutyWindow]:
    """What the department promises as it was typed; [] for every hour. Invalid with a message for each field."""
    if form.get("promise") == "always":
        return []
    read = _Reading(form, {})
    if form.get("promise") != "hours":
        read.note("promise", _l("Choose one of the two."))
    days, weekdays = _days(read, ("weekdays", "working"))
    starts, ends = time_of(form.get("opens", "")), time_of(form.get("closes", ""))
    for name, found in (("opens", starts), ("closes", ends)):
        if found is None:
            read.note(name, _l("Write a time, such as 08:30."))
    if starts is not None and starts == ends:
        read.note("closes", _l("The end must come after the start."))
    if read.errors:
        raise Invalid(errors=read.errors)
    assert starts is not None
    assert ends is not None
    minutes = (ends.hour - starts.hour) * 60 + ends.minute - starts.minute
    return [
        DutyWindow(
            department_id=roster.department.id,
            days=days,
            weekdays=weekdays,
            starts=starts,
            minutes=minutes % 1440,
        )
    ]


def until_from(form: Form) -> date:
    """The last day up to which to publish; Invalid for what is none."""
    found = date_of(form.get("until", ""))
    if found is None:
        raise Invalid(_l("Choose a day, such as 2026-11-18."), field="until")
    rosters.check_until(found)
    return found
