"""The servers under measurement: gunicorn as bin/start runs it, the worker, and the processor time they spend."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

HOUSE = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


class CannotStart(RuntimeError):
    """A server did not answer; the message ends with what it said."""


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> None:
    # Even kill -9 on the measurement leaves no server behind (PR_SET_PDEATHSIG, where there is one).
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Program:
    """One program started for the measurement, with everything it forks; ended when the block is left."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=HOUSE,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def end(self) -> None:
        """Ask it to finish, wait, and kill what does not."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def pids(self) -> list[int]:
        """Its processes: those it forked when it forked any, else itself."""
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except FileNotFoundError:
            return []
        return [int(each) for each in children] or [self.process.pid]

    def processor(self) -> float:
        """Seconds of processor time that its processes have spent until now, from /proc/<pid>/stat."""
        spent = 0.0
        for pid in self.pids():
            with suppress(FileNotFoundError, ProcessLookupError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                spent += (int(fields[11]) + int(fields[12])) / TICKS
        return spent

    def said(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-3000:]


class Web(Program):
    """A gunicorn with the board's own settings, on a port of its own."""

    def __init__(self, name: str, application: str, environment: Mapping[str, str], log: Path) -> None:
        self.address = ("127.0.0.1", free_port())
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", application]
        where = {"HOST": self.address[0], "PORT": str(self.address[1])}
        super().__init__(name, command, {**environment, **where}, log)

    def __enter__(self) -> Self:
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(self.address, timeout=5) as line:
                line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if line.recv(100).startswith(b"HTTP/1.1 200") and len(self.pids()) >= 2:
                    return self
            time.sleep(0.1)
        self.end()
        raise CannotStart(f"{self.name} does not answer:\n{self.said()}")


def run(what: str, arguments: list[str], environment: Mapping[str, str], *, shown: bool = False) -> None:
    """Run one command of the board to its end; CannotStart with what it said when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", *arguments],
        cwd=HOUSE,
        env={**os.environ, "FLASK_APP": "wsgi", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=not shown,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotStart(f"{what}: {(done.stderr or '')[-3000:]}")
