"""Deleting an account, as far as it hangs on the wall: words and photos go, numbers, times, units and ratings stay.

A text is replaced by one sentence and its original, earlier versions, covers and photos are gone; the salts of its steps
go with it, so that the chain still holds and nothing can be guessed from it. Cases that are still open are withdrawn.
What sits with those who work apart from everybody (complaints, tips) holds the account until it has ended: nobody shall
make such a matter vanish by making somebody delete his account.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update

from board import audit, retention
from board.db import db, transaction
from board.files import StoredFile
from board.seams import provided
from boards.models import (
    OPEN,
    Appeal,
    Case,
    CaseEvent,
    IdentityOpening,
    Mention,
    Report,
    ReviewMark,
    Text,
    TextPrint,
    Thread,
    Watch,
)
from boards.models.locking import lock
from boards.models.timeline import Audience
from boards.models.watch import unfollow
from boards.photos import OF_TEXT
from people import vault
from people.models import Person
from people.own_data import forgets, holds

AT_ONCE = 20  # rows changed in one transaction
LOOKED_UP = ("identity.opened", "text.uncovered")  # acts whose reason speaks of the poster


@holds
def open_apart(person: Person) -> list[str]:
    """The numbers of his open cases that only those who serve in their department read."""
    rows = (
        select(Case.number)
        .join(Thread, Case.thread_id == Thread.id)
        .where(
            Thread.poster_id == person.id,
            Thread.visibility == "restricted",
            Thread.restricted_why == "section",
            Case.status.in_(OPEN),
        )
    )
    return list(db.session.scalars(rows.order_by(Case.id)))


@forgets("boards")
def forget(person_id: int, wished: Mapping[str, Any]) -> None:
    """His words, photos, marks and what he follows; each piece in a transaction of its own."""
    while _stop_following(person_id):
        pass
    while _erase_thread(person_id, str(wished.get("pressed") or "")):
        pass
    while _erase_text(person_id):
        pass
    _forget_reports(person_id)
    while _forget_steps(person_id):
        pass


def _stop_following(person_id: int) -> bool:
    with transaction() as session:
        rows = session.scalars(
            select(Watch).where(Watch.person_id == person_id).order_by(Watch.thread_id).limit(AT_ONCE)
        ).all()
        person = session.get_one(Person, person_id)
        for thread_id in [row.thread_id for row in rows]:
            lock(Thread.id == thread_id)
            unfollow(session.get_one(Thread, thread_id), by=person)
        return bool(rows)


def _erase_thread(person_id: int, pressed: str) -> bool:
    """The next of his threads whose words still stand; False when there is none."""
    with transaction() as session:
        found = session.scalar(
            select(Thread.id)
            .join(Text, Thread.body_id == Text.id)
            .where(Thread.poster_id == person_id, Text.erased_at.is_(None))
            .order_by(Thread.id)
            .limit(1)
        )
        if found is None:
            return False
        lock(Thread.id == found)
        thread = session.get_one(Thread, found)
        case = thread.case
        if case is not None and case.is_open:
            case.withdraw(by=session.get_one(Person, person_id), pressed=pressed)
        for text in (thread.title_text, thread.body, thread.place_text):
            if text is not None:
                _erase(text, thread)
        thread.place = ""
        thread.record("thread.erased", by=None, audience=Audience(followers=False), moves=False)
        if case is not None:
            _forget_lookups(case)
        return True


def _erase(text: Text, thread: Thread | None) -> None:
    """One text with everything that was made of it, inside the open transaction."""
    text.erase()
    for file in StoredFile.of(OF_TEXT, text.public_id):
        file.remove()
    for mention in db.session.scalars(select(Mention).where(Mention.text_id == text.id)):
        mention.offset, mention.length, mention.name = 0, 0, mention.department.name
    for model in (TextPrint, ReviewMark):
        db.session.execute(delete(model).where(model.text_id == text.id))
    if thread is not None:
        thread.masked_anew(text)
        provided("index_again", thread.public_id)


def _erase_text(person_id: int) -> bool:
    """The next of his other texts: replies, ratings, reports, appeals, whom he complained about."""
    with transaction() as session:
        found = session.scalar(
            select(Text.id)
            .where(Text.author_id == person_id, Text.erased_at.is_(None))
            .order_by(Text.id)
            .limit(1)
        )
        if found is None:
            return False
        thread_id = session.scalar(
            select(CaseEvent.thread_id)
            .where(or_(CaseEvent.public_text_id == found, CaseEvent.internal_text_id == found))
            .limit(1)
        )
        if thread_id is not None:
            lock(Thread.id == thread_id)
        thread = session.get(Thread, thread_id) if thread_id is not None else None
        _erase(session.get_one(Text, found), thread)
        return True


def _forget_reports(person_id: int) -> None:
    with transaction() as session:
        vault.erase_all(select("report:" + Report.public_id).where(Report.by_id == person_id))
        session.execute(delete(Appeal).where(Appeal.by_id == person_id, Appeal.decided_at.is_(None)))


def _forget_steps(person_id: int) -> bool:
    """Destroy the salts that could prove who took a step; False when none is left."""
    with transaction() as session:
        ids = session.scalars(
            select(CaseEvent.id)
            .where(CaseEvent.actor_id == person_id, CaseEvent.actor_salt.is_not(None))
            .limit(10 * AT_ONCE)
        ).all()
        session.execute(
            update(CaseEvent)
            .where(CaseEvent.id.in_(ids))
            .values(actor_salt=None)
            .execution_options(synchronize_session=False)
        )
        return bool(ids)


def _forget_lookups(case: Case) -> None:
    """What was written down about the poster when he was looked up; that it was done, by whom and when, stays in the log."""
    session = db.session
    session.execute(delete(IdentityOpening).where(IdentityOpening.case_id == case.id))
    for event in session.scalars(
        select(CaseEvent).where(CaseEvent.case_id == case.id, CaseEvent.kind.in_(LOOKED_UP))
    ):
        event.details = {name: value for name, value in event.details.items() if name != "reason"}
    rows = session.scalars(
        select(audit.AuditEntry.number)
        .join(audit.AuditReason, audit.AuditReason.number == audit.AuditEntry.number)
        .where(audit.AuditEntry.thing == case.thread.thing, audit.AuditEntry.act.in_(LOOKED_UP))
    )
    for number in list(rows):
        audit.erase_reason(number, by=None)


# --- originals whose time is over -----------------------------------------------------------------------


@retention.removes("originals")
def forget_originals(before: datetime, dry_run: bool) -> int:
    """What the vault holds of covered words in matters that were closed before this moment; the covered words stay."""
    after, removed = "text:", 0
    while True:
        owners = list(
            db.session.scalars(
                select(vault.VaultItem.owner)
                .where(
                    vault.VaultItem.owner > after,
                    vault.VaultItem.owner < "text;",  # the sign behind the colon
                    vault.VaultItem.field == "original",
                    vault.VaultItem.created_at < before,
                )
                .order_by(vault.VaultItem.owner)
                .limit(retention.CHUNK)
            )
        )
        over = _over([owner.removeprefix("text:") for owner in owners], before)
        db.session.rollback()
        if not owners:
            return removed
        after = owners[-1]
        removed += len(over)
        if not dry_run:
            for start in range(0, len(over), AT_ONCE):
                _drop_originals(over[start : start + AT_ONCE])


def _over(public_ids: list[str], before: datetime) -> list[int]:
    """Those of these texts that stand in a thread whose case was closed before this moment."""
    closed = select(Case.thread_id).where(Case.status == "closed", Case.closed_at < before)
    said = select(CaseEvent.id).where(CaseEvent.public_text_id == Text.id, CaseEvent.thread_id.in_(closed))
    posted = select(Thread.id).where(
        or_(Thread.title_id == Text.id, Thread.body_id == Text.id, Thread.place_id == Text.id),
        Thread.id.in_(closed),
    )
    rows = select(Text.id).where(
        Text.public_id.in_(public_ids),
        or_(said.correlate(Text).exists(), posted.correlate(Text).exists()),
    )
    return list(db.session.scalars(rows.order_by(Text.id)))


def _drop_originals(ids: list[int]) -> None:
    with transaction() as session:
        rows = session.scalars(select(Text).where(Text.id.in_(ids), Text.in_vault).order_by(Text.id)).all()
        for text in rows:
            text.drop_original()
        retention.noted("originals", len(rows))
