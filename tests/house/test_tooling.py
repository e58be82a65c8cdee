"""The commands: what bin/start does when something is in its way, and that nothing of it stays behind."""

from __future__ import annotations

import gc
import http.client
import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

HOUSE = Path(__file__).resolve().parents[2]
SCRIPTS = [HOUSE / "bin" / name for name in ("setup", "start", "dev", "test", "lock")] + [
    HOUSE / ".ci" / "run"
]
PARTS = ("board", "people", "boards", "complaints", "notifications", "search", "insights", "api", "outreach")

# A board of four lines: what bin/supervise.py asks of the real one, and a note of each call.
SMALL_BOARD = """
import os, sys, time, pathlib, click, flask
from flask.cli import AppGroup
app = flask.Flask(__name__)
notes = pathlib.Path(os.environ["BOARD_DATA"]) / "notes"
def note(text):
    with notes.open("a") as file:
        file.write(text + "\\n")
@app.get("/healthz")
def healthz():
    return "ok"
db, city = AppGroup("db"), AppGroup("city")
@db.command("upgrade")
def upgrade():
    note("upgrade")
    if os.environ.get("SMALL_BOARD") == "broken migration":
        sys.exit("no such table: lamp_post")
@city.command("load")
@click.option("--if-empty", is_flag=True)
@click.argument("file")
def load(if_empty, file):
    note(f"city {file} if_empty={if_empty} mode={os.environ['BOARD_MODE']}")
@app.cli.command("worker")
def worker():
    import signal
    note(f"worker {os.getpid()}")
    def finish(*_):
        time.sleep(0.5)
        note("worker finished")
        sys.exit(0)
    signal.signal(signal.SIGTERM, finish)
    while True:
        if (notes.parent / "die").exists():
            os._exit(3)
        time.sleep(0.05)
app.cli.add_command(db)
app.cli.add_command(city)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Whoever was adopted by an init that does not reap counts as gone.
    stat = Path(f"/proc/{process}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def eventually(condition: Callable[[], object], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


class Started:
    """bin/supervise.py over the small board, in a folder of its own."""

    def __init__(self, house: Path, *options: str, **env: str) -> None:
        self.port = int(env.setdefault("PORT", str(free_port())))
        self.data = Path(env.setdefault("BOARD_DATA", str(house / "instance")))
        self.output = house / f"output-{self.port}"
        known = {key: value for key, value in os.environ.items() if not key.startswith(("BOARD_", "FLASK_"))}
        known.pop("HOST", None)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(house / "bin" / "supervise.py"), *options],
                env=known | {"BOARD_MODE": "demo"} | env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    @property
    def notes(self) -> list[str]:
        path = self.data / "notes"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def worker(self) -> int:
        return next(int(line.split()[1]) for line in self.notes if re.fullmatch(r"worker \d+", line))

    def open(self) -> Started:
        assert eventually(lambda: "Ctrl-C stops it" in self.said or self.process.poll() is not None), (
            self.said
        )
        assert self.process.poll() is None, self.said
        assert eventually(lambda: any(line.startswith("worker") for line in self.notes)), self.notes
        return self

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def ended(self, seconds: float = 30) -> int:
        return self.process.wait(seconds)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    shutil.copy(HOUSE / "bin" / "supervise.py", tmp_path / "bin")
    shutil.copy(HOUSE / "gunicorn.conf.py", tmp_path)
    (tmp_path / "wsgi.py").write_text(SMALL_BOARD)
    return tmp_path


@pytest.fixture
def start(house: Path) -> Iterator[Callable[..., Started]]:
    started: list[Started] = []

    def _start(*options: str, **env: str) -> Started:
        started.append(Started(house, *options, **env))
        return started[-1]

    yield _start
    for board in started:
        if board.process.poll() is None:
            board.process.terminate()
            board.ended()


# ------------------------------------------------------------------------------------- starting and stopping


def test_a_start_migrates_looks_for_the_city_and_serves(start: Callable[..., Started]) -> None:
    board = start().open()

    assert board.answers()
    assert board.notes[:2] == ["upgrade", "city city/yunchuan.toml if_empty=True mode=demo"]
    assert f"http://127.0.0.1:{board.port}" in board.said


def test_production_starts_without_the_demo_city(start: Callable[..., Started]) -> None:
    board = start(BOARD_MODE="production").open()

    assert not [line for line in board.notes if line.startswith("city")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_lets_both_halves_finish_and_leaves_no_process(
    start: Callable[..., Started], number: signal.Signals
) -> None:
    board = start().open()
    worker = board.worker

    board.process.send_signal(number)

    assert board.ended() == 0, board.said
    assert board.notes[-1] == "worker finished"
    assert not alive(worker)
    assert not board.answers()


def test_when_the_worker_dies_the_web_server_stops_and_the_exit_code_says_so(
    start: Callable[..., Started],
) -> None:
    board = start().open()

    (board.data / "die").touch()

    assert board.ended() == 1
    assert "The worker ended with code 3" in board.said
    assert not board.answers()


def test_when_the_web_server_dies_the_worker_stops_and_the_exit_code_says_so(
    start: Callable[..., Started],
) -> None:
    board = start().open()
    worker = board.worker
    children = Path(f"/proc/{board.process.pid}/task/{board.process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not list child processes")
    server = next(int(child) for child in children.read_text().split() if int(child) != worker)

    os.kill(server, signal.SIGKILL)

    assert board.ended() == 1
    assert "The web server ended with code -9" in board.said
    assert not alive(worker)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_even_a_killed_start_leaves_no_process_and_no_lock(
    start: Callable[..., Started], house: Path
) -> None:
    board = start().open()
    worker = board.worker

    board.process.kill()
    board.ended()

    assert eventually(lambda: not alive(worker))
    assert eventually(lambda: not board.answers())
    assert start(PORT=str(board.port)).open().answers()


# ------------------------------------------------------------------------------------- what may be in its way


def test_a_taken_port_is_named_with_a_way_out(start: Callable[..., Started]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        board = start(PORT=str(port))

        assert board.ended() == 1
    assert f"Port {port} is taken" in board.said
    assert "bin/start" in board.said
    assert board.notes == []


@pytest.mark.parametrize("port", ["lamp", "0", "65536", "-1", "٨"])
def test_a_port_that_is_none_is_refused(house: Path, port: str) -> None:
    done = subprocess.run(
        [sys.executable, str(house / "bin" / "supervise.py")],
        env=os.environ | {"PORT": port, "BOARD_DATA": str(house / "instance")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert f"PORT is “{port}”" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_of_another_machine_is_refused(start: Callable[..., Started]) -> None:
    board = start(HOST="203.0.113.7")

    assert board.ended() == 1
    assert "no address of this machine" in board.said


def test_a_second_board_on_the_same_data_names_the_first(start: Callable[..., Started]) -> None:
    first = start().open()
    second = start()

    assert second.ended() == 1
    assert f"process {first.process.pid}, http://127.0.0.1:{first.port}" in second.said
    assert first.answers()


def test_a_data_folder_that_cannot_be_written_is_named(start: Callable[..., Started], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    board = start(BOARD_DATA=str(tmp_path / "file" / "data"))

    assert board.ended() == 1
    assert f"The data folder {tmp_path / 'file' / 'data'} cannot be written" in board.said


def test_a_disk_that_is_almost_full_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    supervise = runpy.run_path(str(HOUSE / "bin" / "supervise.py"), run_name="supervise")
    monkeypatch.setenv("BOARD_DATA", str(tmp_path))
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: SimpleNamespace(total=10**9, used=10**9 - 5000, free=5000)
    )

    with pytest.raises(supervise["Refusal"], match="almost full: 0 MB free, 200 MB needed"):
        supervise["data_folder"]()


def test_a_board_in_development_starts_again_with_the_changed_code(
    start: Callable[..., Started], house: Path
) -> None:
    board = start("--reload", BOARD_MODE="development").open()
    first = board.worker

    (house / "wsgi.py").write_text(SMALL_BOARD + "\nnote('changed')\n")

    assert eventually(lambda: board.said.count("Ctrl-C stops it") == 2), board.said
    assert "changed" in board.notes
    assert not alive(first)
    assert board.answers()


def test_a_broken_migration_shows_its_own_words_and_starts_nothing(start: Callable[..., Started]) -> None:
    board = start(SMALL_BOARD="broken migration")

    assert board.ended() == 1
    assert "no such table: lamp_post" in board.said
    assert "could not be brought up to date" in board.said
    assert board.notes == ["upgrade"]


def test_a_start_for_the_phone_shows_its_address_and_a_code_to_scan(start: Callable[..., Started]) -> None:
    board = start(HOST="0.0.0.0").open()

    assert eventually(lambda: "On your phone" in board.said)
    assert eventually(lambda: "▄" in board.said), board.said


# ------------------------------------------------------------------------------------- scripts and pins


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_run_under_the_bash_that_macos_ships(script: Path) -> None:
    text = script.read_text()
    newer = re.findall(
        r"declare -A|mapfile|readarray|wait -n|&>>|\|&|\$\{\w+(?:,,|\^\^|@\w)|coproc|local -n", text
    )

    assert newer == []
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


@pytest.mark.parametrize(
    "name", ["requirements", "requirements-scaled", "requirements-dev", "requirements-setup"]
)
def test_every_package_that_is_asked_for_is_pinned_with_hashes(name: str) -> None:
    pins: dict[str, int] = {}
    current = ""
    for line in (HOUSE / f"{name}.txt").read_text().splitlines():
        if match := re.match(r"([a-z0-9._-]+)(?:\[[a-z,]+\])?==\S+", line):
            current = match[1]
            pins.setdefault(current, 0)
        elif "--hash=sha256:" in line:
            pins[current] += 1
    asked = {
        match[0].lower()
        for line in (HOUSE / f"{name}.in").read_text().splitlines()
        if (match := re.match(r"[A-Za-z0-9._-]+", line)) and not line.startswith("-")
    }

    assert asked - pins.keys() == set()
    assert [package for package, hashes in pins.items() if not hashes] == []


def test_tests_run_on_the_versions_the_board_runs_on() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9._-]+==[^ ]+", (HOUSE / name).read_text(), re.MULTILINE))

    runtime, tests = pins("requirements.txt"), pins("requirements-dev.txt")

    assert {pin for pin in runtime if "async-timeout" not in pin} - tests == set()


def test_what_is_installed_is_what_was_pinned() -> None:
    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    pins: dict[str, set[str]] = {}  # some packages have a pin for each version of Python
    for name, version in re.findall(
        r"^([a-z0-9._-]+)==([^ ;]+)", (HOUSE / "requirements.txt").read_text(), re.M
    ):
        pins.setdefault(plain(name), set()).add(version)
    installed = {plain(each.metadata["Name"]): each.version for each in metadata.distributions()}
    both = pins.keys() & installed.keys()

    assert {name: installed[name] for name in both if installed[name] not in pins[name]} == {}
    assert len(both) > 40


def test_every_part_of_the_house_is_looked_at_by_bandit() -> None:
    words = re.findall(r"check bandit .*\n +\$\(ls -d (.+) 2>", (HOUSE / "bin" / "test").read_text())[
        0
    ].split()

    assert set(words) == set(PARTS)


def test_every_part_of_the_house_is_in_the_import_contract() -> None:
    config = tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]["importlinter"]
    present = {part for part in PARTS if (HOUSE / part / "__init__.py").exists()}
    strangers = {
        path.parent.name
        for path in HOUSE.glob("*/__init__.py")
        if path.parent.name not in (*PARTS, "tests", "bench", "node_modules")
    }

    assert present <= set(config["root_packages"])
    assert strangers == set()


def test_what_the_browser_loads_from_packages_is_what_the_set_up_copies() -> None:
    lock = json.loads((HOUSE / "package-lock.json").read_text())
    copied = re.findall(r"^  for file in (.+); do$", (HOUSE / "bin" / "setup").read_text(), re.MULTILINE)[
        0
    ].split()
    wanted = {
        match
        for path in (HOUSE / "static" / "js").rglob("*.js")
        for match in re.findall(r"vendor/([\w.-]+)", path.read_text())
    }

    assert {file.split("/")[0] for file in copied} <= {
        name.removeprefix("node_modules/") for name in lock["packages"]
    }
    assert wanted <= {Path(file).name for file in copied}


def test_gunicorn_knows_every_setting_it_is_given() -> None:
    from gunicorn.config import KNOWN_SETTINGS

    given = {
        name for name in runpy.run_path(str(HOUSE / "gunicorn.conf.py")) if name[0] != "_" and name != "os"
    }

    # gunicorn passes over a misspelt setting without a word.
    assert given - {setting.name for setting in KNOWN_SETTINGS} == set()


def test_a_page_process_leaves_the_program_to_itself_when_it_collects() -> None:
    conf = runpy.run_path(str(HOUSE / "gunicorn.conf.py"))
    gc.unfreeze()
    try:
        conf["post_worker_init"](None)
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
