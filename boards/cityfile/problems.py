"""Mistakes in a city file, each with its place and its cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from board.i18n import _l
from boards.cityfile.lines import Path

Message = Any  # str or a lazy translation, as in board.errors

LISTED = 40


@dataclass(frozen=True)
class Problem:
    """One mistake: line and column (from 1) in the file, what stands there, what is wrong, what to do."""

    line: int
    column: int
    where: str
    message: Message
    remedy: Message


@dataclass(frozen=True)
class Mistake:
    """A problem whose place is still a path into the file; `first` is where its value stands already."""

    path: Path
    message: Message
    remedy: Message
    first: Path | None = None


class CityError(ValueError):
    """A city file that cannot be read; `problems` has every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(f"{problem.line}: {problem.message}" for problem in self.problems))


def instead_of(name: str, known: Iterable[str]) -> Message:
    """What to write instead of the unknown `name`: the nearest of `known`, or all of them."""
    names = sorted(set(known))
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return _l("Did you mean “%(near)s”?", near=near[0])
    if not names:
        return _l("Take it out")
    listed = ", ".join(names[:LISTED]) + (" …" if len(names) > LISTED else "")
    return _l("Use one of: %(names)s", names=listed)
