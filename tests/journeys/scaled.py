"""The scaled engine as deploy/ describes it: two nodes, each of pages and sockets, behind nginx; two workers; a PostgreSQL
and a Redis of its own. Every one of them can be killed and started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import requests
from flask import Flask

from board import create_app
from board.db import db, transaction
from people.links import link_for
from tests.builders import Cast, small_city
from tests.conftest import settings
from tests.journeys.live_clients import Visitor
from tests.servers import ROOT, Postgres, Program, Redis, free_port, program, python, wait_for

BOARD = "tests.journeys.chaos_board"


def nginx_conf(folder: Path, port: int, pages: list[int], live: list[int]) -> str:
    """deploy/nginx.conf inside a configuration of its own: other ports, plain HTTP, nothing outside `folder`."""
    site = (ROOT / "deploy" / "nginx.conf").read_text()

    def upstream(ports: list[int]) -> str:
        return "\n".join(f"server 127.0.0.1:{each} max_fails=2 fail_timeout=2s;" for each in ports)

    site, changed = re.subn(r"server 127\.0\.0\.1:8001 [^;]*;", upstream(pages), site)
    site, more = re.subn(r"server 127\.0\.0\.1:8101 [^;]*;", upstream(live), site)
    assert (changed, more) == (1, 1)
    site = re.sub(r"server \{\s*listen 80;.*?\n\}\n", "", site, flags=re.DOTALL)
    site = site.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};")
    site = re.sub(r"^\s*ssl_\w+ .*;$", "", site, flags=re.MULTILINE)
    site = site.replace("/var/cache/nginx-station24", str(folder / "cache"))
    site = site.replace("/var/log/nginx", str(folder)).replace("/opt/station24", str(ROOT))
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx.log warn;\n"
        f"events {{ worker_connections 8192; }}\n"
        f"http {{\ndefault_type application/octet-stream;\naccess_log off;\n{temporary}{site}}}\n"
    )


class Scaled:
    """All of it, started; `more` are settings of the board besides those of its servers."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.folder, self.log = folder, folder / "log"
        self.postgres, self.redis = Postgres(folder), Redis(folder)
        self.postgres.start()
        self.redis.start()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "BOARD_DATABASE_URL": self.postgres.plain,
            "BOARD_REDIS_URL": self.redis.url,
            "BOARD_PROXIES": "1",
            "BOARD_PUBLIC_URL": self.url,
            **more,
        }
        self.app: Flask = create_app(settings(folder, **self.settings))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BOARD_")}
        self.env = {
            **kept, **self.settings, "BOARD_MODE": "test", "BOARD_DATA": str(folder), "FLASK_APP": BOARD,
            "CHAOS_LIMITS": "off", "CHAOS_WINDOW": "5",
        }  # fmt: skip
        subprocess.run(
            python("-m", "flask", "db", "upgrade"), cwd=ROOT, env=self.env, check=True, capture_output=True
        )
        with self.app.app_context():
            with transaction():
                self.cast: Cast = small_city()
            db.session.remove()
        self.pages = [self._web("pages") for _ in range(2)]
        self.live = [self._web("live") for _ in range(2)]
        self.workers = [self._program("worker", "-m", "flask", "worker") for _ in range(2)]
        self.nginx = self._nginx()
        self.everything = [*self.pages, *self.live, *self.workers, self.nginx]
        for each in self.everything:
            each.start()
        for each in (*self.pages, *self.live):
            assert wait_for(partial(self.answers, each), 90), self.said()
        assert wait_for(lambda: self._asks(f"{self.url}/healthz"), 30), self.said()

    def _program(self, name: str, *command: str, **env: str) -> Program:
        return Program(name, python(*command), self.log, {**self.env, **env})

    def _web(self, role: str) -> Program:
        port = free_port()
        config = "gunicorn.conf.py" if role == "pages" else "gunicorn.live.conf.py"
        made = self._program(
            role, "-m", "gunicorn", "-c", config, "-w", "1", f"{BOARD}:app", BOARD_ROLE=role, PORT=str(port)
        )
        made.env = {**(made.env or {}), "PORT": str(port)}
        return made

    def _nginx(self) -> Program:
        ports = [[self.port_of(each) for each in group] for group in (self.pages, self.live)]
        path = self.folder / "nginx.conf"
        path.write_text(nginx_conf(self.folder, self.port, *ports))
        return Program("nginx", [program("nginx") or "", "-p", str(self.folder), "-c", str(path)], self.log)

    @staticmethod
    def port_of(web: Program) -> int:
        """Where a gunicorn of ours listens."""
        assert web.env is not None
        return int(web.env["PORT"])

    def seen(self, web: Program | None = None) -> dict[str, Any]:
        """What a process, or whichever nginx chooses, says about a request and itself."""
        base = self.url if web is None else f"http://127.0.0.1:{self.port_of(web)}"
        found: dict[str, Any] = requests.get(f"{base}/-/seen", timeout=10).json()
        return found

    def answers(self, web: Program) -> bool:
        """Whether a gunicorn of ours answers."""
        return self._asks(f"http://127.0.0.1:{self.port_of(web)}/healthz")

    @staticmethod
    def _asks(url: str) -> bool:
        try:
            return requests.get(url, timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def revive(self) -> None:
        """Start again what has died, as systemd does."""
        for each in (*self.pages, *self.live, *self.workers):
            if not each.is_running():
                each.start()

    def said(self) -> str:
        """The last of what everybody printed."""
        logs = [self.log, self.folder / "nginx.log", self.folder / "postgres.log"]
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in logs if path.exists())

    def visitor(self, who: str) -> Patient:
        """Somebody signed in, in a browser of his own."""
        with self.app.app_context():
            with transaction():
                link = link_for(getattr(self.cast, who))
            db.session.remove()
        return Patient(self.url, link)

    def close(self) -> None:
        """End what was started here."""
        for each in self.everything:
            each.send(signal.SIGTERM)
        for each in self.everything:
            each.end(seconds=15)
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        self.redis.end()
        self.postgres.remove()


class Patient(Visitor):
    """A browser that asks again while the board is away, as the forms of the board do."""

    away = 0

    def _again(self, method: str, url: str, **options: Any) -> requests.Response:
        end = time.monotonic() + 90
        while True:
            try:
                answer = self.http.request(method, url, timeout=20, **options)
                if answer.status_code not in (502, 503, 504):
                    return answer
                assert "110" in answer.text, answer.text[:500]
                last: object = answer.status_code
            except requests.RequestException as error:
                last = error
            self.away += 1
            assert time.monotonic() < end, f"the board did not come back: {last}"
            time.sleep(0.3)
