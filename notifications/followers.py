"""The many who follow are told by one job a step, in chunks, so that no verb ever waits for them.

Somebody may hear of a step in several ways: he follows the case, its section, a place in it. He is told once, with
all his reasons, in the quickest of the ways he chose.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import literal, select, union_all

from board.db import db, transaction
from board.jobs import handler
from boards.models.timeline import CaseEvent
from boards.models.watch import HOWS, INBOX, Watch
from notifications import tidings
from notifications.models import inbox
from notifications.models.follow import KINDS, Follow
from notifications.models.inbox import Recipient
from notifications.recipients import may_hear
from notifications.targets import matching
from people.models import Person

CHUNK = 200
BREATH = 0.005  # seconds between two chunks, in which whoever waits to write gets his turn

# With these steps a thread comes to somebody who follows one of these kinds: he is told of the post itself, so
# that one who was told when it was posted hears nothing when it is released or routed.
ARRIVALS: dict[str, tuple[str, ...]] = {
    "thread.posted": KINDS,
    "thread.edited": ("place", "search"),
    "thread.released": KINDS,
    "thread.opened": KINDS,
    "case.routed": ("department",),
    "case.taken": ("department",),
}
# How it ended concerns everybody who follows one of its kinds.
RESULTS = frozenset({"case.resolved", "case.declined"})

# The steps of a followed case that go out to telephones and into mails; the others stand in the inbox.
CARRIED = RESULTS | {
    "case.accepted",
    "case.asked",
    "case.progressed",
    "case.rectified",
    "case.extended",
    "case.suspended",
    "case.resumed",
    "case.reopened",
    "case.routed",
    "case.taken",
    "case.merged",
    "case.overdue",
    "case.follow_up_asked",
    "thread.release_proposed",
    "case.sealed",
    "seal.confirmed",
    "seal.refused",
    "seal.lapsed",
    "seal.lifted",
    "seal.overturned",
    "referral.decided",
}


def awaited(event: CaseEvent) -> bool:
    """Whether somebody may follow what this step is about, without asking who."""
    return event.kind in ARRIVALS or event.kind in RESULTS


def is_carried(event: CaseEvent) -> bool:
    """Whether the followers of a case are told of this step outside the board, too: of replies only the official."""
    return event.kind in CARRIED or (event.kind == "reply.posted" and event.is_official)


@handler("tell-followers")
def tell_followers(event: str) -> None:
    """Put a step into the inbox of everybody who followed when it happened. Run twice, it tells once."""
    step = _step(event)
    if step is None:
        return
    kinds = ARRIVALS.get(step.kind) or (KINDS if step.kind in RESULTS else ())
    targets = matching(step.thread, kinds) if kinds else {}
    if step.kind not in ARRIVALS:
        db.session.rollback()
        _walk(event, event, targets, watched=True)
        return
    first = _first(step).public_id
    db.session.rollback()
    if first != event:  # whoever follows the case itself saw it posted
        _walk(event, event, {}, watched=True)
    if targets:
        _walk(event, first, targets, watched=False)


def _step(public_id: str) -> CaseEvent | None:
    return db.session.scalar(select(CaseEvent).where(CaseEvent.public_id == public_id))


def _first(step: CaseEvent) -> CaseEvent:
    return db.session.scalars(
        select(CaseEvent).where(CaseEvent.thread_id == step.thread_id, CaseEvent.seq == 1)
    ).one()


def _walk(cause: str, told: str, targets: Mapping[str, Sequence[str]], *, watched: bool) -> None:
    """Tell of the step `told` everybody who followed when `cause` happened, a chunk of persons at a time."""
    last = 0
    while True:
        with transaction():
            step, what = _step(cause), _step(told)
            if step is None or what is None:
                return
            found = _chunk(step, targets if step.thread.is_public else {}, watched, last)
            if not found:
                return
            _tell(what, found)
            last = max(found)
        time.sleep(BREATH)


@dataclass
class Follower:
    """By what one person follows: reasons for the inbox, and the ways that lead out of the board, each with how."""

    reasons: list[str] = field(default_factory=list)
    ways: dict[str, str] = field(default_factory=dict)

    @property
    def how(self) -> str:
        """The quickest of the ways he chose."""
        return min(self.ways.values(), key=HOWS.index, default=INBOX)


def _chunk(
    step: CaseEvent, targets: Mapping[str, Sequence[str]], watched: bool, last: int
) -> dict[int, Follower]:
    """The next persons behind the person `last` (table ids), in order."""
    watching = select(Watch.person_id).where(Watch.thread_id == step.thread_id, Watch.since <= step.at)
    branches: list[Any] = []
    if watched:
        branches.append(
            select(
                Watch.person_id,
                Watch.how,
                literal("case").label("kind"),
                literal("").label("target"),
                Watch.affected,
            ).where(Watch.thread_id == step.thread_id, Watch.since <= step.at, Watch.person_id > last)
        )
    for kind, keys in targets.items():
        query = select(
            Follow.person_id, Follow.how, Follow.kind, Follow.target, literal(False).label("affected")
        ).where(
            Follow.kind == kind, Follow.target.in_(keys), Follow.since <= step.at, Follow.person_id > last
        )
        branches.append(query if watched else query.where(Follow.person_id.not_in(watching)))
    if not branches:
        return {}
    every = union_all(*branches).subquery()
    ids = db.session.scalars(
        select(every.c.person_id).group_by(every.c.person_id).order_by(every.c.person_id).limit(CHUNK)
    ).all()
    found: dict[int, Follower] = defaultdict(Follower)
    if not ids:
        return found
    rows = db.session.execute(select(every).where(every.c.person_id <= ids[-1])).all()
    for person_id, how, kind, target, affected in sorted(rows, key=lambda row: (row[0], row[2] != "case")):
        follower = found[person_id]
        reason = ("affected" if affected else "follower") if kind == "case" else kind
        if reason not in follower.reasons:
            follower.reasons.append(reason)
        if how != INBOX and (kind != "case" or is_carried(step)):
            follower.ways[f"case:{step.thread.public_id}" if kind == "case" else f"{kind}:{target}"] = how
    return found


def _tell(step: CaseEvent, found: Mapping[int, Follower]) -> None:
    people = db.session.scalars(select(Person).where(Person.id.in_(found), Person.active))
    allowed = {each.id: each for each in people if may_hear(each, step, "follower")}
    inbox.deliver(
        step,
        {key: Recipient(key, person.public_id, tuple(found[key].reasons)) for key, person in allowed.items()},
    )
    tidings.tell(
        step,
        [
            tidings.Wish(person, found[key].how, tuple(found[key].ways))
            for key, person in allowed.items()
            if found[key].ways
        ],
    )
