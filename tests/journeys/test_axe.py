"""Every page of the board, as everybody who has one: axe finds nothing, nothing scrolls sideways, nothing is too small."""

from __future__ import annotations

import re
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from board import create_app
from board.settings import Settings
from tests.journeys import acts
from tests.journeys.conftest import AXE, CAST, DESKTOP, PHONE, Board, Opened
from tests.journeys.inspection import CLIPPED, faults

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,  # the components are looked at in tests/house/test_look.py each time
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; bin/setup fetches it"),
]

BY_PASSWORD = {"people.staff_code", "people.sign_in_link"}  # looked at in test_staff_sign_in.py
BY_LINK = {  # looked at in test_following_by_phone.py and test_one_tap.py
    "follows.unsubscribe", "acknowledging.show", "contacts.show_link",
}  # fmt: skip
BY_ACCOUNT = {  # looked at in test_passkey_journey.py
    "accounts.show", "people.invitation", "people.list_invitations", "people.new_passkey", "people.second_factor_page",
}  # fmt: skip
BY_COMPLAINT = {"recusals.new", "statements.show"}  # looked at in test_complaint_walk.py
BY_LANDED = {  # looked at in test_landed_walk.py
    "sealings.new",
    "turnings.new_appeal",
    "turnings.new_reprisal",
    "turnings.question",
}
NO_PAGES = {  # answers of other kinds: data, pieces of pages, files, forwarding
    "asset", "compose.departments", "moderation.presence", "compose.similar", "desk.case_pane", "desk.presence", "desk.rows", "desk.toasts", "files.show",
    "contacts.manifest", "contacts.service_worker", "people.calendar_feed", "people.roster_calendar", "health.alive", "health.ready", "inbox.show", "inbox.unread", "live.catch_up",
    "people.fetch_copy", "transparency.as_json", "people.passkey_to_add", "people.passkey_to_confirm", "people.passkey_to_sign_in",
}  # fmt: skip


@dataclass
class Places:
    """Where the demo city keeps what the tests look at."""

    cases: dict[str, str] = field(default_factory=dict)  # status -> path of a case
    threads: dict[str, str] = field(default_factory=dict)  # section -> path of a thread without a case


@pytest.fixture(scope="module")
def places(board: Board) -> Places:
    """A case in every status and a thread without a case, from the public lists."""
    found = Places()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def read(path: str) -> str:
        with opener.open(board.url + path, timeout=20) as answer:
            return str(answer.read().decode())

    for key in sorted(set(re.findall(r'href="/s/([\w-]+)"', read("/sections")))):
        path = f"/s/{key}"
        while path:
            html = read(path)
            for number, status in re.findall(r'id="case-([\d-]+)" data-status="(\w+)"', html):
                found.cases.setdefault(status, f"/cases/{number}")
            for thread in re.findall(r'card__title"><a href="(/t/\w+)"', html):
                found.threads.setdefault(key, thread)
            older = re.search(r'href="([^"]*[?&;]before=[^"]*)"', html)
            path = unescape(older.group(1)) if older else ""
    assert set(found.cases) == {
        "pending",
        "accepted",
        "in_progress",
        "waiting_poster",
        "suspended",
        "resolved",
        "closed",
    }
    return found


@dataclass(frozen=True)
class Stop:
    """One page to look at: its route, and how to get there."""

    route: str
    reach: str | Callable[[Page], None]
    name: str = ""

    def go(self, page: Page) -> str:
        """Open it; gives what faults call it."""
        if callable(self.reach):
            self.reach(page)
        else:
            page.goto(self.reach)
        page.wait_for_load_state()
        return self.name or (self.reach if isinstance(self.reach, str) else self.route)


def _press_main(page: Page) -> None:
    with page.expect_navigation():
        page.locator("main form .btn--main").locator("visible=true").last.click()


def _compose_faults(page: Page) -> None:
    page.goto("/s/traffic/new")
    _press_main(page)


def _complaint_with_faults(page: Page) -> None:
    page.goto("/s/complaints/new")
    page.locator("[name=title]").fill("民警到场看了一眼就走了")
    _press_main(page)


def _check_step(page: Page) -> None:
    page.goto("/s/traffic/new")
    page.locator("[name=title]").fill("有人持刀在路口追人，民警说没空来")
    page.locator("[name=body]").fill("就在建设街路口，请@昆河大队处理，我的手机 13800000000。")
    _press_main(page)


def _door(page: Page) -> None:
    page.goto("/s/traffic/new")
    page.locator("[name=title]").fill("高架桥下的反光锥被风吹倒一排")
    page.locator("[name=body]").fill("二环高架下，占了半条道。")
    _press_main(page)
    acts.answer_check(page)
    page.locator("[name=phone]").wait_for()


def _door_code(page: Page) -> None:
    _door(page)
    page.locator("[name=phone]").fill(acts.new_phone())
    page.locator("button[name=step][value=send]").click()
    page.locator("[name=code]").wait_for()


def _sign_in_code(page: Page) -> None:
    page.goto("/sign-in")
    page.locator("[name=phone]").fill(acts.new_phone())
    page.locator("button[name=step][value=send]").click()
    page.locator("[name=code]").wait_for()


def _photo(page: Page) -> None:
    """A photo of the demo city, from its thumbnail; it has a neighbour."""
    page.goto("/search?q=青松路与建设街路口红绿灯一直闪黄灯")
    page.locator('.case-card__title a[href^="/cases/"]').first.click()
    page.locator(".photos a").first.click()
    page.wait_for_url("**/photos/*")
    page.locator("a[rel=next]").wait_for()


def _dialogue(page: Page) -> None:
    """What sixteen digits open, with a message that was refused and everything that can be done."""
    page.goto("/s/complaints/new?department=traffic-police")
    page.locator("[name=title]").fill("值班电话打了三次没有人接")
    page.locator("[name=body]").fill("前天夜里，一次都没有人接。")
    page.locator("[name=about_reason]").first.check()
    page.locator("[name=identity][value=receipt]").check()
    _press_main(page)
    acts.answer_check(page)
    digits = re.sub(r"\D", "", page.locator(".receipt__digits").inner_text())
    page.goto("/receipt")
    page.locator("[name=number]").fill(digits)
    _press_main(page)
    for fold in page.locator("main summary").all():
        fold.click()
    page.locator("#reply [name=body]").fill(" ")
    with page.expect_navigation():
        page.locator("#reply .btn--main").click()


def visitor(places: Places) -> list[Stop]:
    """Everything that may be read without an account."""
    one = places.cases["resolved"]
    thread = places.threads["traffic"]
    return [
        Stop("home.show", "/"),
        Stop("sections.index", "/sections"),
        *(
            Stop("sections.show", f"/s/{key}")
            for key in ("traffic", "110", "notices", "complaints", "traffic?status=done")
        ),
        Stop("compose.new", "/new"),
        Stop("compose.new", "/s/traffic/new"),
        Stop("compose.new", "/s/complaints/new"),
        Stop("compose.new", _complaint_with_faults, "a complaint with faults"),
        Stop("complaints_published.index", "/complaints"),
        Stop("compose.new", _compose_faults, "compose with faults"),
        Stop("compose.new", _check_step, "check step"),
        Stop("compose.new", _door, "phone step"),
        Stop("compose.new", _door_code, "code step"),
        Stop("search.results", "/search"),
        Stop("search.results", "/search?q=红绿灯"),
        Stop("search.results", "/search?q=qqqqzzzz"),
        Stop("lookups.show", "/lookup"),
        Stop("receipt_dialogue.new", "/receipt"),
        Stop("receipt_dialogue.show", _dialogue, "the dialogue behind a receipt, with faults"),
        Stop("photos.show", _photo, "a photo"),
        Stop("lookups.show", "/lookup?number=20200101-0001"),
        Stop("departments.index", "/d"),
        Stop("departments.show", "/d/traffic-police"),
        *(Stop("threads.case", path) for path in places.cases.values()),
        Stop("threads.show", thread),
        Stop("verifications.show", f"{one}/verification"),
        Stop("reports.new", f"{thread}/reports"),
        Stop("reports.outcome", lambda page: _reported(page, thread), "a report that was received"),
        Stop("moderation_log.index", "/moderation-log"),
        Stop("people.sign_in", "/sign-in"),
        Stop("people.sign_in", _sign_in_code, "sign-in code"),
        Stop("people.staff_sign_in", "/staff/sign-in"),
        Stop("mine.settings", "/settings"),
        Stop("guides.guide", "/guide"),
        Stop("guides.privacy", "/privacy"),
        Stop("guides.accessibility", "/accessibility"),
        Stop("transparency.show", "/transparency"),
        Stop("404", "/t/0000000000"),
    ]


def _carried(page: Page) -> None:
    """A reply sent when the sign-in was over, and the sign-in page in between."""
    page.goto("/mine")
    page.locator('.case-card__title a[href^="/cases/"]').first.click()
    page.locator("#reply [name=body]").fill("今天早上又看了一眼，还是老样子。")
    page.context.clear_cookies(name="sign_in")
    page.locator("#reply button:not([type=button])").first.click()
    page.get_by_role("button", name=CAST["rita"]).click()
    page.wait_for_url("**/carried")


def _post(page: Page) -> None:
    page.goto("/s/traffic/new")
    page.locator("[name=title]").fill("人行天桥电梯停了，轮椅上不去")
    page.locator("[name=body]").fill("建设街天桥，从上周起就停着。")
    _press_main(page)
    acts.answer_check(page)
    page.wait_for_url("**/received/*")


def _changed(page: Page, edits: str) -> None:
    """A post of hers that she changed, as it stood before."""
    page.goto(edits)
    page.locator("[name=body]").fill("建设街天桥的电梯，从上周起就停着。")
    _press_main(page)
    page.locator('a[href$="/earlier"]').click()


def rita(places: Places, page: Page) -> list[Stop]:
    """The pages of a member, with a case of her own that is open and one that waits for her rating."""
    _post(page)
    number = acts.number_on(page)
    thread = page.locator('main a[href$="/covers"]').get_attribute("href")
    page.goto("/mine")
    rated = page.locator('.case-card[data-status="resolved"] .case-card__title a').first.get_attribute("href")
    assert thread
    assert rated
    return [
        Stop("received.show", f"/received/{number}"),
        Stop("threads.case", f"/cases/{number}", "her open case"),
        Stop("threads.case", rated, "her case to rate"),
        Stop("ratings.new", f"{rated}/rating"),
        Stop("reopenings.new", f"{rated}/reopening"),
        Stop("withdrawals.new", f"/cases/{number}/withdrawal"),
        Stop("covers.new", thread),
        Stop("edits.new", thread.replace("/covers", "/edits")),
        Stop("identities.edit", thread.replace("/covers", "/identity")),
        Stop("revisions.show", lambda page: _changed(page, thread.replace("/covers", "/edits"))),
        Stop("appeals.new", lambda page: _appealed(page, places.threads["traffic"]), "an appeal"),
        Stop("mine.index", "/mine"),
        Stop("mine.index", "/mine?show=followed"),
        Stop("inbox.index", "/inbox"),
        Stop("follows.index", "/follows"),
        Stop("follows.new", "/follows/new?kind=section&target=traffic"),
        Stop("follows.new", "/follows/new?kind=place&target=路", "a place too short to follow"),
        Stop("people.account", "/me"),
        Stop("people.confirmation", "/me/confirmation"),
        Stop("people.own_data", "/me/data"),
        Stop("people.own_data", _copy_asked, "a copy that is being made or ready"),
        Stop("people.consent", "/me/consent"),
        Stop("people.deletion", "/me/deletion"),
        Stop("people.deletion", _deletion_with_faults, "a nickname that does not fit"),
        Stop("people.deletion", _deletion_asked, "an account that waits to be deleted"),
        Stop("inbox.index", "/inbox", "messages of the board itself"),
        Stop("people.give_back", _carried, "what was carried over the sign-in"),
        Stop("mine.settings", "/settings"),
        Stop("mine.settings", _mail_with_faults, "a mail address with faults"),
        Stop("home.show", "/"),
    ]


def _copy_asked(page: Page) -> None:
    page.goto("/me/data")
    ask = page.locator('form[action="/me/exports"] button')
    if ask.count():  # once a day; whoever looks again finds it being made or ready
        ask.click()
        page.get_by_role("status").first.wait_for()


def _deletion_with_faults(page: Page) -> None:
    page.goto("/me/deletion")
    if page.locator('form[action="/me/deletion/undoing"]').count():
        page.locator('form[action="/me/deletion/undoing"] button').click()
        page.goto("/me/deletion")
    page.locator('form[action="/me/deletion"] button').click()
    page.locator(".field__error").first.wait_for()


def _deletion_asked(page: Page) -> None:
    page.goto("/me/deletion")
    if page.locator('form[action="/me/deletion/undoing"]').count():
        return  # asked before, in another look
    label = page.locator('label[for="f-typed"]').inner_text()
    page.locator("[name=typed]").fill(re.split("[：:]", label)[-1].strip())
    page.locator('form[action="/me/deletion"] button').click()
    page.locator('form[action="/me/deletion/undoing"]').wait_for()


def _rows(page: Page, queue: str) -> list[str]:
    page.goto(f"/desk?queue={queue}")
    return [str(each.get_attribute("href")) for each in page.locator(".queue__title a").all()[:1]]


def desk(*queues: str, more: tuple[Stop, ...] = ()) -> Callable[[Places, Page], list[Stop]]:
    """A desk with its queues, and the first case of each opened."""

    def stops(places: Places, page: Page) -> list[Stop]:
        opened = [path for queue in queues for path in _rows(page, queue)]
        return [
            *(Stop("desk.open_desk", f"/desk?queue={queue}") for queue in queues),
            *(Stop("desk.open_desk", path) for path in opened),
            Stop("inbox.index", "/inbox"),
            Stop("threads.case", places.cases["pending"], "a case, as staff"),
            *more,
        ]

    return stops


def _reported(page: Page, thread: str) -> None:
    page.goto(f"{thread}/reports")
    page.locator("[name=kind][value=advert]").check()
    page.locator("[name=words]").fill("这是广告。")
    _press_main(page)


def _first_of_the_queue(page: Page, thread: str) -> None:
    _reported(page, thread)
    page.goto("/moderation?kind=report")
    page.locator(".queue__title a").first.click()
    page.locator("[data-thing]").wait_for()


def _word_with_faults(page: Page) -> None:
    page.goto("/moderation/words")
    _press_main(page)


def _appealed(page: Page, thread: str) -> None:
    """A reply of hers that a moderator hid, and the form to ask another one."""
    page.goto(thread)
    page.locator("#reply [name=body]").fill("加我好友领优惠，店就在路口。")
    page.locator("#reply button:not([type=button])").first.click()
    page.get_by_text("加我好友领优惠").first.wait_for()
    parts, browser = urlsplit(page.url), page.context.browser
    assert browser is not None
    with browser.new_context(base_url=f"{parts.scheme}://{parts.netloc}", locale="zh-CN") as other:
        moderator = other.new_page()
        moderator.goto("/sign-in")
        moderator.get_by_role("button", name=CAST["mona"]).click()
        moderator.goto(f"/moderation?thread={thread.rpartition('/')[2]}")
        form = moderator.locator("form[action$='/hiding']")
        moderator.locator("details", has=form).locator("summary").click()
        form.locator("[name=text]").last.check()
        form.locator("[name=reason][value=advert]").check()
        with moderator.expect_navigation():
            form.locator("button").click()
    page.goto(f"{thread}/appeals")


def _removal(page: Page) -> None:
    page.goto("/desk/phrases?department=traffic-police")
    page.locator("main details summary").first.click()
    page.locator('a[href*="/removal"]').first.click()


def _relay(page: Page) -> None:
    path = next(path for queue in ("routing", "pending", "working") for path in _rows(page, queue))
    number = acts.NUMBER.search(path)
    assert number is not None
    page.goto(f"/cases/{number.group()}/relay")


def _day(page: Page) -> None:
    page.goto("/d/traffic-police/roster")
    page.locator(".month__date a").first.click()


def _rotation(page: Page) -> None:
    page.goto("/d/traffic-police/roster")
    page.locator('a[href*="/roster/rotations/"]').first.click()


def _day_with_faults(page: Page) -> None:
    _day(page)
    page.locator("input[name=kind][value=replace]").check()
    with page.expect_navigation():
        page.locator("form[action$='/roster/changes'] .btn--main").click()


def _rotation_with_faults(page: Page) -> None:
    page.goto("/d/traffic-police/roster/rotations/new")
    _press_main(page)


def _turns_with_faults(page: Page) -> None:
    page.goto("/d/traffic-police/roster/import")
    good = "traffic-police,021456,2027-12-01 08:30,2027-12-02 08:30"
    page.locator("[name=table]").fill(
        f"department,badge,start,end\n{good}\ntraffic-police,999999,2027-12-01,x\n"
    )
    _press_main(page)


def _steps_with_faults(page: Page) -> None:
    page.goto("/desk/paging/traffic-police")
    page.locator("#urgent summary").first.click()
    page.locator("#urgent input[type=checkbox]").evaluate_all(
        "(all) => all.forEach((box) => (box.checked = false))"
    )
    with page.expect_navigation():
        page.locator("#urgent button[value=keep]").click()


def _mail_with_faults(page: Page) -> None:
    page.goto("/settings#reach")
    page.locator("#reach summary").first.click()
    page.locator("#reach input[type=email]").fill("nobody")
    with page.expect_navigation():
        page.locator("#reach details[open] button").click()


def _phone_with_faults(page: Page) -> None:
    page.goto("/settings#reach")
    page.locator("#reach summary", has=page.locator("xpath=../form[@action='/contacts/phone']")).click()
    page.locator("form[action='/contacts/phone'] [name=phone]").fill("12")
    with page.expect_navigation():
        page.locator("form[action='/contacts/phone'] button").click()


def _folded_out(page: Page) -> None:
    page.goto("/desk")
    if page.locator(".queues__more").is_visible():
        page.locator(".queues__more").click()


def _at_the_switch(page: Page) -> None:
    page.goto("/desk")
    page.evaluate("localStorage.setItem('desk.duty', '1')")
    page.reload()
    page.locator("[data-sound-duty][aria-pressed=true]").wait_for()


ROSTER = (
    Stop("people.roster", "/d/traffic-police/roster"),
    Stop("people.roster", _day, "a day to change"),
    Stop("people.roster", _day_with_faults, "a day with faults"),
    Stop("people.rotation", _rotation, "a rotation to change"),
    Stop("people.publication", "/d/traffic-police/roster/publication"),
    Stop("people.new_rotation", "/d/traffic-police/roster/rotations/new"),
    Stop("people.new_rotation", _rotation_with_faults, "a rotation with faults"),
    Stop("people.duty_hours", "/d/traffic-police/roster/hours"),
    Stop("people.roster_file", "/d/traffic-police/roster/import"),
    Stop("people.roster_file", _turns_with_faults, "turns with faults"),
)
ON_DUTY = (
    Stop("shift_changes.form", "/desk/handing-over?department=traffic-police"),
    Stop("people.own_calendar", "/me/calendar"),
    Stop("people.roster", "/d/traffic-police/roster"),
    Stop("paging.show", "/desk/paging/traffic-police"),
    Stop("mine.settings", "/settings"),
    Stop("mine.settings", _phone_with_faults, "a telephone with faults"),
    Stop("desk.open_desk", _folded_out, "the desk with its ways to other pages"),
    Stop("desk.open_desk", _at_the_switch, "the desk, on duty"),
)


def inspection(places: Places, page: Page) -> list[Stop]:
    """The inspectors' desk with each of its queues, and the first case of those that hold one."""
    page.goto("/inspection")
    queues = [str(each.get_attribute("href")) for each in page.locator(".queues__list a").all()]
    assert len(queues) == 15
    found = [Stop("inspection.index", path) for path in queues]
    for path in queues:
        page.goto(path)
        found += [
            Stop("inspection.index", str(each.get_attribute("href")))
            for each in page.locator(".queue__title a").all()[:1]
        ]
    order = _order(page)
    return [
        *found,
        Stop("ordering.index", "/inspection/supervision"),
        Stop("ordering.new", _ticked, "a new order"),
        Stop("ordering.new", _order_with_faults, "a new order with faults"),
        Stop("ordering.draft", _kept, "a draft"),
        Stop("supervision.index", "/supervision"),
        Stop("supervision.show", order),
        Stop("supervision.sheet", f"{order}/print"),
    ]


def _ticked(page: Page) -> None:
    """The form over the first case that can be ticked."""
    for queue in ("overdue", "empty", "reopened", "passed", "dissatisfied"):
        page.goto(f"/inspection?queue={queue}")
        boxes = page.locator("input[form=ticks]")
        if boxes.count():
            boxes.first.check()
            with page.expect_navigation():
                page.locator("#ticks button").click()
            return
    raise AssertionError("no case of the demo city can be ticked")


def _order_with_faults(page: Page) -> None:
    _ticked(page)
    page.locator("[name=words]").fill("")
    page.locator("[name=level][value=interview]").check()
    with page.expect_navigation():
        page.locator("button[value=issue]").click()


def _kept(page: Page) -> None:
    _ticked(page)
    with page.expect_navigation():
        page.locator("button[value=keep]").click()


def _order(page: Page) -> str:
    """An order that stands in public, issued where there is none yet; its address."""
    page.goto("/supervision")
    listed = page.locator("h2 a[href^='/supervision/']")
    if not listed.count():
        _ticked(page)
        with page.expect_navigation():
            page.locator("button[value=issue]").click()
        return urlsplit(page.url).path
    return str(listed.first.get_attribute("href"))


READERS: dict[str, Callable[[Places, Page], list[Stop]]] = {
    "visitor": lambda places, page: visitor(places),
    "rita": rita,
    "otto": desk("pending", "working", "waiting", "rating", more=(Stop("403", "/s/traffic/new", "403"), *ON_DUTY)),
    "lena": desk(
        "approvals", "overdue", more=(Stop("phrases.index", "/desk/phrases?department=traffic-police"), Stop("phrases.ask", _removal), Stop("paging.show", "/desk/paging/traffic-police"), Stop("paging.show", _steps_with_faults, "steps with faults"), *ROSTER)
    ),
    "ines": inspection,
    "dana": desk("routing", "pending", more=(Stop("relays.new", _relay),)),
    "adam": lambda places, page: [Stop("people.examination", "/admin/doctor"), Stop("paging.index", "/desk/paging"), Stop("deliveries.index", "/admin/deliveries"), Stop("mine.index", "/mine")],
    "mona": lambda places, page: [
        Stop("moderation.index", "/moderation"),
        Stop("desk.moderation", f"/moderation?thread={places.threads['traffic'].rpartition('/')[2]}"),
        Stop("moderation.show", lambda page: _first_of_the_queue(page, places.threads["traffic"]), "a report"),
        Stop("watched_words.index", "/moderation/words"),
        Stop("watched_words.index", _word_with_faults, "a watched word with faults"),
        Stop("threads.case", places.cases["resolved"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("who", READERS)
def test_every_page_is_for_everybody(open_as: Opened, places: Places, who: str) -> None:
    page = open_as(None if who == "visitor" else who, width=PHONE)
    public = who in ("visitor", "rita")
    found = []
    titles: dict[str, list[str]] = defaultdict(list)
    for stop in READERS[who](places, page):
        name = stop.go(page)
        found += faults(page, f"{who} {PHONE} {name}", least=44 if public else 0)
        page.set_viewport_size({"width": DESKTOP, "height": 900})
        found += faults(page, f"{who} {DESKTOP} {name}")
        page.set_viewport_size({"width": PHONE, "height": 844})
        if isinstance(stop.reach, str) and not stop.route.startswith(
            "desk."
        ):  # the desk's title is its count
            titles[page.title()].append(name)
    assert found == []
    same = [f"{title}: {', '.join(names)}" for title, names in titles.items() if len(names) > 1]
    assert same == []


LOOKS: dict[str, dict[str, Any]] = {
    "dark": {"theme": "dark"},
    "largest text": {"text": "xxl"},
    "care": {"text": "l", "care": True},
}


@pytest.mark.parametrize("width", [320, PHONE])
@pytest.mark.parametrize("look", LOOKS)
def test_eight_pages_hold_in_every_look(open_as: Opened, places: Places, look: str, width: int) -> None:
    least = 60 if look == "care" else 44
    visitor_page = open_as(width=width, **LOOKS[look])
    found = []
    for path in (
        "/",
        "/s/traffic",
        "/s/traffic/new",
        places.cases["resolved"],
        "/search?q=红绿灯",
        "/sign-in",
    ):
        visitor_page.goto(path)
        found += faults(visitor_page, f"{look} {width} {path}", least=least)
    member, officer = open_as("rita", width=width, **LOOKS[look]), open_as("otto", width=width, **LOOKS[look])
    member.goto("/mine")
    found += faults(member, f"{look} {width} /mine", least=least)
    officer.goto("/desk")
    found += faults(officer, f"{look} {width} /desk")
    assert found == []


DUTY_LOOKS: dict[str, dict[str, Any]] = {
    "english": {"language": "en"},
    "largest text, dark": {"text": "xxl", "theme": "dark"},
}
# Rosters, changes of shift, calls, what did not arrive, following, and how somebody is reached.
DUTY = ("people.", "paging.", "shift_changes.", "deliveries.", "follows.", "inbox.", "mine.settings", "desk.")


@pytest.mark.parametrize("look", DUTY_LOOKS)
def test_the_pages_of_duty_hold_in_both_languages_and_in_the_largest_text(
    open_as: Opened, places: Places, look: str
) -> None:
    found = []
    for who in ("rita", "otto", "lena", "adam"):
        page = open_as(who, width=PHONE)
        stops = [stop for stop in READERS[who](places, page) if stop.route.startswith(DUTY)]
        open_as.prefer(page, **DUTY_LOOKS[look])
        for stop in stops:
            if stop.name == "what was carried over the sign-in":
                continue  # it signs out and in again, and has words of its own to look for
            for width, height, least in ((PHONE, 844, 44), (DESKTOP, 900, 0)):
                page.set_viewport_size({"width": width, "height": height})
                name = stop.go(page)
                found += faults(page, f"{who} {look} {width} {name}", least=least)
    assert found == []


def test_pages_reflow_at_320_pixels_and_with_wide_text_spacing(open_as: Opened, places: Places) -> None:
    page = open_as(width=320)
    found = []
    for stop in visitor(places):
        if isinstance(stop.reach, str):
            page.goto(stop.reach)
            found += faults(page, f"320 {stop.reach}", axe=False)
    page.set_viewport_size({"width": PHONE, "height": 844})
    for path in ("/", "/s/traffic", places.cases["resolved"]):
        page.goto(path)
        found += page.evaluate(CLIPPED)
    assert found == []


def test_every_page_of_the_board_is_looked_at(open_as: Opened, places: Places, tmp_path: Path) -> None:
    app = create_app(Settings.from_env({"BOARD_MODE": "test", "BOARD_DATA": str(tmp_path)}))
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods and "GET" in rule.methods}
    seen = {
        stop.route
        for who in READERS
        for stop in READERS[who](places, open_as(None if who == "visitor" else who))
    }
    apart = NO_PAGES | BY_PASSWORD | BY_LINK | BY_ACCOUNT | BY_COMPLAINT | BY_LANDED
    assert routes - seen - apart == set()
    assert NO_PAGES - routes == set()
