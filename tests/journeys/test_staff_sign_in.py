"""Staff come in by their own door; whoever lost his key comes in by a link from the console."""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, Opened
from tests.journeys.inspection import faults

pytestmark = pytest.mark.browser


def test_an_officer_signs_in_with_password_and_second_factor(open_as: Opened) -> None:
    badge, password = f"9{secrets.randbelow(100_000):05}", "走到桥头再左转 7 步"
    said = open_as.board.command(
        "people",
        "add-staff",
        "021999",
        "--badge",
        badge,
        "--department",
        "traffic-police",
        "--password",
        password,
    )
    address = re.search(r"otpauth://\S+", said)
    assert address is not None
    secret = parse_qs(urlsplit(address.group()).query)["secret"][0]

    page = open_as(width=PHONE)
    page.goto("/desk")
    page.locator('main a[href^="/staff/sign-in"]').first.click()
    page.locator("[name=login]").fill(badge)
    page.locator("[name=password]").fill(password)
    page.locator("main form .btn--main").click()
    page.wait_for_url(re.compile("/staff/sign-in/code"))
    assert faults(page, "second factor", least=44) == []

    page.locator("main form input[autocomplete=one-time-code]").fill(pyotp.TOTP(secret).now())
    page.locator("main form .btn--main").click()
    expect(page.locator(".queue").first).to_be_visible()


@pytest.mark.slow
def test_a_link_from_the_console_signs_in_once(open_as: Opened) -> None:
    link = open_as.board.command("people", "sign-in-link", "Otis", "--base", open_as.board.url).strip()
    page = open_as(width=PHONE)
    page.goto(link)
    assert faults(page, "sign-in link", least=44) == []
    page.locator("main form .btn--main").click()
    expect(page.locator(".queue").first).to_be_visible()

    stranger = open_as()
    answer = stranger.goto(link)
    assert answer is not None
    assert answer.status == 404
