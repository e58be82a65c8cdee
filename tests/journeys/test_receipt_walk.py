"""A complaint from its receipt to what the public reads, in real browsers: what each of those it passes sees of it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import acts
from tests.journeys.conftest import PHONE, ROOT, Board, Opened, environment
from tests.journeys.inspection import faults

pytestmark = pytest.mark.browser
TITLE = "处警民警没有登记就离开了现场"
BODY = "前天晚上在建设街菜市场门口，民警到了没有下车就走了，也没有登记。"
WHOM = "副驾驶上戴眼镜的那一位"
NEWS = "我们已调取当晚的执法记录仪，正在逐段核对。"
QUESTION = "请说明前天晚上建设街方向的处警经过。"
ANSWER = "当晚我值班，到场后现场已经没有人，按规定作了登记。"
FINDINGS = {"inspectorate": "执法记录仪显示当晚没有下车核实。", "discipline": "未登记一事属实，已约谈。"}
MORE = "补充：当时还有一辆巡逻车停在路口。"
NOBODY = ("rita", "otto", "otis", "lena", "hugo", "carl", "dana", "mona", "adam", None)
HIDDEN = (TITLE, BODY, WHOM, FINDINGS["inspectorate"])

# What a month does: the published list shows complaints of months that are over only.
AGED = """
from datetime import timedelta
from board import create_app
from board.db import db, transaction
from boards.models import Case
from complaints.models import Complaint, Inquiry
app = create_app()
with app.app_context(), transaction() as session:
    case = session.scalars(db.select(Case).where(Case.number == {number!r})).one()
    complaint = session.scalars(db.select(Complaint).where(Complaint.case_id == case.id)).one()
    complaint.filed_at -= timedelta(days=40)
    for task in Inquiry.of(case):
        task.concluded_at -= timedelta(days=35)
"""


def send(page: Page, action: str) -> None:
    """Press the button of the one form that goes there."""
    form = page.locator(f"form[action$='{action}']").locator("visible=true").first
    with page.expect_navigation():
        form.locator("button:not([type=button])").last.click()


def unfold(page: Page, words: str) -> None:
    page.locator("summary", has_text=words).locator("visible=true").first.click()


def complain(page: Page) -> str:
    """Write a complaint about Otto of 交警支队 without an account; the digits of its receipt."""
    page.goto("/s/complaints/new?department=traffic-police")
    page.locator("[name=title]").fill(TITLE)
    page.locator("[name=body]").fill(BODY)
    page.locator("[name=about_badge]").fill("021456")
    page.locator("[name=about_whom]").fill(WHOM)
    page.get_by_label("接警不处").check()
    page.locator("[name=identity][value=receipt]").check()
    page.locator("main form .btn--main").last.click()
    page.wait_for_load_state()
    if not page.locator(".receipt__digits").count():
        acts.answer_check(page)
    page.locator(".receipt__digits").wait_for()
    return re.sub(r"\D", "", page.locator(".receipt__digits").inner_text())


def enter(page: Page, digits: str) -> None:
    """Come back with the digits."""
    page.goto("/receipt")
    page.locator("[name=number]").fill(digits)
    page.locator("main form .btn--main").click()
    page.get_by_role("heading", name=TITLE).wait_for()


def colleague(open_as: Opened, badge: str) -> Page:
    """An officer outside of the cast, in by a link from the console."""
    page = open_as()
    said = open_as.board.command("people", "sign-in-link", badge, "--base", open_as.board.url)
    page.goto(said.split()[-1])
    with page.expect_navigation():
        page.locator("main form button").click()
    return page


def at(page: Page, number: str, queue: str) -> None:
    page.goto(f"/inspection?queue={queue}&case={number}")
    expect(page.locator("main")).to_contain_text(BODY)


def propose(page: Page, number: str, words: str) -> None:
    at(page, number, "working")
    unfold(page, "拟定结论")
    form = page.locator("form[action$='/proposal']").first
    form.locator("[name=conclusion][value=true]").check()
    form.locator("[name=findings]").fill(words)
    form.locator("[name=measures][value=admonished]").check()
    send(page, "/proposal")


def agree(page: Page, number: str, action: str) -> None:
    at(page, number, "second")
    page.locator(f"form[action$='{action}'] [name=agree][value=yes]").first.check()
    send(page, action)


def month_over(board: Board, number: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AGED.format(number=number)],
        cwd=ROOT,
        env=environment(board.data),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_from_the_receipt_to_the_published_conclusion(open_as: Opened) -> None:
    citizen, ines, ida = open_as(width=PHONE), open_as("ines"), open_as("ida", width=PHONE)
    digits = complain(citizen)
    assert len(digits) == 16
    found = faults(citizen, "citizen, the digits", least=24)
    assert not [cookie for cookie in citizen.context.cookies() if cookie.get("name") == "sign_in"]

    # Ines finds it among the new ones; those on whom it is do not find that there is anything.
    ines.goto("/inspection?queue=new")
    row = ines.locator(".queue__row", has_text=TITLE)
    number = str(row.get_attribute("data-case"))
    found += faults(ines, "ines, new complaints")
    for who in NOBODY:
        page = open_as(who)
        for path in (f"/cases/{number}", f"/cases/{number}/verification"):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 404, (who, path)
        for path in (f"/search?q={TITLE}", "/s/complaints"):
            page.goto(path)
            for hidden in HIDDEN:
                expect(page.locator(".case-card, .card").filter(has_text=hidden)).to_have_count(0)
        if who in ("adam", "otto", None):
            page.goto(f"/cases/{number}")
            found += faults(page, f"{who or 'visitor'}, nothing there")
        if who not in ("rita", None):
            page.goto("/desk")
            for hidden in HIDDEN:
                expect(page.locator("body")).not_to_contain_text(hidden)
            answer = page.goto("/inspection")
            assert answer is not None
            assert answer.status == 404, who
        page.context.close()

    # Ines takes it on, tells the citizen, and asks Otto himself.
    at(ines, number, "new")
    expect(ines.locator("main")).to_contain_text(WHOM)
    expect(ines.locator("main")).to_contain_text("021456")
    expect(ines.locator("main")).to_contain_text("联系不到人")
    send(ines, "/acceptance")
    at(ines, number, "working")
    unfold(ines, "告诉发帖人进展")
    ines.locator("form[action$='/news'] [name=news]").first.fill(NEWS)
    send(ines, "/news")
    at(ines, number, "working")
    unfold(ines, "请单位说明情况")
    asking = ines.locator("form[action$='/statements']").first
    asking.locator("[name=unit]").select_option("traffic-police")
    asking.locator("[name=badge]").fill("021456")
    asking.locator("[name=question]").fill(QUESTION)
    send(ines, "/statements")
    found += faults(ines, "ines, working on it")

    # Otto reads the question at his desk, on a telephone without a press, and not a word more.
    otto = open_as("otto", width=PHONE)
    otto.goto("/desk")
    asked = otto.locator("a[href^='/statements/']")
    expect(asked.first).to_be_in_viewport()
    found += faults(otto, "otto, the desk")
    asked.last.click()
    otto.wait_for_url("**/statements/*")
    expect(otto.locator("main")).to_contain_text(QUESTION)
    for hidden in (*HIDDEN, NEWS, number):
        expect(otto.locator("body")).not_to_contain_text(hidden)
    found += faults(otto, "otto, the question")
    otto.locator("main textarea").fill(ANSWER)
    send(otto, "/answer")
    answer = otto.goto(f"/cases/{number}")
    assert answer is not None
    assert answer.status == 404

    # The citizen comes back with the digits, reads the news and writes more.
    enter(citizen, digits)
    expect(citizen.locator("main")).to_contain_text(NEWS)
    for hidden in (QUESTION, ANSWER, "021456", WHOM):
        expect(citizen.locator("body")).not_to_contain_text(hidden)
    found += faults(citizen, "citizen, the news", least=24)
    citizen.locator("#reply [name=body]").fill(MORE)
    send(citizen, "/receipt/messages")
    expect(citizen.locator("main")).to_contain_text(MORE)

    # Two persons in each of the two departments.
    agree(ida, number, "/review")
    found += faults(ida, "ida, looked over")
    propose(ines, number, FINDINGS["inspectorate"])
    expect(ines.locator("main")).to_contain_text(MORE)
    expect(ines.locator("main")).to_contain_text(ANSWER)
    agree(ida, number, "/confirmation")
    one, other = colleague(open_as, "091301"), colleague(open_as, "091302")
    at(one, number, "new")
    send(one, "/acceptance")
    agree(other, number, "/review")
    propose(one, number, FINDINGS["discipline"])
    found += faults(one, "discipline, proposed")
    agree(other, number, "/confirmation")
    expect(other.locator("main")).to_contain_text("已办结")

    # The conclusion is read and rated by the digits.
    enter(citizen, digits)
    for words in FINDINGS.values():
        expect(citizen.locator("main")).to_contain_text(words)
    found += faults(citizen, "citizen, the conclusion", least=24)
    citizen.locator("#rate [name=solved][value=yes]").check()
    citizen.locator("#rate [name=satisfaction][value=satisfied]").check()
    citizen.locator("#rate [name=text]").fill("查清楚了，谢谢。")
    send(citizen, "/receipt/rating")
    expect(citizen.locator("main")).to_contain_text("查清楚了，谢谢。")
    found += faults(citizen, "citizen, rated", least=24)
    ines.goto(f"/cases/{number}")
    expect(ines.locator("main")).to_contain_text("查清楚了，谢谢。")

    # Everybody reads of it when its month is over: that there was one, and nothing of it.
    month_over(open_as.board, number)
    vera = open_as("vera")
    vera.goto("/complaints")
    expect(vera.locator("main")).to_contain_text("不足 10 人")
    for hidden in (*HIDDEN, number, number[:8], "交警", "接警不处"):
        expect(vera.locator("main")).not_to_contain_text(hidden)
    found += faults(vera, "everybody, the month")
    for who in ("otto", "adam"):
        answer = open_as(who).goto(f"/cases/{number}")
        assert answer is not None
        assert answer.status == 404
    assert found == []
