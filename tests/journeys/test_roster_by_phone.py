"""A leader changes a day of the roster on a telephone, without scripts, and publishes it; the keyboard alone does it too."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from board.clock import today
from tests.journeys.conftest import DESKTOP, PHONE, Opened

pytestmark = pytest.mark.browser

ROSTER = "/d/traffic-police/roster"


def change(page: Page, day: str, who: str, instead: str, *, ends: str = "12:00") -> None:
    page.goto(f"{ROSTER}?month={day[:7]}&day={day}")
    page.locator("input[name=kind][value=replace]").check()
    page.locator("select[name=person]").select_option(label=who)
    page.locator("select[name=instead]").select_option(label=instead)
    page.locator("input[name=from_time]").fill("09:00")
    page.locator("input[name=to_time]").fill(ends)


def test_a_leader_replaces_somebody_on_the_phone_and_publishes(open_as: Opened) -> None:
    day = (today() + timedelta(days=9)).isoformat()
    lena = open_as("lena", width=PHONE, scripts=False)
    lena.goto(f"{ROSTER}?month={day[:7]}")
    # Whose turn of the days it is depends on the hour at which the city was loaded.
    plan = re.search(r"08:30–20:30 (欧阳涛|赵强)", lena.locator(f"#d{int(day[8:])}").inner_text())
    assert plan is not None
    who = plan[1]
    change(lena, day, who, "李娜", ends="08:00")
    lena.get_by_role("button", name="记下改动").click()
    expect(lena).to_have_title(lena.title())
    assert lena.title().startswith("出错")
    assert lena.locator("input[name=from_time]").input_value() == "09:00"
    lena.locator("input[name=to_time]").fill("12:00")
    lena.get_by_role("button", name="记下改动").click()
    expect(lena.locator(".flash")).to_contain_text("公布后生效")

    lena.get_by_role("link", name="看改动并公布").click()
    expect(lena.locator("main")).to_contain_text("09:00–12:00 · 李娜")
    lena.get_by_role("button", name="公布这些改动").click()
    expect(lena.locator(".flash")).to_contain_text("已公布到")

    otto = open_as("otto", width=PHONE)
    otto.goto(f"{ROSTER}?month={day[:7]}")
    here = otto.locator(f"#d{int(day[8:])}")
    expect(here).to_contain_text("09:00–12:00 李娜")
    expect(here).to_contain_text(f"12:00–20:30 {who}")


def test_the_month_and_its_form_work_by_keyboard_alone(open_as: Opened) -> None:
    lena = open_as("lena", width=DESKTOP)
    lena.goto(ROSTER)
    days = lena.locator(".month__date a")
    days.first.focus()
    lena.keyboard.press("Enter")
    expect(lena.locator("#change")).to_have_attribute("open", "")
    lena.locator("#change summary").focus()
    lena.keyboard.press("Tab")
    lena.keyboard.press("ArrowDown")
    assert lena.locator("input[name=kind]:checked").count() == 1
    lena.keyboard.press("Tab")
    assert lena.evaluate("document.activeElement.name") == "person"
