"""A real board for real browsers: gunicorn and the worker as bin/start runs them, the demo city, and Chromium."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests import forked

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PHONE, DESKTOP = 390, 1280
READY_WITHIN = 400.0  # seconds: migrations and the demo city; ten on a quiet machine
PATIENCE = 30_000  # milliseconds for one act; a page takes a hundredth of it where nothing else runs
expect.set_options(timeout=PATIENCE)
CAST = {
    "rita": "王丽", "vera": "陈薇", "otto": "欧阳涛", "otis": "赵强", "lena": "李娜", "hugo": "胡刚", "dana": "邓丹",
    "carl": "高诚", "ines": "尹思", "ida": "艾达", "mona": "莫楠", "adam": "安冬",
}  # fmt: skip
# A page that breaks its own policy says so where the test listens.
WATCH_POLICY = """document.addEventListener("securitypolicyviolation",
  (event) => console.error("policy broken: " + event.violatedDirective + " " + event.blockedURI))"""


@dataclass(frozen=True)
class Board:
    """A running board: its address, its data folder and what it printed."""

    url: str
    data: Path
    log: Path

    def another(self, code: str, *words: str) -> str:
        """Run code beside it, as another process of the board would; gives what it printed."""
        done = forked.run(code, *words, env=environment(self.data))
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def command(self, *words: str) -> str:
        """Run a command of the board beside it, as its keeper would; gives what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", *words],
            cwd=ROOT,
            env=environment(self.data),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of a run waits for the board; on a busy machine that is longer than one test may take."""
    for item in items:
        if item.path.parent == Path(__file__).parent and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(READY_WITHIN + 200))


def environment(data: Path, **more: str) -> dict[str, str]:
    """The environment of a demo board whose data lie in `data`; nothing of the caller's own board."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOARD_")}
    return {**kept, "BOARD_MODE": "demo", "BOARD_DATA": str(data), **more}


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with opener.open(f"{url}/readyz", timeout=2):
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.2)
    pytest.fail(f"the board did not come up:\n{log.read_text(errors='replace')[-4000:]}")


def _nobody_goes_home(database: Path) -> None:
    """Whoever is on duty stays so for a day longer: a run may cross the change of shifts."""
    with closing(sqlite3.connect(database)) as connection, connection:
        longer = connection.execute(
            "UPDATE shift SET ends_at = strftime('%Y-%m-%d %H:%M:%f000', ends_at, '+1 day')"
            " WHERE starts_at <= datetime('now') AND ends_at > datetime('now')"
        )
        assert longer.rowcount > 0


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a board with the demo city, made once for all processes of this run; to be copied."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo-city"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder / "data", ignore_errors=True)
            for words in (("db", "upgrade"), ("city", "load", "--if-empty", "city/yunchuan.toml")):
                subprocess.run(
                    [sys.executable, "-m", "flask", *words],
                    cwd=ROOT,
                    env=environment(folder / "data"),
                    check=True,
                    capture_output=True,
                )
            _nobody_goes_home(folder / "data" / "board.db")
            (folder / "made").touch()
    return folder / "data"


@pytest.fixture(scope="session")
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """One board with the demo city for the whole run, started and stopped as bin/start does it.

    TEST_BOARD_URL and TEST_BOARD_DATA name one that runs already; what the journeys write stays there.
    """
    if given := os.environ.get("TEST_BOARD_URL"):
        yield Board(given.rstrip("/"), Path(os.environ["TEST_BOARD_DATA"]), Path(os.devnull))
        return
    folder = tmp_path_factory.mktemp("board")
    shutil.copytree(request.getfixturevalue("city"), folder / "data")
    port = free_port()
    url, log = f"http://127.0.0.1:{port}", folder / "board.log"
    env = environment(folder / "data", HOST="127.0.0.1", PORT=str(port))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "bin/supervise.py"],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(url, process, log)
        yield Board(url, folder / "data", log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert code == 0, log.read_text(errors="replace")[-4000:]


@dataclass
class Opened:
    """The browsers of one test, and what their pages did that no page of the board may do."""

    browser: Browser
    board: Board
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)  # parts of addresses that a test cuts off on purpose

    def __call__(
        self,
        who: str | None = None,
        *,
        width: int = DESKTOP,
        language: str = "zh",
        theme: str = "light",
        text: str = "m",
        care: bool = False,
        scripts: bool = True,
        **options: Any,
    ) -> Page:
        """A page in a browser of its own; `who` of the cast is signed in by one press on the demo's sign-in page."""
        context = self.browser.new_context(
            base_url=self.board.url,
            viewport={"width": width, "height": 844 if width < 800 else 900},
            locale="zh-CN" if language == "zh" else "en-GB",
            java_script_enabled=scripts,
            **options,
        )
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH_POLICY)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: self._heard(page, line))
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        context.on("request", self._asked)
        if who is not None:
            page.goto("/sign-in")
            page.get_by_role("button", name=CAST[who]).click()
            page.wait_for_url(lambda url: urlsplit(url).path != "/sign-in")
        self.prefer(page, language=language, theme=theme, text=text, care=care)
        return page

    def prefer(
        self, page: Page, *, language: str = "zh", theme: str = "light", text: str = "m", care: bool = False
    ) -> None:
        """Set the reader's preferences as the settings page would."""
        value = f"{theme}.{text}.{int(care)}.{language}"
        page.context.add_cookies([{"name": "prefs", "value": value, "url": self.board.url}])

    def _heard(self, page: Page, line: ConsoleMessage) -> None:
        # The browser itself notes a page that answers 404 or 422; those answers are what the test asked for.
        where = str(line.location.get("url"))
        asked_for = where == page.url or any(part in where for part in self.broken)
        answered = line.text.startswith("Failed to load resource") and asked_for
        if line.type == "error" and not answered:
            self.faults.append(f"{page.url}: {line.text} ({where})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.board.url, "data:", "blob:", "about:")):
            self.faults.append(f"a request left the board: {request.url}")


@pytest.fixture
def open_as(browser: Browser, board: Board) -> Iterator[Opened]:
    """Browsers for one test; afterwards no page may have logged an error, broken the policy or asked another host."""
    opened = Opened(browser, board)
    yield opened
    for context in opened.contexts:
        context.close()
    assert opened.faults == []
