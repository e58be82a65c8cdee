"""What everybody reads of complaints: month, reason class and state, and how they ended. No number, unit or day.

Only months that are over, as they stood at their last minute of the month before this one: a list that moved with each
complaint would tell the accused of it. Figures of fewer than ten people are merged, and left out where that does not help.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from board.clock import now
from board.db import db
from boards.models import Case, CaseEvent, Section, Thread
from complaints.accusing import takes_complaints
from complaints.models.complaint import Complaint
from complaints.models.inquiry import Inquiry
from complaints.models.sealing import Sealing
from complaints.sampling import first_of, month_of
from people.models import Department

# Two receipts may be one person, and nobody can tell: all of them count as one.
BY_RECEIPT = "by a receipt"
FEWEST = 10  # distinct people below which a figure is not shown (domain.md §9)
MERGED = "merged"


@dataclass(frozen=True)
class Stub:
    """One complaint as the list counts it."""

    month: str
    reason: str
    state: str
    person: Hashable


@dataclass(frozen=True)
class Figure:
    """A line of the list; `count` is None where fewer than ten people stand behind it."""

    month: str
    reason: str
    state: str
    count: int | None


def merged(stubs: Iterable[Stub]) -> list[Figure]:
    """The lines of the list, newest month first.

    A line of fewer than ten people goes into the others of its month; where those are still fewer than ten, the month
    says only that there were some, without any other line from which they could be reckoned.
    """
    months: dict[str, list[Stub]] = defaultdict(list)
    for stub in stubs:
        months[stub.month].append(stub)
    figures: list[Figure] = []
    for month in sorted(months, reverse=True):
        figures += _of_month(month, months[month])
    return figures


def _of_month(month: str, stubs: list[Stub]) -> list[Figure]:
    groups: dict[tuple[str, str], list[Stub]] = defaultdict(list)
    for stub in stubs:
        groups[stub.reason, stub.state].append(stub)
    large = {key: group for key, group in groups.items() if _people(group) >= FEWEST}
    rest = [stub for key, group in groups.items() if key not in large for stub in group]
    figures = [Figure(month, reason, state, len(group)) for (reason, state), group in sorted(large.items())]
    if rest:
        figures.append(Figure(month, MERGED, MERGED, len(rest) if _people(rest) >= FEWEST else None))
    return figures


def _people(stubs: Iterable[Stub]) -> int:
    return len({stub.person for stub in stubs})


def stubs(section: Section) -> list[Stub]:
    """Every complaint of the months that are over, as it stood when this month began."""
    until = first_of(month_of(now()))
    rows = db.session.execute(
        select(Complaint.filed_at, Complaint.reason, Case.id, Thread.poster_id)
        .join(Case, Complaint.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Thread.section_id == section.id, Complaint.filed_at < until)
    ).all()
    concluded, withdrawn = _concluded_before(until), _withdrawn_before(until)
    return [
        Stub(
            month_of(filed_at),
            reason,
            "concluded" if case_id in concluded else "withdrawn" if case_id in withdrawn else "open",
            poster if poster is not None else BY_RECEIPT,
        )
        for filed_at, reason, case_id, poster in rows
    ]


def _concluded_before(until: datetime) -> set[int]:
    """The complaints whose tasks of some round were all concluded before a moment."""
    rounds: dict[tuple[int, int], list[bool]] = defaultdict(list)
    rows = db.session.execute(select(Inquiry.case_id, Inquiry.round, Inquiry.concluded_at))
    for case_id, round_, concluded_at in rows:
        rounds[case_id, round_].append(concluded_at is not None and concluded_at < until)
    return {case_id for (case_id, _round), done in rounds.items() if all(done)}


def _withdrawn_before(until: datetime) -> set[int]:
    """The complaints that their posters had taken back before a moment, and had not opened again by then."""
    rows = db.session.execute(
        select(CaseEvent.case_id, CaseEvent.kind)
        .join(Complaint, Complaint.case_id == CaseEvent.case_id)
        .where(CaseEvent.kind.in_(("case.withdrawn", "case.reopened")), CaseEvent.at < until)
        .order_by(CaseEvent.id)
    )
    last = {case_id: kind for case_id, kind in rows}
    return {case_id for case_id, kind in last.items() if case_id is not None and kind == "case.withdrawn"}


def conclusions(section: Section) -> list[Figure]:
    """How the tasks of complaints ended, over all the months that are over; small figures merged."""
    until = first_of(month_of(now()))
    rows = db.session.execute(
        select(Inquiry.conclusion, Thread.poster_id)
        .join(Case, Inquiry.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Thread.section_id == section.id, Inquiry.concluded_at < until)
    )
    return merged(
        Stub("", str(conclusion), "", poster if poster is not None else BY_RECEIPT)
        for conclusion, poster in rows
    )


def sealings() -> list[Figure]:
    """How often each department asked to handle a case internally, by month that is over; `reason` is its key.

    Counted by whoever posted the case: figures of fewer than ten people are merged.
    """
    until = first_of(month_of(now()))
    rows = db.session.execute(
        select(Sealing.asked_at, Department.key, Thread.poster_id, Case.id)
        .join(Department, Sealing.department_id == Department.id)
        .join(Case, Sealing.case_id == Case.id)
        .join(Thread, Case.thread_id == Thread.id)
        .where(Sealing.asked_at < until)
    )
    return merged(
        Stub(month_of(at), key, "", poster if poster is not None else f"case {case_id}")
        for at, key, poster, case_id in rows
    )


def complaints_section() -> Section | None:
    """The section that takes complaints, None in a city without one."""
    return next((each for each in Section.all() if takes_complaints(each)), None)
