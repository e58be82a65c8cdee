"""The states of a case, its outcomes, and which verb can move it when (`NEXT`)."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a case stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    WAITING_POSTER = "waiting_poster"
    SUSPENDED = "suspended"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What a department says came of it; `solved` is confirmed only by the poster's rating."""

    SOLVED = "solved"
    EXPLAINED = "explained"
    PLANNED = "planned"
    TRANSFERRED = "transferred"
    IMPOSSIBLE = "impossible"
    DECLINED = "declined"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"


class Visibility(StrEnum):
    """Who may read a thread: everybody; its parties while a moderator holds it; one department."""

    PUBLIC = "public"
    HELD = "held"
    RESTRICTED = "restricted"


S = Status
OPEN = (S.PENDING, S.ACCEPTED, S.IN_PROGRESS, S.WAITING_POSTER, S.SUSPENDED)
WORKING = (S.ACCEPTED, S.IN_PROGRESS)

# The outcomes an officer may choose when he resolves or answers; the others have verbs of their own.
RESOLVABLE = (Outcome.SOLVED, Outcome.EXPLAINED, Outcome.PLANNED, Outcome.TRANSFERRED, Outcome.IMPOSSIBLE)
ANSWERABLE = (Outcome.EXPLAINED, Outcome.SOLVED)

# Can it be done now? verb -> the statuses it starts from. Who may do it is policy.py's question.
NEXT: dict[str, tuple[Status, ...]] = {
    "route": OPEN,
    "acknowledge": (S.PENDING,),
    "accept": (S.PENDING,),
    "answer": (S.PENDING,),
    "assign": WORKING,
    "claim": WORKING,
    "progress": WORKING,
    "note": (*OPEN, S.RESOLVED),
    "ask": WORKING,
    "supplement": (S.WAITING_POSTER,),
    "suspend": WORKING,
    "resume": (S.SUSPENDED,),
    "offer": OPEN,
    "take": OPEN,
    "return": OPEN,
    "assist": OPEN,
    "assist_answer": OPEN,
    "assist_waive": OPEN,
    "instruct": OPEN,
    "relay": OPEN,
    "extend": OPEN,
    "decline": (S.PENDING,),
    "merge": OPEN,
    "unmerge": (S.CLOSED,),
    "resolve": WORKING,
    "rate": (S.RESOLVED, S.CLOSED),
    "rectify": (S.RESOLVED,),
    "reopen": (S.RESOLVED, S.CLOSED),
    "nudge": OPEN,
    "withdraw": OPEN,
    "follow_up": (S.RESOLVED, S.CLOSED),
}


class Solved(StrEnum):
    """问题解决了吗."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class Satisfaction(StrEnum):
    """满意吗, the five official levels."""

    VERY_SATISFIED = "very_satisfied"
    SATISFIED = "satisfied"
    FAIR = "fair"
    DISSATISFIED = "dissatisfied"
    VERY_DISSATISFIED = "very_dissatisfied"


BAD = (Satisfaction.DISSATISFIED, Satisfaction.VERY_DISSATISFIED)
