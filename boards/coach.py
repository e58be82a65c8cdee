"""What somebody is writing that the board will cover: shown to him in his own words, before he sends them.

Nothing here is kept: it looks at what was typed, and forgets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from board import masking
from board.i18n import _
from board.masking import LINK, Kind
from boards.models.text import own_hosts, public_numbers


@dataclass(frozen=True)
class Piece:
    """Some of what was typed; `kind` says what would be covered in it, None for words that stay."""

    text: str
    kind: Kind | None = None


@dataclass(frozen=True)
class Look:
    """One field as it was typed, in pieces, and as everybody would read it."""

    name: str
    pieces: tuple[Piece, ...]
    covered: str


@dataclass(frozen=True)
class Coaching:
    """What would be covered in the fields of a form; false when nothing is."""

    looks: tuple[Look, ...]

    def __bool__(self) -> bool:
        return any(piece.kind for each in self.looks for piece in each.pieces)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds found, each once."""
        return tuple(sorted({piece.kind for each in self.looks for piece in each.pieces if piece.kind}))

    def found(self) -> list[tuple[str, str]]:
        """Each covered piece as it was typed, and what it is in the reader's language."""
        pairs = [(piece.text, piece.kind) for each in self.looks for piece in each.pieces if piece.kind]
        return [(words, kind_words([kind])) for words, kind in dict.fromkeys(pairs)]

    def pieces(self, name: str) -> tuple[Piece, ...]:
        """The pieces of one field."""
        return next((each.pieces for each in self.looks if each.name == name), ())

    def covered(self, name: str) -> str:
        """One field as everybody would read it."""
        return next((each.covered for each in self.looks if each.name == name), "")


def look(fields: Mapping[str, str], *, reply: bool = False) -> Coaching:
    """Look at what was typed into these fields; in a member's `reply` links wait as well."""
    allow, own = public_numbers(), own_hosts()
    leave: frozenset[Kind] = frozenset() if reply else LINK
    return Coaching(
        tuple(
            _look(name, words, masking.mask(words, allow=allow, leave=leave, own=own))
            for name, words in fields.items()
        )
    )


def _look(name: str, words: str, masked: masking.Masked) -> Look:
    pieces, at = [], 0
    for each in masked.findings:
        pieces += [Piece(words[at : each.start]), Piece(words[each.start : each.end], each.kind)]
        at = each.end
    pieces.append(Piece(words[at:]))
    return Look(name, tuple(piece for piece in pieces if piece.text), masked.text)


def kind_words(kinds: Iterable[str]) -> str:
    """The covered kinds in the reader's language: `手机号、车牌号`."""
    names = {
        "resident_id": _("identity card number"),
        "mobile": _("mobile number"),
        "landline": _("landline number"),
        "bank_card": _("bank card number"),
        "plate": _("number plate"),
        "room": _("unit and room"),
        "passport": _("passport or permit number"),
        "mail": _("mail address"),
        "chat_id": _("chat account"),
        "link": _("link"),
    }
    return _(", ").join(names[kind] for kind in kinds if kind in names)
