"""From TOML to the rows of `entries`: each row's class says which keys there are and what they hold.

Nothing stops at the first mistake: a value that cannot be read is noted and stands as something empty, so that
everything else is still looked at.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import time
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from board.errors import Invalid
from board.i18n import _l
from boards.cityfile.entries import CityFile, Entry
from boards.cityfile.lines import Path
from boards.cityfile.problems import Mistake, instead_of
from boards.cityfile.times import When

_CLOCK = _l("Write a time of day such as “08:30”")
_WHEN = _l("Write “-3d 09:12”, “-95m” or “-2h 30m” for a post, “+12m”, “+3h 20m” or “+1d 10:30” for a step")
_SPAN = _l("Write “30 min”, “2 h”, “7 d”, “1 wd” or “30 min; night 2 h”")

_WORDS = {
    str: _l("a text in quotes"),
    bool: _l("true or false"),
    int: _l("a whole number"),
    tuple: _l("a list in square brackets"),
    dict: _l("a table"),
}


class Reading:
    """One reading of one file. `mistakes` has what was wrong, `spoiled` the paths nothing should be built on."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.spoiled: set[Path] = set()

    def city(self, data: Mapping[str, Any]) -> CityFile:
        """The whole file as rows."""
        read: CityFile = self._table(CityFile, data, ())
        return read

    def note(self, path: Path, message: Any, remedy: Any) -> None:
        """Remember a mistake at `path`."""
        self.mistakes.append(Mistake(path, message, remedy))
        self.spoiled.add(path)

    def _table(self, kind: type[Entry], data: Mapping[str, Any], path: Path) -> Any:
        hints = get_type_hints(kind)
        known = {field.name: field for field in fields(kind) if field.name != "path"}
        for key in data:
            if key not in known:
                self.note((*path, key), _l("“%(key)s” is not known here", key=key), instead_of(key, known))
        values: dict[str, Any] = {}
        for name, field in known.items():
            here = (*path, name)
            if name in data:
                values[name] = self._value(hints[name], data[name], here)
            elif field.default is MISSING and field.default_factory is MISSING:
                self.note(here, _l("“%(key)s” is missing", key=name), _l("Add it to this table"))
                values[name] = self._empty(hints[name], here)
        return kind(path=path, **values)

    def _value(self, kind: Any, raw: Any, path: Path) -> Any:
        origin, choices = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            return self._value(next(each for each in choices if each is not type(None)), raw, path)
        if origin is Literal:
            return self._choice(raw, choices, path)
        if origin is tuple:
            return self._list(choices[0], raw, path)
        if origin is not None:
            return self._mapping(raw, path)
        if is_dataclass(kind) and isinstance(kind, type) and issubclass(kind, Entry):
            if isinstance(raw, Mapping):
                return self._table(kind, raw, path)
            return self._wrong(dict, path, self._empty(kind, path))
        if isinstance(kind, type) and issubclass(kind, Enum):
            chosen = self._choice(raw, tuple(each.value for each in kind), path)
            return kind(chosen) if chosen else None
        return self._plain(kind, raw, path)

    def _plain(self, kind: Any, raw: Any, path: Path) -> Any:
        if kind in (bool, int):
            # bool is an int to Python, not to whoever writes the file.
            if type(raw) is kind:
                return raw
            return self._wrong(kind, path, kind())
        if not isinstance(raw, str):
            return self._wrong(str, path, self._empty(kind, path))
        if kind is str:
            return raw.strip()
        try:
            if kind is time:
                return time.fromisoformat(raw) if len(raw) == 5 else self._unclear(raw, _CLOCK, path)
            return kind.parse(raw)
        except (ValueError, Invalid):
            return self._unclear(raw, {time: _CLOCK, When: _WHEN}.get(kind, _SPAN), path)

    def _unclear(self, raw: str, remedy: Any, path: Path) -> Any:
        self.note(path, _l("“%(text)s” cannot be read", text=raw[:60]), remedy)
        return None

    def _wrong(self, wanted: type, path: Path, stand_in: Any) -> Any:
        self.note(path, _l("The value has the wrong type"), _l("Write %(wanted)s", wanted=_WORDS[wanted]))
        return stand_in

    def _choice(self, raw: Any, choices: tuple[Any, ...], path: Path) -> Any:
        if raw in choices and isinstance(raw, str):
            return raw
        if not isinstance(raw, str):
            return self._wrong(str, path, None)
        self.note(path, _l("“%(key)s” is not known here", key=raw[:60]), instead_of(raw[:60], choices))
        return None

    def _list(self, kind: Any, raw: Any, path: Path) -> Any:
        if not isinstance(raw, list):
            return self._wrong(tuple, path, ())
        read = (self._value(kind, each, (*path, index)) for index, each in enumerate(raw))
        return tuple(each for each in read if each is not None)

    def _mapping(self, raw: Any, path: Path) -> Any:
        if not isinstance(raw, Mapping):
            return self._wrong(dict, path, {})
        return {str(key): self._plain(str, each, (*path, str(key))) for key, each in raw.items()}

    def _empty(self, kind: Any, path: Path) -> Any:
        """Something to stand in the place of a value that is not there: what is built on it is not judged."""
        self.spoiled.add(path)
        origin = get_origin(kind)
        if origin is tuple:
            return ()
        if kind in (str, int, bool, dict):
            return kind()
        if is_dataclass(kind) and isinstance(kind, type) and issubclass(kind, Entry):
            quiet = Reading()
            return quiet._table(kind, {}, path)
        if origin is not None and origin not in (Literal, Union, types.UnionType):
            return {}
        return None
