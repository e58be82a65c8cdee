"""A whole city as one TOML file: read it, and explain every mistake in it with its line.

`read` gives the rows a loader needs; `check` gives all problems at once. Both are pure: no database, no page.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from pathlib import Path as FilePath

from board.i18n import _l
from boards.cityfile.checking import Checking
from boards.cityfile.entries import CityFile
from boards.cityfile.lines import Lines, Path
from boards.cityfile.problems import CityError, Message, Mistake, Problem
from boards.cityfile.reading import Reading
from people import nicknames

__all__ = ["CityError", "CityFile", "Problem", "check", "examine", "read", "sprite_icons"]

LARGEST = 10 * 1024 * 1024
_SPRITE = FilePath(__file__).resolve().parent.parent.parent / "static" / "img" / "icons.svg"
_SYMBOL = re.compile(r'<symbol[^>]*\bid="([^"]+)"')
_PLACE = re.compile(
    r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL
)


def read(path: FilePath | str) -> CityFile:
    """The city in the file at `path`; CityError with every problem when there is one."""
    city, problems = examine(path)
    if city is None or problems:
        raise CityError(problems)
    return city


def check(path: FilePath | str) -> list[Problem]:
    """Everything that is wrong with the file at `path`, in the order of its lines; [] when it can be loaded."""
    return examine(path)[1]


def sprite_icons(sprite: FilePath = _SPRITE) -> Collection[str] | None:
    """The icons the pages can draw; None when the sprite cannot be read, and any name passes."""
    try:
        return _SYMBOL.findall(sprite.read_text(encoding="utf-8")) or None
    except (OSError, UnicodeDecodeError):
        return None


def examine(path: FilePath | str) -> tuple[CityFile | None, list[Problem]]:
    """The city and its problems; no city when the file is not TOML."""
    text, trouble = _text(FilePath(path))
    if text is None:
        return None, trouble
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax(text, error)]
    except RecursionError:
        return None, [_whole(_l("Lists are nested too deeply"), _l("Write it as the demo city does"))]
    reading = Reading()
    city = reading.city(data)
    checking = Checking(city, icons=sprite_icons(), nickname=nicknames.check, spoiled=reading.spoiled)
    mistakes = [*reading.mistakes, *checking.run()]
    lines = Lines(text)
    problems = [
        Problem(*lines.of(mistake.path), _where(mistake.path, data), mistake.message, _remedy(mistake, lines))
        for mistake in mistakes
    ]
    return city, sorted(problems, key=lambda problem: (problem.line, problem.column))


def _remedy(mistake: Mistake, lines: Lines) -> Message:
    if mistake.first is None:
        return mistake.remedy
    line, _column = lines.of(mistake.first)
    return _l("It is taken in line %(line)d: choose another one", line=line)


def _text(path: FilePath) -> tuple[str | None, list[Problem]]:
    try:
        if path.stat().st_size > LARGEST:
            return None, [_whole(_l("The file is larger than 10 MB"), _l("Is it a city file?"))]
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return None, [
            _whole(_l("The file cannot be read: %(reason)s", reason=reason), _l("Check its name and rights"))
        ]
    try:
        # Windows editors begin a file with a mark that TOML does not know, and end lines with two characters.
        return raw.decode("utf-8-sig").replace("\r\n", "\n"), []
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        return None, [
            Problem(
                line,
                column,
                "",
                _l("The file is not in UTF-8"),
                _l("Save it as UTF-8 in your editor and try again"),
            )
        ]


def _whole(message: Message, remedy: Message) -> Problem:
    return Problem(1, 1, "", message, remedy)


def _syntax(text: str, error: tomllib.TOMLDecodeError) -> Problem:
    found = _PLACE.match(str(error))
    lines = text.split("\n")
    line, column, what = len(lines), len(lines[-1]) + 1, str(error)
    if found is not None:
        what = found["what"]
        if found["line"] is not None:
            line, column = int(found["line"]), int(found["column"])
    return Problem(
        line,
        column,
        "",
        _l("This is not TOML: %(what)s", what=what),
        _l("Mend this place first; the rest is checked after it"),
    )


def _where(path: Path, data: object) -> str:
    """A path in words: `thread signal-flashing, steps 3, by`. Rows are called by their key where they have one."""
    words: list[str] = []
    here: object = data
    for part in path:
        here = here[part] if isinstance(here, dict | list) and _has(here, part) else None  # type: ignore[index]
        if isinstance(part, int):
            key = here.get("key") if isinstance(here, dict) else None
            words[-1] += f" {key if isinstance(key, str) and key else part + 1}"
        else:
            words.append(part)
    return ", ".join(words)


def _has(here: dict[object, object] | list[object], part: str | int) -> bool:
    if isinstance(here, dict):
        return part in here
    return isinstance(part, int) and part < len(here)
