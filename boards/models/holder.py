"""Whoever holds the receipt of a thread: what stands in the place of its poster where there is no account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from people.models import Person

if TYPE_CHECKING:
    from boards.models.thread import Thread


@dataclass(frozen=True)
class Holder:
    """The poster's stand-in while a dialogue is open (`Receipt.holder`); of one thread, in no office, and no row.

    The rules ask it what they ask a person. What it does is written down as the poster's and leads to nobody.
    """

    thread_id: int

    id = 0  # of no person: a rule that compares ids denies
    active = True
    is_staff = False
    departments: tuple[()] = ()

    def serves(self, _department: object) -> bool:
        """In no department."""
        return False

    def leads(self, _department: object) -> bool:
        """Nobody."""
        return False

    def has_role(self, *_role: object) -> bool:
        """None."""
        return False

    def on_duty_for(self, _department: object) -> bool:
        """Never."""
        return False


Poster = Person | Holder


def posted_by(thread: Thread, person: Poster | None) -> bool:
    """Whether `person` posted the thread: its poster, or where a receipt stands for him, who holds it."""
    if person is None:
        return False
    if isinstance(person, Holder):
        return thread.identity == "receipt" and thread.poster_id is None and thread.id == person.thread_id
    return thread.poster_id == person.id


def account(person: Poster | None) -> Person | None:
    """The account behind an act; behind a receipt there is none."""
    return None if isinstance(person, Holder) else person
