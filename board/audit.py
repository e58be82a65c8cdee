"""The audit log: who did what in office and who read what is closed, in rows that are only ever added to.

A verb calls note() inside its transaction. The rows are written last of all, behind everything else that is locked,
under the one row of AuditHead: so the log is one chain in commit order, and no two verbs can deadlock over it.
Each row hashes its fields with the hash of the row before it. What a member of staff wrote as his reason lies beside
the chain, which holds only a salted commitment to it: it can be erased later and every hash still holds. Each row
has random bytes of its own, so that from a published hash nothing can be guessed.

Triggers of the database refuse to change or take away a row. They stop mistakes, not whoever owns the database:
against him the roots of each day are published (AuditRoot), and `flask audit verify` names the first row that is
not as it was.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    DDL,
    JSON,
    Date,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    event,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from board.clock import midnight, now
from board.commitments import GENESIS, commitment, digest, opens
from board.db import Model, before_commit, db, insert, writing
from board.i18n import _l
from board.masking import mask

FORMAT = 1
LONGEST_DETAIL = 200  # characters
LONGEST_REASON = 2000
STEP = 2000  # rows read at once by a verification

Progress = Callable[[int, int], None]


class AuditEntry(Model):
    """One act or one reading. `at` never goes back from one number to the next."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_thing_act", "thing", "act", "number"),
        Index("ix_audit_entry_at_act", "at", "act"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    act: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str | None] = mapped_column(String(16))  # a person's public id; None: the system
    thing: Mapped[str] = mapped_column(String(80))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    reason_commitment: Mapped[str | None] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(32))
    format: Mapped[int] = mapped_column(default=FORMAT)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditReason(Model):
    """The words behind one row's commitment. Erasing them leaves the chain as it is, and is itself a row of it."""

    __tablename__ = "audit_reason"

    number: Mapped[int] = mapped_column(
        ForeignKey("audit_entry.number"), primary_key=True, autoincrement=False
    )
    salt: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(Text)


class AuditHead(Model):
    """Where the chain ends: one row, which is locked by whoever adds to the log."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    at: Mapped[datetime]
    hash: Mapped[str] = mapped_column(String(64))


class AuditRoot(Model):
    """The published root of one day of the city: the hash of the last row before its end."""

    __tablename__ = "audit_root"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    number: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


def _stays(table: str, *acts: str) -> None:
    """Let both engines refuse `acts` on the rows of `table`; the migration does the same."""
    rows = db.metadata.tables[table]
    words = f"'{table} is only added to'"
    statements = [
        ("sqlite", f"{_trigger(table, act)} BEGIN SELECT RAISE(ABORT, {words}); END") for act in acts
    ] + [
        (
            "postgresql",
            f"CREATE OR REPLACE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION {words}; END $$",
        ),
        *(
            ("postgresql", f"{_trigger(table, act)} FOR EACH {each} EXECUTE FUNCTION {table}_stays()")
            for act, each in (*((act, "ROW") for act in acts), ("truncate", "STATEMENT"))
        ),
    ]
    for dialect, statement in statements:
        event.listen(rows, "after_create", DDL(statement).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]
    event.listen(
        rows,
        "after_drop",
        DDL(f"DROP FUNCTION IF EXISTS {table}_stays()").execute_if(dialect="postgresql"),  # type: ignore[no-untyped-call]
    )


def _trigger(table: str, act: str) -> str:
    return f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table}"


_stays("audit_entry", "update", "delete")
_stays("audit_root", "update", "delete")
_stays("audit_reason", "update")


# --- writing -------------------------------------------------------------------------------------


class _Noted(NamedTuple):
    act: str
    by: str | None
    thing: str
    reason: str
    details: dict[str, str | int | None]
    hourly: bool = False


def note(act: str, *, by: str | None, thing: str, reason: str = "", **details: str | int | None) -> None:
    """Promise one row of the log inside the open transaction; it is written just before the commit.

    `act` is a dotted word (`identity.opened`), `by` a person's public id (None: the system), `thing` says what was
    acted on (`case:20261121-0042`, `person:k3f…`). No words, names, numbers or keys of persons go into `details`;
    `reason` is what the member of staff wrote and is masked. RuntimeError outside of a transaction, ValueError for
    what is too long to be a name of a thing.
    """
    kept = {
        name: value if value is None or isinstance(value, int) else mask(str(value)).text[:LONGEST_DETAIL]
        for name, value in details.items()
    }
    _promise(_Noted(act, by, thing, mask(reason.strip()).text[:LONGEST_REASON], kept))


def note_hourly(act: str, *, by: str | None, thing: str) -> None:
    """Promise a row like note(), unless the log has the same act on the same thing by this person in this hour."""
    _promise(_Noted(act, by, thing, "", {}, hourly=True))


def _promise(promised: _Noted) -> None:
    act, thing = promised.act, promised.thing
    if not writing():
        raise RuntimeError("an act is noted inside transaction()")
    if len(act) > 60 or len(thing) > 80 or not thing.partition(":")[2]:
        raise ValueError(f"{act} on {thing}: not the name of an act and a thing")
    noted: list[_Noted] | None = db.session().info.setdefault("audit", [])
    if noted is None:
        raise RuntimeError("noted after the log was written")
    noted.append(promised)


def within_the_hour(act: str, by: str | None, thing: str) -> bool:
    """Whether the log has this act on this thing by this person since the full hour."""
    hour = now().replace(minute=0, second=0, microsecond=0)
    found = select(AuditEntry.number).where(
        AuditEntry.thing == thing, AuditEntry.act == act, AuditEntry.actor == by, AuditEntry.at >= hour
    )
    return db.session.scalar(found.limit(1)) is not None


def noted(by: str | None, act: str | None = None) -> bool:
    """Whether an act of this person, or this very act, is promised in the open transaction."""
    promised = db.session().info.get("audit") or ()
    return any(each.by == by and act in (None, each.act) for each in promised)


class Head(NamedTuple):
    """Where the chain ends."""

    number: int
    at: datetime
    hash: str


def hold() -> Head:
    """Where the chain ends (number, at, hash), held until the transaction ends.

    What waited for another one is given what that one wrote. Whoever holds it must lock nothing else that a verb locks.
    """
    heads = cast(Table, AuditHead.__table__)
    row = db.session.execute(
        insert(heads)
        .values(id=1, number=0, at=now(), hash=GENESIS)
        .on_conflict_do_update(index_elements=["id"], set_={"id": 1})
        .returning(heads.c.number, heads.c.at, heads.c.hash)
    ).one()
    return Head(row.number, row.at, row.hash)


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the hash of a row covers."""
    return {
        "v": row["format"],
        "number": row["number"],
        "at": row["at"].isoformat(timespec="microseconds"),
        "act": row["act"],
        "actor": row["actor"],
        "thing": row["thing"],
        "details": row["details"],
        "reason": row["reason_commitment"],
        "nonce": row["nonce"],
        "previous": row["previous_hash"],
    }


@before_commit(last=True)
def _write(session: Session) -> None:
    """Write down what was noted, behind everything else that this transaction locks."""
    acts: list[_Noted] | None = session.info.get("audit")
    session.info["audit"] = None
    if not acts:
        return
    session.flush()  # what other hooks added is written before everybody waits behind us
    number, at, last = hold()
    moment = max(at, now())
    entries: list[dict[str, Any]] = []
    reasons: list[dict[str, Any]] = []
    for each in acts:
        if each.hourly and within_the_hour(each.act, each.by, each.thing):
            continue  # of two pages opened at once the first one's row stands
        number += 1
        salt = committed = None
        if each.reason:
            salt, committed = commitment(each.reason)
            reasons.append({"number": number, "salt": salt, "words": each.reason})
        row = {
            "number": number,
            "at": moment,
            "act": each.act,
            "actor": each.by,
            "thing": each.thing,
            "details": each.details,
            "reason_commitment": committed,
            "nonce": secrets.token_hex(16),
            "format": FORMAT,
            "previous_hash": last,
        }
        row["hash"] = last = digest(_fields(row))
        entries.append(row)
    if not entries:
        return
    session.execute(cast(Table, AuditEntry.__table__).insert(), entries)
    if reasons:
        session.execute(cast(Table, AuditReason.__table__).insert(), reasons)
    session.execute(update(AuditHead).values(number=number, at=moment, hash=last))


def erase_reason(number: int, *, by: str | None) -> None:
    """Forget the words of row `number`; the chain holds, and that they were erased is a row of its own."""
    session = db.session()
    session.execute(cast(Table, AuditReason.__table__).delete().where(AuditReason.number == number))
    note("audit.reason_erased", by=by, thing=f"audit:{number}")


# --- verifying -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """The first row that is not as it was written, and in which way."""

    number: int
    why: Any  # a lazy sentence


def verify(published: Mapping[date, str] | None = None, progress: Progress | None = None) -> Broken | None:
    """Read the whole log and name the first row that was altered, removed or put elsewhere; None when all hold.

    `published` are roots by day as somebody kept them outside of this database. What is added meanwhile is not
    looked at: the log ends where it ended when this began.
    """
    session = db.session()
    # In this order, because others go on writing: what is known first is never ahead of the end.
    roots = {_end_of(root.day): root.hash for root in session.scalars(select(AuditRoot))}
    written = session.scalar(select(func.max(AuditEntry.number))) or 0
    head = session.get(AuditHead, 1)
    end, last = (head.number, head.hash) if head else (0, GENESIS)
    for day, known in (published or {}).items():
        if roots.setdefault(_end_of(day), known) != known:
            entry = last_before(_end_of(day))
            return Broken(
                entry.number if entry else 0, _l("its root is not the one published for %(day)s", day=day)
            )
    rows = _rows(end)
    before: dict[str, Any] = {"number": 0, "hash": GENESIS, "at": None}
    row = next(rows, None)
    ends = sorted(roots)
    while row is not None:
        after = next(rows, None)
        found = _wrong(before, row, after["previous_hash"] if after else last)
        if found:
            return found
        while ends and before["at"] is not None and row["at"] >= ends[0]:
            if roots[ends.pop(0)] != before["hash"]:
                return Broken(before["number"], _l("its day was published with another root"))
        if progress:
            progress(row["number"], end)
        before, row = row, after
    if before["number"] < end:
        return Broken(
            before["number"] + 1,
            _l("with it %(count)s rows at the end are gone", count=end - before["number"]),
        )
    if written > end:
        return Broken(end + 1, _l("the end of the log was set back before it"))
    if before["hash"] != last:
        return Broken(end, _l("the end of the log knows it with another hash"))
    if any(roots[moment] != before["hash"] for moment in ends):
        return Broken(before["number"], _l("its day was published with another root"))
    return None


def _end_of(day: date) -> datetime:
    return midnight(day + timedelta(days=1))


def _wrong(before: dict[str, Any], row: dict[str, Any], following: str) -> Broken | None:
    number = row["number"]
    if number != before["number"] + 1:
        return Broken(before["number"] + 1, _l("it is gone"))
    if digest(_fields(row)) != row["hash"]:
        return Broken(number, _l("its fields do not give its hash"))
    if row["previous_hash"] != before["hash"]:
        # Which of the two was written anew? The one that the next row does not know.
        if row["hash"] == following and before["number"]:
            return Broken(before["number"], _l("the row after it was written behind another one"))
        return Broken(number, _l("it does not follow from the row before it"))
    if before["at"] is not None and row["at"] < before["at"]:
        return Broken(number, _l("its time is before that of the row before it"))
    if row["reason_commitment"] is None:
        return None if row["words"] is None else Broken(number, _l("a reason was put to it later"))
    if row["words"] is None:
        erased = select(AuditEntry.number).where(
            AuditEntry.thing == f"audit:{number}", AuditEntry.act == "audit.reason_erased"
        )
        if db.session.scalar(erased.limit(1)) is None:
            return Broken(number, _l("its reason is gone and nobody noted erasing it"))
        return None
    if not opens(row["salt"], row["words"], row["reason_commitment"]):
        return Broken(number, _l("its reason was altered"))
    return None


def _rows(end: int) -> Iterator[dict[str, Any]]:
    """Every row up to number `end` with its reason, in the order of their numbers."""
    entries = cast(Table, AuditEntry.__table__)
    query = select(entries, AuditReason.salt, AuditReason.words).outerjoin(
        AuditReason, AuditReason.number == entries.c.number
    )
    reached: int | None = None
    while True:
        more = query.where(entries.c.number <= end).order_by(entries.c.number).limit(STEP)
        if reached is not None:
            more = more.where(entries.c.number > reached)
        found = db.session.execute(more).mappings().all()
        if not found:
            return
        yield from (dict(each) for each in found)
        reached = found[-1]["number"]


def last_before(moment: datetime) -> AuditEntry | None:
    """The last row that was written before `moment`, None when there was none."""
    return db.session.scalar(
        select(AuditEntry)
        .where(AuditEntry.at < moment)
        .order_by(AuditEntry.at.desc(), AuditEntry.number.desc())
        .limit(1)
    )
