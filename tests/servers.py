"""Servers of a test's own, on free ports and in a temporary folder, to be stopped, killed and started again at will.

The servers of this machine, which other tests share, are never touched.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import psycopg
import redis

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0  # seconds for a server to answer


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


@cache
def program(name: str) -> str | None:
    """Where a program lies, or None: on PATH, beside root's programs, or in the newest PostgreSQL."""
    places = [f"/usr/sbin/{name}", f"/usr/local/sbin/{name}"]
    versions = sorted(Path("/usr/lib/postgresql").glob("*"), key=lambda path: float(path.name), reverse=True)
    places += [str(path / "bin" / name) for path in versions]
    found = shutil.which(name)
    # A wrapper on PATH may be for one user only; PostgreSQL's own folder has all of its programs.
    if name in ("initdb", "postgres"):
        return next((place for place in places if os.access(place, os.X_OK)), found)
    return found or next((place for place in places if os.access(place, os.X_OK)), None)


class Program:
    """One program with everything it forks. `log` is shared by the programs of a test."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        user: str = "",
    ) -> None:
        self.name, self.command, self.log, self.env, self.user = name, list(command), log, env, user
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is not waited for."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT if not self.user else "/",
                env=dict(self.env) if self.env is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=self.user or None,
                group=pwd.getpwnam(self.user).pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
            )

    def is_running(self) -> bool:
        """Whether it was started and has not died since."""
        return self.process is not None and self.process.poll() is None

    def send(self, number: int) -> None:
        """Send a signal to the program itself."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def end(self, number: int = signal.SIGTERM, seconds: float = 20) -> None:
        """Ask it to end, wait, and kill what does not."""
        if self.process is None:
            return
        self.send(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self) -> None:
        """As a power cut would: the program and all it forked."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def children(self) -> list[int]:
        """The processes it forked."""
        assert self.process is not None
        return [
            int(each)
            for each in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]


class Redis(Program):
    """A Redis that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = [
            program("redis-server") or "",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
        ]
        super().__init__("redis", [*command, "--dir", str(folder)], folder / "redis.log")

    def start(self) -> None:
        super().start()
        assert wait_for(self.answers), self.log.read_text()[-2000:]

    def answers(self) -> bool:
        """Whether it takes commands."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except (redis.RedisError, OSError):
            return False


class Postgres(Program):
    """A PostgreSQL cluster with one database, `board`. It will not run as root: then it runs as postgres."""

    def __init__(self, folder: Path, *, connections: int = 200) -> None:
        self.port = free_port()
        self.plain = f"postgresql://postgres@127.0.0.1:{self.port}/board"
        user = "postgres" if os.geteuid() == 0 else ""
        # Not in pytest's own folder: every other run of pytest closes that to all users but one.
        self.place = place = Path(tempfile.mkdtemp(prefix="board-postgres-"))
        if user:
            place.chmod(0o755)
            shutil.chown(place, user)
        data = str(place / "data")
        init = [
            program("initdb") or "",
            "-D",
            data,
            "-U",
            "postgres",
            "--auth=trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        made = subprocess.run(
            [*init, "--locale=C.UTF-8"],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=user or None,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        assert made.returncode == 0, made.stderr
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": connections,
            "shared_buffers": "64MB",
        }
        command = [program("postgres") or "", "-D", data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        super().__init__("postgres", command, folder / "postgres.log", user=user)

    def start(self) -> None:
        super().start()
        assert wait_for(self.answers), self.log.read_text()[-2000:]

    def answers(self) -> bool:
        """Whether it takes connections; makes the database where it is missing."""
        try:
            with psycopg.connect(
                self.plain.replace("/board", "/postgres"), connect_timeout=2, autocommit=True
            ) as connection:
                found = connection.execute("select 1 from pg_database where datname = 'board'").fetchone()
                if found is None:
                    connection.execute("create database board template template0")
        except psycopg.Error:
            return False
        return True

    def remove(self) -> None:
        """Stop it for good; nothing of it stays."""
        self.stop_now()
        shutil.rmtree(self.place, ignore_errors=True)

    def stop_now(self) -> None:
        """Every session is cut off, what was committed stays (PostgreSQL's fast shutdown)."""
        self.end(signal.SIGINT)


def own_redis(folder: Path) -> Iterator[Redis]:
    """A running Redis, ended afterwards."""
    server = Redis(folder)
    server.start()
    try:
        yield server
    finally:
        server.send(signal.SIGCONT)
        server.end()


def python(*arguments: str) -> list[str]:
    """A command line of this same Python."""
    return [sys.executable, *arguments]
