"""Scripts enhance, never carry: the whole journey with none, page by page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import acts
from tests.journeys.conftest import CAST, PHONE, Opened

pytestmark = pytest.mark.browser


def shows(pages: tuple[Page, ...], number: str, status: str) -> None:
    """Everybody who asks for the page again sees where the case stands."""
    for page in pages:
        page.goto(f"/cases/{number}")
        assert acts.standing(page) == status


@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_a_case_goes_from_post_to_rating_without_scripts(open_as: Opened, language: str) -> None:
    rita = open_as(width=PHONE, language=language, scripts=False)
    otto = open_as("otto", language=language, scripts=False)
    vera = open_as(language=language, scripts=False)
    watchers = (rita, vera)

    rita.goto("/")
    rita.locator('main a[href="/s/traffic"]').first.click()
    rita.locator('main a[href="/s/traffic/new"]').first.click()
    acts.write(
        rita,
        f"昆河桥头护栏被撞断一截 {language}",
        "桥头的护栏断了一截，行人走在边上很危险。请@交警支队看一下",
    )
    acts.answer_check(rita)
    acts.enter_by_phone(rita, acts.new_phone())
    number = acts.number_on(rita)
    shows(watchers, number, "pending")

    acts.open_at_desk(otto, number, "pending")
    acts.press(otto.locator(f"#row-{number}"), f"/cases/{number}/acknowledgement")
    acts.open_at_desk(otto, number, "pending")
    acts.accept(otto, number, "已收到，民警带着路锥先去围挡。")
    shows(watchers, number, "accepted")

    acts.open_at_desk(otto, number, "working")
    acts.ask(otto, number, "请问断的是桥东头还是桥西头？")
    shows(watchers, number, "waiting_poster")
    rita.goto(f"/cases/{number}")
    acts.reply(rita, "桥东头，靠公交站那边。")
    shows(watchers, number, "in_progress")

    acts.open_at_desk(otto, number, "working")
    acts.conclude(otto, number, "护栏已换新，路锥已撤，可以正常通行。", "solved")
    shows(watchers, number, "resolved")
    rita.goto(f"/cases/{number}")
    acts.rate(rita)
    shows(watchers, number, "closed")
    expect(vera.locator('.case-now .chip[data-status="confirmed"]')).to_be_visible()
    expect(vera.locator("#case-timeline")).to_contain_text("桥东头，靠公交站那边")


def test_a_form_with_faults_comes_back_with_what_was_typed(open_as: Opened) -> None:
    page = open_as(width=PHONE, scripts=False)
    page.goto("/s/traffic/new")
    page.locator("[name=body]").fill("红绿灯不亮，已经两天了。")
    page.locator("form[enctype] .btn--main").click()

    assert page.title().startswith("出错：")
    expect(page.locator(".error-summary a")).to_have_attribute("href", "#f-title")
    assert page.locator("[name=body]").input_value() == "红绿灯不亮，已经两天了。"


def test_the_department_is_found_and_picked_without_scripts(open_as: Opened) -> None:
    page = open_as(width=PHONE, scripts=False)
    page.goto("/new")
    page.locator("[name=title]").fill("楼下排水井盖翘起来了")
    page.locator("[name=unit_query]").fill("市政")
    page.locator("button[name=step][value=units]").click()

    assert page.locator("[name=title]").input_value() == "楼下排水井盖翘起来了"
    choice = page.locator('[data-mention-plain] label:has-text("市政设施")').first
    choice.click()
    page.locator("[name=body]").fill("骑车经过容易摔倒，小区西门口。")
    page.locator("form[enctype] .btn--main").click()
    acts.answer_check(page)
    acts.enter_by_phone(page, acts.new_phone())
    page.goto(f"/cases/{acts.number_on(page)}")
    expect(page.locator("main .facts")).to_contain_text("市政设施")


def test_large_print_text_size_theme_and_language_are_plain_forms(open_as: Opened) -> None:
    page = open_as(width=PHONE, scripts=False)
    root = page.locator("html")

    page.goto("/s/traffic")
    page.locator('header form[action="/prefs"] button').locator("visible=true").first.click()
    page.wait_for_url("**/s/traffic")
    assert root.get_attribute("data-care") is not None
    assert page.locator(".tabbar a").locator("visible=true").count() == 3
    page.locator('header form[action="/prefs"] button').locator("visible=true").first.click()
    page.wait_for_url("**/s/traffic")
    assert root.get_attribute("data-care") is None

    page.goto("/settings")
    page.locator("[name=text][value=xxl]").check()
    page.locator("[name=theme][value=dark]").check()
    page.locator("form:has([name=text]) button").click()
    assert root.get_attribute("data-text") == "xxl"
    assert root.get_attribute("data-theme") == "dark"

    page.goto("/")
    page.locator('footer form[action="/prefs"] button').click()
    assert root.get_attribute("lang") == "en"
    expect(page.locator("main h1")).not_to_have_text(re.compile(r"[\u4e00-\u9fff]{3}"))


def test_reading_searching_and_looking_up_work_without_scripts(open_as: Opened) -> None:
    page = open_as(scripts=False)
    page.goto("/s/traffic?status=done")
    link = page.locator('.case-card__title a[href^="/cases/"]').first
    title = link.inner_text()
    link.click()
    expect(page.locator("h1")).to_have_text(title)
    number = acts.NUMBER.search(page.locator(".case-now__number").inner_text())
    assert number is not None

    page.goto("/lookup")
    page.locator("main [name=number]").fill(number.group().replace("-", ""))
    page.locator("main form button").first.click()
    expect(page.locator("h1")).to_have_text(title)

    page.goto("/search")
    page.locator("main [name=q]").fill(title)
    page.locator("main [name=q]").press("Enter")
    expect(page.locator("main .case-card__title a").first).to_contain_text(title[:4])


def test_a_reply_sent_after_the_sign_in_ended_comes_back_filled_in(open_as: Opened) -> None:
    page = open_as("rita", width=PHONE, scripts=False)
    page.goto("/mine")
    page.locator('.case-card__title a[href^="/cases/"]').first.click()
    case = acts.path_of(page)
    words = "红绿灯今天早上又黑了，路口堵得厉害。"
    page.locator("#reply [name=body]").fill(words)
    page.context.clear_cookies(name="sign_in")
    page.locator("#reply button:not([type=button])").first.click()
    expect(page.locator("main .note").first).to_contain_text("您写的内容还在")

    page.get_by_role("button", name=CAST["rita"]).click()
    page.wait_for_url("**/carried")
    assert page.locator("[name=body]").input_value() == words
    page.locator("main form .btn--main").click()
    page.wait_for_url(re.compile(re.escape(case)))
    expect(page.locator("#case-timeline")).to_contain_text(words)
