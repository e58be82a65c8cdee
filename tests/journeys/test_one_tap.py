"""The service worker and the one-tap link in a real browser: what is pushed is shown, said back, and leads somewhere."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.conftest import PHONE, Board, Opened
from tests.journeys.inspection import faults

pytestmark = pytest.mark.browser

# Rita writes, Otto is paged: the link that stands in his message, and where a browser says that it has shown it.
PAGED = """
from board import create_app
from board.db import db, transaction
from boards.models import Section
from boards.models.posting import Draft, post
from notifications.models import AcknowledgementLink, queue
from notifications.receipts import receipt_path
from people import contacts
from people.models import Person
app = create_app()
with app.app_context(), transaction() as session:
    named = lambda who: session.scalars(db.select(Person).where(who)).one()
    otto, rita = named(Person.badge == "021456"), named(Person.nicknamed("青松路居民"))
    case = post(Section.by_key("traffic"), Draft(title="人行灯不亮了", body="在学校门口，晚上看不见。"), by=rita).case
    made = queue(otto, "sms", key=f"journey:{case.number}", purpose="page", event=case.thread.events[0])
    contact = contacts.of(otto)[0]
    print(case.number, AcknowledgementLink.make(made, case), receipt_path(made, contact))
"""


def paged(board: Board) -> list[str]:
    return board.another(PAGED).split()[-3:]


def delivered(board: Board, number: str) -> bool:
    with sqlite3.connect(board.data / "board.db") as connection:
        query = "select delivered_at from delivery where key = ?"
        (found,) = connection.execute(query, (f"journey:{number}",)).fetchone()
    return found is not None


def worker_of(context: BrowserContext, page: Page) -> tuple[Any, str]:
    """The browser's developer tools on the page, and the registration of the board's service worker."""
    tools = context.new_cdp_session(page)
    found: list[str] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: found.extend(each["registrationId"] for each in said["registrations"]),
    )
    tools.send("ServiceWorker.enable")
    page.evaluate(
        "navigator.serviceWorker.register('/service-worker.js').then(() => navigator.serviceWorker.ready)"
    )
    end = time.monotonic() + 20
    while not found and time.monotonic() < end:
        page.wait_for_timeout(50)
    return tools, found[-1]


SHOWN = """async () => {
  const worker = await navigator.serviceWorker.ready;
  return (await worker.getNotifications()).map((each) => [each.title, each.body, each.data.url]);
}"""


def test_a_page_is_shown_said_back_and_acknowledged_from_a_telephone(board: Board, open_as: Opened) -> None:
    number, token, receipt = paged(board)
    page = open_as(width=PHONE, permissions=["notifications"])
    page.goto("/")
    tools, registration = worker_of(page.context, page)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(board.url))
    note = {
        "title": "24小时警局",
        "body": f"编号 {number}：待受理",
        "url": f"/a/{token}",
        "tag": "x",
        "receipt": receipt,
    }
    tools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": registration, "data": json.dumps(note)},
    )
    end = time.monotonic() + 20
    while not delivered(board, number) and time.monotonic() < end:
        page.wait_for_timeout(100)
    assert delivered(board, number)
    ((title, body, url),) = page.evaluate(SHOWN)
    assert (title, body) == ("24小时警局", f"编号 {number}：待受理")
    assert page.evaluate("caches.keys()") == []

    page.goto(url)
    assert faults(page, "the one-time link") == []
    button = page.locator("form .btn--main")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    with page.expect_navigation():
        button.click()
    expect(page.locator("[role=status]").first).to_contain_text("已签收")
    page.goto(f"/cases/{number}")
    expect(page.locator("main")).to_contain_text("已查看")


def test_a_note_from_elsewhere_leads_nowhere_else(board: Board, open_as: Opened) -> None:
    page = open_as(width=PHONE, permissions=["notifications"])
    page.goto("/")
    tools, registration = worker_of(page.context, page)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(board.url))
    for data in (json.dumps({"title": "x", "url": "https://evil.example/"}), "no json"):
        tools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": origin, "registrationId": registration, "data": data},
        )
    page.wait_for_timeout(500)
    shown = page.evaluate(SHOWN)
    assert shown
    assert all(not re.search("evil", url) for _title, _body, url in shown)


def test_without_scripts_the_link_works_as_well(board: Board, open_as: Opened) -> None:
    page = open_as(width=PHONE, scripts=False)
    page.goto("/a/nothing")
    expect(page.locator("h1")).to_be_visible()


def test_an_address_is_added_proven_and_removed_by_hand(board: Board, open_as: Opened) -> None:
    page = open_as("vera", width=PHONE)
    page.goto("/settings#reach")
    page.locator("#reach summary").first.click()
    page.locator("#reach input[type=email]").fill("vera@home.example")
    with page.expect_navigation():
        page.locator("#reach details[open] .btn").click()
    expect(page.locator("#reach")).to_contain_text("ve…@home.example")
    link = page.locator("#reach a[href*='/contacts/link/']")
    for _wait in range(40):  # the worker carries the mail that a demo city does not send
        if link.count():
            break
        page.wait_for_timeout(250)
        page.goto("/settings#reach")
        page.reload()
    link.click()
    assert faults(page, "confirm an address") == []
    with page.expect_navigation():
        page.locator("form .btn--main").click()
    page.goto("/settings#reach")
    for fold in page.locator("#reach summary").all():
        fold.click()
    assert faults(page, "how to reach me") == []
    row = page.locator("#reach li", has_text="ve…@home.example")
    expect(row).to_contain_text("能收到")
    with page.expect_navigation():
        row.locator("form[action$='/removal'] button").click()
    expect(page.locator("#reach")).not_to_contain_text("home.example")


@pytest.mark.slow
def test_an_officers_ways_and_what_did_not_arrive_look_well(board: Board, open_as: Opened) -> None:
    found = []
    for width, theme in ((PHONE, "light"), (1280, "dark")):
        officer = open_as("otto", width=width, theme=theme)
        officer.goto("/settings#reach")
        for fold in officer.locator("#reach summary").all():
            fold.click()
        found += faults(officer, f"an officer's ways {width} {theme}")
        officer.locator("#reach [name=phone]").fill("123")
        with officer.expect_navigation():
            officer.locator("#reach form[action='/contacts/phone'] button").click()
        found += faults(officer, f"a telephone that is none {width} {theme}")
        keeper = open_as("adam", width=width, theme=theme)
        keeper.goto("/admin/deliveries")
        found += faults(keeper, f"what did not arrive {width} {theme}")
    assert found == []
