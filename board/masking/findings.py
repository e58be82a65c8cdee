"""What masking finds, and how it says where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "resident_id", "mobile", "landline", "bank_card", "plate", "room", "passport", "mail", "chat_id", "link"
]

KINDS: tuple[Kind, ...] = (
    "resident_id", "mobile", "landline", "bank_card", "plate", "room", "passport", "mail", "chat_id", "link",
)  # fmt: skip

# What a moderator may release in a member's reply: ways to reach somebody, nothing that says who he is.
CONTACTS: frozenset[Kind] = frozenset({"mobile", "landline", "mail", "chat_id", "link"})

# What an office says of itself: its own lines, rooms, mail and pages. Numbers of persons are covered there, too.
OFFICE: frozenset[Kind] = frozenset({"landline", "room", "mail", "link"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something covered: what it is, its span in the original text, and what stands there instead."""

    kind: Kind
    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Masked:
    """The text for the public and what was covered in it, in the order of the text."""

    text: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding in the text as matching sees it."""

    kind: Kind
    start: int
    end: int
    cover: str


class Taken:
    """Which places of a text are spoken for."""

    def __init__(self, length: int) -> None:
        self._places = bytearray(length)

    def add(self, start: int, end: int) -> None:
        """Speak for these places."""
        self._places[start:end] = b"\1" * (end - start)

    def any(self, start: int, end: int) -> bool:
        """Whether one of these places is spoken for."""
        return self._places.find(1, start, end) >= 0
