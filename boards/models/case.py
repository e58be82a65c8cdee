"""A case (诉求): what a department owes an answer to, one for each thread that asks something of it."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import local, now
from board.db import Model, db, insert
from board.errors import NotFound
from boards.models import tally
from boards.models.assist import AssistTask
from boards.models.deadline import DUTIES, Deadline
from boards.models.holder import Poster
from boards.models.locking import lock
from boards.models.section import DayNumber
from boards.models.status import OPEN, Status, Visibility
from boards.models.thread import Thread
from boards.models.workflow import Workflow
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.approval import Approval
    from boards.models.handover import Handover
    from boards.models.instruction import Instruction
    from boards.models.rating import Rating

# What replaying the events must give: the row is a cache of it.
TRACKED = ("status", "outcome", "round", "department", "handler", "visibility", "parent")


class Case(Workflow, Model):
    """One case. Its verbs stand in `Workflow`; here are its columns and the questions asked of it."""

    __tablename__ = "case"
    __table_args__ = (
        Index("ix_case_department_status", "department_id", "status", "next_due_at"),
        Index("ix_case_handler", "handler_id", "status"),
        Index("ix_case_resolved", "status", "resolved_at"),
        Index("ix_case_parent", "parent_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"), unique=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    status: Mapped[str] = mapped_column(String(16), default=Status.PENDING)
    outcome: Mapped[str | None] = mapped_column(String(16))
    outcome_details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    round: Mapped[int] = mapped_column(default=1)
    round_at: Mapped[datetime]
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"))
    origin_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"))
    lead_since: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    accepted_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    suspended_until: Mapped[datetime | None]
    suspended_round: Mapped[int] = mapped_column(default=0)
    extended_round: Mapped[int] = mapped_column(default=0)
    asked_round: Mapped[int] = mapped_column(default=0)
    reopened_times: Mapped[int] = mapped_column(default=0)
    nudged_at: Mapped[datetime | None]
    relayed_at: Mapped[datetime | None]
    routed_at: Mapped[datetime | None]
    at_desk: Mapped[bool] = mapped_column(default=False)
    bound_round: Mapped[int] = mapped_column(default=0)
    returns: Mapped[int] = mapped_column(default=0)
    overdue: Mapped[bool] = mapped_column(default=False)
    ever_overdue: Mapped[bool] = mapped_column(default=False)
    # Whether the inspectors demand something of its unit: kept true by their orders, read by chips and vetoes.
    supervised: Mapped[bool] = mapped_column(default=False)
    rated_solved: Mapped[str | None] = mapped_column(String(8))
    rated_satisfaction: Mapped[str | None] = mapped_column(String(20))
    next_due_at: Mapped[datetime | None]
    next_due_kind: Mapped[str | None] = mapped_column(String(16))
    merge_snapshot: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    merged_at: Mapped[datetime | None]
    recorded: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    version_id: Mapped[int] = mapped_column(Integer)

    # Unnested: SQLite reads the whole table for a join in brackets inside an outer one.
    thread: Mapped[Thread] = relationship(back_populates="case", lazy="joined", innerjoin="unnested")  # type: ignore[arg-type]
    department: Mapped[Department] = relationship(lazy="joined", innerjoin="unnested")  # type: ignore[arg-type]
    handler: Mapped[Person | None] = relationship(foreign_keys=[handler_id])
    acknowledged_by: Mapped[Person | None] = relationship(foreign_keys=[acknowledged_by_id])
    parent: Mapped[Case | None] = relationship(
        foreign_keys=[parent_id], remote_side=[id], back_populates="duplicates"
    )
    duplicates: Mapped[list[Case]] = relationship(foreign_keys=[parent_id], back_populates="parent")
    origin: Mapped[Case | None] = relationship(foreign_keys=[origin_id], remote_side=[id])
    deadlines: Mapped[list[Deadline]] = relationship(back_populates="case", order_by=Deadline.id)
    assists: Mapped[list[AssistTask]] = relationship(back_populates="case", order_by=AssistTask.id)
    handovers: Mapped[list[Handover]] = relationship(back_populates="case", order_by="Handover.id")
    approvals: Mapped[list[Approval]] = relationship(back_populates="case", order_by="Approval.id")
    ratings: Mapped[list[Rating]] = relationship(back_populates="case", order_by="Rating.id")
    instructions: Mapped[list[Instruction]] = relationship(back_populates="case", order_by="Instruction.id")

    __mapper_args__ = {"version_id_col": version_id}

    def __repr__(self) -> str:
        return f"<Case {self.number} {self.status}>"

    # --- finding ---------------------------------------------------------------------------------

    @classmethod
    def numbered(cls, number: str, *, reader: Person | None, for_change: bool = False) -> Case:
        """The case with this number (the dash optional), for this reader; NotFound like for a missing one."""
        from boards.policy import visible_to

        if for_change:
            lock(cls.number == dashed(number))
        case = db.session.scalar(
            select(cls)
            .join(Thread, cls.thread_id == Thread.id)
            .where(cls.number == dashed(number), visible_to(reader))
        )
        if case is None:
            raise NotFound
        case.thread.open_for(reader)
        return case

    # --- questions -------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether a department still owes its answer."""
        return self.status in OPEN

    @property
    def poster(self) -> Person | None:
        """Who posted it."""
        return self.thread.poster

    def assisting(self) -> list[Department]:
        """The departments with an open task in it."""
        return [task.department for task in self.assists if task.is_open]

    def merged_posters(self) -> list[Person]:
        """The posters of the cases merged into this one."""
        return [each.thread.poster for each in self.duplicates if each.thread.poster is not None]

    def clock(self, kind: str) -> Deadline | None:
        """This round's latest clock of `kind`."""
        found = [each for each in self.deadlines if each.kind == kind and each.round == self.round]
        return found[-1] if found else None

    def open_clock(self, kind: str) -> Deadline | None:
        """This round's clock of `kind` unless it was stopped."""
        clock = self.clock(kind)
        return clock if clock is not None and clock.is_open else None

    def open_handover(self) -> Handover | None:
        """The handover that waits for an answer."""
        return next((each for each in self.handovers if each.is_open), None)

    def fresh_routing(self) -> Handover | None:
        """The desk's own sending of it, while the department may still send it back: once, within two hours."""
        last = self.handovers[-1] if self.handovers else None
        if (
            last is None
            or last.state != "routed"
            or last.to_id != self.department_id
            or self.status != Status.PENDING
            or last.due_at <= now()
            or any(each.state == "sent_back" for each in self.handovers)
        ):
            return None
        return last

    def open_approval(self, verb: str | None = None) -> Approval | None:
        """The approval that waits for a leader."""
        return next((each for each in self.approvals if each.is_open and verb in (None, each.verb)), None)

    def rating_of(self, person: Poster | None, round: int | None = None) -> Rating | None:
        """The effective rating that `person` gave for a round (default: this one)."""
        wanted = self.round if round is None else round
        found = [each for each in self.ratings if each.round == wanted and person and each.given_by(person)]
        return found[-1] if found else None

    @property
    def breaches(self) -> list[Deadline]:
        """Every promise a department broke here, rounds before this one included."""
        return [each for each in self.deadlines if each.breached_at is not None and each.kind in DUTIES]

    # --- keeping the row true to its events --------------------------------------------------------

    def tracked(self) -> dict[str, Any]:
        """The tracked fields as the events write them: keys, numbers and public ids."""
        return {
            "status": str(self.status),
            "outcome": str(self.outcome) if self.outcome else None,
            "round": self.round,
            "department": self.department.key,
            "handler": self.handler.public_id if self.handler else None,
            "visibility": str(self.thread.visibility),
            "parent": self.parent.number if self.parent else None,
        }

    def changes(self) -> dict[str, Any]:
        """What differs since the last event; calling it takes note of it."""
        state = self.tracked()
        change = {name: value for name, value in state.items() if self.recorded.get(name, ...) != value}
        self.recorded = state
        return change

    def refresh_due(self) -> None:
        """Keep the nearest running duty beside the case, for the desk's order, and whether one is broken."""
        running = [
            each
            for each in self.deadlines
            if each.is_running
            and each.due_at is not None
            and each.round == self.round
            and each.kind in DUTIES
        ]
        nearest = min(running, key=lambda each: each.due_at or now(), default=None)
        self.next_due_at = nearest.due_at if nearest else None
        self.next_due_kind = nearest.kind if nearest else None
        self.overdue = any(
            each.breached_at is not None and each.is_open for each in self.deadlines if each.kind in DUTIES
        )
        if any(each.breached_at is not None for each in self.deadlines if each.kind in DUTIES):
            self.ever_overdue = True

    def tally(self, by: int = 1) -> None:
        """Count this case where everybody may count it."""
        if self.thread.visibility != Visibility.PUBLIC:
            return
        for scope in (f"section:{self.thread.section.key}", f"department:{self.department.key}"):
            tally.shift(scope, str(self.status), by)
            if self.overdue:
                tally.shift(scope, "overdue", by)

    def untally(self) -> None:
        """Take this case out of the counters, before something they depend on changes."""
        self.tally(-1)


def dashed(number: str) -> str:
    """A case number as it is kept: full-width digits and a missing dash put right."""
    import unicodedata

    digits = (
        unicodedata.normalize("NFKC", number).strip().replace("—", "-").replace("–", "-").replace(" ", "")
    )
    if len(digits) > 8 and "-" not in digits and digits.isascii() and digits.isdigit():
        return f"{digits[:8]}-{digits[8:]}"
    return digits[:24]


def public_number(at: datetime) -> str:
    """The next number of the day, `YYYYMMDD-NNNN` in the city's zone; inside the open transaction."""
    day = f"{local(at):%Y%m%d}"
    last = db.session.scalar(
        insert(DayNumber)
        .values(day=day, last=1, changed_at=now())
        .on_conflict_do_update(index_elements=["day"], set_={"last": DayNumber.last + 1, "changed_at": now()})
        .returning(DayNumber.last)
    )
    return f"{day}-{last:04d}"


def random_number(at: datetime) -> str:
    """A number from which nothing can be counted, for a restricted case."""
    return f"{local(at):%Y%m%d}-{secrets.randbelow(900_000_000) + 100_000_000}"


__all__ = ["TRACKED", "Case", "dashed", "public_number", "random_number"]
