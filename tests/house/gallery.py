"""The component library with the demo city's words, drawn by Jinja2 alone: for eyes, and for the tests of the look.

    .venv/bin/python tests/house/gallery.py FOLDER [CHROMIUM]

writes pages and, with a Chromium, pictures of them at 390 and 1280 px, light, dark, care and largest text.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = Path(__file__).resolve().parent / "gallery_pages"
CATALOGUE = ROOT / "translations" / "shell" / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"
NOON = datetime(2026, 11, 21, 14, 36, tzinfo=ZoneInfo("Asia/Shanghai"))
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"theme": "light", "text": "m", "care": False},
    "dark": {"theme": "dark", "text": "m", "care": False},
    "care": {"theme": "light", "text": "l", "care": True},
    "xxl": {"theme": "light", "text": "xxl", "care": False},
}
WIDTHS = (390, 1280)
LANGUAGES = {"zh": "zh-Hans-CN", "en": "en"}


def words(language: str) -> tuple[Callable[..., str], Callable[..., str]]:
    """(_, ngettext) of a language; English ids are their own words."""
    known: dict[Any, Any] = {}
    if language == "zh":
        with CATALOGUE.open("rb") as file:
            for message in read_po(file):
                known[message.id if isinstance(message.id, str) else message.id[0]] = message.string

    def gettext(text: str, **values: object) -> str:
        found = str(known.get(text, text))
        return found % values if values else found

    def ngettext(one: str, many: str, num: int) -> str:
        found = known.get(one)
        return (found[0] if found else one if num == 1 else many) % {"num": num}

    return gettext, ngettext


def environment(language: str = "zh", asset_root: str = "/static") -> Environment:
    """Jinja2 as the board sets it up, without the board."""
    env = Environment(
        loader=FileSystemLoader([PAGES, ROOT / "templates"]),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do", "jinja2.ext.i18n", "board.fragments.Fragments"],
    )
    gettext, ngettext = words(language)
    env.globals.update(
        _=gettext,
        ngettext=ngettext,
        asset=lambda name: f"{asset_root}/{name}",
        now=lambda: NOON,
        zh=language == "zh",
    )
    env.filters["iso"] = lambda moment: moment.isoformat(timespec="seconds")
    return env


def pages() -> list[str]:
    """The names of the gallery's pages."""
    return sorted(path.stem for path in PAGES.glob("*.html") if not path.stem.startswith("_"))


def draw(name: str, look: str = "light", language: str = "zh") -> str:
    """One gallery page as HTML."""
    zh = language == "zh"
    site = {
        "name": "云川24小时警局" if zh else "Yunchuan Station 24",
        "short_name": "24小时警局" if zh else "Station 24",
        "host": "云川市公安局" if zh else "Yunchuan Public Security Bureau",
        "supervised_by": "警务督察支队" if zh else "Inspectorate",
        "phone": "12345",
        "emergency_sms": "12110999",
        "logo": "",
    }
    return (
        environment(language)
        .get_template(f"{name}.html")
        .render(
            site=site,
            prefs=LOOKS[look],
            lang=LANGUAGES[language],
            me=None,
            here="/" if name == "home" else "/s/traffic",
        )
    )


def write(folder: Path) -> list[Path]:
    """Every page in every look and both languages, with the static files beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "static"
    if not link.exists():
        link.symlink_to(ROOT / "static")
    written = []
    for name in pages():
        for look in LOOKS:
            for language in LANGUAGES:
                target = folder / f"{name}.{look}.{language}.html"
                target.write_text(draw(name, look, language), encoding="utf-8")
                written.append(target)
    return written


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        return  # a browser that leaves a page early closes what it was reading


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder at an address of its own: browsers take no sprite from file addresses."""
    server = _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def photograph(folder: Path, chromium: str) -> None:
    """A full-page picture of each page (both languages in light, Chinese in the other looks)."""
    from playwright.sync_api import sync_playwright

    with served(folder) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 844 if width < 500 else 900})
            for path in sorted(folder.glob("*.html")):
                name, look, language = path.stem.split(".")
                if language == "en" and look != "light":
                    continue
                page.goto(f"{address}/{path.name}")
                page.screenshot(
                    path=folder / f"{name}.{look}.{language}.{width}.png", full_page=name != "desk"
                )
            page.close()
        browser.close()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    out = Path(sys.argv[1])
    print(f"{len(write(out))} pages in {out}")
    if len(sys.argv) > 2:
        photograph(out, sys.argv[2])
