"""The desk and the lists, live: who looks at what, what is new above a list, the lamp, and the doctor's page."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.journeys import acts
from tests.journeys.conftest import PHONE, Opened

pytestmark = pytest.mark.browser
SOCKET = re.compile("/socket.io/")
SOON = 20_000


def watching(page: Page, place: str) -> Locator:
    return page.locator(f"{place} [data-watching]:not([hidden])")


def lamp(page: Page, state: str) -> None:
    expect(page.locator("[data-controller~=connection]").first).to_have_attribute(
        "data-state", state, timeout=SOON
    )


def first_case(page: Page) -> str:
    page.goto("/desk?queue=working")
    return page.locator(".queue__row").first.get_attribute("data-case") or ""


@pytest.fixture
def desks(open_as: Opened) -> tuple[Page, Page, str]:
    """Otto's and Otis's desks, and a case that stands in both."""
    otto, otis = open_as("otto"), open_as("otis")
    number = first_case(otto)
    first_case(otis)
    lamp(otis, "live")
    return otto, otis, number


def test_officers_see_who_looks_at_a_case_and_the_public_does_not(
    desks: tuple[Page, Page, str], open_as: Opened
) -> None:
    otto, otis, number = desks
    visitor = open_as()
    visitor.goto(f"/cases/{number}")
    acts.open_at_desk(otto, number)
    expect(watching(otis, f"#row-{number}")).to_contain_text("欧阳警官正在看", timeout=SOON)
    acts.open_at_desk(otis, number)
    expect(watching(otis, "[data-pane]")).to_contain_text("欧阳警官正在看", timeout=SOON)
    expect(watching(otto, "[data-pane]")).to_contain_text("赵警官正在看", timeout=SOON)
    visitor.reload()
    expect(visitor.locator("body")).not_to_contain_text("正在看")

    otto.goto("/sections")  # he leaves the desk
    expect(watching(otis, "[data-pane]")).to_have_count(0, timeout=SOON)


@pytest.mark.slow
def test_without_a_socket_he_is_seen_as_well(open_as: Opened) -> None:
    otto, otis = open_as("otto"), open_as("otis", width=PHONE)
    otto.route_web_socket(SOCKET, lambda socket: socket.close())
    number = first_case(otto)
    lamp(otto, "polling")
    otis.goto(f"/desk?queue=working&case={number}")
    acts.open_at_desk(otto, number)
    expect(watching(otis, "[data-pane]")).to_contain_text("欧阳警官正在看", timeout=SOON)
    expect(watching(otto, "[data-pane]")).to_contain_text("赵警官正在看", timeout=40_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "event"), [("window", "online"), ("window", "focus"), ("document", "visibilitychange")]
)
def test_a_lost_line_is_tried_again_and_at_once_when_the_page_is_looked_at(
    open_as: Opened, place: str, event: str
) -> None:
    page = open_as("otto")
    open_as.broken.add("/live?")
    open_sockets: list[WebSocketRoute] = []
    cut = {"now": False}

    def route(socket: WebSocketRoute) -> None:
        if cut["now"]:
            socket.close()
            return
        open_sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket(SOCKET, route)
    page.route("**/live?*", lambda each: each.abort() if cut["now"] else each.continue_())
    page.goto("/desk")
    lamp(page, "live")
    cut["now"] = True
    open_sockets[-1].close()
    lamp(page, "lost")
    expect(page.locator(".desk-bar__state")).to_contain_text("连接断了，正在重连，30 秒后自动刷新")
    page.wait_for_timeout(3000)
    cut["now"] = False
    page.evaluate(f"() => {place}.dispatchEvent(new Event('{event}'))")
    expect(page.locator("[data-controller~=connection]").first).to_have_attribute(
        "data-state", "live", timeout=3000
    )


def test_a_list_says_that_there_is_news_and_does_not_move(open_as: Opened) -> None:
    vera, front, rita = open_as("vera"), open_as("vera"), open_as("rita")
    vera.goto("/s/traffic")
    front.goto("/")
    for page in (vera, front):
        expect(page.locator("body")).to_have_attribute("data-connection", "live", timeout=SOON)
    rows = vera.locator(".case-card__title").all_inner_texts()
    rita.goto("/s/traffic/new")
    title = f"滨河路的护栏松了 {secrets.token_hex(2)}"
    acts.write(rita, title, "骑车经过很危险，请@交警支队看一下")
    acts.answer_check(rita)
    rita.wait_for_url("**/received/*")

    for page in (vera, front):
        expect(page.locator(".newbar").first).to_contain_text("有 1 条新进展，点这里显示", timeout=SOON)
    assert vera.locator(".case-card__title").all_inner_texts() == rows
    vera.locator(".newbar a").click()
    expect(vera.locator(".case-card__title", has_text=title)).to_be_visible()
    expect(vera.locator(".newbar").first).to_be_hidden()


@pytest.mark.parametrize(
    ("blocked", "said"),
    [
        (False, "实时更新正常"),
        pytest.param(True, "网关不放行 WebSocket，页面改为每 10 秒查询一次", marks=pytest.mark.slow),
    ],
)
def test_the_doctor_walks_the_live_path_from_the_browser(open_as: Opened, blocked: bool, said: str) -> None:
    page = open_as("adam")
    if blocked:
        page.route_web_socket(SOCKET, lambda socket: socket.close())
    page.goto("/admin/doctor")
    expect(page.locator("[data-controller=doctor]")).to_have_attribute(
        "data-verdict", re.compile("."), timeout=SOON
    )
    expect(page.locator("p[data-verdict]")).to_contain_text(said)
    expect(page.locator('[data-step="poll"]')).to_contain_text("毫秒")
    assert page.locator('.finding[data-well="yes"]').count() >= 5
    # Why no socket opens is asked over HTTP, and that answer is not a page.
    open_as.faults[:] = [fault for fault in open_as.faults if not (blocked and "socket.io" in fault)]


def test_the_servers_part_needs_no_scripts(open_as: Opened) -> None:
    page = open_as("adam", scripts=False)
    page.goto("/admin/doctor")
    expect(page.locator(".finding").first).to_be_visible()
    expect(page.locator("[data-controller=doctor]")).to_be_hidden()
    expect(page.locator("main")).to_contain_text("浏览器没有脚本，就没有实时更新")
