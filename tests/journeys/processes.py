"""A board of real processes, gunicorn and the worker, on a small city: for what only whole processes can show."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from flask import Flask

from board import create_app
from board.db import db, transaction
from people.links import link_for
from tests.builders import Cast, small_city
from tests.conftest import settings
from tests.journeys.conftest import ROOT, free_port
from tests.journeys.live_clients import Visitor


class House:
    """A board of real processes over one folder, and the same database from here."""

    def __init__(self, folder: Path, *, workers: int = 2, threads: int = 60, **env: str) -> None:
        self.folder = folder
        self.app: Flask = create_app(settings(folder))
        with self.app.app_context():
            db.create_all()
            with transaction():
                self.cast: Cast = small_city()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BOARD_")}
        self.env = {
            **kept,
            "BOARD_MODE": "test",
            "BOARD_DATA": str(folder),
            "FLASK_APP": "tests.journeys.chaos_board",
            "PORT": str(self.port),
            **env,
        }
        self.log = (folder / "log").open("ab")
        command = ["-m", "gunicorn", "-c", "gunicorn.conf.py", "-w", str(workers), "--threads", str(threads)]
        self.web = self._start(*command, "tests.journeys.chaos_board:app")
        self.next_worker()
        self._await()

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.env,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def _await(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if requests.get(f"{self.url}/healthz", timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                time.sleep(0.2)
        pytest.fail(self.said())

    def said(self) -> str:
        """What the processes printed."""
        return (self.folder / "log").read_text(errors="replace")[-5000:]

    def next_worker(self) -> None:
        """Another one, in the place of one that has ended."""
        self.worker = self._start("-m", "flask", "worker")

    def kill_worker(self) -> None:
        """As a power cut would, and a new one comes."""
        self.worker.kill()
        self.worker.wait()
        self.next_worker()

    def restart_dead_worker(self) -> None:
        """After it has killed itself."""
        assert self.worker.wait(30) == -signal.SIGKILL, self.said()
        self.next_worker()

    def kill_web_process(self) -> None:
        """One of gunicorn's processes, sockets and all; gunicorn starts another."""
        children = Path(f"/proc/{self.web.pid}/task/{self.web.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)

    def visitor(self, who: str) -> Visitor:
        """Somebody signed in, in a browser of his own."""
        with self.app.app_context(), transaction():
            link = link_for(getattr(self.cast, who))
        return Visitor(self.url, link)

    def close(self) -> None:
        """End what was started here."""
        for process in (self.worker, self.web):
            process.send_signal(signal.SIGTERM)
        for process in (self.worker, self.web):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.log.close()
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
