"""What the board holds about somebody, told and forgotten: each part fills in what is its own.

`tells(name)` is one chapter of the copy that a member may take along; `forgets(name)` is one step of deleting his
account. Lower parts never know who else fills in, as with the seams of the wall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from board.clock import local
from people.models import Person

Row = dict[str, Any]
Rows = Callable[[Person], Iterator[Row]]
Step = Callable[[int, Mapping[str, Any]], None]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Attached:
    """In a row: a file of the store, by its key, and the name that it has in the copy."""

    key: str
    name: str


@dataclass(frozen=True)
class Chapter:
    """One kind of thing: its name in the JSON, its heading, the words for each field, and how its rows are read.

    `rows` reads in pieces and holds no transaction open between two of them longer than it must.
    """

    name: str
    title: Any
    words: Mapping[str, Any]
    rows: Rows


_chapters: dict[str, Chapter] = {}
_steps: dict[str, Step] = {}
_holds: list[Callable[[Person], list[str]]] = []


def tells(name: str, title: Any, words: Mapping[str, Any]) -> Callable[[F], F]:
    """Register one chapter: the function takes a person and gives rows with the fields of `words`, none of them about
    anybody else."""

    def put(function: F) -> F:
        _chapters[name] = Chapter(name, title, words, function)
        return function

    return put


def chapters() -> list[Chapter]:
    """Every chapter, in the order in which the parts were put together."""
    return list(_chapters.values())


def forgets(name: str) -> Callable[[F], F]:
    """Register one step of deleting an account. It takes the person's table id and what was wished (`pressed`), opens
    its own small transactions, and does nothing to what is done already: a worker may die in it at any place."""

    def put(function: F) -> F:
        _steps[name] = function
        return function

    return put


def steps() -> list[tuple[str, Step]]:
    """Every step, the lowest part's first."""
    return list(_steps.items())


def holds(function: F) -> F:
    """Register what may keep an account from being deleted: the function gives the numbers of cases, [] for none."""
    if function not in _holds:
        _holds.append(function)
    return function


def held_by(person: Person) -> list[str]:
    """The numbers of the cases that must come to their end before this account can be deleted."""
    return list(dict.fromkeys(number for function in _holds for number in function(person)))


def plain(value: Any) -> Any:
    """A value as JSON holds it: moments on the city's clocks, files by their name in the copy."""
    if isinstance(value, datetime):
        return local(value).isoformat(timespec="seconds")
    if isinstance(value, Attached):
        return value.name
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
