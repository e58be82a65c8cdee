"""A real browser with an authenticator of its own: a passkey is made, signs in, confirms and is taken away."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.journeys import acts
from tests.journeys.conftest import CAST, PHONE, Opened
from tests.journeys.inspection import faults

pytestmark = pytest.mark.browser


def authenticator(page: Page) -> None:
    """This browser can make passkeys, and whoever sits before it unlocks them."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.fixture
def named(open_as: Opened) -> Opened:
    """The same board under a name: no browser keeps a passkey for a number."""
    open_as.board = replace(open_as.board, url=open_as.board.url.replace("127.0.0.1", "localhost"))
    return open_as


def test_a_resident_adds_a_passkey_and_next_time_comes_in_by_it(named: Opened) -> None:
    page = named(width=PHONE)
    authenticator(page)
    page.goto("/sign-in")
    page.locator("[name=phone]").fill(acts.new_phone())
    page.locator("button[name=step][value=send]").click()
    code = page.locator("[data-demo-code]").inner_text()
    page.locator("[name=code]").fill(code)
    page.locator("main form .btn--main").first.click()
    page.wait_for_url(lambda url: urlsplit(url).path == "/")

    page.goto("/me")
    assert faults(page, "account", least=44) == []
    page.locator("a[href='/me/passkeys/new']").click()
    expect(page.locator("[data-passkey-without]")).to_have_count(0)
    assert faults(page, "new passkey", least=44) == []
    page.locator("[name=name]").fill("我的手机")
    page.locator("form[action='/me/passkeys'] button").click()
    page.wait_for_url(re.compile("/me$"))
    expect(page.locator("main")).to_contain_text("我的手机")
    assert faults(page, "account with a passkey", least=44) == []

    page.locator("form[action='/sign-out'] button").last.click()
    page.wait_for_url(lambda url: urlsplit(url).path == "/")
    page.goto("/sign-in?next=/mine")
    page.locator("form[action='/sign-in/passkey'] button").click()
    page.wait_for_url(lambda url: urlsplit(url).path == "/mine")

    page.goto("/me/confirmation?next=/settings")
    assert faults(page, "confirmation", least=44) == []
    page.locator("form[action='/me/confirmation'][data-controller=passkey] button").click()
    page.wait_for_url(re.compile("/settings$"))

    page.goto("/inbox")
    page.locator("a[href^='/inbox/account/']").first.click()
    assert faults(page, "account notice", least=44) == []

    page.goto("/me")
    page.locator("form[action$='/removal'] button").click()
    page.wait_for_url(re.compile("/me$"))
    expect(page.locator("form[action$='/removal']")).to_have_count(0)
    page.locator("form[action='/sign-out'] button").last.click()
    page.goto("/sign-in")
    page.locator("form[action='/sign-in/passkey'] button").click()
    page.wait_for_url(re.compile("/sign-in/passkey$"))
    expect(page.locator("main")).to_contain_text("没有通过验证")
    assert faults(page, "passkey refused", least=44) == []


def test_without_scripts_there_is_no_button(named: Opened) -> None:
    page = named(scripts=False)
    page.goto("/sign-in")
    expect(page.locator("form[action='/sign-in/passkey']")).to_be_hidden()


def test_at_a_number_there_is_no_button(open_as: Opened) -> None:
    page = open_as()
    page.goto("/sign-in")
    expect(page.locator("[name=phone]")).to_be_visible()
    expect(page.locator("form[action='/sign-in/passkey']")).to_have_count(0)


def test_a_colleague_is_invited_and_sets_the_second_step(open_as: Opened) -> None:
    adam = open_as("adam")
    adam.goto("/admin/invitations")
    assert faults(adam, "invitations") == []
    adam.locator("[name=name]").fill(CAST["otis"])
    adam.locator("[name=badge]").fill(acts.new_phone()[-6:])
    adam.locator("[name=department]").select_option("traffic-police")
    adam.locator("main form .btn--main").click()
    link = adam.locator(".codes__key").inner_text()
    assert faults(adam, "invitation made") == []

    guest = open_as(width=PHONE)
    guest.goto(link)
    assert faults(guest, "invitation", least=44) == []
    secret = guest.locator(".codes__key").inner_text()
    guest.locator("[name=password]").fill("湖边的七只野鸭子在睡觉")
    guest.locator("[name=code]").fill(pyotp.TOTP(secret).now())
    guest.locator("main form .btn--main").click()
    expect(guest.locator(".codes")).to_be_visible()
    assert faults(guest, "recovery codes", least=44) == []
    guest.locator("main a.btn--main").click()
    expect(guest.locator(".queue").first).to_be_visible()

    guest.goto("/me/second-factor")
    assert faults(guest, "second factor", least=44) == []
    guest.locator("main form .btn--main").click()
    expect(guest.locator(".qr")).to_be_visible()
    assert faults(guest, "second factor to scan", least=44) == []
