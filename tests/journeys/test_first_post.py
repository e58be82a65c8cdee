"""Few acts: a citizen's first post in at most seven, an officer's whole answer in one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys import acts
from tests.journeys.conftest import PHONE, Opened

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("scripts", "title"),
    [(True, "曾用名想加到户口本上，去哪个窗口"), (False, "少数民族姓名中间的点打不出来")],
    ids=["with scripts", "without scripts"],
)
def test_the_first_post_of_a_citizen_takes_seven_acts(open_as: Opened, scripts: bool, title: str) -> None:
    page = open_as(width=PHONE, scripts=scripts)
    page.goto("/s/household/new")

    done = acts.write(page, title, "老户口本上有，换新本以后没印出来。")
    done += acts.enter_by_phone(page, acts.new_phone())

    assert done <= 7
    number = acts.number_on(page)
    expect(page.locator("main")).to_contain_text(number)
    page.goto(f"/cases/{number}")
    assert acts.standing(page) == "pending"


def test_a_question_is_answered_and_concluded_in_one_submit(open_as: Opened) -> None:
    rita = open_as(width=PHONE)
    rita.goto("/s/household/new")
    acts.write(rita, "身份证丢了，人在外地能补办吗", "在外地上班，年底才能回来。")
    acts.answer_check(rita)
    acts.enter_by_phone(rita, acts.new_phone())
    number = acts.number_on(rita)

    hugo = open_as("hugo")
    acts.open_at_desk(hugo, number, "pending")
    posted = []
    hugo.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    acts.conclude(
        hugo,
        number,
        "可以。带户口本复印件到就近派出所，二十个工作日内寄到您手上。",
        "explained",
        verb="answer",
    )
    hugo.wait_for_load_state()

    assert [url for url in posted if "/preview" not in url] == [f"{open_as.board.url}/cases/{number}/answer"]
    rita.goto(f"/cases/{number}")
    assert acts.standing(rita) == "resolved"
    expect(rita.locator("#case-timeline")).to_contain_text("带户口本复印件到就近派出所")
    expect(rita.locator("#rate")).to_be_visible()
