"""A supervision order in real browsers: ticked, issued, read and answered by the unit's leader, decided."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import acts
from tests.journeys.conftest import PHONE, Opened
from tests.journeys.inspection import faults

pytestmark = pytest.mark.browser
WORDS = "请逐件公开答复，写明办结日期。"
ANSWER = "经查，信号机电源老化，今日已更换，恢复正常，并已回访发帖人。"


def _posted(rita: Page) -> str:
    """A case with the traffic police; its number."""
    rita.goto("/s/traffic/new")
    rita.locator("[name=title]").fill("解放路口信号灯整天不亮")
    rita.locator("[name=body]").fill("早晚高峰没有人指挥，请@交警支队尽快修好。")
    rita.locator("main form .btn--main").last.click()
    if not acts.path_of(rita).startswith("/received/"):
        acts.answer_check(rita)
    rita.wait_for_url("**/received/*")
    return acts.number_on(rita)


def test_an_order_is_issued_answered_and_decided(open_as: Opened) -> None:
    rita, ines, lena = open_as("rita", width=PHONE), open_as("ines"), open_as("lena", width=PHONE)
    number = _posted(rita)
    found = []

    ines.goto(f"/inspection/supervision/new?case={number}")
    ines.locator("[name=words]").fill(WORDS)
    found += faults(ines, "ines, the form")
    with ines.expect_navigation():
        ines.locator("button[value=issue]").click()
    order = acts.path_of(ines)
    assert order.startswith("/supervision/order-")

    rita.goto(f"/cases/{number}")
    expect(rita.locator("#case-now")).to_contain_text("督办")
    found += faults(rita, "rita, her case", least=44)
    with rita.expect_navigation():
        rita.locator(f"#case-now a[href='{order}']").click()
    expect(rita.locator("main")).to_contain_text(WORDS)
    found += faults(rita, "rita, the order", least=44)

    lena.goto("/desk")
    more = lena.locator(".queues__more")
    if more.is_visible():
        more.click()
    found += faults(lena, "lena, her desk")
    with lena.expect_navigation():
        lena.locator(f"a[href='{order}']").first.click()
    found += faults(lena, "lena, the order")
    with lena.expect_navigation():
        lena.locator("form[action$='/receipt'] button").click()
    expect(lena.locator("main")).to_contain_text("单位已阅")
    lena.locator("[name=answer]").fill(ANSWER)
    with lena.expect_navigation():
        lena.locator("form[action$='/answer'] button").last.click()
    expect(lena.locator("main")).to_contain_text(ANSWER)

    ines.goto(order)
    found += faults(ines, "ines, her decision")
    with ines.expect_navigation():
        ines.get_by_role("button", name="已落实").click()
    expect(ines.locator("main .chips").first).to_contain_text("已落实")
    sheet = open_as(width=PHONE)
    sheet.goto(f"{order}/print")
    expect(sheet.locator("h1")).to_contain_text("督办单")
    found += faults(sheet, "the sheet")
    sheet.goto("/supervision")
    expect(sheet.locator("main")).to_contain_text("督办〔")
    found += faults(sheet, "the list", least=44)
    assert found == []
