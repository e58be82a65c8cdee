"""The messages that the code shows and the words the catalogues have for them: for tests and translators."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from board.i18n import CATALOGUES, LANGUAGES, ROOT

CODE = ("board", "people", "boards", "complaints", "notifications", "search", "insights", "api", "outreach")
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
Key = str | tuple[str, ...]


def shown() -> dict[Key, list[str]]:
    """Every message id in code and templates (plural ones as a pair), with the places that show it."""
    found: dict[Key, list[str]] = {}
    sources = [
        (path, "python")
        for part in CODE
        if (ROOT / part).is_dir()
        for path in sorted((ROOT / part).rglob("*.py"))
    ]
    sources += [(path, "jinja2.ext:babel_extract") for path in sorted((ROOT / "templates").rglob("*.html"))]
    options = {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.do,board.fragments.Fragments"}
    for path, method in sources:
        extracted = extract_from_file(method, path, keywords=KEYWORDS, options=options)
        for line, message, _comments, _context in extracted:
            key: Key = tuple(message) if isinstance(message, tuple | list) else message
            if key:
                found.setdefault(key, []).append(f"{path.relative_to(ROOT)}:{line}")
    return found


def catalogues(locale: str = LANGUAGES["zh"]) -> dict[str, Catalog]:
    """The catalogue of each area."""
    result = {}
    for source in sorted(CATALOGUES.glob(f"*/{locale}/LC_MESSAGES/messages.po")):
        with source.open("rb") as file:
            result[source.parts[-4]] = read_po(file, locale=locale)
    return result


def _key(message: Message) -> Key:
    return tuple(message.id) if isinstance(message.id, tuple | list) else message.id


def _said(message: Message) -> bool:
    words = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return not message.fuzzy and bool(words) and all(words)


def missing() -> dict[Key, list[str]]:
    """Messages shown somewhere for which no area has words, with their places."""
    said = {
        _key(message)
        for catalogue in catalogues().values()
        for message in catalogue
        if message.id and _said(message)
    }
    # A plural may stand under its singular alone, and the other way round.
    said |= {key[0] for key in said if isinstance(key, tuple)}
    return {key: places for key, places in shown().items() if key not in said}


def unused() -> dict[str, list[Key]]:
    """Messages of each area that nothing shows any more."""
    used = set(shown())
    used |= {key[0] for key in used if isinstance(key, tuple)}
    return {
        area: gone
        for area, catalogue in catalogues().items()
        if (gone := [_key(message) for message in catalogue if message.id and _key(message) not in used])
    }


def wrong_placeholders() -> list[tuple[str, str]]:
    """(area, message) where the Chinese words use other placeholders than the message."""
    import re

    names = re.compile(r"%\((\w+)\)[sd]")
    wrong = []
    for area, catalogue in catalogues().items():
        for message in catalogue:
            if not message.id:
                continue
            ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
            words = message.string if isinstance(message.string, tuple | list) else (message.string,)
            allowed = {name for each in ids for name in names.findall(each)}
            if any(set(names.findall(each)) - allowed for each in words if each):
                wrong.append((area, str(ids[0])))
    return wrong


def write_down(area: str, keys: list[Key]) -> Path:
    """Add `keys` without words to an area's catalogue."""
    path = CATALOGUES / area / LANGUAGES["zh"] / "LC_MESSAGES" / "messages.po"
    catalogue = catalogues().get(area) or Catalog(locale=LANGUAGES["zh"])
    for key in keys:
        catalogue.add(list(key) if isinstance(key, tuple) else key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=0, omit_header=False)
    return path
