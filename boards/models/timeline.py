"""The timeline: every change of a thread and its case, chained so that nothing can be altered unseen.

Each event holds salted commitments, SHA-256(16 random bytes ‖ value), apart for its actor, its public and its
internal text. The salt lies beside the value and is destroyed with it: then the commitment tells nothing, and
the chain, which hashes only commitments and public fields in canonical JSON, still holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.clock import now
from board.commitments import GENESIS, commitment, digest, opens
from board.db import Model, PublicId
from boards.models.text import Text
from people.models import Department, Person

if TYPE_CHECKING:
    from boards.models.case import Case
    from boards.models.thread import Thread

FORMAT = 1


@dataclass
class Audience:
    """Who must hear of an event. `reasons` says why, per person, for the inbox (`poster`, `handler`, `named` …)."""

    persons: dict[int, tuple[Person, str]] = field(default_factory=dict)
    departments: dict[int, tuple[Department, str]] = field(default_factory=dict)
    followers: bool = True

    def add(self, *people: Person | None, reason: str) -> None:
        """Tell these persons; the first reason stands."""
        for person in people:
            if person is not None:
                self.persons.setdefault(person.id, (person, reason))

    def add_department(self, department: Department | None, reason: str) -> None:
        """Tell this department: its desk, and whoever is on duty there now."""
        if department is not None:
            self.departments.setdefault(department.id, (department, reason))


class CaseEvent(PublicId, Model):
    """One step. `parameters` and `change` are public fields and hashed; `details` are for staff and are not."""

    __tablename__ = "case_event"
    __table_args__ = (
        Index("ix_case_event_thread_seq", "thread_id", "seq", unique=True),
        Index("ix_case_event_case", "case_id", "kind"),
        # Where a text stands: asked when words are covered, released or masked again.
        Index(
            "ix_case_event_public_text",
            "public_text_id",
            sqlite_where=sql("public_text_id IS NOT NULL"),
            postgresql_where=sql("public_text_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"))
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    round: Mapped[int] = mapped_column(default=1)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    actor_role: Mapped[str] = mapped_column(String(16), default="system")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    visibility: Mapped[str] = mapped_column(String(12), default="public")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    change: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    public_text_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    internal_text_id: Mapped[int | None] = mapped_column(ForeignKey("text.id"))
    format: Mapped[int] = mapped_column(default=FORMAT)
    actor_salt: Mapped[str | None] = mapped_column(String(32))
    public_salt: Mapped[str | None] = mapped_column(String(32))
    internal_salt: Mapped[str | None] = mapped_column(String(32))
    actor_commitment: Mapped[str | None] = mapped_column(String(64))
    public_commitment: Mapped[str | None] = mapped_column(String(64))
    internal_commitment: Mapped[str | None] = mapped_column(String(64))
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    thread: Mapped[Thread] = relationship(foreign_keys=[thread_id])
    case: Mapped[Case | None] = relationship(foreign_keys=[case_id])
    actor: Mapped[Person | None] = relationship()
    department: Mapped[Department | None] = relationship(lazy="joined")
    public_text: Mapped[Text | None] = relationship(foreign_keys=[public_text_id])
    internal_text: Mapped[Text | None] = relationship(foreign_keys=[internal_text_id])

    if TYPE_CHECKING:
        # Lives only in the transaction in which the event happens.
        audience: Audience

    @property
    def is_public(self) -> bool:
        """Whether everybody who may read the thread may read this step."""
        return self.visibility == "public"

    @property
    def act(self) -> int:
        """The number of the first step of the act to which this one belongs; nearly always its own."""
        return int(self.details.get("act", self.seq))

    @property
    def is_official(self) -> bool:
        """Whether somebody in office did it, at that time."""
        return self.actor_role in ("officer", "leader", "dispatcher", "moderator", "inspector")

    def public_fields(self) -> dict[str, Any]:
        """Everything the hash covers."""
        return {
            "v": self.format,
            "thread": self.thread.public_id,
            "seq": self.seq,
            "kind": self.kind,
            "at": self.at.isoformat(timespec="microseconds"),
            "round": self.round,
            "role": self.actor_role,
            "department": self.department.key if self.department else None,
            "visibility": self.visibility,
            "parameters": self.parameters,
            "change": self.change,
            "actor": self.actor_commitment,
            "public": self.public_commitment,
            "internal": self.internal_commitment,
            "previous": self.previous_hash,
        }

    def seal(self, previous: str) -> None:
        """Commit to actor and texts and close the chain's link behind `previous`."""
        self.previous_hash = previous
        self.format = FORMAT
        if self.actor is not None:
            self.actor_salt, self.actor_commitment = commitment(self.actor.public_id)
        if self.public_text is not None:
            self.public_salt, self.public_commitment = commitment(self.public_text.public)
        if self.internal_text is not None:
            self.internal_salt, self.internal_commitment = commitment(self.internal_text.public)
        self.hash = digest(self.public_fields())

    def forget_text(self) -> None:
        """Destroy the salt of the public text, when the words it stands for are covered or erased."""
        self.public_salt = None


@dataclass(frozen=True)
class Finding:
    """What verification says of one event: `chain` (its hash and its link hold), `text` (open, covered, altered)."""

    seq: int
    chain: bool
    text: str


def verify(events: Iterable[CaseEvent]) -> list[Finding]:
    """Check a whole timeline, oldest first: gaps, links, hashes, and the words that still have their salt."""
    findings, previous = [], GENESIS
    for place, event in enumerate(events, 1):
        chain = (
            event.seq == place
            and event.previous_hash == previous
            and digest(event.public_fields()) == event.hash
        )
        text = "none"
        if event.public_commitment is not None:
            words = event.public_text
            if event.public_salt is None or words is None:
                text = "covered"
            else:
                held = [words.public, *(revision.public for revision in words.revisions)]
                text = (
                    "open"
                    if any(opens(event.public_salt, each, event.public_commitment) for each in held)
                    else "altered"
                )
        findings.append(Finding(event.seq, chain, text))
        previous = event.hash
    return findings


def replay(events: Iterable[CaseEvent]) -> dict[str, Any]:
    """The tracked fields of a case as its events give them, oldest first."""
    state: dict[str, Any] = {}
    for event in events:
        state.update(event.change)
    return state


def next_event(thread: Thread, **values: Any) -> CaseEvent:
    """The next link of a thread's chain, not sealed yet."""
    return CaseEvent(thread=thread, seq=thread.events_count + 1, at=now(), **values)
