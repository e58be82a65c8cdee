"""The desk by keyboard alone: no test here touches the mouse once the desk is open."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Board, Opened

pytestmark = pytest.mark.browser

# Three cases of Rita's for the traffic police, the first the longest due, told by a word of their own.
POSTED = """
import sys
from board import create_app
from board.db import db, transaction
from people.models import Person
from tests.builders import posted
app = create_app()
with app.app_context(), transaction() as session:
    rita = session.scalars(db.select(Person).where(Person.nicknamed("青松路居民"))).one()
    for number in "一二三":
        posted(rita, title=f"{sys.argv[1]}第{number}处标线看不清", body="下雨天更看不清，请@交警支队看一下。")
"""


@pytest.fixture
def desk(board: Board, open_as: Opened) -> Page:
    """Otto's desk with three new cases and nothing else on it."""
    street = f"{secrets.token_hex(3)}路"
    board.another(POSTED, street)
    otto = open_as("otto")
    otto.goto(f"/desk?queue=pending&place={street}")
    expect(rows(otto)).to_have_count(3)
    expect(otto.locator("[data-keys-help]")).to_be_visible()
    return otto


def rows(page: Page) -> Locator:
    return page.locator(".queue__row")


def titles(page: Page) -> list[Locator]:
    return rows(page).locator(".queue__title a").all()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def opens(page: Page, number: str) -> None:
    """The case stands in the pane, and reading begins at its title."""
    expect(page.locator(f'[data-pane="{number}"]')).to_be_visible()
    expect(page.locator(".pane__title")).to_be_focused()


def test_a_shift_is_worked_off_by_keys_alone(desk: Page) -> None:
    first, second, third = (each.get_attribute("data-case") or "" for each in rows(desk).all())
    links = titles(desk)

    # Down the rows, not beyond the last one, and up again.
    for key, at in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        press(desk, key)
        expect(links[at]).to_be_focused()
    press(desk, "Enter")
    opens(desk, first)

    # Seen, and said so to whoever does not see it.
    expect(desk.locator(f"#row-{first}[data-unseen]")).to_be_attached()
    press(desk, "s")
    expect(desk.locator(f"#row-{first}:not([data-unseen])")).to_be_attached()
    expect(desk.locator("[data-desk-say]")).to_contain_text(first)
    opens(desk, first)

    # Written and sent: what is typed is text and no act, and the next case opens by itself.
    press(desk, "r")
    expect(desk.locator("#f-text")).to_be_focused()
    desk.keyboard.type("jks art? 两名民警已出发，二十分钟后到路口。")
    expect(desk.locator("#f-text")).to_have_value("jks art? 两名民警已出发，二十分钟后到路口。")
    press(desk, "Control+Enter")
    opens(desk, second)
    expect(rows(desk)).to_have_count(2)

    # Accepted without a word.
    press(desk, "a")
    opens(desk, third)
    expect(rows(desk)).to_have_count(1)

    # Handed over: the form opens with its first field under the hands.
    press(desk, "t")
    form = desk.locator("#do-offer[open]")
    expect(form).to_be_visible()
    assert form.evaluate("each => each.contains(document.activeElement)")


def test_the_list_of_keys_opens_by_a_key_and_switches_them_off_for_good(desk: Page) -> None:
    switch = desk.locator("[data-keys-switch]")
    links = titles(desk)

    press(desk, "?")
    expect(desk.locator("#keys")).to_be_visible()
    expect(switch).to_be_focused()
    press(desk, "Escape")
    expect(desk.locator("#keys")).to_be_hidden()
    expect(desk.locator("[data-keys-help]")).to_be_focused()

    press(desk, "?", "Enter", "Escape")
    press(desk, "j", "a")
    expect(desk.locator("[data-keys-help]")).to_be_focused()
    desk.reload()
    expect(desk.locator("[data-keys-help]")).to_be_visible()
    press(desk, "j", "a")
    expect(rows(desk)).to_have_count(3)
    expect(links[0]).not_to_be_focused()

    press(desk, "?")
    expect(switch).to_be_focused()
    press(desk, "Enter", "Escape", "j")
    expect(links[0]).to_be_focused()
