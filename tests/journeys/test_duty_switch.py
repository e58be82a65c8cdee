"""The on-duty switch in a real browser: reminders are offered there and taken back there; and what a telephone folds away."""

from __future__ import annotations

import base64
import json
import os
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import expect

from tests.journeys.conftest import AXE, PHONE, Board, Opened
from tests.journeys.inspection import faults

pytestmark = pytest.mark.browser

# A browser that has, or has not, been subscribed before, and that notes when it is asked for its permission.
BROWSER = """
window.asked = 0;
Notification.requestPermission = async () => { window.asked += 1; return "default"; };
const kept = %s;
if (kept) {
  ServiceWorkerContainer.prototype.getRegistration = async () => ({ pushManager: { getSubscription: async () => kept } });
}
"""

# Otto was told in this browser before; its test is still on its way, so nothing is sent there.
SUBSCRIBED = """
import sys
from board import create_app
from board.db import db, transaction
from board.transports import push
from people import contacts
from people.models import Person
app = create_app()
with app.app_context(), transaction() as session:
    otto = session.scalars(db.select(Person).filter_by(badge="021456")).one()
    contacts.add(otto, "push", push.subscription(sys.argv[1], frozenset()))
"""


def subscription() -> str:
    """What a browser would say of itself once it is subscribed."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = (point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), os.urandom(16))
    public, secret = (base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in raw)
    endpoint = f"https://fcm.googleapis.com/fcm/send/{secret}"
    return json.dumps({"endpoint": endpoint, "keys": {"p256dh": public, "auth": secret}})


def test_reminders_are_offered_once_the_switch_is_on_and_nothing_is_asked_before(open_as: Opened) -> None:
    otto = open_as("otto", width=PHONE)
    otto.context.add_init_script(BROWSER % "null")
    otto.goto("/desk")
    offer = otto.get_by_role("button", name="在这台设备上提醒我")
    switch = otto.locator("[data-sound-duty]")
    expect(switch).to_be_visible()
    expect(offer).to_be_hidden()

    switch.click()
    expect(offer).to_be_visible()
    expect(otto.get_by_text("页面关着时有呼叫")).to_be_visible()
    assert otto.evaluate("window.asked") == 0
    if AXE.exists():
        assert faults(otto, "the offer at the switch") == []
    for button in (offer, otto.get_by_role("button", name="先不用")):
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    offer.click()
    expect(otto.get_by_text("这个浏览器没有允许提醒")).to_be_visible()
    assert otto.evaluate("window.asked") == 1

    otto.get_by_role("button", name="先不用").click()
    expect(offer).to_be_hidden()
    otto.reload()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(offer).to_be_hidden()
    switch.click()
    switch.click()
    expect(offer).to_be_visible()


def test_a_browser_that_is_told_says_so_at_the_switch_and_is_told_no_more_after_one_press(
    board: Board, open_as: Opened
) -> None:
    told = subscription()
    board.another(SUBSCRIBED, told)
    otto = open_as("otto", width=PHONE)
    otto.context.add_init_script(BROWSER % told)
    otto.goto("/desk?queue=working")
    otto.locator("[data-sound-duty]").click()
    stop = otto.get_by_role("button", name="这里不再提醒我")
    expect(otto.get_by_text("还没显示测试提醒")).to_be_visible()
    with otto.expect_navigation():
        stop.click()
    assert otto.url.endswith("/desk?queue=working")
    expect(otto.locator(".flash").first).to_be_visible()
    expect(stop).to_be_hidden()
    expect(otto.get_by_role("button", name="在这台设备上提醒我")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_roster_and_hand_over_are_one_press_away_on_a_telephone(open_as: Opened, scripts: bool) -> None:
    otto = open_as("otto", width=PHONE, scripts=scripts)
    otto.goto("/desk")
    roster = otto.get_by_role("link", name="本单位值班表")
    expect(roster).to_be_hidden()
    otto.get_by_text("值班表、交接班等").click()
    expect(otto.get_by_role("link", name=re.compile("^写交接班")).first).to_be_visible()
    box = roster.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    roster.click()
    otto.wait_for_url("**/d/traffic-police/roster")


def test_a_wide_desk_shows_them_without_a_press(open_as: Opened) -> None:
    otto = open_as("otto")
    otto.goto("/desk")
    expect(otto.get_by_role("link", name="本单位值班表")).to_be_visible()
    expect(otto.locator(".queues__more")).to_be_hidden()
