"""The desk as it is heard: one chime for what is new however much it is, present danger until somebody acknowledges it,
a call that was confirmed without anything following, and a desk that nobody looks at."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Board, Opened

pytestmark = pytest.mark.browser
SOCKET = re.compile("/socket.io/")
SOON = 20_000
CHIME, OVERDUE = 880, 440
CALM = 3.0  # seconds between two chimes

# What the browser would let sound, written down; `blocked` is a browser that waits for a gesture, `covered` a tab behind
# another one.
BROWSER = """
window.tones = [];
window.AudioContext = class {
  state = "suspended";
  currentTime = 0;
  destination = {};
  async resume() {
    if (window.blocked) return new Promise(() => {});
    this.state = "running";
  }
  close() {}
  createGain() {
    const gain = { setValueAtTime() {}, exponentialRampToValueAtTime() {} };
    return { gain, connect: (next) => next };
  }
  createOscillator() {
    const frequency = {};
    const start = () => window.tones.push([performance.timeOrigin + performance.now(), frequency.value]);
    return { frequency, start, connect: (next) => next, stop() {} };
  }
};
Object.defineProperty(document, "hidden", { get: () => window.covered === true });
"""

WRITE = """
import sys
from board import create_app
from board.db import db, transaction
from people.models import Person
from tests.builders import posted
number, section, title, body = int(sys.argv[1]), *sys.argv[2:]
with create_app().app_context():
    for place in range(number):
        with transaction() as session:
            rita = session.scalars(db.select(Person).where(Person.nicknamed("青松路居民"))).one()
            print(posted(rita, section=section, title=f"{title} {place}", body=body).case.number, flush=True)
"""

TAKE_BACK = """
import sys
from board import create_app
from board.db import transaction
from boards.models import Case
with create_app().app_context():
    for number in sys.argv[1:]:
        with transaction():
            case = Case.numbered(number, for_change=True, reader=None)
            if case.is_open:
                case.withdraw(by=case.thread.poster)
"""

# Nothing followed the confirmation for as long as it holds: its time is over now, and the pager looks.
LAPSE = """
import sys
from datetime import timedelta
from board import create_app
from board.clock import now
from board.db import db, transaction
from boards.models import Case
from notifications.models import Page
from notifications.paging import ticking
with create_app().app_context():
    with transaction() as session:
        query = db.select(Page).join(Case, Page.case_id == Case.id).where(Case.number == sys.argv[1])
        page = session.scalars(query).one()
        assert page.state == "acknowledged", page
        page.lease_until = page.next_at = now() - timedelta(seconds=1)
    ticking.drain()
"""


def run(board: Board, script: str, *words: str) -> list[str]:
    """Do something beside the board, as another process would."""
    return board.another(script, *words).split()


Write = Callable[..., list[str]]


@pytest.fixture
def write(board: Board) -> Iterator[Write]:
    """Post cases as Rita would; what is public is taken back when the test is over, so that queues stay short."""
    public: list[str] = []

    def post(
        number: int = 1,
        section: str = "traffic",
        title: str = "路口的灯坏了",
        body: str = "请@交警支队看一下。",
    ) -> list[str]:
        found = run(board, WRITE, str(number), section, f"{title} {secrets.token_hex(2)}", body)
        if section == "traffic":
            public.extend(found)
        return found

    yield post
    run(board, TAKE_BACK, *public)


def heard(page: Page, pitch: int = CHIME) -> list[float]:
    """When a tone was heard, in seconds."""
    tones: list[list[float]] = page.evaluate("window.tones")
    return [at / 1000 for at, each in tones if each == pitch]


def until(page: Page, holds: Callable[..., Any], seconds: float = SOON / 1000) -> None:
    """Wait for what no element shows; the policy of the page lets nothing be evaluated in it from within."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, (page.url, page.evaluate("window.tones"))
        page.wait_for_timeout(100)


def desk(
    open_as: Opened, who: str, query: str = "", *, clock: bool = False, on: bool = True, blocked: bool = False
) -> Page:
    """Somebody's desk with its line open, and the on-duty switch on."""
    page = open_as(who)
    page.context.add_init_script(BROWSER)
    if blocked:
        page.context.add_init_script("window.blocked = true")
    if clock:
        page.clock.install()
    page.goto(f"/desk{query}")
    if on:
        page.locator("[data-sound-duty]").click()
    live(page)
    return page


def live(page: Page, state: str = "live") -> None:
    expect(page.locator("body")).to_have_attribute("data-connection", state, timeout=SOON)


def titled(page: Page) -> int:
    """The number before the title: (n) 值班台."""
    found = re.match(r"\((\d+)\) 值班台", page.title())
    return int(found[1]) if found else 0


def test_a_new_case_shows_in_rows_title_and_toast_and_chimes_once(open_as: Opened, write: Write) -> None:
    otto, otis = desk(open_as, "otto", "?queue=pending"), desk(open_as, "otis", "?queue=pending")
    waiting = titled(otto)
    number = write()[0]
    for page in (otto, otis):
        expect(page.locator(f"#row-{number}")).to_be_visible(timeout=SOON)
        expect(page.locator(f'.toast[data-cases="{number}"]')).to_contain_text("新诉求 @交警支队")
        expect(page).to_have_title(re.compile(rf"^\({waiting + 1}\) 值班台"))
    until(otto, lambda: heard(otto))
    otto.wait_for_timeout(1500)
    assert len(heard(otto)) == 1
    assert heard(otto, OVERDUE) == []

    # A row stays where the pointer is, whatever comes.
    row = otto.locator(".queue__row").first
    row.hover()
    before = [each.get_attribute("data-case") for each in otto.locator(".queue__row").all()]
    another = write()[0]
    expect(otto.locator(f"#row-{another}")).to_be_visible(timeout=SOON)
    after = [each.get_attribute("data-case") for each in otto.locator(".queue__row").all()]
    assert after[: len(before)] == before

    # What one of them acknowledges has gone from the other's desk, too.
    otto.locator(f'.toast[data-cases="{number}"] button').click()
    expect(otto.locator(f'.toast[data-cases="{number}"]')).to_have_count(0)
    expect(otis.locator(f'.toast[data-cases="{number}"]')).to_have_count(0, timeout=SOON)
    expect(otis.locator(f'#row-{number} button[formaction$="/acknowledgement"]')).to_have_count(0)


def test_nothing_sounds_before_the_switch_nor_when_it_is_muted_or_blocked(
    open_as: Opened, write: Write
) -> None:
    otto = desk(open_as, "otto", clock=True, on=False, blocked=True)
    word = otto.locator("[data-sound-word]")
    expect(word).to_have_text("声音关")

    def another() -> None:
        number = write()[0]
        expect(otto.locator(f'.toast[data-cases~="{number}"]')).to_be_visible(timeout=SOON)
        otto.wait_for_timeout(500)

    another()
    assert heard(otto) == []
    otto.locator("[data-sound-duty]").click()
    expect(word).to_have_text("声音被浏览器关了，点这里打开")
    another()
    assert heard(otto) == []
    otto.evaluate("window.blocked = false")
    mute = otto.locator("[data-sound-mute]")
    mute.click()
    expect(word).to_have_text("声音开")
    another()
    until(otto, lambda: len(heard(otto)) == 1)
    mute.click()
    expect(word).to_have_text("声音关")
    otto.clock.run_for(int(CALM * 1000))
    another()
    assert len(heard(otto)) == 1


def test_a_case_that_becomes_overdue_has_a_tone_of_its_own_in_every_queue(open_as: Opened) -> None:
    otto = desk(open_as, "otto", "?queue=waiting")
    hint = '{stream: "department:traffic-police", kind: "case.overdue", case: "20990101-0001"}'
    for _twice in range(2):
        otto.evaluate(f'document.dispatchEvent(new CustomEvent("hint", {{detail: {hint}}}))')
    until(otto, lambda: heard(otto, OVERDUE))
    otto.wait_for_timeout(500)
    assert len(heard(otto, OVERDUE)) == 1
    assert heard(otto) == []


def test_danger_rings_every_half_minute_in_every_queue_until_it_is_acknowledged(
    open_as: Opened, write: Write
) -> None:
    dana = desk(open_as, "dana", "?queue=working&place=nowhere", clock=True)
    rows = dana.locator("[data-desk-list]")
    expect(rows).to_have_attribute("data-urgent", "0")
    number = write(1, "110", "救命", "有人拿刀在砸我家的门，快来人！")[0]
    expect(rows).to_have_attribute("data-urgent", "1", timeout=SOON)
    until(dana, lambda: len(heard(dana)) == 1)
    expect(dana.locator(f"#row-{number}")).to_have_count(0)
    for times in (2, 3):
        dana.clock.run_for(31_000)
        until(dana, lambda times=times: len(heard(dana)) == times)

    dana.locator(f'.toast[data-cases="{number}"] button').click()
    expect(rows).to_have_attribute("data-urgent", "0", timeout=SOON)
    dana.clock.run_for(65_000)
    dana.wait_for_timeout(500)
    assert len(heard(dana)) == 3


def test_an_ordinary_case_is_heard_once(open_as: Opened, write: Write) -> None:
    otto = desk(open_as, "otto", clock=True)
    write()
    until(otto, lambda: len(heard(otto)) == 1)
    otto.clock.run_for(65_000)
    otto.wait_for_timeout(500)
    assert len(heard(otto)) == 1


def test_a_confirmation_without_anything_following_calls_the_desk_and_the_next_shift_again(
    board: Board, open_as: Opened, write: Write
) -> None:
    otto = desk(open_as, "otto", clock=True)
    lena, elsewhere = desk(open_as, "lena", "?queue=working", clock=True), open_as("otis")
    number = write()[0]
    toast = f'.toast[data-cases="{number}"]'
    otto.locator(f"{toast} button").click()
    row = otto.locator(f"#row-{number}")
    expect(row).to_contain_text("已查看", timeout=SOON)
    expect(row.locator('button[formaction$="/acknowledgement"]')).to_have_count(0)
    expect(lena.locator(toast)).to_have_count(0, timeout=SOON)
    elsewhere.goto("/sections")
    live(elsewhere)
    badge = elsewhere.locator(".topbar [data-controller=inbox]")
    unread = int(badge.get_attribute("data-count") or 0)
    for page in (otto, lena):
        page.clock.run_for(int(CALM * 1000))
    chimes = {page: len(heard(page)) for page in (otto, lena)}

    run(board, LAPSE, number)
    expect(row.locator('button[formaction$="/acknowledgement"]')).to_be_visible(timeout=SOON)
    expect(row).to_contain_text("没有下文，重新呼叫")
    for page in (otto, lena):
        expect(page.locator(toast)).to_contain_text("签收后没有下文 @交警支队", timeout=SOON)
        until(page, lambda page=page: len(heard(page)) == chimes[page] + 1)
    expect(badge.locator("[data-number]")).to_have_text(str(unread + 1), timeout=SOON)

    lena.locator(f"{toast} button").click()
    expect(row.locator('button[formaction$="/acknowledgement"]')).to_have_count(0, timeout=SOON)
    expect(otto.locator(toast)).to_have_count(0, timeout=SOON)


@pytest.mark.parametrize("many", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_a_flood_is_one_card_and_a_chime_every_few_seconds(open_as: Opened, write: Write, many: int) -> None:
    otto = desk(open_as, "otto", "?queue=working")
    asked: list[str] = []
    otto.on("request", lambda request: asked.append(request.url))
    began = time.monotonic()
    found = write(many)
    card = otto.locator(".toast")
    expect(card).to_contain_text([f"{many} 件新诉求 @交警支队"], timeout=SOON)
    took = time.monotonic() - began
    assert set((card.get_attribute("data-cases") or "").split()) == set(found)
    chimes = heard(otto)
    assert 1 <= len(chimes) <= took / CALM + 1
    assert all(later - earlier > CALM - 0.7 for earlier, later in itertools.pairwise(chimes))
    assert len([url for url in asked if "/desk/toasts" in url]) <= took / CALM + 2
    assert len([url for url in asked if "/desk/rows" in url]) <= took / 2 + 3
    card.get_by_role("link").click()
    expect(otto.locator('.queues__list a[aria-current="page"]')).to_contain_text("待受理")


@pytest.mark.slow
def test_behind_a_gateway_without_sockets_a_covered_desk_is_heard(open_as: Opened, write: Write) -> None:
    otto = open_as("otto")
    otto.context.add_init_script(BROWSER)
    otto.route_web_socket(SOCKET, lambda socket: socket.close())
    otto.goto("/desk")
    otto.locator("[data-sound-duty]").click()
    live(otto, "polling")
    otto.evaluate("window.covered = true")
    otto.wait_for_timeout(12_000)  # the question that was on its way when it was covered
    waiting = titled(otto)
    write()
    until(otto, lambda: heard(otto), 40)
    expect(otto).to_have_title(re.compile(rf"^\({waiting + 1}\) 值班台"))
