"""Start gunicorn and the worker together and stop them together; bin/start and bin/dev end here.

The two live and die as one: when either ends, the other is stopped and the exit code says so. SIGTERM, SIGINT
and SIGHUP are passed on and waited for. Each child has its own session, so that Ctrl-C in the terminal reaches
only this process and requests under way are finished.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, NoReturn

HOUSE = Path(__file__).resolve().parent.parent
ROOM_NEEDED = 200 * 1024 * 1024  # bytes: a demo city, its photos and a write-ahead log
READY_WITHIN = 60.0  # seconds from the start of gunicorn to its first answer
STOP_WITHIN = 20.0  # seconds; gunicorn's graceful time is 5, a job's step is shorter
WATCHED = (".py", ".html", ".toml", ".po", ".sql")
UNWATCHED = {".venv", ".git", "node_modules", "instance", "tests", "static", "docs", "bench", "bin"}


class Refusal(Exception):
    """The board cannot start; the first line says why, the others what to do."""


class Stopped(Exception):
    """A signal asked to stop."""


class Reload(Exception):
    """A watched file changed."""


# ---------------------------------------------------------------------------------- where it runs


def address() -> tuple[str, int]:
    """HOST and PORT from the environment, checked; Refusal when the port is no port."""
    host = os.environ.get("HOST") or "127.0.0.1"
    raw = os.environ.get("PORT") or "8000"
    if not (raw.isascii() and raw.isdigit() and 1 <= int(raw) <= 65535):
        raise Refusal(f"PORT is “{raw}”; it must be a number from 1 to 65535")
    return host, int(raw)


def loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return host in ("localhost", "::1") or host.startswith("127.")


def check_port(host: str, port: int) -> None:
    """Refusal when nothing can listen there: taken, not allowed, or not an address of this machine."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise Refusal(f"HOST is “{host}”; that is no address", "HOST=127.0.0.1 bin/start") from None
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refusal(
                f"Port {port} is taken: another program listens there already",
                f"Stop it, or choose another port:  PORT={port + 1 if port < 65535 else 8001} bin/start",
            ) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise Refusal(
                f"This user may not listen on port {port}", "Choose one above 1023:  PORT=8000 bin/start"
            ) from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise Refusal(f"HOST is “{host}”; that is no address of this machine") from None
        raise Refusal(f"Cannot listen on {host}, port {port}: {error.strerror}") from None


def data_folder() -> Path:
    """BOARD_DATA as an absolute folder that exists, can be written and has room; Refusal otherwise."""
    folder = Path(os.environ.get("BOARD_DATA") or "instance").expanduser()
    folder = folder if folder.is_absolute() else HOUSE / folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 65536)
            probe.flush()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Refusal(
                f"The disk of the data folder {folder} is full", "Make room, then start again"
            ) from None
        raise Refusal(
            f"The data folder {folder} cannot be written: {error.strerror}",
            "Choose another one:  BOARD_DATA=/path/to/folder bin/start",
        ) from None
    free = shutil.disk_usage(folder).free
    if free < ROOM_NEEDED:
        raise Refusal(
            f"The disk of the data folder {folder} is almost full: {free // 1024 // 1024} MB free, "
            f"{ROOM_NEEDED // 1024 // 1024} MB needed",
            "Make room, or choose another one:  BOARD_DATA=/path/to/folder bin/start",
        )
    return folder


def lock(folder: Path, url: str) -> IO[str]:
    """Hold the data folder for this process until it ends; Refusal when another board runs from it.

    The operating system drops the lock with the process, so a crash leaves nothing to clean up.
    """
    file = (folder / "running.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        try:
            other = json.loads(file.read())
            where = f"process {other['process']}, {other['address']}"
        except (ValueError, KeyError, TypeError):
            where = "another process"
        raise Refusal(
            f"A board already runs from the data folder {folder} ({where})",
            "Stop it, or choose another folder:  BOARD_DATA=/path/to/folder bin/start",
        ) from None
    file.truncate(0)
    json.dump({"process": os.getpid(), "address": url}, file)
    file.flush()
    return file


# ---------------------------------------------------------------------------------- signals


class Signals:
    """Turns signals into something a loop can wait for."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _note(self, number: int, _frame: object) -> None:
        self.received = number

    def wait(self, seconds: float) -> None:
        """Sleep until a signal arrives, a child ends, or the time is over; Stopped when asked to stop."""
        self.sleep(seconds)
        if self.received is not None:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """The same without the exception, for the time of stopping."""
        if select.select([self._read], [], [], seconds)[0]:
            os.read(self._read, 512)


# ---------------------------------------------------------------------------------- children


def _die_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: even kill -9 on the supervisor leaves nobody behind

    return ask


class Child:
    """One program of the board, in its own session."""

    def __init__(self, name: str, command: Sequence[str], output: IO[bytes] | None = None) -> None:
        self.name = name
        self.process = subprocess.Popen(
            command,
            cwd=HOUSE,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
            preexec_fn=_die_with_parent(),
        )

    @property
    def ended(self) -> int | None:
        """The exit code, or None while it runs."""
        return self.process.poll()

    def signal(self, number: int, *, everybody: bool = False) -> None:
        """Send a signal to the program, or to all processes of its session."""
        try:
            (os.killpg if everybody else os.kill)(self.process.pid, number)
        except ProcessLookupError:
            pass


def stop(children: Sequence[Child], signals: Signals) -> bool:
    """Ask all to finish, wait, and kill what does not; True when all of them finished by themselves."""
    for child in children:
        if child.ended is None:
            child.signal(signal.SIGTERM)
    end = time.monotonic() + STOP_WITHIN
    while any(child.ended is None for child in children) and time.monotonic() < end:
        signals.sleep(0.2)
    clean = True
    for child in children:
        if child.ended is None:
            clean = False
            say(f"{child.name} did not finish within {STOP_WITHIN:.0f} seconds and is killed")
        child.signal(signal.SIGKILL, everybody=True)
        child.process.wait()
    return clean


def python(*arguments: str) -> list[str]:
    """A command line of this same Python."""
    return [sys.executable, *arguments]


def step(what: str, command: Sequence[str], signals: Signals, *, shown: bool = False) -> int:
    """Run one program to its end, its output kept for the case that it fails; gives its exit code."""
    say(what)
    with tempfile.TemporaryFile() as output:
        child = Child(what, command, None if shown else output)
        try:
            while child.ended is None:
                signals.wait(1)
        finally:
            if child.ended is None:
                stop([child], signals)
        code = child.process.returncode
        if code and not shown:
            output.seek(0)
            sys.stderr.buffer.write(output.read()[-8000:])
            sys.stderr.flush()
    return code


# ---------------------------------------------------------------------------------- what the reader sees


def say(text: str) -> None:
    """One line of progress."""
    print(f"· {text}", flush=True)


def home_address() -> str | None:
    """The address of this machine in its network, or None; nothing is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            found: str = probe.getsockname()[0]
        except OSError:
            return None
    return None if loopback(found) or found == "0.0.0.0" else found


def urls(host: str, port: int) -> list[str]:
    """Where to open the board, the address for another device last."""

    def url(name: str) -> str:
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    if host not in ("0.0.0.0", "::"):
        return [url(host)]
    home = home_address()
    return [url("127.0.0.1"), *([url(home)] if home else [])]


def banner(host: str, port: int, folder: Path) -> None:
    """The address in a box; for other devices also as a QR code."""
    addresses = urls(host, port)
    lines = ["The board is open", "", *addresses, "", "Ctrl-C stops it"]
    width = max(map(len, lines)) + 4
    print(f"\n┌{'─' * width}┐")
    for line in lines:
        print(f"│  {line.ljust(width - 2)}│")
    print(f"└{'─' * width}┘")
    if not loopback(host):
        print(f"\n  On your phone, in the same network: {addresses[-1]}\n")
        try:
            import segno

            segno.make(addresses[-1], error="m").terminal(compact=True)
        except ImportError:
            pass
        if os.environ.get("BOARD_MODE") != "production":
            print("\n  Demo: whoever can reach this address can sign in as anyone of the cast.")
    print(f"  Database, files and keys: {folder}\n", flush=True)


# ---------------------------------------------------------------------------------- the order of things


def prepare(signals: Signals, folder: Path) -> None:
    """Bring the database up to date; in demo mode hang the demo city where none hangs yet."""
    if step("Bringing the database up to date", python("-m", "flask", "db", "upgrade"), signals):
        raise Refusal("The database could not be brought up to date (see above)", *full_disk(folder))
    mode = os.environ.get("BOARD_MODE")
    city = os.environ.get("BOARD_CITY") or "city/yunchuan.toml"
    if mode == "production" and not os.environ.get("BOARD_CITY"):
        return
    command = python("-m", "flask", "city", "load", "--if-empty", city)
    if step(f"Looking for the city ({city}); the first time it is loaded", command, signals):
        raise Refusal(
            f"{city} could not be loaded (see above)",
            f"What is wrong in it, line by line:  .venv/bin/flask city check {city}",
            *full_disk(folder),
        )


def full_disk(folder: Path) -> list[str]:
    """A hint when the disk has filled up in the meantime."""
    if shutil.disk_usage(folder).free < ROOM_NEEDED // 10:
        return [f"The disk of {folder} is full: make room, then start again; nothing is lost"]
    return []


def await_answer(children: Sequence[Child], signals: Signals, url: str) -> None:
    """Wait until the board answers; Refusal when a child ends before or the time is over."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end:
        for child in children:
            if child.ended is not None:
                raise Refusal(f"{child.name} ended while starting, with code {child.ended} (see above)")
        try:
            with opener.open(f"{url}/healthz", timeout=2):
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
            signals.wait(0.2)
        except OSError:
            signals.wait(0.1)
    raise Refusal(f"The board does not answer on {url} after {READY_WITHIN:.0f} seconds")


def changes() -> Iterator[bool]:
    """Each step says whether a watched file changed since the step before."""

    def newest() -> tuple[int, float]:
        count, latest = 0, 0.0
        for folder, folders, files in os.walk(HOUSE):
            folders[:] = [
                name for name in folders if name not in UNWATCHED and not name.startswith((".", "__"))
            ]
            for name in files:
                if name.endswith(WATCHED):
                    try:
                        latest = max(latest, os.stat(os.path.join(folder, name)).st_mtime)
                    except FileNotFoundError:
                        continue
                    count += 1
        return count, latest

    before = newest()
    while True:
        current = newest()
        yield current != before
        before = current


def watch(children: Sequence[Child], signals: Signals, *, reload: bool) -> NoReturn:
    """Wait until a child ends (Refusal), a signal comes (Stopped) or, when asked for, a file changes (Reload)."""
    changed = changes()
    while True:
        for child in children:
            if child.ended is not None:
                raise Refusal(f"{child.name} ended with code {child.ended}; the board stops")
        if reload and next(changed):
            raise Reload
        signals.wait(1 if reload else 60)


def run(signals: Signals, *, reload: bool, held: list[IO[str]]) -> None:
    """From the checks to the end. Refusal, Stopped or Reload say how it ended."""
    host, port = address()
    os.environ.update(HOST=host, PORT=str(port), FLASK_APP="wsgi")
    folder = data_folder()
    os.environ["BOARD_DATA"] = str(folder)
    if not held:
        held.append(lock(folder, urls(host, port)[0]))
    check_port(host, port)
    prepare(signals, folder)
    say("Starting the web server and the worker")
    children = [Child("The web server", python("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"))]
    try:
        children.append(Child("The worker", python("-m", "flask", "worker")))
        await_answer(children, signals, urls(host, port)[0])
        banner(host, port, folder)
        watch(children, signals, reload=reload)
    finally:
        stop(children, signals)


def main() -> int:
    """Exit code 0 when stopped by a signal, 1 when the board could not start or one half of it ended."""
    parser = argparse.ArgumentParser(prog="bin/start", description="Start the board on this machine.")
    parser.add_argument("--reload", action="store_true", help="start again when a file changes")
    reload = parser.parse_args().reload
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    signals = Signals()
    held: list[IO[str]] = []
    while True:
        try:
            run(signals, reload=reload, held=held)
        except Stopped:
            print("\n· Stopped", flush=True)
            return 0
        except Reload:
            say("A file changed; starting again")
        except Refusal as refusal:
            print(f"\n✗ {refusal.args[0]}.", file=sys.stderr)
            for line in refusal.args[1:]:
                print(f"  {line}", file=sys.stderr)
            sys.stderr.flush()
            if not (reload and held):
                return 1
            say("Waiting for a change")
            changed = changes()
            try:
                while not next(changed):
                    signals.wait(1)
            except Stopped:
                return 0


if __name__ == "__main__":
    sys.exit(main())
