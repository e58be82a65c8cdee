"""Recovery codes of staff: what opens the second step when the authenticator is lost, each one once."""

from __future__ import annotations

import secrets
import unicodedata

from sqlalchemy import CursorResult, delete, func, select, update

from board.clock import now
from board.db import db
from people import vault
from people.models.person import Person
from people.models.recovery_code import RecoveryCode

HOW_MANY = 10
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is read as another
LENGTH = 12  # 59 bits
PART = 4


def renew(person: Person) -> list[str]:
    """Ten new codes, `k7mw-2ghp-x9rt`, inside the open transaction; those made before stop working. Shown this once."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    codes = ["".join(secrets.choice(LETTERS) for _place in range(LENGTH)) for _turn in range(HOW_MANY)]
    moment = now()
    db.session.add_all(
        RecoveryCode(person_id=person.id, code_hash=_hash(person, code), created_at=moment) for code in codes
    )
    return [written(code) for code in codes]


def use(person: Person, code: str) -> bool:
    """Whether `code` is one of this person's that was not used; it is used up by this, inside the open transaction.

    Of two who send the same one at once, one gets True: the row is looked for and marked in one statement.
    """
    given = normalise(code)
    if len(given) != LENGTH:
        return False
    done = db.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person.id,
            RecoveryCode.code_hash == _hash(person, given),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now())
    )
    assert isinstance(done, CursorResult)
    return done.rowcount == 1


def left(person: Person) -> int:
    """How many codes may still be used."""
    query = select(func.count(RecoveryCode.id)).where(
        RecoveryCode.person_id == person.id, RecoveryCode.used_at.is_(None)
    )
    return db.session.scalar(query) or 0


def normalise(raw: str) -> str:
    """A code as it was typed or pasted: width, case, spaces and dashes make no difference."""
    kept = unicodedata.normalize("NFKC", raw)[:200].casefold()
    return "".join(letter for letter in kept if letter in LETTERS)


def written(code: str) -> str:
    """A code in fours, as it is written down."""
    return "-".join(code[start : start + PART] for start in range(0, len(code), PART))


def _hash(person: Person, code: str) -> str:
    return vault.keyed_hash("recovery code", f"{person.public_id}:{code}")
