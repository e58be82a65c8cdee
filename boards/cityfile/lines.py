"""Where in a TOML file each key stands: the parser of the standard library does not say.

The text has been parsed without complaint before it comes here, so this walk only follows the grammar and
notes offsets; it judges nothing.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")


class Lines:
    """The place (line and column, both from 1) of every key, table and array element of one TOML text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._offsets: dict[Path, int] = {(): 0}
        self._tables: dict[Path, int] = {}
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._document()

    def of(self, path: Path) -> tuple[int, int]:
        """Line and column of `path`, or of the nearest thing around it that the text names."""
        while path not in self._offsets:
            path = path[:-1]
        return self.at(self._offsets[path])

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of a character's offset in the text."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def _document(self) -> None:
        table: Path = ()
        while self._skip(_BLANK) < len(self._text):
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        start = self._at
        many = self._peek("[[")
        self._at += 2 if many else 1
        parts = self._key()
        self._at += 2 if many else 1
        path: Path = ()
        for part in parts[:-1]:
            path = self._inside((*path, part))
        path = (*path, parts[-1])
        if many:
            self._tables[path] = self._tables.get(path, -1) + 1
            self._offsets.setdefault(path, start)
            path = (*path, self._tables[path])
        self._offsets[path] = start
        return path

    def _inside(self, path: Path) -> Path:
        return (*path, self._tables[path]) if path in self._tables else path

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table
        for part in self._key():
            path = (*path, part)
            self._offsets.setdefault(path, start)
        self._skip(_SPACE)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip(_SPACE)
            bare = _BARE.match(self._text, self._at)
            if bare is not None:
                parts.append(bare[0])
                self._at = bare.end()
            else:
                parts.append(self._quoted())
            self._skip(_SPACE)
            if not self._peek("."):
                return parts
            self._at += 1

    def _quoted(self) -> str:
        found = _STRING.match(self._text, self._at)
        assert found is not None, "the text was parsed before"
        self._at = found.end()
        return str(tomllib.loads(f"key = {found[0]}")["key"])

    def _value(self, path: Path) -> None:
        if self._peek("["):
            self._array(path)
        elif self._peek("{"):
            self._inline(path)
        else:
            found = _STRING.match(self._text, self._at) or _PLAIN_VALUE.match(self._text, self._at)
            assert found is not None, "the text was parsed before"
            self._at = found.end()

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self._peek("]"):
                self._at += 1
                return
            if self._peek(","):
                self._at += 1
                continue
            self._offsets[(*path, index)] = self._at
            self._value((*path, index))
            index += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_BLANK)
            if self._peek("}"):
                self._at += 1
                return
            if self._peek(","):
                self._at += 1
                continue
            self._pair(path)

    def _peek(self, mark: str) -> bool:
        return self._text.startswith(mark, self._at)

    def _skip(self, blank: re.Pattern[str]) -> int:
        found = blank.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return self._at
