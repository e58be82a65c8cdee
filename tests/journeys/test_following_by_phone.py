"""Following in a browser on the telephone: without scripts, in every look, and the link at the end of a mail."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from board import create_app
from board.db import db
from board.settings import Settings
from notifications.unsubscribing import token_of
from people.links import cast
from people.models import Person
from tests.journeys.conftest import AXE, CAST, PHONE, Board, Opened
from tests.journeys.inspection import faults

pytestmark = pytest.mark.browser

LOOKS: dict[str, dict[str, Any]] = {
    "dark": {"theme": "dark"},
    "largest text": {"text": "xxl"},
    "care": {"text": "l", "care": True},
}


def link_of(board: Board, who: str) -> str:
    """The address of the link at the end of this person's mails."""
    app = create_app(Settings.from_env({"BOARD_MODE": "demo", "BOARD_DATA": str(board.data)}))
    with app.app_context():
        person = next(each["person"] for each in cast() if each["name"] in CAST[who])
        path = f"/unsubscribe/{token_of(Person.by_public_id(person))}"
        db.session.remove()
        db.engine.dispose()
    return path


def test_following_is_asked_changed_ended_and_taken_back_without_scripts(open_as: Opened) -> None:
    vera = open_as("vera", width=PHONE, scripts=False)
    vera.goto("/s/household")
    vera.get_by_role("link", name="关注这个板块").click()
    expect(vera.get_by_text("每周约").or_(vera.get_by_text("最近四周"))).to_be_visible()
    vera.get_by_role("button", name="关注").click()
    vera.wait_for_url("**/follows")

    row = vera.locator(".follow", has_text="户政业务")
    row.locator("select").select_option("at_once")
    row.get_by_role("button", name="更改").click()
    expect(row.locator("select")).to_have_value("at_once")

    row.get_by_role("button", name="取消关注").click()
    expect(row).to_have_count(0)
    vera.get_by_role("button", name="撤销").click()
    expect(row.locator("select")).to_have_value("at_once")


def test_the_link_of_a_mail_ends_mails_with_one_tap_and_no_sign_in(open_as: Opened, board: Board) -> None:
    path = link_of(board, "vera")
    reader = open_as(width=PHONE, scripts=False)
    reader.goto(path)
    reader.goto(path)  # a program that looks into links did so before
    reader.get_by_role("button", name="不再发这样的邮件").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("邮件已停发")
    reader.get_by_role("button", name="撤销").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("不再收邮件")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; bin/setup fetches it")
def test_the_page_behind_the_link_is_for_everybody(open_as: Opened, board: Board) -> None:
    reader = open_as(width=PHONE)
    reader.goto(link_of(board, "vera"))

    assert faults(reader, "unsubscribe", least=44) == []


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_of_a_follower_hold_in_every_look(open_as: Opened, look: str) -> None:
    page = open_as("rita", width=PHONE, **LOOKS[look])
    found = []
    for path in ("/follows", "/follows/new?kind=place&target=青松路", "/search?q=路口"):
        page.goto(path)
        found += faults(page, f"{look} {path}", least=60 if look == "care" else 44)
    assert found == []
