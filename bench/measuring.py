"""The order of a measurement: seed, start the servers, take turns with the bare one, print what it is."""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import platform
import random
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from bench.listening import listen
from bench.load import Ask, Run, body_of, fetch, get, header, load, post
from bench.servers import HOUSE, CannotStart, Program, Web, run

PAGE = 20
DEEP = 500  # pages
QUERIES = ("红绿灯", "路口标线", "居住证 周末", "青松路", "飙车 晚上", "井盖", "冒充客服", "公交站 违停")
ROUNDS = 2
POSTS_EACH = 20  # by one person: the board takes thirty an hour


@dataclass
class Plan:
    """What one measurement is told."""

    threads: int
    seconds: float
    connections: int
    hints: int
    only: frozenset[str]

    def wants(self, *names: str) -> bool:
        """Whether any of these was asked for; all are when none is named."""
        return not self.only or bool(self.only & set(names))


@dataclass
class City:
    """Where things stand in the seeded city."""

    talked: list[str]
    own: str
    deep: str
    pages: int
    members: list[str]
    officers: list[str]


@dataclass
class Row:
    """One line of the table: the board's run and the bare one's. `aim`: the least share of bare Flask's rate."""

    name: str
    board: Run
    bare: Run
    size: int = 0
    aim: float | None = None
    most_cost: float | None = None  # milliseconds of processor
    most_p99: float | None = None  # milliseconds

    @property
    def share(self) -> float:
        """The board's requests a second as a share of the bare view's."""
        return self.board.rate / self.bare.rate if self.bare.rate else 0.0

    @property
    def cost_share(self) -> float:
        """The bare view's processor time as a share of the board's."""
        return self.bare.cost / self.board.cost if self.board.cost else 0.0

    def verdicts(self) -> Iterator[tuple[str, bool]]:
        """Each aim in words, and whether it is met."""
        if self.aim is not None:
            # By both: the load generator takes its part of the requests a second, ticks are coarse.
            told = f"{self.name}: {self.share:.2f} of bare Flask's requests a second, {self.cost_share:.2f} by processor"
            yield f"{told} (aim {self.aim:.1f} or better)", min(self.share, self.cost_share) >= self.aim
        if self.most_cost is not None:
            told = f"{self.name}: {self.board.cost:.2f} ms processor (aim under {self.most_cost:g})"
            yield told, self.board.cost < self.most_cost
        if self.most_p99 is not None:
            p99 = self.board.percentile(0.99)
            yield f"{self.name}: p99 {p99:.1f} ms (aim under {self.most_p99:g})", p99 < self.most_p99


@dataclass
class Report:
    """Everything that was found out."""

    rows: list[Row] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    verdicts: list[tuple[str, bool]] = field(default_factory=list)


# --- progress -------------------------------------------------------------------------------------------


class Bar:
    """A progress bar on the error stream; one line at the end where that is no terminal."""

    def __init__(self, label: str) -> None:
        self.label, self.began, self.drawn = label, time.monotonic(), 0.0

    def __call__(self, done: int, whole: int) -> None:
        """Show that `done` of `whole` is finished."""
        last = done >= whole
        if not last and (not sys.stderr.isatty() or time.monotonic() - self.drawn < 0.1):
            return
        self.drawn = time.monotonic()
        filled = int(30 * done / max(whole, 1))
        print(
            f"\r{self.label:<34} [{'#' * filled}{'.' * (30 - filled)}] {done:,}/{whole:,} "
            f"{time.monotonic() - self.began:.0f} s ",
            end="\n" if last else "",
            file=sys.stderr,
            flush=True,
        )


# --- the city -------------------------------------------------------------------------------------------


def environment(data: Path) -> dict[str, str]:
    """The settings of the board under measurement."""
    return {
        "BOARD_MODE": "demo",
        "BOARD_DATA": str(data),
        "BOARD_PROXIES": "1",  # so that posts can come from many addresses, as they do in life
        "BOARD_LOG_FORMAT": "json",
        "PYTHONWARNINGS": "ignore",
    }


def seeded(plan: Plan, data: Path, report: Report) -> City:
    """Make the database and its city; the report says how fast."""
    from bench.seeding import seed
    from board import create_app
    from board.db import db
    from board.settings import Settings
    from boards import cityfile, cityload

    env = environment(data)
    run("The database could not be made", ["db", "upgrade"], env)
    app = create_app(Settings.from_env(env))
    with app.app_context():
        city, problems = cityfile.examine(HOUSE / "city" / "yunchuan.toml")
        if city is None or problems:
            raise CannotStart(f"city/yunchuan.toml has mistakes: {problems}")
        cityload.load(city)
        made = seed(plan.threads, Bar("Threads"))
        rate = made.threads / made.seconds
        report.lines.append(
            f"Seeded {made.threads:,} threads ({made.rows:,} rows) in {made.seconds:.1f} s: {rate:,.0f} a second "
            f"({made.threads / made.processor:,.0f} a second of processor time)"
        )
        report.verdicts.append((f"Seeding: {rate:,.0f} threads a second (aim 5,000)", rate >= 5_000))
        deep, pages = _deep()
        db.session.remove()
        db.engine.dispose()
    size = sum(path.stat().st_size for path in data.glob("board.db*"))
    report.lines.append(f"Database {size / 1e6:,.0f} MB")
    return City(made.talked, made.own, deep, pages, made.members, made.officers)


def _deep() -> tuple[str, int]:
    """The cursor of the page that is DEEP pages down in `traffic`, and how many pages down that is."""
    from sqlalchemy import func, select

    from board.db import db
    from boards.cards import cursor
    from boards.models import Section, Thread

    section = db.session.scalar(select(Section.id).where(Section.key == "traffic"))
    here = (Thread.section_id == section, Thread.visibility == "public")
    number = db.session.scalar(select(func.count()).select_from(Thread).where(*here)) or 0
    pages = min(DEEP, number // PAGE - 2)
    row = db.session.execute(
        select(Thread.moved_at, Thread.public_id)
        .where(*here)
        .order_by(Thread.moved_at.desc(), Thread.id.desc())
        .offset(pages * PAGE - 1)
        .limit(1)
    ).one()
    db.session.rollback()
    return cursor(row[0], row[1]), pages


# --- taking turns -----------------------------------------------------------------------------------------


@dataclass
class Bench:
    """The servers, and how a page is measured on them."""

    plan: Plan
    city: City
    report: Report
    kept: Web
    anew: Web
    worker: Program
    bodies: Path
    stack: ExitStack
    bare: Web | None = None

    def bodies_of(self, wanted: list[tuple[str, Web, bytes]]) -> dict[str, int]:
        """Ask each page once and keep its bytes for the bare server, which is started with them; their sizes."""
        sizes: dict[str, int] = {}
        for number, (name, web, request) in enumerate(wanted):
            body = body_of(fetch(web.address, request))
            (self.bodies / f"body-{number}").write_bytes(body)
            sizes[name] = len(body)
        self.bare = self.stack.enter_context(
            Web("bare Flask", "bench.bare:app", {"BENCH_BODIES": str(self.bodies)}, self.bodies / "bare.log")
        )
        return sizes

    def turns(self, web: Web, ask: Ask, bare: Ask, **how: Any) -> tuple[Run, Run]:
        """The board, the bare view, the board, the bare view: after a warm-up of both."""
        assert self.bare is not None
        sides = ((web, ask, Run()), (self.bare, bare, Run()))
        connections = how.pop("connections", self.plan.connections)
        for server, request, _run in sides:
            load(
                server.address,
                request,
                seconds=min(0.7, self.plan.seconds / 3),
                connections=connections,
                **how,
            )
        for _round in range(ROUNDS):
            for server, request, total in sides:
                before = server.processor()
                found = load(
                    server.address,
                    request,
                    seconds=self.plan.seconds / ROUNDS,
                    connections=connections,
                    **how,
                )
                found.processor = server.processor() - before
                total.add(found)
        return sides[0][2], sides[1][2]


@dataclass(frozen=True)
class Subject:
    """A page to be measured: how it is asked of the board, on which server, and its aims."""

    name: str
    group: str
    cached: bool
    requests: Callable[[tuple[str, int]], Iterator[bytes]]
    aim: float | None = None
    most_cost: float | None = None


def subjects(city: City) -> list[Subject]:
    """Every page, in the order of the table."""
    first, deep = "/s/traffic", f"/s/traffic?before={city.deep}"
    case = f"/cases/{city.own}"

    def same(path: str, token: str = "") -> Callable[[tuple[str, int]], Iterator[bytes]]:
        cookie = f"sign_in={token}" if token else ""
        return lambda address: itertools.repeat(get(address, path, cookie=cookie))

    def each(paths: list[str], token: str = "") -> Callable[[tuple[str, int]], Iterator[bytes]]:
        cookie = f"sign_in={token}" if token else ""
        return lambda address: itertools.cycle(get(address, path, cookie=cookie) for path in paths)

    cases = [f"/cases/{number}" for number in city.talked]
    random.Random(1).shuffle(cases)
    searches = [f"/search?q={quote(query)}" for query in QUERIES]
    return [
        Subject("home, kept", "home", True, same("/"), aim=0.6),
        Subject("home, page drawn anew", "home", False, same("/")),
        Subject("section, kept", "section", True, same(first), aim=0.6),
        Subject("section, page drawn anew", "section", False, same(first), aim=0.3),
        Subject(f"section {city.pages} deep, kept", "section", True, same(deep), aim=0.6),
        Subject(f"section {city.pages} deep, drawn anew", "section", False, same(deep), aim=0.3),
        Subject("case, kept", "case", True, same(case), aim=0.6),
        Subject("case, page drawn anew", "case", False, same(case), aim=0.3),
        Subject("case, each time another", "case", False, each(cases)),
        Subject("case, signed in: member", "signed", True, same(case, city.members[1]), most_cost=6),
        Subject("case, signed in: its poster", "signed", True, same(case, city.members[0]), most_cost=6),
        Subject("case, signed in: officer", "signed", True, same(case, city.officers[0]), most_cost=6),
        Subject("case, signed in: each another", "signed", True, each(cases, city.members[1])),
        Subject("search", "search", True, each(searches)),
    ]


def measure_pages(bench: Bench, sizes: dict[str, int]) -> None:
    """Every page that was asked for, a line of the table each."""
    assert bench.bare is not None
    wanted = [each for each in subjects(bench.city) if bench.plan.wants(each.group)]
    for number, subject in enumerate(wanted):
        web = bench.kept if subject.cached else bench.anew
        asks = subject.requests(web.address)
        plain = get(bench.bare.address, f"/body-{number}")
        board, bare = bench.turns(web, lambda asks=asks: next(asks), lambda plain=plain: plain)  # type: ignore[misc]
        row = Row(
            subject.name, board, bare, sizes[subject.name], aim=subject.aim, most_cost=subject.most_cost
        )
        bench.report.rows.append(row)
        bench.report.verdicts += row.verdicts()
        print_row(row)
    _deep_as_first(bench.report)


def _deep_as_first(report: Report) -> None:
    by_name = {row.name: row for row in report.rows}
    for first, start in (("section, kept", "kept"), ("section, page drawn anew", "drawn anew")):
        deep = next((row for name, row in by_name.items() if "deep" in name and name.endswith(start)), None)
        if first not in by_name or deep is None:
            continue
        times = deep.board.cost / by_name[first].board.cost
        report.verdicts.append(
            (f"{deep.name}: {times:.2f} × the first page's processor time (aim 1)", times < 1.15)
        )


# --- posting ------------------------------------------------------------------------------------------------


class Posts:
    """Forms to send: each with its own once-token, by one of many people, from one of many addresses."""

    def __init__(self, web: Web, tokens: list[str]) -> None:
        self.web = web
        self.people = [(token, _csrf(web, token)) for token in tokens]
        self.sent = 0

    def ask(self) -> bytes:
        """The next post, with a mention of 交警支队."""
        person, csrf = self.people[self.sent // POSTS_EACH % len(self.people)]
        self.sent += 1
        where = f"{random.choice('青红昆东西南北')}{random.choice('松柏杨柳')}路 {self.sent} 号"
        fields = {
            "title": f"{where}门前的信号灯不亮 {secrets.token_hex(3)}",
            "body": f"从昨天晚上开始就不亮，早高峰车和人抢着走，请@交警支队 看一下。{where}。",
            "identity": "hidden",
            "once": secrets.token_urlsafe(18),
            "csrf_token": csrf,
            "similar_seen": "1",
            "step": "checked",
        }
        client = f"10.{self.sent >> 16 & 255}.{self.sent >> 8 & 255}.{self.sent & 255}"
        return post(
            self.web.address,
            "/s/traffic/threads",
            urlencode(fields).encode(),
            cookie=f"sign_in={person}",
            client=client,
        )


def _csrf(web: Web, token: str) -> str:
    page = fetch(web.address, get(web.address, "/s/traffic/new", cookie=f"sign_in={token}"))
    found = re.search(rb'name="csrf_token" value="([^"]+)"', page)
    if found is None:
        raise CannotStart("the form for posting shows no token: is the sign-in broken?")
    return found[1].decode()


def measure_posting(bench: Bench, posts: Posts) -> None:
    """Posting with a mention, one after another and several at once, beside a view that reads the same form."""
    assert bench.bare is not None
    for connections in (1, bench.plan.connections):
        before = bench.worker.processor()
        sent = posts.sent
        plain = posts.ask().replace(b"POST /s/traffic/threads", b"POST /post", 1)
        board, bare = bench.turns(bench.kept, posts.ask, lambda plain=plain: plain, connections=connections, statuses=(303,))  # type: ignore[misc]  # fmt: skip
        row = Row(f"post with a mention, {connections} at once", board, bare, most_p99=50)
        bench.report.rows.append(row)
        bench.report.verdicts += row.verdicts()
        print_row(row)
        worked = (bench.worker.processor() - before) / (posts.sent - sent) * 1000
        bench.report.lines.append(f"{row.name}: the worker spent {worked:.1f} ms processor a post meanwhile")


# --- hints --------------------------------------------------------------------------------------------------


def measure_hints(bench: Bench, posts: Posts) -> None:
    """From the answer to a post until its hint stands at the sockets of the mentioned department."""
    for clients in (1, 100):
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        listener = multiprocessing.get_context("spawn").Process(
            target=listen,
            args=(bench.kept.address, bench.city.officers[:clients], "department:traffic-police", theirs),
            daemon=True,
        )
        listener.start()
        state, told = ours.recv()
        if state != "ready":
            raise CannotStart(f"the listeners could not connect: {told}")
        time.sleep(1.0)
        answered: dict[str, float] = {}
        bar = Bar(f"Hints to {clients} sockets")
        for number in range(bench.plan.hints):
            answer = fetch(bench.kept.address, posts.ask(), 303)
            answered[header(answer, "Location").rpartition("/")[2]] = time.monotonic()
            time.sleep(random.uniform(0.05, 0.15))
            bar(number + 1, bench.plan.hints)
        time.sleep(1.5)
        ours.send("stop")
        _heard, heard = ours.recv()
        listener.join(10)
        delays = sorted(
            max(0.0, moment - answered[hint["case"]]) * 1000
            for moment, hint in heard
            if hint.get("kind") == "thread.posted" and hint.get("case") in answered
        )
        expected = clients * len(answered)
        _told_hints(bench.report, clients, delays, expected)


def _told_hints(report: Report, clients: int, delays: list[float], expected: int) -> None:
    who = "1 client" if clients == 1 else f"{clients} clients"
    p50, p99 = (
        delays[min(len(delays) - 1, int(share * len(delays)))] if delays else 0.0 for share in (0.5, 0.99)
    )
    line = f"Hint after the answer to a post, {who}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {len(delays)} of {expected} came"
    print(line, flush=True)
    report.lines.append(line)
    report.verdicts.append((f"Hint, {who}: p99 {p99:.1f} ms (aim under 100)", bool(delays) and p99 < 100))
    report.verdicts.append((f"Hint, {who}: {len(delays)} of {expected} came", len(delays) == expected))


# --- printing -------------------------------------------------------------------------------------------------

HEAD = (
    f"{'':<32}{'requests/s':>11}{'p50 ms':>8}{'p99 ms':>8}{'CPU ms':>8} │{'bare/s':>8}{'p50':>7}{'p99':>7}{'CPU':>7} │"
    f"{'share':>6}{'by CPU':>7}{'KB':>6}"
)


def print_row(row: Row) -> None:
    """One line of the table."""
    board, bare = row.board, row.bare
    print(
        f"{row.name:<32}{board.rate:>11.0f}{board.percentile(0.5):>8.1f}{board.percentile(0.99):>8.1f}{board.cost:>8.2f} │"
        f"{bare.rate:>8.0f}{bare.percentile(0.5):>7.1f}{bare.percentile(0.99):>7.1f}{bare.cost:>7.2f} │"
        f"{row.share:>6.2f}{row.cost_share:>7.2f}{row.size / 1024:>6.0f}",
        flush=True,
    )


def print_report(report: Report) -> None:
    """What was found beside the table, then each aim and whether it is met."""
    print()
    for line in report.lines:
        print(line)
    missed = [words for words, met in report.verdicts if not met]
    print(f"\nAims met: {len(report.verdicts) - len(missed)} of {len(report.verdicts)}")
    for words, met in report.verdicts:
        print(f"  {'met   ' if met else 'MISSED'}  {words}")


# --- all of it ------------------------------------------------------------------------------------------------


def prepared(plan: Plan, folder: Path, report: Report) -> City:
    """The city in `folder`: the one that an earlier measurement left there, or a new one."""
    data, kept = folder / "data", folder / "city.json"
    if kept.exists():
        city = City(**json.loads(kept.read_text()))
        report.lines.append(f"The city of {folder}, seeded before")
    else:
        data.mkdir()
        city = seeded(plan, data, report)
        kept.write_text(json.dumps(asdict(city)))
    if plan.wants("search", "post", "hint") and not (data / "index" / "current").exists():
        began = time.monotonic()
        print("Building the search index", file=sys.stderr, flush=True)
        env = environment(data)
        run("The search index could not be built", ["search", "rebuild"], env, shown=sys.stderr.isatty())
        took = time.monotonic() - began
        report.lines.append(f"Search index of all threads built in {took:.0f} s")
    return city


def measure(plan: Plan, folder: Path) -> Report:
    """Prepare, start, measure; everything is stopped when it returns or raises."""
    report = Report()
    city = prepared(plan, folder, report)
    env = environment(folder / "data")
    bodies = folder / "bodies"
    bodies.mkdir(exist_ok=True)
    with ExitStack() as stack:
        kept = stack.enter_context(Web("the board", "wsgi:app", env, folder / "kept.log"))
        anew = stack.enter_context(
            Web(
                "the board without its page store",
                "wsgi:app",
                {**env, "BOARD_PAGE_CACHE": "off"},
                folder / "anew.log",
            )
        )
        worker = stack.enter_context(
            Program("the worker", [sys.executable, "-m", "flask", "worker"], {**env, "FLASK_APP": "wsgi"}, folder / "worker.log")
        )  # fmt: skip
        bench = Bench(plan, city, report, kept, anew, worker, bodies, stack)
        wanted = [each for each in subjects(city) if plan.wants(each.group)]
        sizes = bench.bodies_of(
            [
                (each.name, web, next(each.requests(web.address)))
                for each in wanted
                for web in [kept if each.cached else anew]
            ]
        )
        print(f"\n{HEAD}", flush=True)
        measure_pages(bench, sizes)
        if plan.wants("post", "hint"):
            posts = Posts(kept, city.members[2:])
            if plan.wants("post"):
                measure_posting(bench, posts)
            if plan.wants("hint"):
                measure_hints(bench, posts)
    return report


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="bench/pages",
        description="What the pages of a large city cost, each beside a bare Flask view returning the same bytes.",
    )
    parser.add_argument("--threads", type=int, default=50_000, help="threads in the city (50,000)")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="seconds a page and side, in two turns (8)"
    )
    parser.add_argument("--connections", type=int, default=4, help="connections kept busy (4)")
    parser.add_argument("--hints", type=int, default=200, help="posts whose hints are timed (200)")
    parser.add_argument("--quick", action="store_true", help="5,000 threads and short runs")
    parser.add_argument("--only", default="", help="of home,section,case,signed,search,post,hint")
    parser.add_argument("--reuse", type=Path, help="a folder that --keep left: its city is measured again")
    parser.add_argument("--keep", action="store_true", help="keep the folder with database and logs")
    return parser.parse_args()


def main() -> int:
    """Exit code 0 when it measured, whatever it found; 2 when it could not."""
    given = arguments()
    plan = Plan(
        threads=max(500, 5_000 if given.quick else given.threads),
        seconds=2.0 if given.quick else given.seconds,
        connections=max(1, given.connections),
        hints=30 if given.quick else given.hints,
        only=frozenset(filter(None, given.only.split(","))),
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = given.reuse or Path(tempfile.mkdtemp(prefix="station-bench-"))
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; "
        f"{'the same' if given.reuse else f'{plan.threads:,}'} threads, {plan.connections} connections, {plan.seconds:g} s a page and side",
        flush=True,
    )
    try:
        print_report(measure(plan, folder))
    except CannotStart as error:
        print(f"✗ {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped", file=sys.stderr)
        return 130
    finally:
        if given.keep or given.reuse:
            print(f"Kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"Load at the end: {os.getloadavg()[0]:.1f}")
    return 0
