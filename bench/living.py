"""From a mention that was posted to its hint at the desks, with few and with many sockets, beside a bare echo."""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import platform
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.listening import Listener, Refused, listen
from bench.load import body_of, fetch, get, header, load, post
from bench.measuring import Bar, Posts
from bench.servers import HOUSE, CannotStart, Program, Web, run

STREAM = "department:traffic-police"


@dataclass
class Heard:
    """Delays (ms) of the hints of one side, from the asking and from the answer on; how many were expected, what a
    socket costs (KB), and the load of the machine meanwhile."""

    asked: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    expected: int = 0
    kilobytes: float = 0.0
    load: float = 0.0


def percentile(delays: list[float], share: float) -> float:
    """The delay that `share` (0 to 1) of the sorted `delays` stayed within."""
    return delays[min(len(delays) - 1, int(share * len(delays)))] if delays else 0.0


class Live(Web):
    """A gunicorn with a configuration of the caller's choice."""

    def __init__(
        self, name: str, config: str, application: str, env: dict[str, str], log: Path, *more: str
    ) -> None:
        from bench.servers import free_port

        self.address = ("127.0.0.1", free_port())
        command = [sys.executable, "-m", "gunicorn", "-c", config, *more, application]
        where = {"HOST": self.address[0], "PORT": str(self.address[1])}
        Program.__init__(self, name, command, {**env, **where}, log)

    def pids(self) -> list[int]:
        found = super().pids()
        return found * 2 if len(found) == 1 else found  # Web waits for two workers; one is enough here

    def kilobytes(self) -> int:
        """Memory that its processes hold, shared pages counted once."""
        total = 0
        for pid in set(self.pids()):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total


# Posts once; gives the case, and the moments before the asking and after the answer.
Send = Callable[[], tuple[str, float, float]]


def hear(web: Live, tokens: list[str], clients: int, posts: int, send: Send, label: str) -> Heard:
    """Connect `clients`, post `posts` times, and time the hints of each."""
    before = web.kilobytes()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    listener = multiprocessing.get_context("spawn").Process(
        target=listen, args=(web.address, [tokens[n % len(tokens)] for n in range(clients)], STREAM, theirs), daemon=True
    )  # fmt: skip
    listener.start()
    state, told = ours.recv()
    if state != "ready":
        raise CannotStart(f"{label}: the listeners could not connect: {told}\n{web.said()}")
    time.sleep(2.0)
    found = Heard(kilobytes=(web.kilobytes() - before) / clients)
    sent: dict[str, tuple[float, float]] = {}
    bar = Bar(label)
    for number in range(posts):
        case, asked, answered = send()
        sent[case] = (asked, answered)
        time.sleep(random.uniform(0.05, 0.15) + clients / 4000)
        bar(number + 1, posts)
    time.sleep(2.0 + clients / 200)  # late ones count too
    ours.send("stop")
    _heard, heard = ours.recv()
    listener.join(10)
    told = [
        (moment, *sent[hint["case"]])
        for moment, hint in heard
        if hint.get("kind") == "thread.posted" and hint.get("case") in sent
    ]
    found.asked = sorted((moment - asked) * 1000 for moment, asked, _answered in told)
    found.answered = sorted(max(0.0, moment - answered) * 1000 for moment, _asked, answered in told)
    found.expected = clients * len(sent)
    found.load = os.getloadavg()[0]
    time.sleep(1.0)
    return found


def board_sender(posts: Posts) -> Send:
    """A mention by HTTP."""

    def send() -> tuple[str, float, float]:
        asked = time.monotonic()
        answer = fetch(posts.web.address, posts.ask(), 303)
        return header(answer, "Location").rpartition("/")[2], asked, time.monotonic()

    return send


def echo_sender(web: Web) -> Send:
    """The same to the echo, which emits before it answers: from the answer on there is next to nothing left."""

    def send() -> tuple[str, float, float]:
        number, asked = secrets.token_hex(4), time.monotonic()
        fetch(web.address, post(web.address, "/post", urlencode({"number": number}).encode()), 303)
        return number, asked, time.monotonic()

    return send


def city(env: dict[str, str]) -> tuple[list[str], list[str]]:
    """The demo city without its threads, and the sign-ins of its members and officers."""
    run("The database could not be made", ["db", "upgrade"], env)
    from bench.seeding import people
    from board import create_app
    from board.db import db
    from board.settings import Settings
    from boards import cityfile, cityload

    app = create_app(Settings.from_env(env))
    with app.app_context():
        found, problems = cityfile.examine(HOUSE / "city" / "yunchuan.toml")
        if found is None or problems:
            raise CannotStart(f"city/yunchuan.toml has mistakes: {problems}")
        cityload.load(found)
        tokens = people(200, 110)
        db.session.remove()
        db.engine.dispose()
    return tokens


HEAD = (
    f"{'':<16} │{'answered p50':>13}{'p99':>8} │{'asked p50':>10}{'p99':>8}{'KB':>6} │{'echo asked p50':>15}{'p99':>8}{'KB':>6} │"
    f"{'load':>10} │ hints"
)


def print_line(size: str, clients: int, board: Heard, echo: Heard, verdicts: list[tuple[str, bool]]) -> None:
    """One line of the table, and what it says about the aims."""
    print(
        f"{size:<10}{clients:>6} │{percentile(board.answered, 0.5):>13.1f}{percentile(board.answered, 0.99):>8.1f} │"
        f"{percentile(board.asked, 0.5):>10.1f}{percentile(board.asked, 0.99):>8.1f}{board.kilobytes:>6.0f} │"
        f"{percentile(echo.asked, 0.5):>15.1f}{percentile(echo.asked, 0.99):>8.1f}{echo.kilobytes:>6.0f} │"
        f"{board.load:>5.1f}{echo.load:>5.1f} │{len(board.answered):>9,} of {board.expected:,}",
        flush=True,
    )
    name = f"{size}, {clients} clients"
    verdicts.append((f"{name}: every hint came", len(board.answered) == board.expected))
    p99 = percentile(board.answered, 0.99)
    if clients < 600:
        verdicts.append((f"{name}: p99 {p99:.1f} ms (aim under 100)", p99 < 100))
    else:
        yardstick = max(percentile(echo.asked, 0.99), 0.1)
        times, whole = p99 / yardstick, percentile(board.asked, 0.99) / yardstick
        told = f"{name}: p99 {times:.1f} × the echo's (aim 3); both from the asking on {whole:.1f} ×"
        verdicts.append((told, times <= 3))


def one_size(
    size: str,
    env: dict[str, str],
    folder: Path,
    counts: list[int],
    posts: int,
    verdicts: list[tuple[str, bool]],
) -> None:
    """All counts of one size of the engine, the board and the echo in turn."""
    scaled = size == "scaled"
    members, officers = city(env)
    with ExitStack() as stack:
        start = stack.enter_context
        if scaled:
            pages: Web = start(
                Live(
                    "pages",
                    "gunicorn.conf.py",
                    "wsgi:app",
                    {**env, "BOARD_ROLE": "pages"},
                    folder / "pages.log",
                )
            )
            live = start(Live("live", "gunicorn.live.conf.py", "wsgi:app", env, folder / "live.log"))
            echo = start(Live("echo", "gunicorn.live.conf.py", "bench.echo:app", {"BENCH_ASYNC": "gevent"}, folder / "echo.log"))  # fmt: skip
        else:
            pages = live = start(Live("board", "gunicorn.conf.py", "wsgi:app", env, folder / "board.log"))
            threads = ["-w", "1", "--threads", "800"]
            echo = start(
                Live("echo", "gunicorn.conf.py", "bench.echo:app", {}, folder / "echo.log", *threads)
            )
        start(Program("worker", [sys.executable, "-m", "flask", "worker"], {**env, "FLASK_APP": "wsgi"}, folder / "worker.log"))  # fmt: skip
        sender = board_sender(Posts(pages, members))
        for clients in counts:
            board = hear(live, officers, clients, posts, sender, f"{size}, {clients} clients")
            bare = hear(echo, officers, clients, posts, echo_sender(echo), f"echo, {clients} clients")
            print_line(size, clients, board, bare, verdicts)
        if not scaled:
            full(live, officers, verdicts)


HELD, ROOM, FURTHER = 670, 680, 60  # sockets that are held, that both workers take, and that come on top


def full(web: Live, tokens: list[str], verdicts: list[tuple[str, bool]]) -> None:
    """With as many sockets as the workers take, pages still answer, and whoever comes then is told to poll and does."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    crowd = [tokens[n % len(tokens)] for n in range(HELD)]
    listener = multiprocessing.get_context("spawn").Process(
        target=listen, args=(web.address, crowd, STREAM, theirs), daemon=True
    )
    listener.start()
    state, _told = ours.recv()
    late, refused = _further(web, [tokens[n % len(tokens)] for n in range(FURTHER)])
    try:
        found = load(web.address, lambda: get(web.address, "/"), seconds=4, connections=4)
        p99 = found.percentile(0.99)
        print(
            f"{HELD} of {ROOM} sockets held ({state}): the home page p50 {found.percentile(0.5):.1f}, p99 {p99:.1f} ms, "
            f"load {os.getloadavg()[0]:.1f}"
        )
        verdicts.append((f"Pages while both workers are full of sockets: p99 {p99:.0f} ms (aim under 500)", state == "ready" and p99 < 500))  # fmt: skip
        _poll(web, refused, len(late), verdicts)
    finally:
        for each in late:
            each.socket.close()
        ours.send("stop")
        listener.join(5)
        if listener.is_alive():
            listener.kill()


def _further(web: Live, tokens: list[str]) -> tuple[list[Listener], list[str]]:
    """Further clients, one try each: those that found room, and the sign-ins of those that are told to poll."""
    late: list[Listener] = []
    refused: list[str] = []
    for token in tokens:
        try:
            late.append(Listener(web.address, token, STREAM))
        except Refused:
            refused.append(token)
    return late, refused


def _poll(web: Live, refused: list[str], late: int, verdicts: list[tuple[str, bool]]) -> None:
    """Let those who were refused ask in turns for what their socket would have told them."""
    if not refused:
        verdicts.append((f"{FURTHER} further clients: all found room, so the workers were not full", False))
        return
    turns = itertools.cycle(refused)
    good = 0

    def seen(answer: bytes) -> None:
        nonlocal good
        told = json.loads(body_of(answer))
        good += not told["refused"] and bool(told["entries"] or told["reset"])

    polls = load(
        web.address,
        lambda: get(web.address, f"/live?since={STREAM}:0", cookie=f"sign_in={next(turns)}"),
        seconds=4,
        connections=4,
        seen=seen,
    )
    p99 = polls.percentile(0.99)
    print(
        f"{FURTHER} further clients: {late} found room, {len(refused)} were told to poll; {good:,} of {len(polls.latencies):,} "
        f"polls told them what they missed, p99 {p99:.1f} ms, load {os.getloadavg()[0]:.1f}"
    )
    met = len(refused) >= FURTHER - (ROOM - HELD) and good == len(polls.latencies) >= len(refused)
    verdicts.append((f"Whoever finds no room polls and hears all: {good:,} of {len(polls.latencies):,}", met))


def own_database(url: str) -> str:
    """A fresh database on a PostgreSQL; gives its URL."""
    import psycopg

    name = f"station_bench_{secrets.token_hex(4)}"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'create database "{name}" template template0')
    return f"{url.rpartition('/')[0]}/{name}"


def drop_database(url: str, made: str) -> None:
    """Take it away again."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{made.rpartition("/")[2]}" with (force)')


def main() -> int:
    """Exit code 0 when it measured, whatever it found; 2 when it could not."""
    parser = argparse.ArgumentParser(
        prog="bench/live", description="Mention posted to hint at the desk, beside a bare echo."
    )
    parser.add_argument("--embedded", default="1,100,600", help="clients on SQLite and threads (1,100,600)")
    parser.add_argument(
        "--scaled", default="1,100,2000", help="clients on PostgreSQL, Redis and gevent (1,100,2000)"
    )
    parser.add_argument(
        "--postgres", default="", help="postgresql://…/database of somebody who may make databases"
    )
    parser.add_argument("--redis", default="", help="redis://…, with --postgres")
    parser.add_argument("--posts", type=int, default=60, help="mentions for each line (60)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="station-live-"))
    verdicts: list[tuple[str, bool]] = []
    env: dict[str, Any] = {
        "BOARD_MODE": "demo", "BOARD_DATA": str(folder / "data"), "BOARD_PROXIES": "1", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(HEAD, flush=True)
    made = ""
    try:
        counts = [int(each) for each in given.embedded.split(",") if each]
        if counts:
            (folder / "data").mkdir()
            one_size("embedded", env, folder, counts, given.posts, verdicts)
        counts = [int(each) for each in given.scaled.split(",") if each]
        if counts and given.postgres:
            made = own_database(given.postgres)
            shared = {
                "BOARD_DATABASE_URL": made,
                "BOARD_REDIS_URL": given.redis,
                "BOARD_DATA": str(folder / "scaled"),
            }
            (folder / "scaled").mkdir()
            one_size("scaled", {**env, **shared}, folder, counts, given.posts, verdicts)
        elif counts:
            print("The scaled engine was not measured: say where with --postgres and --redis")
    except CannotStart as error:
        print(f"✗ {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped", file=sys.stderr)
        return 130
    finally:
        if made:
            drop_database(given.postgres, made)
        shutil.rmtree(folder, ignore_errors=True)
    for words, met in verdicts:
        print(f"  {'met   ' if met else 'MISSED'}  {words}")
    print(f"Load at the end: {os.getloadavg()[0]:.1f}")
    return 0
