"""Old page + its hints = fresh page, for every verb of a case: nothing a reader sees goes stale unseen.

What open pages keep is the unread count, the rows of every queue of a desk, and the version of the case. After each
step each page takes in only its own hints; then it must equal what loading it anew would show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from board import clock, jobs, live
from board.db import db, transaction
from boards.desk import Desk, View
from boards.models import Case, Thread
from boards.models.posting import reply
from boards.models.status import NEXT
from boards.models.watch import follow
from notifications.models import unread_of
from people.models import Department
from tests.builders import Cast, case_of, posted

pytestmark = pytest.mark.engines("sqlite", "postgres")

# Whose desk, for which department; of the leaders' desks only what the officers' do not show.
DESKS = (
    ("otto", "traffic-police", None),
    ("lena", "traffic-police", ("approvals",)),
    ("hugo", "household-police", None),
    ("dana", "desk", None),
    ("carl", "bureau", ("approvals",)),
)
READERS = ("rita", "vera", "otto", "otis", "lena", "hugo", "dana", "carl", "mona")


class Page:
    """An open page: its cursors, what it shows, and how it takes in a hint."""

    rereads = True  # a hint makes it read everything anew, so then there is nothing left to compare

    def __init__(self, stream: str, read: Callable[[], Any]) -> None:
        self.stream, self.read = stream, read
        self.load()

    def load(self) -> None:
        self.cursor = live.cursors([self.stream])[self.stream]
        self.shows = self.read()

    def catch_up(self) -> int:
        """Take in what came since; how many hints that were."""
        answer = live.backlog({self.stream: self.cursor})
        assert answer["reset"] == []
        for hint in answer["entries"]:
            assert hint["seq"] == self.cursor + 1
            self.cursor = hint["seq"]
            self.apply(hint)
        if answer["entries"] and self.rereads:
            self.shows = self.read()
        return len(answer["entries"])

    def apply(self, hint: dict[str, Any]) -> None:
        """What one hint changes by itself."""


class Badge(Page):
    rereads = False

    def apply(self, hint: dict[str, Any]) -> None:
        if hint["kind"] == "inbox":
            self.shows = hint["unread"]


class CasePage(Page):
    rereads = False

    def apply(self, hint: dict[str, Any]) -> None:
        self.shows = hint["version"]


def unread_by(cast: Cast, name: str) -> int:
    """What his badge shows."""
    return unread_of(getattr(cast, name))


def desk_of(cast: Cast, name: str, department: str, queues: tuple[str, ...] | None) -> dict[str, Any]:
    """The queues of a desk (None: all), row by row, and its counts."""
    desk = Desk.open(getattr(cast, name), View(department=department))
    shown: dict[str, Any] = {"counts": desk.counts()}
    for queue in queues or desk.queues():
        desk.view = replace(desk.view, queue=queue)
        shown[queue] = [tuple(row) for row in desk.rows(size=100).rows]
    return shown


class World:
    """One case, everybody's open pages, and the verbs that were done."""

    def __init__(self, cast: Cast, **draft: Any) -> None:
        self.cast = cast
        self.done: set[str] = set()
        with transaction():
            thread = posted(cast.rita, **draft)
            self.id = thread.public_id
        self.pages: dict[str, Page] = {}
        for name in READERS:
            person = getattr(cast, name)
            self.pages[name] = Badge(person.stream, partial(unread_by, cast, name))
        for name, key, queues in DESKS:
            self.pages[f"{name} at {key}"] = Page(
                f"department:{key}", partial(desk_of, cast, name, key, queues)
            )
        self.pages["case"] = CasePage(f"case:{self.id}", lambda: self.thread.version)

    @property
    def thread(self) -> Thread:
        return db.session.scalars(select(Thread).where(Thread.public_id == self.id)).one()

    @property
    def case(self) -> Case:
        found = self.thread.case
        assert found is not None
        return found

    def load_all(self) -> None:
        """Everybody reads his page anew: time alone has moved something."""
        for page in self.pages.values():
            page.load()

    def do(self, verb: str, act: Callable[[], Any]) -> None:
        """Do something, then hold every open page against a fresh one."""
        with transaction():
            act()
        self.compare(verb)

    def compare(self, what: str) -> None:
        db.session.expire_all()
        for name, page in self.pages.items():
            if page.catch_up() == 0 or not page.rereads:
                assert page.shows == page.read(), f"after {what}: {name}"
        self.done.add(what)

    def wait(self, span: timedelta, what: str = "time") -> None:
        """Time goes by, and the worker does what is due."""
        clock.advance(span)
        db.session.expire_all()
        self.load_all()
        jobs.run_due()
        self.compare(what)


HOUSEHOLD, TRAFFIC = "household-police", "traffic-police"


def office(key: str) -> Department:
    return Department.by_key(key)


def offered(case: Case) -> str:
    """The handover that waits for an answer."""
    handover = case.open_handover()
    assert handover is not None
    return handover.public_id


def asked(case: Case, verb: str) -> str:
    """The approval that waits for a leader."""
    approval = case.open_approval(verb)
    assert approval is not None
    return approval.public_id


def two_hands(world: World) -> None:
    """From the post through two departments, questions, a rest and help, to an answer that has to be mended."""
    cast, do = world.cast, world.do
    do("acknowledge", lambda: world.case.acknowledge(by=cast.otto))
    do(
        "offer",
        lambda: world.case.offer(by=cast.otto, to=office(HOUSEHOLD), reason="涉及户籍地址，请户政支队办理。"),
    )
    do(
        "return",
        lambda: world.case.return_(offered(world.case), by=cast.hugo, reason="与户籍无关，请交警支队办理。"),
    )
    do("accept", lambda: world.case.accept(by=cast.otto, answer="已安排两名民警到路口查看信号灯。"))
    do("claim", lambda: world.case.claim(by=cast.otto))
    do("assign", lambda: world.case.assign(by=cast.lena, to=cast.otis))
    do("progress", lambda: world.case.progress(by=cast.otis, note="信号灯控制板烧坏，配件明天上午到。"))
    do("note", lambda: world.case.note(by=cast.otto, note="先联系施工队。"))
    do("reply", lambda: reply(world.thread, "我也看到了，@户政支队 也来看看", by=cast.vera))
    do("ask", lambda: world.case.ask(by=cast.otis, question="请问是哪个方向的灯一直闪？"))
    do("supplement", lambda: reply(world.thread, "由东向西的灯。", by=cast.rita))
    do(
        "assist",
        lambda: world.case.assist(
            by=cast.otto, department=office(HOUSEHOLD), words="请核对路口监控点位登记的单位。"
        ),
    )
    do(
        "assist_answer",
        lambda: world.case.answer_assist(
            world.case.assists[-1].public_id, by=cast.hugo, words="登记单位为市政设施中心。"
        ),
    )
    do(
        "assist",
        lambda: world.case.assist(by=cast.otto, department=office(HOUSEHOLD), words="请再核对一次点位编号。"),
    )
    do("assist_waive", lambda: world.case.waive_assist(world.case.assists[-1].public_id, by=cast.lena))
    do("instruct", lambda: world.case.instruct(by=cast.carl, words="今天之内恢复信号灯。", owner=cast.otis))
    do(
        "extend",
        lambda: world.case.extend(
            by=cast.lena, until=clock.now() + timedelta(days=12), reason="配件要从厂家调运。"
        ),
    )
    do(
        "suspend asked",
        lambda: world.case.suspend(
            by=cast.otis, reason="等待司法鉴定。", until=clock.now() + timedelta(days=3)
        ),
    )
    approval = asked(world.case, "suspend")
    do("refuse", lambda: world.case.decide(approval, by=cast.lena, approve=False, reason="不需要鉴定。"))
    do(
        "suspend",
        lambda: world.case.suspend(
            by=cast.lena, reason="等待司法鉴定。", until=clock.now() + timedelta(days=3)
        ),
    )
    do("resume", lambda: world.case.resume(by=cast.otis))
    do("reply", lambda: reply(world.thread, "请问修好了吗？", by=cast.rita))
    do(
        "resolve",
        lambda: world.case.resolve(
            by=cast.otis, answer="信号灯控制板已经换好，四个方向恢复正常。", outcome="solved"
        ),
    )
    do(
        "rate",
        lambda: world.case.rate(by=cast.rita, solved="no", satisfaction="dissatisfied", words="早上又闪了。"),
    )
    do("rectify", lambda: world.case.rectify(by=cast.otto, answer="重新检查后更换了供电模块，请您再看一看。"))
    do("reopen", lambda: world.case.reopen(by=cast.rita, words="今天早上又闪黄灯了。"))
    world.wait(timedelta(days=4))
    do("nudge", lambda: world.case.nudge(by=cast.rita))
    world.wait(timedelta(days=9))
    do("withdraw", lambda: world.case.withdraw(by=cast.rita))


def handed_around(world: World) -> None:
    """Taken, offered back twice and refused twice: the desk decides."""
    cast, do = world.cast, world.do
    do(
        "offer",
        lambda: world.case.offer(by=cast.otto, to=office(HOUSEHOLD), reason="涉及户籍地址，请户政支队办理。"),
    )
    do("take", lambda: world.case.take(offered(world.case), by=cast.hugo))
    do("offer", lambda: world.case.offer(by=cast.hugo, to=office(TRAFFIC), reason="核对后与户籍无关。"))
    do(
        "return",
        lambda: world.case.return_(offered(world.case), by=cast.otto, reason="不属于交警支队管理的路段。"),
    )
    do(
        "offer again",
        lambda: world.case.offer(by=cast.hugo, to=office(TRAFFIC), reason="路政确认归交警管理。"),
    )
    do(
        "return to the desk",
        lambda: world.case.return_(offered(world.case), by=cast.otto, reason="路政说法有误。"),
    )
    do("route", lambda: world.case.route(by=cast.dana, to=office(TRAFFIC)))


def from_the_desk(world: World) -> None:
    """Nobody was mentioned: the desk sends it on; a plan and a transfer are asked about."""
    cast, do = world.cast, world.do
    do("relay", lambda: world.case.relay(by=cast.dana, receipt="1101234", called_back=True))
    do("route", lambda: world.case.route(by=cast.dana, to=office(TRAFFIC), note="路口属交警支队管理。"))
    do("answer", lambda: world.case.answer(by=cast.otto, answer="早高峰有两名民警在路口值守，请放心。"))
    do("reopen", lambda: world.case.reopen(by=cast.rita, words="今天没有看到民警。"))
    later = clock.now() + timedelta(days=5)
    do(
        "plan",
        lambda: world.case.resolve(
            by=cast.otto, answer="下周增设一组信号灯。", outcome="planned", date=later
        ),
    )
    world.wait(timedelta(days=6))
    do("follow_up", lambda: world.case.follow_up(by=cast.rita, done=False))
    do(
        "transfer",
        lambda: world.case.resolve(
            by=cast.otto,
            answer="已转市政热线办理。",
            outcome="transferred",
            number="SZ-2026-11",
            contact="12345",
        ),
    )
    world.wait(timedelta(days=20))
    do("follow_up", lambda: world.case.follow_up(by=cast.rita, done=False))


def merged_and_moderated(world: World) -> None:
    """The same matter twice, a hold and a release, and a department that cannot take it."""
    cast, do = world.cast, world.do
    with transaction():
        duplicate = posted(cast.vera, title="青松路口的灯坏了", body="从早上起就闪，@交警支队")
        other = duplicate.public_id

    def main() -> Case:
        return case_of(other)

    do("hold", lambda: world.thread.hold(by=cast.mona, reason="private_data"))
    do("release", lambda: world.thread.release(by=cast.mona))
    do(
        "assist",
        lambda: world.case.assist(
            by=cast.otto, department=office(HOUSEHOLD), words="请核对监控点位登记的单位。"
        ),
    )
    do(
        "decline asked",
        lambda: world.case.decline(by=cast.otto, reason="不属于本单位职责。", advice="请联系供电公司。"),
    )
    do("merge", lambda: world.case.merge(by=cast.dana, into=main()))
    do("unmerge", lambda: world.case.unmerge(by=cast.rita))
    approval = asked(world.case, "decline")
    do("decline", lambda: world.case.decide(approval, by=cast.lena, approve=True))


SCENES: dict[Callable[[World], None], dict[str, str]] = {
    two_hands: {},
    handed_around: {},
    from_the_desk: {"section": "110", "title": "路口早高峰没有人疏导", "body": "每天早上七点半堵到八点半。"},
    merged_and_moderated: {},
}


@pytest.mark.timeout(900)
def test_an_old_page_and_its_hints_equal_a_fresh_page_after_every_verb(cast):
    done: set[str] = set()
    for scene, draft in SCENES.items():
        world = World(cast, **draft)
        scene(world)
        done |= world.done
    assert set(NEXT) - done == set(), "a verb that was added must be played here, too"


def test_followers_pages_are_true_once_the_worker_has_told_them(cast):
    world = World(cast)
    with transaction():
        follow(world.thread, by=cast.vera)
    world.do("accept", lambda: world.case.accept(by=cast.otto, answer="已安排两名民警到路口查看信号灯。"))
    assert world.pages["vera"].shows == 0
    world.wait(timedelta(minutes=1))
    assert world.pages["vera"].shows == 1
