"""A complaint in real browsers: who writes it, who looks into it, who is asked, and who finds nothing there."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import acts
from tests.journeys.conftest import PHONE, Opened
from tests.journeys.inspection import faults

pytestmark = pytest.mark.browser
TITLE = "处警民警没有登记就离开"
BODY = "昨晚八点在春晖小区门口，民警来了没有登记就走了。"
QUESTION = "请说明昨晚八点的处警经过。"


def complain(rita: Page) -> str:
    """Write a complaint about 交警支队; its number."""
    rita.goto("/s/complaints/new?department=traffic-police")
    rita.locator("[name=title]").fill(TITLE)
    rita.locator("[name=body]").fill(BODY)
    rita.get_by_label("接警不处").check()
    rita.locator("main form .btn--main").last.click()
    if not acts.path_of(rita).startswith("/received/"):
        acts.answer_check(rita)
    rita.wait_for_url("**/received/*")
    return acts.number_on(rita)


def test_a_complaint_is_looked_into_and_the_unit_reads_the_question_alone(open_as: Opened) -> None:
    rita, ines, lena = open_as("rita", width=PHONE), open_as("ines"), open_as("lena")
    number = complain(rita)
    found = []
    for who in ("otto", "lena", "carl", "dana", "mona", "adam", None):
        answer = open_as(who).goto(f"/cases/{number}")
        assert answer is not None
        assert answer.status == 404, who

    ines.goto(f"/inspection?queue=new&case={number}")
    expect(ines.locator("main")).to_contain_text(BODY)
    found += faults(ines, "ines, new")
    ines.get_by_role("button", name="接手").first.click()
    ines.wait_for_load_state()
    ines.goto(f"/inspection?queue=working&case={number}")
    ines.get_by_text("请单位说明情况").first.click()
    asking = ines.locator("form[action$='/statements']").first
    asking.locator("[name=unit]").select_option("traffic-police")
    asking.locator("[name=question]").fill(QUESTION)
    asking.locator("button:not([type=button])").last.click()
    ines.wait_for_load_state()
    expect(ines.locator("main")).to_contain_text(QUESTION)
    found += faults(ines, "ines, asked")
    ines.goto(f"/cases/{number}/recusal")
    found += faults(ines, "ines, stepping back")

    lena.goto("/desk")
    lena.locator("a[href^='/statements/']").first.click()
    lena.wait_for_url("**/statements/*")
    expect(lena.locator("main")).to_contain_text(QUESTION)
    for hidden in (TITLE, BODY, "王丽", number):
        expect(lena.locator("body")).not_to_contain_text(hidden)
    found += faults(lena, "lena, asked")
    lena.locator("main textarea").fill("当晚由值班民警按规定处警并登记。")
    lena.locator("main form button:not([type=button])").last.click()
    lena.wait_for_load_state()

    ines.goto(f"/inspection?queue=working&case={number}")
    expect(ines.locator("main")).to_contain_text("当晚由值班民警按规定处警并登记。")
    rita.goto(f"/cases/{number}")
    expect(rita.locator("main")).to_contain_text("督察")
    expect(rita.locator("body")).not_to_contain_text(QUESTION)
    found += faults(rita, "rita")
    assert found == []
