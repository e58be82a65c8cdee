"""A department's roster: what its rotations and overrides come to, what is published of it, and where nobody is.

Only published shifts put anybody on duty. Publishing brings the shifts from now on into line with the plan; what has
begun keeps its beginning, what is over is never touched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from sqlalchemy import or_, select

from board import audit
from board.clock import midnight, now, today, zone
from board.db import db, is_sqlite
from board.errors import BoardError, Invalid, WrongState
from board.i18n import _l
from board.live import append
from board.permissions import require
from board.workdays import calendar_for
from people import contacts
from people.models import Appointment, Department, DutyWindow, Override, Person, Publication, Rotation, Shift
from people.models.appointment import SERVING
from people.turns import Planned, Span, Worked, merged, plan, promised, within, without

AHEAD = timedelta(days=30)  # in these nobody may be missing, and nobody may be out of reach
LONGEST = timedelta(days=400)
FAR = datetime(9000, 1, 1, tzinfo=UTC)


class Refused(BoardError):
    """A roster that may not be published as it stands; `draft` says why."""

    status = 422
    default = _l("The roster is not published: somebody is missing, or cannot be reached.")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        super().__init__()


@dataclass(frozen=True)
class Draft:
    """What publishing from `starts_at` on would do: which turns come, which go, and what speaks against it.

    `gone` are persons who are planned but do not serve here then, each with the first turn that is left out.
    """

    starts_at: datetime
    ends_at: datetime
    added: tuple[Planned, ...]
    dropped: tuple[Planned, ...]
    kept: tuple[Planned, ...]
    holes: tuple[Span, ...]
    unreachable: tuple[Person, ...]
    gone: tuple[Planned, ...]

    @property
    def refused(self) -> bool:
        """Whether it may not be published."""
        return bool(self.holes or self.unreachable)

    @property
    def changes(self) -> bool:
        """Whether publishing would change anything."""
        return bool(self.added or self.dropped)

    @property
    def mark(self) -> str:
        """The same for the same changes, whichever minute it is: what a leader saw before he pressed."""
        said = [
            (kind, turn.person, max(turn.starts_at, self.starts_at) > self.starts_at and turn.starts_at.isoformat(),
             turn.ends_at.isoformat())
            for kind, turns in (("+", self.added), ("-", self.dropped))
            for turn in turns
        ]  # fmt: skip
        return hashlib.sha256(repr((said, self.ends_at.isoformat())).encode()).hexdigest()[:16]

    @property
    def turns(self) -> list[Planned]:
        """Who is on duty when, once it is published."""
        return sorted((*self.kept, *self.added))


@dataclass
class Roster:
    """One department's plan as it stands now, by the calendar `worked`. Read it anew in the transaction that changes
    anything."""

    department: Department
    worked: Worked
    rotations: Sequence[Rotation] = ()
    overrides: Sequence[Override] = ()
    windows: Sequence[DutyWindow] = ()
    served: dict[int, list[Span]] = field(default_factory=dict)

    @classmethod
    def of(cls, department: Department, *, since: datetime | None = None) -> Roster:
        """The plan of `department`, with the overrides that end after `since` (default now)."""
        rotations = db.session.scalars(
            select(Rotation).where(Rotation.department_id == department.id).order_by(Rotation.id)
        ).all()
        overrides = db.session.scalars(
            select(Override)
            .where(Override.department_id == department.id, Override.ends_at > (since or now()))
            .order_by(Override.id)
        ).all()
        windows = db.session.scalars(
            select(DutyWindow).where(DutyWindow.department_id == department.id).order_by(DutyWindow.id)
        ).all()
        return cls(department, calendar_for().is_workday, rotations, overrides, windows, _served(department))

    # --- reading ------------------------------------------------------------------------------------

    def planned(self, first: datetime, last: datetime) -> list[Planned]:
        """The turns that touch [first, last), whole; only while each person serves here."""
        return self._serving(self._plan(first, last))

    def gone(self, first: datetime, last: datetime) -> list[Planned]:
        """Of each person who is planned in [first, last) without serving here, the first turn that is left out."""
        found: dict[int, Planned] = {}
        for turn in self._plan(first, last):
            left = without([(turn.starts_at, turn.ends_at)], self.served.get(turn.person, []))
            if left and turn.person not in found:
                found[turn.person] = Planned(*left[0], turn.person)
        return list(found.values())

    def published(self, first: datetime, last: datetime) -> list[Planned]:
        """The shifts that touch [first, last), as they were published; only while each person serves here."""
        rows = db.session.execute(
            select(Shift.starts_at, Shift.ends_at, Shift.person_id).where(
                Shift.department_id == self.department.id, Shift.starts_at < last, Shift.ends_at > first
            )
        )
        return self._serving([Planned(start, end, person) for start, end, person in rows])

    def holes(self, turns: Iterable[Planned], first: datetime, last: datetime) -> list[Span]:
        """The promised time of [first, last) in which nobody of `turns` is on duty."""
        windows = [each.window() for each in self.windows] or None
        owed = promised(windows, first, last, zone(), self.worked)
        return merged(without(owed, [(each.starts_at, each.ends_at) for each in turns]))

    def draft(self, until: date) -> Draft:
        """What publishing up to `until` (its last day) would do now."""
        cut = next_minute()
        ends = max(midnight(until + timedelta(days=1)), cut)
        there = self._rows(cut, ends)
        wanted = self._wanted(cut, ends)
        old = {Planned(max(row.starts_at, cut), row.ends_at, row.person_id) for row in there}
        new = set(wanted)
        people = {turn.person for turn in wanted if turn.starts_at < cut + AHEAD}
        return Draft(
            starts_at=cut,
            ends_at=ends,
            added=tuple(sorted(new - old)),
            dropped=tuple(sorted(old - new)),
            kept=tuple(sorted(new & old)),
            holes=tuple(self.holes(wanted, cut, min(cut + AHEAD, ends))),
            unreachable=tuple(contacts.unreachable(_persons(people))),
            gone=tuple(self.gone(cut, ends)),
        )

    def _plan(self, first: datetime, last: datetime) -> list[Planned]:
        return plan(
            [each.rota() for each in self.rotations],
            [each.change() for each in self.overrides],
            first,
            last,
            zone(),
            self.worked,
        )

    def _serving(self, turns: Iterable[Planned]) -> list[Planned]:
        return [
            Planned(*piece, turn.person)
            for turn in turns
            for piece in within([(turn.starts_at, turn.ends_at)], self.served.get(turn.person, []))
        ]

    def _wanted(self, cut: datetime, ends: datetime) -> list[Planned]:
        # A turn belongs to the period in which it begins. What was published for later stays as it is.
        rows = db.session.execute(
            select(Shift.person_id, Shift.starts_at)
            .where(Shift.department_id == self.department.id, Shift.starts_at >= ends)
            .order_by(Shift.starts_at.desc())
        )
        later = {person: start for person, start in rows}  # the earliest stands last
        found = [
            Planned(max(turn.starts_at, cut), min(turn.ends_at, later.get(turn.person, FAR)), turn.person)
            for turn in self.planned(cut, ends)
            if turn.starts_at < ends and turn.ends_at > cut
        ]
        return sorted(found)

    def _rows(self, cut: datetime, ends: datetime) -> list[Shift]:
        return list(
            db.session.scalars(
                select(Shift)
                .where(Shift.department_id == self.department.id, Shift.ends_at > cut, Shift.starts_at < ends)
                .order_by(Shift.starts_at, Shift.id)
            )
        )

    # --- publishing -----------------------------------------------------------------------------------

    def publish(self, *, by: Person | None, until: date, seen: str = "") -> Publication | None:
        """Make the plan the roster, up to the day `until`; None when it is that already.

        Refused with the list when somebody is missing in the next 30 days or cannot be reached, also where nothing
        would change; WrongState when the changes are no longer those that were `seen`. Whose turns change hears of it
        once. Wants `for_change`.
        """
        if by is not None:
            require(by, "roster.edit", self.department)
        check_until(until)
        draft = self.draft(until)
        if draft.refused:
            raise Refused(draft)
        if not draft.changes:
            return None
        if seen and seen != draft.mark:
            raise WrongState(
                _l("The plan has changed since you looked. Please look at the changes again, then publish.")
            )
        self._write(draft)
        done = Publication(
            department_id=self.department.id,
            published_by=by,
            starts_at=draft.starts_at,
            ends_at=draft.ends_at,
            added=len(draft.added),
            dropped=len(draft.dropped),
        )
        db.session.add(done)
        db.session.flush()
        audit.note(
            "roster.published",
            by=by.public_id if by is not None else None,
            thing=f"department:{self.department.key}",
            until=until.isoformat(),
            added=done.added,
            dropped=done.dropped,
        )
        append(f"department:{self.department.key}", kind="roster", publication=done.public_id)
        for person in _persons({turn.person for turn in (*draft.added, *draft.dropped)}):
            append(person.stream, kind="roster", publication=done.public_id)
        return done

    def _write(self, draft: Draft) -> None:
        cut = draft.starts_at
        wanted = {(turn.person, turn.starts_at): turn for turn in (*draft.kept, *draft.added)}
        for row in self._rows(cut, draft.ends_at):
            turn = wanted.pop((row.person_id, max(row.starts_at, cut)), None)
            if turn is not None:
                row.ends_at = turn.ends_at
            elif row.starts_at < cut:
                row.ends_at = cut  # what has been is not rewritten
            else:
                db.session.delete(row)
        db.session.flush()
        for turn in wanted.values():
            db.session.add(
                Shift(
                    department_id=self.department.id,
                    person_id=turn.person,
                    starts_at=turn.starts_at,
                    ends_at=turn.ends_at,
                )
            )


def hold(key: str) -> Department:
    """The department called `key`, held until the transaction ends: nobody else changes its duty meanwhile."""
    department = Department.by_key(key)
    if not is_sqlite():
        db.session.execute(select(Department.id).where(Department.id == department.id).with_for_update())
        db.session.expire_all()
    return department


def for_change(key: str) -> Roster:
    """The roster of the department called `key`, held until the transaction ends."""
    return Roster.of(hold(key))


def holes(department: Department, first: datetime, last: datetime) -> list[Span]:
    """The promised time of [first, last) for which nobody is published as on duty."""
    roster = Roster.of(department)
    return roster.holes(roster.published(first, last), first, last)


def next_minute() -> datetime:
    """The next full minute: from it on a roster can still be changed."""
    moment = now()
    full = moment.replace(second=0, microsecond=0)
    return full if full == moment else full + timedelta(minutes=1)


def first_until() -> date:
    """The first day up to which a roster may be published: the next 30 days are always in it."""
    return today() + AHEAD


def check_until(until: date) -> None:
    """Raise Invalid unless a roster may be published up to `until`."""
    if not first_until() <= until <= today() + LONGEST:
        raise Invalid(
            _l(
                "Choose a last day from %(first)s to %(last)s.",
                first=first_until().isoformat(),
                last=(today() + LONGEST).isoformat(),
            ),
            field="until",
        )


def colleagues(department: Department, at: datetime | None = None) -> list[Person]:
    """Who may be put on the roster: everybody who serves here, in the order of their badges."""
    moment = at or now()
    query = (
        select(Person)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(
            Person.active,
            Appointment.department_id == department.id,
            Appointment.role.in_(SERVING),
            or_(Appointment.ends_at.is_(None), Appointment.ends_at > moment),
        )
        .distinct()
    )
    return sorted(db.session.scalars(query), key=lambda each: (each.badge or "", each.id))


def _served(department: Department) -> dict[int, list[Span]]:
    rows = db.session.execute(
        select(Appointment.person_id, Appointment.starts_at, Appointment.ends_at)
        .join(Person, Person.id == Appointment.person_id)
        .where(Person.active, Appointment.department_id == department.id, Appointment.role.in_(SERVING))
        .order_by(Appointment.person_id)
    ).all()
    return {
        person: merged((start, end or FAR) for _person, start, end in spans)
        for person, spans in groupby(rows, key=lambda row: row[0])
    }


def _persons(ids: Iterable[int]) -> list[Person]:
    found = db.session.scalars(select(Person).where(Person.id.in_(list(ids))))
    return sorted(found, key=lambda each: (each.badge or "", each.id))
