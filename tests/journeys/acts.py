"""What Rita and Otto do with a page: each act is what a hand would do, on the elements a hand would find.

Elements are named by what they are for (field names, addresses), so that one journey runs in both languages.
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

NUMBER = re.compile(r"\d{8}-\d{4,}")
BODY = "路口的信号灯全黑了，车都挤在一起。请@交警支队看一下"


def new_phone() -> str:
    """The number of somebody who was never here: codes are capped by the hour for each."""
    return f"199 0001 {secrets.randbelow(10_000):04}"


def path_of(page: Page) -> str:
    """The path of the page's address."""
    return urlsplit(page.url).path


def press(place: Page | Locator, address: str) -> None:
    """Press the button that sends to `address` (the end of it), and wait for the page that answers."""
    button = place.locator(f'button[formaction$="{address}"], form[action$="{address}"] button')
    page = place if isinstance(place, Page) else place.page
    with page.expect_navigation():
        button.locator("visible=true").first.click()


def write(page: Page, title: str, body: str = BODY) -> int:
    """Fill in and send the compose form that is open; gives the number of acts."""
    page.locator("[name=title]").fill(title)
    page.locator("[name=body]").fill(body)
    page.locator("form[enctype] .btn--main").click()
    # To the check step or the sign-in, or, where neither has anything to ask, straight to the receipt.
    page.wait_for_url(re.compile("/threads$|/received/"))
    return 3


def answer_check(page: Page) -> None:
    """Send on from the check step, where there is one."""
    if page.locator("button[name=step][value=checked]").count():
        page.locator("form .btn--main").first.click()


def enter_by_phone(page: Page, phone: str) -> int:
    """Sign in as the last step of the form, with the code that the demo city shows; gives the number of acts."""
    page.locator("[name=phone]").fill(phone)
    page.locator("button[name=step][value=send]").click()
    code = page.locator("[data-demo-code]").inner_text()
    page.locator("[name=code]").fill(code)
    page.locator("form[enctype] .btn--main").click()
    page.wait_for_url(re.compile("/received/"))
    return 4


def number_on(page: Page) -> str:
    """The case number that the received page shows."""
    found = NUMBER.search(path_of(page))
    assert found is not None, page.url
    return found.group()


def open_at_desk(page: Page, number: str, queue: str = "") -> None:
    """Open a case from a queue of the desk by its row, as an officer would."""
    if queue:
        page.goto(f"/desk?queue={queue}")
    page.locator(f"#row-{number} .queue__title a").click()
    expect(page.locator(f'[data-pane="{number}"]')).to_be_visible()


def accept(page: Page, number: str, answer: str) -> None:
    """受理并答复 in one press."""
    page.locator("#answer [name=text]").fill(answer)
    press(page.locator("#answer"), f"/cases/{number}/acceptance")


def ask(page: Page, number: str, question: str) -> None:
    """请补充: one exact question to the poster."""
    page.locator("#do-ask summary").click()
    page.locator("#do-ask [name=question]").fill(question)
    press(page, f"/cases/{number}/questions")


def conclude(page: Page, number: str, answer: str, outcome: str, verb: str = "resolution") -> None:
    """答复并办结 in one press, with what came of it."""
    page.locator("#answer [name=text]").fill(answer)
    folded = page.locator("#answer [data-outcome]:not([open]) summary")
    if folded.count():
        folded.click()
    page.locator("#answer [name=outcome]").select_option(outcome)
    press(page.locator("#answer"), f"/cases/{number}/{verb}")


def reply(page: Page, words: str) -> None:
    """Write under the case."""
    page.locator("#reply [name=body]").fill(words)
    page.locator("#reply .btn--main").click()


def rate(page: Page, solved: str = "yes", satisfaction: str = "very_satisfied") -> None:
    """Say whether it is solved, and how satisfied one is."""
    page.locator(f"#rate [name=solved][value={solved}]").check()
    page.locator(f"#rate [name=satisfaction][value={satisfaction}]").check()
    page.locator("#rate .btn--main").click()


def standing(page: Page) -> str:
    """The status that the case page shows."""
    return page.locator(".case-now").get_attribute("data-status") or ""
