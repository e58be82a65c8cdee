"""What the server says late: never over the words an officer has begun, never over a newer answer, and never in a
list that its reader has left."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys import acts
from tests.journeys.conftest import Opened

pytestmark = pytest.mark.browser
HINT = (
    """([stream]) => document.dispatchEvent(new CustomEvent("hint", {detail: {stream, kind: "changed"}}))"""
)


def held(page: Page, pattern: str | re.Pattern[str], method: str = "GET") -> list[Route]:
    """Requests to such addresses, held on their way until somebody lets them go on."""
    found: list[Route] = []
    page.route(
        pattern, lambda each: found.append(each) if each.request.method == method else each.continue_()
    )
    return found


def reaches(routes: list[Route], page: Page, number: int) -> None:
    """Wait until `number` requests are held."""
    for _turn in range(200):
        if len(routes) >= number:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(routes)} of {number} requests came")


def let_go(page: Page, route: Route) -> None:
    """Let one request go on, and wait until the page has its answer."""
    with page.expect_response(lambda each: each.request == route.request):
        route.continue_()
    page.wait_for_timeout(300)


@pytest.fixture
def desk(open_as: Opened) -> Page:
    """Otto's desk with a case that is being worked on in its pane, and his hands off it."""
    otto = open_as("otto")
    otto.goto("/desk?queue=working")
    acts.open_at_desk(otto, otto.locator(".queue__row").first.get_attribute("data-case") or "")
    expect(otto.locator("#f-text")).to_be_visible()
    otto.evaluate("() => document.activeElement.blur()")
    return otto


def test_a_case_that_moves_on_does_not_take_the_words_that_were_just_begun(desk: Page) -> None:
    routes = held(desk, "**/desk/case/*")
    stream = desk.locator("[data-pane]").get_attribute("data-stream")
    desk.evaluate(HINT, [stream])
    reaches(routes, desk, 1)
    desk.locator("#f-text").fill("两名民警正赶往路口")
    let_go(desk, routes[0])
    expect(desk.locator("#f-text")).to_have_value("两名民警正赶往路口")
    expect(desk.locator("[data-pane-stale]")).to_be_visible()


def test_the_pane_shows_the_answer_to_the_latest_hint(desk: Page) -> None:
    routes = held(desk, "**/desk/case/*")
    stream = desk.locator("[data-pane]").get_attribute("data-stream")
    desk.evaluate("() => (document.querySelector('[data-pane]').dataset.old = '1')")
    for number in (1, 2):
        desk.evaluate(HINT, [stream])
        reaches(routes, desk, number)
    let_go(desk, routes[0])
    expect(desk.locator("[data-pane][data-old]")).to_have_count(1)
    let_go(desk, routes[1])
    expect(desk.locator("[data-pane][data-old]")).to_have_count(0)
    expect(desk.locator("[data-pane]")).to_have_count(1)


def test_the_preview_is_of_the_newest_words(desk: Page) -> None:
    routes = held(desk, "**/preview", "POST")
    for number, words in ((1, "明天上午修好。"), (2, "后天上午修好。")):
        desk.locator("#f-text").fill(words)
        reaches(routes, desk, number)
    let_go(desk, routes[1])
    expect(desk.locator("[data-preview]")).to_contain_text("后天上午修好")
    let_go(desk, routes[0])
    expect(desk.locator("[data-preview]")).to_contain_text("后天上午修好")


def test_a_list_of_departments_does_not_open_behind_the_reader(open_as: Opened) -> None:
    rita = open_as("rita")
    rita.goto("/s/traffic/new")
    body = rita.locator("[name=body]")
    routes = held(rita, re.compile(r"/departments\.json\?"))
    body.press_sequentially("请@交警")
    reaches(routes, rita, 1)
    rita.locator("[name=title]").focus()
    let_go(rita, routes[0])
    expect(rita.locator("#f-body-units")).to_be_hidden()

    picker = rita.locator("[data-mention-rich] [role=combobox]")
    picker.press_sequentially("户政")
    reaches(routes, rita, 2)
    rita.locator("[name=title]").focus()
    let_go(rita, routes[1])
    expect(picker).to_have_attribute("aria-expanded", "false")
