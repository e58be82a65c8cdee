"""What comes to the inspectors from an ordinary case, in real browsers: handled internally, appealed, answered in private."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import acts
from tests.journeys.conftest import DESKTOP, PHONE, Opened
from tests.journeys.inspection import faults

pytestmark = pytest.mark.browser
TITLE = "青松路路口夜里有人踩点"
BODY = "连续三个晚上有人在车棚边拍照，请看一下。"


def post(rita: Page) -> str:
    """Write to the traffic police; the number."""
    rita.goto("/s/traffic/new")
    acts.write(rita, TITLE, BODY)
    if not acts.path_of(rita).startswith("/received/"):
        acts.answer_check(rita)
    rita.wait_for_url("**/received/*")
    return acts.number_on(rita)


def looked(open_as: Opened, page: Page, name: str) -> list[str]:
    """What is wrong with the open page, small and large, by day and by night."""
    found = []
    for theme in ("light", "dark"):
        open_as.prefer(page, theme=theme)
        page.reload()
        for width, height, least in ((PHONE, 844, 44), (DESKTOP, 900, 0)):
            page.set_viewport_size({"width": width, "height": height})
            found += faults(page, f"{name} {theme} {width}", least=least)
    open_as.prefer(page)
    return found


def send(page: Page, action: str) -> None:
    with page.expect_navigation():
        page.locator(f'form[action$="{action}"] button:not([type=button])').last.click()


def test_from_the_leaders_form_to_the_inspectors_answer(open_as: Opened) -> None:
    rita, lena, ines, vera = open_as("rita"), open_as("lena"), open_as("ines"), open_as("vera")
    number = post(rita)
    found = []

    vera.goto(f"/cases/{number}")
    expect(vera.get_by_role("link", name="投诉这次办理")).to_be_visible()
    vera.get_by_role("link", name="投诉这次办理").click()
    expect(vera.locator("main")).to_contain_text(f"针对编号 {number} 的办理情况")
    found += looked(open_as, vera, "complaining about the handling")

    lena.goto(f"/desk?case={number}")
    lena.get_by_role("link", name="转内部办理").click()
    found += looked(open_as, lena, "sealing")
    lena.get_by_text("正在办理的案件").click()
    lena.locator("main textarea").fill("正在布控，公开会惊动嫌疑人。")
    send(lena, "/seal")
    found += looked(open_as, lena, "sealed, the department")
    lena.goto(f"/cases/{number}/seal")
    found += looked(open_as, lena, "giving it back")

    vera.goto(f"/cases/{number}")
    expect(vera.locator("h1")).to_contain_text("已转内部办理")
    expect(vera.locator("body")).not_to_contain_text(TITLE)
    found += looked(open_as, vera, "the stub")

    rita.goto(f"/cases/{number}/appeal")
    found += looked(open_as, rita, "appealing")
    rita.locator("main textarea").fill("没有涉密内容。")
    send(rita, "/appeal")
    rita.goto(f"/cases/{number}/reprisal")
    found += looked(open_as, rita, "a report")
    rita.locator("main textarea").fill("有人打电话让我删帖。")
    send(rita, "/reprisal")
    found += looked(open_as, rita, "a report, sent")

    ines.goto("/inspection")
    ines.locator(f'a[href*="case={number}"]').first.click()
    expect(ines.locator("main")).to_contain_text("有人打电话让我删帖。")
    found += looked(open_as, ines, "the inspectors' pane")
    ines.locator("[name=reprisal_words]").fill("已约谈，请放心。再有人联系您，请在这里告诉我们。")
    send(ines, "/answer")
    ines.locator("form[action^='/referrals/']").get_by_text("恢复公开").click()
    ines.locator("[name=referral_words]").fill("没有涉案信息，应当公开。")
    send(ines, "/decision")

    rita.goto(f"/cases/{number}/reprisal")
    expect(rita.locator("main")).to_contain_text("已约谈，请放心。")
    vera.goto(f"/cases/{number}")
    expect(vera.locator("h1")).to_contain_text(TITLE)
    expect(vera.locator("main")).to_contain_text("没有涉案信息，应当公开。")
    expect(vera.locator("body")).not_to_contain_text("删帖")

    rita.goto(f"/cases/{number}/withdrawal")
    send(rita, "/withdrawal")
    expect(rita.locator("main")).to_contain_text("一个问题，回答只有督察看得到")
    found += looked(open_as, rita, "asked on the page of the case")
    rita.goto("/mine")
    found += looked(open_as, rita, "asked among one's own cases")
    rita.get_by_role("link", name="再说几句").first.click()
    found += looked(open_as, rita, "the question by itself")
    vera.goto("/complaints")
    found += looked(open_as, vera, "what is published")
    assert found == []
