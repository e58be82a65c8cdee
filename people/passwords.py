"""Staff passwords: Argon2id with 19 MiB, two passes, one lane (OWASP's minimum), and equal work for every answer."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from board.errors import Invalid
from board.i18n import _l
from people.models.person import Person

SHORTEST, LONGEST = 10, 200

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    """A hash that no password fits: what a missing account is verified against, so that it takes as long."""
    return _hasher.hash("nobody has this password")


def check(password: str, person: Person | None = None) -> str:
    """The password as it is hashed (NFKC); Invalid when it is too short, too plain, or holds the name or badge."""
    password = unicodedata.normalize("NFKC", password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(
            _l("Choose a password of 10 to 200 characters; three unusual words do well"), field="password"
        )
    folded = password.casefold()
    known = [person.badge, person.name, person.name_en] if person is not None else []
    if len(set(folded)) < 5 or any(each and each.casefold() in folded for each in known):
        raise Invalid(
            _l("This password is easy to guess: take one without your name, badge or repeats"),
            field="password",
        )
    return password


def set_password(person: Person, password: str) -> None:
    """Give `person` a new password inside the open transaction; Invalid when it does not do."""
    person.password_hash = _hasher.hash(check(password, person))


def fits(kept: str | None, password: str) -> bool:
    """Whether `password` is the one of which `kept` is the hash. Without a hash it takes as long and is False."""
    given = unicodedata.normalize("NFKC", password[:LONGEST])
    try:
        _hasher.verify(kept or _nobody(), given)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None
