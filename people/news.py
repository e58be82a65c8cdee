"""What happens to somebody's account, told to him: a sign-in on a device that is new, a code used up, a passkey added.

Nobody else hears of it. A higher part listens to `account.*` and puts it where its person reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from board.db import random_id
from board.events import publish_apart
from people.models.person import Person
from people.models.sign_in import SignIn

# What can happen, each with its line in notifications/accounts.py.
KINDS = (
    "account.signed_in",
    "account.recovery_code_used",
    "account.recovery_codes_made",
    "account.second_factor_changed",
    "account.passkey_added",
    "account.passkey_removed",
    "account.export_ready",
    "account.deletion_waits",
)


@dataclass(frozen=True)
class AccountNews:
    """One thing that happened to `person`'s account, in the sign-in `sign_in` where there was one."""

    kind: str
    person: Person
    sign_in: SignIn | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    public_id: str = field(default_factory=random_id)


def tell(kind: str, person: Person, *, sign_in: SignIn | None = None, **parameters: Any) -> None:
    """Tell `person`, inside the open transaction; KeyError for a kind that nobody has words for."""
    if kind not in KINDS:
        raise KeyError(kind)
    publish_apart(AccountNews(kind, person, sign_in, parameters))
