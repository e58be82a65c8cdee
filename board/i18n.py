"""Words in the reader's language: Chinese first, English complete.

Message ids are the English sentences. Catalogues lie one folder an area under `translations/`; they are
compiled when the program starts, so that nobody has to remember a build step.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_locale, get_translations, ngettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup, escape

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = ROOT / "translations"
LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
DEFAULT = "zh"

# The words of each language as plain tables: a page asks for sixty of them, and the way through
# Flask-Babel's contexts and domains cost a tenth of drawing it.
_words: dict[str, dict[Any, str]] = {}


def _(message: str, /, **parameters: Any) -> str:
    """`message` in the reader's language, its parameters filled in."""
    try:
        context = g._get_current_object()
    except RuntimeError:
        context = None
    kept = getattr(context, "station_words", None)
    if kept is None or kept[0] is not getattr(context, "babel_locale", None):
        locale = get_locale()
        kept = (locale, _table(str(locale)))
        if context is not None:
            context.station_words = kept
    found: str = kept[1].get(message) or message
    return found % parameters if parameters else found


class Lazy(LazyString):
    """A sentence whose language is chosen when it is shown.

    Flask-Babel's own calls itself markup, so that a page would take over what somebody typed into it unescaped.
    """

    def __html__(self) -> Markup:
        return escape(str(self))


def _l(message: str, /, **parameters: Any) -> Any:
    """`message` as it will read when it is shown: for refusals, which are made far from any page."""
    return Lazy(_, message, **parameters)


def _table(locale: str) -> dict[Any, str]:
    if locale not in _words:
        _words[locale] = dict(getattr(get_translations(), "_catalog", {}))
    return _words[locale]


__all__ = ["DEFAULT", "LANGUAGES", "_", "_l", "html_lang", "init_app", "language", "ngettext", "speaking"]


def areas() -> list[Path]:
    """The folders of the catalogues, one for each part of the house."""
    return sorted(path for path in CATALOGUES.iterdir() if path.is_dir()) if CATALOGUES.is_dir() else []


def compile_catalogues() -> None:
    """Compile each catalogue that is newer than its compiled form; safe when several processes start at once."""
    for source in CATALOGUES.glob("*/*/LC_MESSAGES/messages.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parent.parent.name)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as draft:
            write_mo(draft, catalogue)
        Path(draft.name).replace(target)
        os.chmod(target, 0o644)


def language() -> str:
    """The reader's language, `zh` or `en`; outside a request the one that `speaking()` set, else Chinese."""
    chosen = g.get("language") if g else None
    if chosen in LANGUAGES:
        return str(chosen)
    if has_request_context():
        from board.prefs import current

        return current().language
    return DEFAULT


def speaking(code: str) -> Any:
    """A context in which messages come out in language `code` (for text made outside a request)."""
    from flask_babel import force_locale

    return force_locale(LANGUAGES[code])


def html_lang() -> str:
    """The value of `<html lang>`."""
    return "zh-Hans-CN" if language() == "zh" else "en"


def is_english() -> bool:
    """Whether names stored per language are to be given in English."""
    locale = get_locale()
    return locale is not None and locale.language == "en"


def init_app(app: Flask) -> None:
    compile_catalogues()
    app.config["BABEL_DEFAULT_LOCALE"] = LANGUAGES[DEFAULT]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(str(path) for path in areas())
    Babel(app, locale_selector=lambda: LANGUAGES[language()])

    @app.context_processor
    def words() -> dict[str, Any]:
        return {"lang": html_lang() if request else "zh-Hans-CN", "language": language()}
