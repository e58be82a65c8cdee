"""Deleting an account, when the days in which it could be taken back are over.

The job goes through the steps of every part (people/own_data.py), each in small transactions that ask what is still
there. So a worker that is killed in it is followed by one that goes on, and both end in the same state. The last
transaction forgets who it was.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import delete, select

from board import jobs, retention
from board.clock import now
from board.db import db, transaction
from board.live import append
from board.seams import provided, standing_promise
from people import contacts, news, own_data, vault
from people.codes import OWNER
from people.models import (
    CalendarFeed,
    Consent,
    Contact,
    Deletion,
    Export,
    KnownDevice,
    OneTimeCode,
    Passkey,
    Person,
    RecoveryCode,
    SignIn,
    SignInLink,
)
from people.models.deletion import GRACE

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(days=1)

# What says by what, where and as whom somebody signed in, was told and agreed: one statement takes all of a table.
OWN = (SignIn, SignInLink, Passkey, RecoveryCode, KnownDevice, CalendarFeed, Consent, Contact)


@jobs.handler("erase-person", single=True)
def erase(deletion: str) -> None:
    """Carry one wish out, from wherever an earlier worker left it."""
    begun = _begin(deletion)
    if begun is None:
        return
    person_id, wished = begun
    for name, step in own_data.steps():
        log.info("deletion %s: %s", deletion, name)
        step(person_id, wished)
        db.session.rollback()
    _finish(deletion)


def _find(public_id: str) -> Deletion | None:
    return db.session.scalar(select(Deletion).where(Deletion.public_id == public_id).with_for_update())


def _begin(public_id: str) -> tuple[int, dict[str, str | None]] | None:
    """Close the account, so that nothing new is written meanwhile; None when it was taken back, is done, or must wait."""
    with transaction():
        row = _find(public_id)
        if row is None or row.undone_at is not None or row.done_at is not None or now() < row.due_at:
            return None
        person = row.person
        if row.begun_at is None:
            held = own_data.held_by(person)
            if held:
                if row.due_at == row.asked_at + GRACE:  # told once, however often it is looked at again
                    news.tell("account.deletion_waits", person)
                row.due_at = now() + LOOK_AGAIN
                row.promise()
                return None
            row.begun_at = now()
        for each in SignIn.open_of(person):
            each.revoke()
        person.active = False
        return row.person_id, {"pressed": row.pressed}


def _finish(public_id: str) -> None:
    """Everything that says who it was, in one transaction: before it the work goes on, after it nobody is left."""
    with transaction() as session:
        row = _find(public_id)
        if row is None or row.done_at is not None:
            return
        person = row.person
        phone = vault.get(person.owner, "phone")
        for contact in contacts.of(person):
            contacts.remove(contact)
        if phone:
            codes = select(OneTimeCode.id).where(
                OneTimeCode.phone_lookup == vault.keyed_hash("code phone", phone)
            )
            vault.erase_all(select(OWNER + OneTimeCode.public_id).where(OneTimeCode.id.in_(codes)))
            session.execute(delete(OneTimeCode).where(OneTimeCode.id.in_(codes)))
        for export in session.scalars(select(Export).where(Export.person_id == person.id)):
            export.remove()
        for model in OWN:
            session.execute(delete(model).where(model.person_id == person.id))
        append(person.stream, kind="sign_ins", recheck="all")
        person.erase()
        row.pressed = None
        row.note_done()
        retention.noted("accounts", 1)
        provided("rewrite_index")


def unfinished() -> Iterator[Deletion]:
    """The wishes that were begun and are not done, and those whose time is over and whose job was lost."""
    yield from db.session.scalars(
        select(Deletion).where(
            Deletion.undone_at.is_(None), Deletion.done_at.is_(None), Deletion.due_at <= now()
        )
    )


@standing_promise
def promise_unfinished() -> None:
    """A wish is never lost: whenever a worker starts, and every night, what is due is promised once more."""
    for row in unfinished():
        key = f"erase-person:{row.public_id}:again:{now():%Y-%m-%d}"
        jobs.put("erase-person", key=key, deletion=row.public_id)


# --- after a backup was put back ------------------------------------------------------------------------


def erased() -> list[str]:
    """The public ids of the accounts that were deleted, to be kept beside the backups."""
    rows = select(Person.public_id).where(Person.erased_at.is_not(None)).order_by(Person.erased_at, Person.id)
    return list(db.session.scalars(rows))


def erase_again(public_ids: list[str]) -> int:
    """Promise that these accounts, which a backup has brought back, are deleted again at once; how many."""
    count = 0
    with transaction() as session:
        rows = session.scalars(
            select(Person).where(
                Person.public_id.in_(public_ids), Person.kind == "member", Person.erased_at.is_(None)
            )
        )
        for person in rows:
            wish = Deletion(person=person, asked_at=now(), due_at=now())
            session.add(wish)
            session.flush()
            wish.promise()
            count += 1
    return count
