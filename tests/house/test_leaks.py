"""Nothing private comes out anywhere: marks in every hidden place, and every page read as everybody.

A reader follows every link he is given, and asks the addresses he might guess. A mark that somebody sees who may
not read it is a leak; so is a number that moves because of a case he may not know of.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from zipfile import ZipFile

import pytest
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from board import clock, jobs
from board.db import db, transaction
from board.seams import may_follow
from boards.models import Case
from boards.models.posting import reply
from tests.builders import posted
from tests.conftest import MOMENT
from tests.house.populated import MARKS, PEOPLE, Populated, forget, populated
from tests.house.test_matrix import READ_COMPLAINT, READ_HELD, READ_INSIDE, READ_SHUT

ALIKE = 5  # links of one shape that a reader follows
WORDS = (
    "路口", "持刀", "救命", "三号楼", "隔壁", "青松路居民", "13912345678", "19900000777",
    "QWECHAT_2207", "63129977", "QREPLYLINK",
    "QHELDTITLE", "QHELDREPLY", "QHELDNOTE", "QSHUTTITLE", "QSHUTPLACE", "QNOTE", "QCOMPLAINTTITLE", "QCOMPLAINTWHOM", "QORDERWORDS", "QDRAFTWORDS",
    "QRECEIPTTITLE", "QRECEIPTRATED", "QCOVERED", "QREPORTWORDS",
    "QSEALEDTITLE", "QSEALWORDS", "QREFERRAL", "QREPRISAL", "QFORCED",
)  # fmt: skip


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Populated]:
    with populated(tmp_path_factory.mktemp("leaks")) as made:
        yield made


def guesses(board: Populated) -> list[str]:
    """The addresses that a curious reader asks without being led there."""
    found = [
        "/", "/sections", "/d", "/mine", "/mine?show=followed", "/inbox", "/me", "/me/data", "/me/deletion", "/me/consent", "/privacy", "/transparency", "/settings", "/desk", "/moderation", "/moderation/words", "/lookup",
        "/readyz", "/guide", "/departments.json?q=", "/new", "/nothing-here", "/live", "/desk/phrases", "/admin/deliveries",
        "/manifest.webmanifest",
    ]  # fmt: skip
    for key in ("110", "traffic", "12345", "complaints", "notices"):
        found += [
            f"/s/{key}",
            f"/s/{key}?sort=posted",
            f"/s/{key}?status=pending",
            f"/s/{key}?status=overdue",
        ]
    for key in ("bureau", "desk", "traffic-police", "household-police", "inspectorate"):
        found += [f"/d/{key}", f"/desk?department={key}", f"/live?since=department:{key}:0"]
    for queue in ("routing", "pending", "overdue", "approvals", "rating"):
        found += [f"/desk?department={key}&queue={queue}" for key in ("desk", "traffic-police")]
    for thing in (
        "held",
        "shut",
        "opening",
        "working",
        "asked",
        "private",
        "sealed",
        "stale",
        "changed",
        "complaint",
        "inside",
        "given",
        "receipted",
        "missing",
    ):
        number, thread = board.refs[thing], board.refs[f"{thing}.thread"]
        found += [
            f"/cases/{number}{rest}"
            for rest in (
                "",
                "?fragment=timeline",
                "/verification",
                "/verification?format=json",
                "/withdrawal",
                "/relay",
                "/seal",
                "/appeal",
                "/reprisal",
            )
        ]
        found += [
            f"/t/{thread}{rest}"
            for rest in ("", "/reports", "/edits", "/covers", "/earlier", "?fragment=timeline")
        ]
        found += [
            f"/received/{number}",
            f"/lookup?number={number}",
            f"/search?q={number}",
            f"/new?origin={number}",
        ]
        found += [
            f"/desk?case={number}",
            f"/desk/case/{number}",
            f"/desk/rows?case={number}",
            f"/desk/toasts?cases={number}",
        ]
        found += [
            f"/moderation?thread={thread}",
            f"/moderation?thread={number}",
            f"/live?since=case:{thread}:0",
        ]
        found.append(f"/follows?undo=case:{thread}&how=daily")
        if f"{thing}.text" in board.refs:
            found.append(f"/t/{thread}/covers?text={board.refs[f'{thing}.text']}")
    found += ["/complaints", "/inspection", f"/inspection?case={board.refs['complaint']}"]
    found += [
        f"/inspection?queue={queue}"
        for queue in ("new", "working", "empty", "seals", "referred", "reprisals", "pressed")
    ]
    found += [f"/inspection?case={board.refs[name]}" for name in ("inside", "working", "given", "receipted")]
    found += [f"/pressure-questions/{board.refs[name]}" for name in ("question", "pressed")]
    found += [f"/me/exports/{board.refs['export']}", f"/inbox/account/{board.refs['notice']}"]
    found.append(f"/statements/{board.refs['statement']}")
    found += [
        "/supervision",
        "/supervision?year=2026",
        "/inspection/supervision",
        "/inspection?queue=supervised",
    ]
    for number in (board.refs["order"], board.refs["shut_order"], "order-2026-2", "order-2026-999"):
        found += [f"/supervision/{number}", f"/supervision/{number}/print"]
    found.append(f"/inspection/supervision/drafts/{board.refs['draft']}")
    found += [
        f"/inspection/supervision/new?case={board.refs[name]}" for name in ("fresh", "shut", "complaint")
    ]
    found += ["/follows", "/follows/new?kind=section&target=110", "/follows/new?kind=department&target=desk"]
    found += [f"/follows/new?kind={kind}" for kind in ("place", "search", "case", "person")]
    found += [
        f"/follows/new?kind=place&target={quote(word)}" for word in ("青松路", "QSHUTPLACE", "QHELDPLACE")
    ]
    found += [f"/follows/new?kind=search&target={quote('q=' + word)}" for word in ("持刀", "闹事")]
    for name in ("fresh.photo", "held.photo", "shut.photo", "inside.photo", "missing.photo"):
        found += [f"/files/{board.refs[name]}/full", f"/files/{board.refs[name]}/thumb"]
        found.append(f"/photos/{board.refs[name]}")
    found += [f"/live?since=person:{board.refs[who]}:0" for who in ("rita", "dana", "mona")]
    found += [f"/search?q={quote(word)}" for word in WORDS] + [
        f"/similar?title={quote(word * 3)}" for word in WORDS[:5]
    ]
    return found


def links(page: str) -> Iterator[str]:
    """Every address on this board that a page leads to."""
    for raw in re.findall(r'(?:href|src)="([^"]*)"', page):
        parts = urlsplit(html.unescape(raw))
        if (
            parts.scheme
            or parts.netloc
            or not parts.path.startswith("/")
            or parts.path.startswith("/static/")
        ):
            continue
        # The sign-in page repeats the address that one came from, which its reader knew already.
        yield parts.path + (f"?{parts.query}" if parts.query and parts.path != "/sign-in" else "")


def secrets_of(board: Populated, who: str) -> list[str]:
    """What `who` must never read: the marks of others, and the names of what is hidden from him."""
    secret = [mark for mark, readers in MARKS.items() if who not in readers]
    for thing, readers in (
        ("held", READ_HELD),
        ("shut", READ_SHUT),
        ("opening", READ_SHUT),
        ("complaint", READ_COMPLAINT),
        ("shut_order", READ_COMPLAINT),
        ("inside", READ_INSIDE),
        ("receipted", {"ines"}),
    ):
        if who not in readers:
            names = (
                f"{thing}.thread",
                f"{thing}.text",
                f"{thing}.photo",
                *((thing,) if thing not in ("held", "inside") else ()),  # whose numbers were, or are, public
            )
            secret += [board.refs[name] for name in names if name in board.refs]
    return secret


def echo_taken_out(page: str, path: str) -> str:
    """The page without the address that was asked for and the words that were typed into it: those he knew before."""
    parts = urlsplit(path)
    for known in (path, parts.path, parts.query, *re.findall(r"[^/?=&:]+", path)):
        if len(known) > 6 or "Q" in known:
            page = page.replace(known, "…").replace(html.escape(known), "…")
    for word in (unquote(each) for each in re.findall(r"=([^&]+)", path)):
        if len(word) > 3:
            page = page.replace(html.escape(word), "…")
    return page


@pytest.mark.parametrize("who", PEOPLE)
def test_nobody_reads_what_is_not_his(board: Populated, who: str) -> None:
    board.restore()
    secret = secrets_of(board, who)
    asked: set[str] = set()
    shapes: Counter[str] = Counter()
    queue, dead = [("", path) for path in guesses(board)], []
    seen: set[str] = set()
    while queue:
        source, path = queue.pop(0)
        shape = re.sub(r"[0-9a-z]{10}|[\d-]{6,}|(?<==)[^&]*", "*", path)
        if path in asked or path.startswith("/sign-in/link") or (source and shapes[shape] >= ALIKE):
            continue
        asked.add(path)
        shapes[shape] += bool(source)
        response = board.get(who, path)
        assert response.status_code < 500, path
        if source and response.status_code >= 400:
            dead.append(f"{path} (on {source}): {response.status_code}")
        page = read(response)
        shown = echo_taken_out(page, path) + echo_taken_out(str(response.headers), path)
        for mark in secret:
            assert mark not in shown, f"{who} reads {mark} on {path}"
        seen |= {mark for mark in MARKS if mark in page}
        queue += [(path, each) for each in dict.fromkeys(links(page)) if each not in asked]

    assert dead == [], "links that lead to nothing"
    # The walk is no good when it does not find what its reader may read.
    assert {mark for mark, readers in MARKS.items() if who in readers} - seen <= UNSEEN.get(who, set())


def read(response: TestResponse) -> str:
    """What stands in an answer; of an archive what stands in its files of words."""
    kind = response.mimetype or ""
    if kind == "application/zip":
        with ZipFile(BytesIO(response.data)) as archive:
            names = [each for each in archive.namelist() if each.endswith((".json", ".html", ".css", ".txt"))]
            assert names
            return "\n".join(archive.read(each).decode() for each in names)
    return response.text if kind.startswith(("text/", "application/")) else ""


# Marks that nobody is led to by reading alone: they stand behind a form, or come with a later page.
UNSEEN: dict[str, set[str]] = {}


@pytest.mark.parametrize("who", PEOPLE)
def test_nobody_follows_the_steps_of_what_he_may_not_read(board: Populated, who: str) -> None:
    def follows() -> dict[str, bool]:
        person = None if who == "visitor" else getattr(board.cast, who)
        streams = {
            thing: f"case:{board.refs[f'{thing}.thread']}" for thing in ("held", "shut", "missing", "fresh")
        }
        streams |= {"desk": "department:desk", "rita": f"person:{board.refs['rita']}"}
        return {name: may_follow(person, stream) for name, stream in streams.items()}

    found = board.inside(follows)

    assert found == {
        "held": who in READ_HELD,
        "shut": who in READ_SHUT,
        "missing": False,
        "fresh": True,
        "desk": who in ("dana", "carl"),
        "rita": who == "rita",
    }


def test_the_hints_of_a_restricted_case_stand_in_no_stream_of_others(board: Populated) -> None:
    """Everything in the streams of the case, of its poster, of the desk, and of those above it, and nowhere else."""

    def hints() -> dict[str, list[str]]:
        rows = db.session.execute(
            text(
                "SELECT stream.name, stream_entry.hint FROM stream_entry JOIN stream ON stream.id = stream_id"
            )
        )
        secret = (board.refs["shut"], board.refs["shut.thread"])
        return {name: hint for name, hint in rows if any(each in str(hint) for each in secret)}

    names = set(board.inside(hints))

    allowed = {f"case:{board.refs['shut.thread']}", "department:desk"}
    allowed |= {f"person:{board.refs[who]}" for who in ("rita", "dana", "carl")}
    assert names <= allowed


def test_the_hints_of_a_complaint_reach_the_inspectors_and_its_poster_alone(board: Populated) -> None:
    def named_in() -> set[str]:
        rows = db.session.execute(
            text(
                "SELECT stream.name, stream_entry.hint FROM stream_entry JOIN stream ON stream.id = stream_id"
            )
        )
        secret = (board.refs["complaint"], board.refs["complaint.thread"])
        return {name for name, hint in rows if any(each in str(hint) for each in secret)}

    names = board.inside(named_in)

    # No department's stream names it: a colleague who must keep away may listen there.
    assert f"person:{board.refs['ines']}" in names
    assert names <= {
        f"case:{board.refs['complaint.thread']}",
        *(f"person:{board.refs[who]}" for who in ("rita", "ines", "ida")),
    }
    inspectors = {"department:inspectorate", "department:discipline"}
    case = f"case:{board.refs['complaint.thread']}"

    def heard(who: str) -> set[str]:
        person = None if who == "visitor" else getattr(board.cast, who)
        return {each for each in (*inspectors, case) if may_follow(person, each)}

    found = board.inside(lambda: {who: heard(who) for who in PEOPLE})
    assert {who: streams for who, streams in found.items() if streams} == {
        "rita": {case},
        "ines": {case, "department:inspectorate"},
    }


def test_the_chain_of_a_case_is_published_without_what_is_internal(board: Populated) -> None:
    page = board.get("visitor", board.path("/cases/{working}/verification?format=json"))
    published = json.dumps(page.json, ensure_ascii=False)

    def internal() -> tuple[set[str], set[str]]:
        case = db.session.scalars(select(Case).where(Case.number == board.refs["working"])).one()
        events = [each for each in case.thread.events if not each.is_public]
        assert {each.kind for each in events} >= {"case.noted", "case.instructed"}
        salts = {each.internal_salt for each in events} | {each.actor_salt for each in case.thread.events}
        # The badge of whoever handles it is public; the poster, and who else did what, is behind commitments.
        people = {each.actor for each in case.thread.events if each.actor is not None} - {case.handler}
        names = {each.public_id for each in people} | {board.refs["rita"]}
        return {salt for salt in salts if salt}, names

    salts, actors = board.inside(internal)
    assert not [each for each in salts | actors if each in published]
    assert "QNOTE" not in published
    assert "QINSTRUCTION" not in published


def test_logs_say_nothing_of_what_was_typed(board: Populated, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        board.post("visitor", "/sign-in", {"phone": "13912345678", "step": "send"})
        board.post(
            "rita",
            "/s/traffic/threads",
            {"title": "QLOG 标题", "body": "QLOG 13912345678", "identity": "hidden", "seen": "private"},
        )
        board.post("visitor", "/coaching", {"body": "QLOG 13912345678", "reply": "1"})
        board.post("rita", board.path("/t/{fresh.thread}/replies"), {"body": "QLOG 回复 13912345678"})
        board.post(
            "rita",
            board.path("/t/{fresh.thread}/replies"),
            {"body": "QLOG 回复 13912345678", "seen": "private"},
        )
        original = board.path("/cases/{private}/originals/{private.text}")
        board.post("otto", original, {"reason": "QLOG 回电话 13912345678"})
        for form in ("messages", "rating", "reopening"):
            fields = {"entry": "QLOG.1.x", "body": "QLOG 13912345678", "text": "QLOG", "words": "QLOG"}
            board.post("visitor", f"/receipt/{form}", fields)
        board.post("otto", "/staff/sign-in", {"login": "021456", "password": "QLOG-password"})
    board.restore()

    assert "POST" in caplog.text
    for secret in ("QLOG", "13912345678"):
        assert secret not in caplog.text


# --- two worlds that differ in one restricted case -------------------------------------------------------


def public_pages(board: Populated) -> list[str]:
    """The pages on which a number could move: all lists, searches and counters, and what they lead to."""
    found = [
        path
        for path in guesses(board)
        if not path.startswith(("/moderation", "/live?since=case", "/t/", "/files", "/photos"))
    ]
    for path in ("/", "/sections", "/s/110", "/d/desk"):
        found += links(board.get("visitor", path).text)
    return list(dict.fromkeys(found))


def answers(board: Populated, who: str, paths: list[str]) -> dict[str, tuple[int, str]]:
    forget()
    found = {}
    for path in paths:
        response = board.get(who, path)
        page = re.sub(
            r'(name="once" value=|data-cursors=|href="/inbox/)"?[^"]*"',
            "",
            response.get_data().decode("utf-8", "replace"),
        )
        found[path] = (response.status_code, page)
    return found


def add_shut_case(board: Populated) -> None:
    """A restricted case with everything a case can have, worked on by the desk."""

    def make() -> None:
        cast = board.cast
        with transaction():
            thread = posted(
                cast.vera,
                section="110",
                title="有人持刀砍人，快来",
                body="他要杀我，救命！@交警支队 也来",
                place="青松路",
            )
            assert thread.is_restricted
            number = thread.case.number if thread.case else ""
        with transaction():
            reply(
                db.session.scalars(select(Case).where(Case.number == number)).one().thread,
                "我躲在里面",
                by=cast.vera,
            )
        board.refs["added"] = number

    board.inside(make)


def work_on_it(board: Populated) -> None:
    def work() -> None:
        number = board.refs["added"]
        case: Callable[[], Case] = lambda: db.session.scalars(select(Case).where(Case.number == number)).one()  # noqa: E731
        with transaction():
            case().accept(by=board.cast.dana, answer="已收到，正在派警。")
        with transaction():
            case().note(by=board.cast.dana, note="内部备注")
        with transaction():
            case().resolve(by=board.cast.dana, answer="民警已经到场处置完毕。", outcome="solved")

    board.inside(work)


@pytest.mark.parametrize(
    ("who", "state"),
    [
        ("visitor", "waiting past its time"),
        ("visitor", "breached"),
        ("visitor", "worked on and resolved"),
        ("otto", "breached"),
    ],
)
def test_a_restricted_case_moves_nothing_that_others_see(
    board: Populated, tmp_path: Path, who: str, state: str
) -> None:
    board.restore()
    board.keep()
    paths = public_pages(board)

    def world(name: str, *, added: bool) -> dict[str, tuple[int, str]]:
        twin = board.twin(tmp_path / name)
        if added:
            add_shut_case(twin)
            if state == "worked on and resolved":
                work_on_it(twin)
        with clock.freeze(MOMENT + timedelta(minutes=25)):
            if state != "waiting past its time":
                twin.inside(jobs.run_due)
            return answers(twin, who, paths)

    without, with_it = world("without", added=False), world("with", added=True)

    assert len(without) > 120
    assert sum(status == 200 for status, _page in without.values()) > 50
    different = [path for path in paths if without[path] != with_it[path]]
    assert different == []
