"""The duty desk as it is read: queues, their counts and their rows, each by one statement however long they are.

A queue is a condition on cases. Rows are Core rows, ordered by what is due first; what stands in the pane beside
them is read by `boards.pane`. Nothing here tells anything about the person who posted.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Row, and_, case, false, func, literal, or_, select
from sqlalchemy.orm import aliased

from board.clock import now
from board.db import UTCDateTime, db
from board.errors import NotFound
from board.permissions import may
from board.seams import provided
from board.text import normalise
from boards.models import Approval, AssistTask, Case, Handover, Instruction, Section, Thread
from boards.models.deadline import DUTIES, calendar
from boards.models.segments import SOON, SOON_SHARE
from boards.models.status import OPEN, Status
from boards.policy import visible_to
from people.models import Department, Person

PAGE = 30
FAR = datetime(9000, 1, 1, tzinfo=UTC)  # where nothing is due: after everything that is
S = Status

# In the order of the tabs. `routing` takes the place of `pending` at the dispatch desk, which alone has `called`: what
# no department has answered for. `approvals` is a leader's.
QUEUES = (
    "routing",
    "called",
    "pending",
    "mine",
    "working",
    "soon",
    "overdue",
    "waiting",
    "rating",
    "rectify",
    "assist",
    "offers",
    "approvals",
)
# Not every person's tabs, and empty ones of them are left out.
RARE = ("called", "rectify", "assist", "offers")


@dataclass(frozen=True)
class View:
    """What a desk shows: whose desk, which queue, and what its rows are narrowed to."""

    department: str = ""
    queue: str = ""
    place: str = ""
    section: str = ""
    mine: bool = False

    @classmethod
    def read(cls, given: Mapping[str, str]) -> View:
        """From an address or a form; whatever does not belong there is left out."""
        return cls(
            department=given.get("department", "")[:60],
            queue=given["queue"] if given.get("queue") in QUEUES else "",
            place=normalise(given.get("place", "")[:80], lines=False),
            section=given.get("section", "")[:40],
            mine=given.get("mine") == "1",
        )

    def arguments(self, **more: str) -> dict[str, str]:
        """The same as arguments of an address, empty ones left out."""
        own = {
            "department": self.department,
            "queue": self.queue,
            "place": self.place,
            "section": self.section,
            "mine": "1" if self.mine else "",
        }
        return {name: value for name, value in {**own, **more}.items() if value}

    def url(self, path: str = "/desk", **more: str) -> str:
        """An address of the desk that shows this."""
        arguments = self.arguments(**more)
        return f"{path}?{urlencode(arguments)}" if arguments else path


@dataclass(frozen=True)
class Promises:
    """For each section and clock: from which due moment on a case is `soon`, and how long the promise is in full.

    Reckoned from this moment on, so that one comparison tells a row's state without reading its clock.
    """

    soon: dict[tuple[int, str], datetime]
    whole: dict[tuple[int, str], timedelta]
    working: frozenset[tuple[int, str]]

    @classmethod
    def of(cls, sections: Sequence[Section]) -> Promises:
        """The promises of these sections, reckoned from this moment on."""
        soon: dict[tuple[int, str], datetime] = {}
        whole: dict[tuple[int, str], timedelta] = {}
        working: set[tuple[int, str]] = set()
        moment, work = now(), calendar()
        known: dict[str, tuple[datetime, timedelta, bool]] = {}
        for section in sections:
            for kind in DUTIES:
                span = section.span(kind)
                if str(span) not in known:
                    length = work.length(span, moment)
                    part = max(length / SOON_SHARE, SOON)
                    bound = work.add(moment, part) if span.kind == "working" else moment + part
                    known[str(span)] = (bound, length, span.kind == "working")
                bound, length, counts_work = known[str(span)]
                soon[section.id, kind], whole[section.id, kind] = bound, length
                if counts_work:
                    working.add((section.id, kind))
        return cls(soon, whole, frozenset(working))

    def condition(self) -> ColumnElement[bool]:
        """Cases whose nearest duty is near, and not over yet."""
        groups: dict[tuple[str, datetime], list[int]] = {}
        for (section_id, kind), bound in self.soon.items():
            groups.setdefault((kind, bound), []).append(section_id)
        near = [
            and_(Case.next_due_kind == kind, Thread.section_id.in_(ids), Case.next_due_at < bound)
            for (kind, bound), ids in groups.items()
        ]
        return and_(Case.next_due_at > now(), or_(false(), *near))

    def state(self, section_id: int, kind: str | None, due: datetime | None, overdue: bool) -> str:
        """`normal`, `soon`, `over` or `paused`, as `segments.state` would say for an unextended clock."""
        if overdue or (due is not None and due <= now()):
            return "over"
        if due is None or kind is None:
            return "paused"
        return "soon" if due < self.soon[section_id, kind] else "normal"

    def percent_left(self, section_id: int, kind: str | None, due: datetime | None) -> int | None:
        """How much of the promise is left, 0 to 100; None where no clock runs."""
        if due is None or kind is None:
            return None
        whole = self.whole[section_id, kind]
        counted = (section_id, kind) in self.working
        left = calendar().elapsed(now(), due) if counted else due - now()
        return max(0, min(100, round(100 * left / whole)))


@cache
def _handlers() -> Any:
    return aliased(Person)  # once: an alias costs more to make than a row to read


@dataclass(frozen=True)
class Rows:
    """One page of a queue and the cursor of the next one."""

    rows: Sequence[Row[Any]]
    after: str = ""


class Desk:
    """One person's desk for one department. Opened by `Desk.open`, which asks whether he may."""

    def __init__(
        self, person: Person, department: Department, view: View, *, on_duty: bool | None = None
    ) -> None:
        self.person, self.department = person, department
        self.sections = Section.all()
        self.departments = {each.id: each for each in Department.all()}
        self.leads = person.leads(department)
        self.serves = person.serves(department)
        self.on_duty = self.serves and (person.on_duty_for(department) if on_duty is None else on_duty)
        self.below = [each.id for each in department.descendants()] if self.leads else []
        queue = view.queue if view.queue in self.queues() else self.queues()[0]
        self.view = replace(view, department=department.key, queue=queue)

    @classmethod
    def open(cls, person: Person | None, view: View) -> Desk:
        """The desk that `view` names, or else the one of the person's duty; NotFound for whoever has none there."""
        if person is None or not may(person, "desk.open", None):
            raise NotFound
        on_duty: bool | None = None
        if view.department:
            department = Department.by_key(view.department)
        else:
            duties = person.duties
            department, on_duty = (duties[0], True) if duties else (person.departments[0], False)
        if not may(person, "desk.open", department):
            raise NotFound
        return cls(person, department, view, on_duty=on_duty)

    @cached_property
    def promises(self) -> Promises:
        """What the sections promise, from now on."""
        return Promises.of(self.sections)

    @property
    def stream(self) -> str:
        """The live stream of the department."""
        return f"department:{self.department.key}"

    @property
    def presence(self) -> str:
        """The live stream that says when somebody at this desk opens or leaves a case."""
        return f"presence:{self.department.key}"

    def choices(self) -> list[Department]:
        """The departments whose desk this person may open, in the city's order."""
        mine = {each.id for each in self.person.departments}
        for each in self.departments.values():
            if not each.is_apart and any(
                above.id in mine and self.person.has_role("leader", above) for above in each.ancestors()
            ):
                mine.add(each.id)
        return [each for each in self.departments.values() if each.id in mine]

    def queues(self) -> list[str]:
        """The queues of this desk."""
        left_out = {"pending"} if self.department.is_desk else {"routing", "called"}
        if not self.leads:
            left_out.add("approvals")
        return [name for name in QUEUES if name not in left_out]

    def _readable(self) -> ColumnElement[bool]:
        # The same rule as everywhere. Wrapped, so that a database takes the few cases of a queue first and asks the
        # rule of each: without it SQLite begins with every public thread of the city.
        return case((visible_to(self.person), 1), else_=0) == 1

    # --- conditions ------------------------------------------------------------------------------------

    def _here(self) -> ColumnElement[bool]:
        return Case.department_id == self.department.id

    def _condition(self, queue: str) -> ColumnElement[bool]:
        here, moment = self._here(), now()
        if queue == "routing":
            undecided = and_(Case.at_desk, Case.status.in_(OPEN))
            return or_(undecided, and_(here, Case.status == S.PENDING))
        if queue == "called":
            called = provided("calls_at_desk")
            if called is None:
                return false()
            return and_(Case.id.in_(called), Case.status.in_(OPEN), Case.department_id != self.department.id)
        if queue == "mine":
            return and_(Case.handler_id == self.person.id, Case.status.in_([S.ACCEPTED, S.IN_PROGRESS]), here)
        if queue == "soon":
            return and_(here, Case.status.in_((*OPEN, S.RESOLVED)), self.promises.condition())
        if queue == "overdue":
            late = or_(Case.overdue, Case.next_due_at <= moment)
            return and_(here, Case.status.in_((*OPEN, S.RESOLVED)), late)
        if queue == "assist":
            asked = select(AssistTask.case_id).where(
                AssistTask.department_id == self.department.id, AssistTask.state == "open"
            )
            return Case.id.in_(asked)  # a case that closes drops its open tasks, and so its offers
        if queue == "offers":
            offered = select(Handover.case_id).where(
                Handover.to_id == self.department.id, Handover.state == "offered"
            )
            return Case.id.in_(offered)
        if queue == "approvals":
            asked = select(Approval.case_id).where(Approval.decided_at.is_(None))
            return and_(Case.id.in_(asked), Case.department_id.in_([self.department.id, *self.below]))
        return {
            "pending": and_(here, Case.status == S.PENDING),
            "working": and_(here, Case.status.in_([S.ACCEPTED, S.IN_PROGRESS, S.SUSPENDED])),
            "waiting": and_(here, Case.status == S.WAITING_POSTER),
            "rating": and_(here, Case.status == S.RESOLVED, Case.rated_solved.is_(None)),
            "rectify": and_(here, Case.status == S.RESOLVED, Case.rated_solved.is_not(None)),
        }[queue]

    def _narrowed(self) -> list[ColumnElement[bool]]:
        view, found = self.view, []
        if view.place:
            like = f"%{view.place.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
            found.append(or_(Thread.place.ilike(like, escape="!"), Thread.title.ilike(like, escape="!")))
        if view.section:
            found.append(Thread.section_id.in_(select(Section.id).where(Section.key == view.section)))
        if view.mine:
            found.append(Case.handler_id == self.person.id)
        return found

    # --- reading ---------------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """How many cases stand in each queue: one statement over this department's open cases, and small ones."""
        columns, others = [], []
        elsewhere = ("assist", "offers", "approvals", "routing", "called")
        for name in self.queues():
            if name in elsewhere:
                others.append(self._count_of(self._condition(name)).label(name))
            else:
                columns.append(func.sum(case((self._condition(name), 1), else_=0)).label(name))
        own = (
            select(*columns)
            .select_from(Case)
            .join(Thread, Case.thread_id == Thread.id)
            .where(self._here(), Case.status.in_((*OPEN, S.RESOLVED)), self._readable())
        )
        found = {name: int(value or 0) for name, value in db.session.execute(own).one()._mapping.items()}
        if others:
            found |= {
                name: int(value) for name, value in db.session.execute(select(*others)).one()._mapping.items()
            }
        return {name: found[name] for name in self.queues()}

    def _count_of(self, condition: ColumnElement[bool]) -> Any:
        query = select(func.count(Case.id)).join(Thread, Case.thread_id == Thread.id)
        return query.where(condition, self._readable()).scalar_subquery()

    def rows(self, after: str = "", size: int = PAGE) -> Rows:
        """One page of the open queue: pinned by an instruction first, then by what is due; keyset by `after`."""
        handler, first, due = (
            _handlers(),
            self._first(),
            func.coalesce(Case.next_due_at, literal(FAR, UTCDateTime())),
        )
        query = self._columns(handler, first).where(self._condition(self.view.queue), self._readable())
        query = query.where(*self._narrowed())
        place = read_cursor(after)
        if place is not None:
            rank, moment, number = place
            query = query.where(
                or_(
                    first > rank,
                    and_(first == rank, or_(due > moment, and_(due == moment, Case.number > number))),
                )
            )
        found = db.session.execute(query.order_by(first, due, Case.number).limit(size + 1)).all()
        if len(found) <= size:
            return Rows(found)
        last = found[size - 1]
        return Rows(found[:size], cursor(last.first, last.next_due_at or FAR, last.number))

    def row(self, number: str) -> Row[Any] | None:
        """One case of this desk's queue, None when it does not stand in it."""
        handler = _handlers()
        query = self._columns(handler, self._first()).where(
            Case.number == number, self._condition(self.view.queue), self._readable()
        )
        return db.session.execute(query).one_or_none()

    def calling(self, numbers: Sequence[str] = (), most: int = PAGE) -> list[tuple[Case, str]]:
        """Which of these cases call for somebody here, what is due first first: each with the queue it stands in, or
        `told` for one whose call reached this officer himself. Without numbers: all that nobody here has seen."""
        unseen = and_(self._here(), Case.status == S.PENDING, or_(Case.acknowledged_at.is_(None), lapsed()))
        whys = [(unseen, "routing" if self.department.is_desk else "pending")]
        if numbers:
            whys.append((self._condition("offers"), "offers"))
        if self.department.is_desk:
            whys.append((self._condition("called"), "called"))
        told = provided("cases_calling", self.person) if numbers else None
        if told is not None:
            whys.append((told, "told"))
        query = (
            select(Case, case(*whys, else_=""))
            .join(Thread, Case.thread_id == Thread.id)
            .where(or_(*(condition for condition, _why in whys)), self._readable())
            .order_by(func.coalesce(Case.next_due_at, literal(FAR, UTCDateTime())), Case.number)
            .limit(most)
        )
        if numbers:
            query = query.where(Case.number.in_(numbers))
        return [(each, why) for each, why in db.session.execute(query)]

    def urgent_calls(self) -> int:
        """How many calls of present danger nobody has acknowledged, whatever queue is shown."""
        return int(provided("urgent_calls", self.department, self.person, default=0))

    def next_due(self) -> datetime | None:
        """When the next duty of the department falls due: what a cleared queue says."""
        return db.session.scalar(
            select(func.min(Case.next_due_at))
            .join(Thread, Case.thread_id == Thread.id)
            .where(self._here(), Case.status.in_((*OPEN, S.RESOLVED)), self._readable())
        )

    def _first(self) -> Any:
        # What stands before the order of due times: present danger, then instructions that wait for this person.
        told = select(Instruction.case_id).where(
            Instruction.done_at.is_(None),
            Instruction.department_id == self.department.id,
            or_(Instruction.owner_id.is_(None), Instruction.owner_id == self.person.id),
        )
        danger = and_(Thread.restricted_why == "danger", Case.status == S.PENDING)
        return case((danger, 0), (Case.id.in_(told), 1), else_=2)

    def _columns(self, handler: Any, first: Any) -> Any:
        return (
            select(
                Case.id,
                Case.number,
                Case.status,
                Case.round,
                Case.department_id,
                Case.acknowledged_at,
                and_(Case.status == S.PENDING, Case.acknowledged_at.is_not(None), lapsed()).label("lapsed"),
                Case.at_desk,
                Case.overdue,
                Case.supervised,
                Case.next_due_at,
                Case.next_due_kind,
                Case.resolved_at,
                Case.rated_solved,
                Case.handler_id,
                handler.name.label("handler_name"),
                handler.name_en.label("handler_name_en"),
                handler.badge.label("handler_badge"),
                Thread.public_id,
                Thread.section_id,
                Thread.title,
                Thread.place,
                Thread.posted_at,
                Thread.visibility,
                Thread.restricted_why,
                first.label("first"),
            )
            .join(Thread, Case.thread_id == Thread.id)
            .outerjoin(handler, Case.handler_id == handler.id)
        )


def lapsed() -> ColumnElement[bool]:
    """The condition on cases that were acknowledged without anything following, so that they call again."""
    condition: ColumnElement[bool] | None = provided("lapsed_cases")
    return false() if condition is None else condition


def cursor(rank: int, due: datetime, number: str) -> str:
    """The opaque place of a row in a queue."""
    raw = f"{rank} {int(due.timestamp() * 1_000_000)} {number}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_cursor(raw: str | None) -> tuple[int, datetime, str] | None:
    """The place that a cursor tells; None for none and for what is not one."""
    if not raw or len(raw) > 120:
        return None
    try:
        rank, stamp, number = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode().split(" ")
        seconds, rest = divmod(int(stamp), 1_000_000)
        return int(rank), datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest), number[:24]
    except (ValueError, OverflowError, OSError):
        return None
