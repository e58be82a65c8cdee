"""Who can read a post, who can learn that it is yours, and who has: in plain words, before posting and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from board.audit import AuditEntry
from board.db import db
from board.i18n import _
from board.jinja import when
from boards.models import Case, IdentityOpening, Section, Thread
from boards.models.identity import levels_for, may_change
from people.models import Department, Person


@dataclass(frozen=True)
class Reach:
    """One choice: who reads the words, and who can learn who wrote them; a sentence each."""

    level: str
    title: str
    reads: tuple[str, ...]
    knows: tuple[str, ...]


def title_of(level: str, nickname: str = "") -> str:
    """A level as one chooses it."""
    shown = _("Show my nickname “%(nickname)s”", nickname=nickname) if nickname else _("Show my nickname")
    return {
        "hidden": _("Do not show my name"),
        "open": shown,
        "sealed": _("Only inspectors know who I am"),
        "receipt": _("Nobody knows who I am"),
    }[level]


def readers(unit: Department | None, level: str, *, public: bool) -> tuple[str, ...]:
    """Who reads the words of a post that `unit` handles."""
    if public and level == "sealed":
        return (
            _("Everybody can read it, without signing in. Numbers of persons are covered."),
            _(
                "Only an inspector can open what the board covered in your words; it is noted, and you are told."
            ),
        )
    if public:
        return (
            _("Everybody can read it, without signing in. Numbers of persons are covered."),
            _(
                "The department that handles it can open what the board covered; it is noted, and you are told."
            ),
        )
    if unit is not None and unit.is_apart:
        return (
            _(
                "Only you, the inspectorate and discipline inspection can read it. The unit and the officer it is about cannot see it and are not told."
            ),
            _("No other member, no visitor, no moderator and no administrator."),
        )
    office = unit.title if unit is not None else _("the department in charge")
    return (
        _("Only %(unit)s, the leaders above it, and whoever it asks for help.", unit=office),
        _("No other member, no visitor, no moderator and no administrator."),
    )


def knowers(level: str, unit: Department | None) -> tuple[str, ...]:
    """Who can learn who wrote it, at this level."""
    office = unit.title if unit is not None else _("the department in charge")
    told = _("For that they must write down why, and you are told who it was, when and why.")
    return {
        "open": (
            _("Everybody who reads it sees your nickname. Nobody sees your telephone."),
            _("%(unit)s can look up your telephone while it works on it.", unit=office),
            told,
        ),
        "hidden": (
            _("Readers see “Resident (poster)”."),
            _("%(unit)s can look up your nickname and telephone while it works on it.", unit=office),
            told,
        ),
        "sealed": (
            _("Readers see “Resident (poster)”, the department that handles it too: it cannot look you up."),
            _("Only an inspector can look up your nickname and telephone."),
            told,
        ),
        "receipt": (
            _("Nobody, not even the board: no account and no telephone stands behind it."),
            _("You are shown 16 digits, once. With them you read the answers and write back."),
            _("We cannot call you, remind you or replace lost digits."),
        ),
    }[level]


def reach(
    section: Section, level: str, *, nickname: str = "", public: bool | None = None, unit: Any = None
) -> Reach:
    """Who will be able to read and to know, for one level in one section. `public`: where it differs from the section."""
    office = unit or section.department
    shown = section.is_public if public is None else public
    return Reach(
        level,
        title_of(level, nickname),
        readers(office, level, public=shown),
        knowers(level, section.department),
    )


def choices(section: Section, nickname: str = "") -> list[Reach]:
    """Every level that the section offers."""
    return [reach(section, level, nickname=nickname) for level in section.identities]


# --- afterwards --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What the poster reads on his own page: how he stands, who looked him up, and who in office read it."""

    reach: Reach
    changeable: bool
    opened: list[dict[str, str]] = field(default_factory=list)
    read: list[dict[str, Any]] = field(default_factory=list)
    lists_readers: bool = False


def known(thread: Thread, person: Person) -> Known:
    """All of it, for the poster of this thread; three statements at most."""
    case = thread.case
    unit = case.department if case is not None else thread.section.department
    levels = Reach(
        thread.identity,
        title_of(thread.identity, person.shown_nickname),
        readers(thread.restricted_to or unit, thread.identity, public=thread.is_public),
        knowers(thread.identity, unit),
    )
    return Known(
        levels,
        may_change(thread, person),
        [_opened(each) for each in IdentityOpening.of(case)] if case is not None else [],
        _read(case) if case is not None and thread.is_restricted else [],
        thread.is_restricted,
    )


def _opened(row: IdentityOpening) -> dict[str, str]:
    # An officer acting in office is named as the public reads him: by surname and number, or by the number only.
    return {
        "who": row.by.display_name,
        "unit": row.department.title if row.department is not None else "",
        "role": role_word(row.role),
        "when": when(row.at),
        "reason": row.reason,
    }


def _read(case: Case) -> list[dict[str, Any]]:
    """Departments and roles that had the case before them, the first time first; how many persons, never who."""
    rows = db.session.execute(
        select(AuditEntry.actor, func.min(AuditEntry.at), func.max(AuditEntry.at))
        .where(AuditEntry.thing == f"case:{case.number}", AuditEntry.act == "case.read")
        .group_by(AuditEntry.actor)
    ).all()
    people = {
        each.public_id: each
        for each in db.session.scalars(
            select(Person)
            .where(Person.public_id.in_([actor for actor, _first, _last in rows if actor]))
            .options(selectinload(Person.appointments))
        )
    }
    seen = ((people[actor], first, last) for actor, first, last in rows if actor in people)
    return [
        {
            "unit": unit,
            "role": role_word(role),
            "number": len(times),
            "when": when(max(last for _first, last in times)),
        }
        for (unit, role), times in sorted(
            _by_office(seen).items(), key=lambda pair: min(first for first, _last in pair[1])
        )
    ]


def _by_office(
    seen: Iterable[tuple[Person, datetime, datetime]],
) -> dict[tuple[str, str], list[tuple[datetime, datetime]]]:
    found: dict[tuple[str, str], list[tuple[datetime, datetime]]] = {}
    for person, first, last in seen:
        held = person.current_appointments(last)
        office = held[0].department if held else None
        key = (office.title if office is not None else "", held[0].role if held else "officer")
        found.setdefault(key, []).append((first, last))
    return found


def role_word(role: str) -> str:
    """As what somebody acted, in the reader's language."""
    return {
        "officer": _("duty officer"),
        "leader": _("leader"),
        "inspector": _("inspector"),
        "dispatcher": _("dispatcher"),
        "moderator": _("moderator"),
        "administrator": _("administrator"),
        "expert": _("expert"),
    }.get(role, role)


__all__ = ["Known", "Reach", "choices", "known", "levels_for", "reach", "title_of"]
