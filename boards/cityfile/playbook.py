"""The sample threads as one story: every post and step with its moment, in the order they happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from boards.cityfile.entries import CityFile, Step, ThreadEntry


@dataclass(frozen=True)
class Act:
    """One post (`step` None) or one step of a thread, at an aware moment in UTC.

    `by` is who does it: a person's key, a badge number, a nickname or ON_DUTY, empty for what the board does by itself.
    `until` is the step's date where it has one.
    """

    at: datetime
    by: str
    thread: ThreadEntry
    step: Step | None = None
    until: datetime | None = None


def playbook(city: CityFile, loaded_at: datetime) -> list[Act]:
    """Every act of a checked city, oldest first, for a loading at the aware moment `loaded_at`; none is later."""
    zone = ZoneInfo(city.city.zone)
    acts: list[Act] = []
    for thread in city.thread:
        posted_at = thread.at.after(loaded_at, zone)
        acts.append(Act(posted_at, thread.by, thread))
        for step in thread.steps:
            by = step.by or ("" if step.verb == "silence" else thread.by)
            until = None if step.until is None else step.until.after(posted_at, zone)
            acts.append(Act(step.at.after(posted_at, zone), by, thread, step, until))
    # sorted() keeps the file's order where two acts share a minute.
    return sorted(acts, key=lambda act: act.at)
