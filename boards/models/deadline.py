"""Deadlines of a case: rows around the pure arithmetic of `segments`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board import jobs
from board.clock import now
from board.db import Model, PublicId, db, random_id
from board.spans import Span
from board.workdays import WorkingCalendar, calendar_for
from boards.models import segments
from boards.models.segments import Clock, Extension, Segment

if TYPE_CHECKING:
    from boards.models.case import Case

# Those a department answers for: a breach of one of them is shown on the case and never erased.
DUTIES = ("reply", "accept", "resolve", "update", "rectification")
REMINDERS = (50, 80)


def calendar() -> WorkingCalendar:
    """The city's working calendar, read once a transaction."""
    info = db.session().info
    if "calendar" not in info:
        info["calendar"] = calendar_for()
    return info["calendar"]  # type: ignore[no-any-return]


class Deadline(PublicId, Model):
    """One clock of one round. `due_at` keeps what the arithmetic gives, None while the clock is paused."""

    __tablename__ = "deadline"
    __table_args__ = (
        Index("ix_deadline_case", "case_id", "kind", "round"),
        Index("ix_deadline_due", "stopped_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    kind: Mapped[str] = mapped_column(String(16))
    round: Mapped[int]
    target: Mapped[str] = mapped_column(String(60))
    started_at: Mapped[datetime]
    segments: Mapped[list[list[Any]]] = mapped_column(JSON)
    extensions: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    due_at: Mapped[datetime | None]
    limit_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship(back_populates="deadlines")

    @classmethod
    def start(cls, case: Case, kind: str, target: Span | None = None) -> Deadline:
        """Start a clock now, for the span its section promises."""
        moment = now()
        calendar()  # read first: a query would flush the half-made row
        deadline = cls(
            case=case,
            public_id=random_id(),
            kind=kind,
            round=case.round,
            target=str(target or case.thread.section.span(kind)),
            started_at=moment,
            segments=[],
            extensions=[],
        )
        deadline._keep(Clock(Span.parse(deadline.target), moment))
        db.session.add(deadline)
        deadline.schedule()
        return deadline

    @property
    def clock(self) -> Clock:
        """The pure clock this row keeps."""
        return Clock(
            Span.parse(self.target),
            self.started_at,
            tuple(
                Segment(kind, datetime.fromisoformat(start), datetime.fromisoformat(end) if end else None)
                for kind, start, end in self.segments
            ),
            tuple(
                Extension(datetime.fromisoformat(at), datetime.fromisoformat(by))
                for at, by in self.extensions
            ),
        )

    def _keep(self, clock: Clock) -> None:
        self.segments = [
            [each.kind, each.start.isoformat(), each.end.isoformat() if each.end else None]
            for each in clock.segments
        ]
        self.extensions = [
            [each.granted_at.isoformat(), each.by.isoformat()]
            for each in clock.extensions
            if isinstance(each.by, datetime)
        ]
        self.due_at = segments.due_at(clock, calendar())
        if self.limit_at is not None and self.due_at is not None:
            self.due_at = min(self.due_at, self.limit_at)
        self.paused_at = clock.segments[-1].start if clock.is_paused else None
        self.stopped_at = clock.stopped_at

    @property
    def is_running(self) -> bool:
        """Whether its time passes now."""
        return self.stopped_at is None and self.paused_at is None

    @property
    def is_open(self) -> bool:
        """Whether it was not stopped yet."""
        return self.stopped_at is None

    def pause(self) -> None:
        """Let its time stand still from now on."""
        if self.is_running:
            self._keep(self.clock.pause(now()))

    def resume(self, at: datetime | None = None) -> None:
        """Let its time go on, from `at` on (default now): a wait that ended late ended when it was promised to."""
        if self.stopped_at is None and self.paused_at is not None:
            moment = now() if at is None else min(max(at, self.paused_at), now())
            self._keep(self.clock.resume(moment))
            self.schedule()

    def stop(self) -> None:
        """It was kept, or no longer matters. A breach that has happened is noted first."""
        if self.stopped_at is None:
            self.note_breach()
            self._keep(self.clock.stop(now()))

    def revive(self) -> None:
        """Undo a stop, as if it had run on: for an unmerge, which undoes exactly."""
        if self.stopped_at is not None:
            clock = self.clock
            last = clock.segments[-1]
            open_again = Segment(last.kind, last.start)
            self._keep(
                Clock(clock.target, clock.started_at, (*clock.segments[:-1], open_again), clock.extensions)
            )
            self.schedule()

    def extend(self, until: datetime) -> None:
        """Grant time until a new moment."""
        self._keep(self.clock.extend(until, now()))
        self.schedule()

    def shorten(self, until: datetime) -> None:
        """End a wait earlier than its section says (the pauses of a round are limited); for `poster` only."""
        self.limit_at = until
        self._keep(self.clock)
        self.schedule()

    def note_breach(self) -> bool:
        """Keep the moment of the breach, if it is broken by now and was not noted yet; it is never erased."""
        if self.breached_at is None and self.due_at is not None and self.due_at <= now():
            self.breached_at = self.due_at
            return True
        return False

    def recompute(self) -> bool:
        """Ask the arithmetic again after the calendar changed; whether the deadline moved."""
        before = self.due_at
        self._keep(self.clock)
        if self.due_at != before:
            self.schedule()
        return self.due_at != before

    def state(self) -> str:
        """`normal`, `soon`, `over`, `paused` or `done`."""
        return segments.state(self.clock, calendar(), now())

    def share_moment(self, percent: int) -> datetime | None:
        """About when `percent` of the promised time will be used; None when it is, or the clock stands."""
        if not self.is_running or self.due_at is None:
            return None
        clock = self.clock
        whole = segments.allowed(clock, calendar(), now())
        missing = whole * percent / 100 - segments.elapsed(clock, calendar(), now())
        if missing <= timedelta(0):
            return None
        if clock.target.kind == "working" and not self.extensions:
            return calendar().add(now(), missing)
        return min(now() + missing, self.due_at)

    def schedule(self) -> None:
        """Promise to look at this clock when it is due, and when 50 % and 80 % of it are used."""
        if not self.is_running or self.due_at is None:
            return
        stamp = f"{self.public_id}:{self.due_at:%Y%m%d%H%M%S}"
        # A promise made again at another time is another job: the first may have come while the clock stood.
        jobs.put(
            "deadline-due",
            key=f"deadline-due:{stamp}:{now():%Y%m%d%H%M%S}",
            due_at=self.due_at,
            deadline=self.public_id,
        )
        if self.kind in ("reply", "resolve"):
            for percent in REMINDERS:
                moment = self.share_moment(percent)
                if moment is not None:
                    jobs.put(
                        "deadline-reminder",
                        key=f"deadline-{percent}:{stamp}",
                        due_at=moment,
                        deadline=self.public_id,
                        percent=percent,
                    )

    @classmethod
    def by_public_id(cls, public_id: str) -> Deadline | None:
        """The deadline, if it is still there."""
        return db.session.scalar(select(cls).where(cls.public_id == public_id))
