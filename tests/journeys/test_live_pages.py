"""Open pages in real browsers: the bar and the badge, with a socket, without one, and for a visitor who only polls."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def case_url(open_as) -> str:
    """A case of Otto's department that Rita may reply to, as its address."""
    page = open_as("rita")
    page.goto("/s/traffic")
    return page.locator(
        '.case-card[data-status="pending"] a[href^="/cases/"], a[href^="/cases/"]'
    ).first.get_attribute("href")


def reply(page: Page, url: str, words: str) -> None:
    """Say something under a case through its form."""
    page.goto(url)
    page.locator("form[action$='/replies'] textarea").fill(words)
    page.locator("form[action$='/replies'] button:not([type=button])").first.click()
    page.wait_for_url(re.compile("#e"))


def bar(page: Page):
    return page.locator('.newbar[data-stream^="case:"]')


def connection(page: Page, state: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-connection", state, timeout=20_000)


def unread(page: Page) -> int:
    return int(page.locator(".topbar .badge [data-number]").inner_text().rstrip("+") or 0)


def test_a_new_step_shows_a_bar_and_moves_nothing(open_as, case_url):
    vera, rita = open_as("vera"), open_as("rita")
    vera.goto(case_url)
    connection(vera, "live")
    before = vera.locator(".timeline__item").count()
    reply(rita, case_url, "刚才又看了一眼，还是这样。")

    expect(bar(vera)).to_contain_text("有 1 条新进展，点这里显示", timeout=5000)
    assert vera.locator(".timeline__item").count() == before
    reply(rita, case_url, "再补充一句：下午五点最明显。")
    expect(bar(vera)).to_contain_text("有 2 条新进展，点这里显示", timeout=5000)
    bar(vera).locator("a").click()
    expect(vera.get_by_text("再补充一句：下午五点最明显。")).to_be_visible()
    expect(bar(vera)).to_contain_text("看有没有新进展")


def test_the_badge_and_the_title_count_one_more(open_as):
    otto, rita = open_as("otto"), open_as("rita")
    otto.goto("/inbox")
    # The board is the whole run's: what other tests sent him may have grown past what a badge counts to.
    read_all = otto.get_by_role("button", name="全部标为已读")
    if read_all.count():
        read_all.click()
    otto.goto("/sections")
    connection(otto, "live")
    before = unread(otto)
    number = rita.goto("/mine") and rita.locator("a[href^='/cases/']").first.get_attribute("href")
    # One of Rita's cases is with Otto's department: the timeline of each tells whom it told.
    for url in dict.fromkeys(each.get_attribute("href") for each in rita.locator("a[href^='/cases/']").all()):
        rita.goto(url.partition("#")[0])
        if (
            "交警支队" in rita.locator(".case-now").inner_text()
            and rita.locator("form[action$='/replies']").count()
        ):
            number = url.partition("#")[0]
            break
    reply(rita, number, "请问今天有进展吗？")

    expect(otto.locator(".topbar .badge [data-number]")).to_have_text(str(before + 1), timeout=5000)
    assert otto.title().startswith(f"({before + 1}) ")
    otto.goto("/inbox")
    expect(otto.locator(".inbox__item").first).to_contain_text("请问今天有进展吗")
    otto.locator(".inbox__link").first.click()
    expect(otto.get_by_text("请问今天有进展吗？").last).to_be_visible()
    assert unread(otto) <= before


@pytest.mark.slow
def test_without_a_socket_the_page_polls_and_misses_nothing(open_as, case_url):
    vera, rita = open_as("vera"), open_as("rita")
    vera.route_web_socket(re.compile("/socket.io/"), lambda socket: socket.close())
    vera.goto(case_url)
    connection(vera, "polling")
    reply(rita, case_url, "没有长连接也要看得到。")
    expect(bar(vera)).to_contain_text("有 1 条新进展", timeout=30_000)


def test_a_visitor_asks_once_a_minute(open_as, case_url):
    visitor, rita = open_as(None), open_as("rita")
    sockets: list[str] = []
    visitor.on("websocket", lambda socket: sockets.append(socket.url))
    visitor.clock.install()
    visitor.goto(case_url)
    reply(rita, case_url, "没登录的人也该知道有新进展。")
    expect(bar(visitor)).to_contain_text("看有没有新进展")
    visitor.clock.fast_forward(70_000)
    expect(bar(visitor)).to_contain_text("有 1 条新进展", timeout=10_000)
    assert sockets == []


def test_without_scripts_a_link_reads_the_page_again(open_as, case_url):
    visitor = open_as(None, scripts=False)
    visitor.goto(case_url)
    visitor.get_by_role("link", name="看有没有新进展").click()
    expect(visitor.locator(".timeline__item").first).to_be_visible()
