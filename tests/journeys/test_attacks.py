"""Every attack of the corpus on pages in a real Chromium: none of them runs, loads or changes anything."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from tests.attacks import ATTACKS
from tests.journeys.conftest import Board, Opened

pytestmark = pytest.mark.browser

# Posts the corpus at the board's own verbs: a form would need an hour for so many, by its limits.
POSTING = """
from board.db import db, transaction
from boards.models import Section
from boards.models.posting import Draft, post, reply
from people.models import Person
from tests.attacks import ATTACKS
from wsgi import app

with app.app_context():
    with transaction():
        rita = db.session.scalar(db.select(Person).where(Person.kind == "member").order_by(Person.id).limit(1))
        body = "\\n\\n".join(ATTACKS[:40]) + "\\n请@交警支队看一下"
        thread = post(Section.by_key("traffic"), Draft(title="</title>" + ATTACKS[0], body=body[:4900]), by=rita)
        for words in ATTACKS:
            reply(thread, words, by=rita)
        print(thread.case.number)
"""
# `alert` is what each attack calls; where one gets through it is counted, and so is what the policy has to stop.
COUNTING = """window.ran = 0; window.stopped = 0; window.alert = () => { window.ran += 1; };
document.addEventListener("securitypolicyviolation", () => { window.stopped += 1; });"""
# What only somebody's words could have brought onto a page of the board.
STRANGE = """() => [...document.querySelectorAll("*")].filter((each) =>
    /^(iframe|object|embed|base|applet|frame|frameset|math|portal|xss|marquee)$/i.test(each.localName)
    || (each.localName === "script" && !(each.getAttribute("src") || "").startsWith("/static/"))
    || (each.localName === "style")
    || [...each.attributes].some((one) => /^on/i.test(one.name) || one.name === "style" || one.name === "srcdoc")
    || /^\\s*(javascript|vbscript|data):/i.test(each.getAttribute("href") || each.getAttribute("action") || "")
  ).map((each) => each.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def number(board: Board) -> str:
    """A case whose post and replies hold the whole corpus."""
    return board.another(POSTING).split()[-1]


def counted(page: Page) -> dict[str, object]:
    """What happened on this page since it was opened, after everything on it had time to happen."""
    page.wait_for_load_state("networkidle")
    page.mouse.move(200, 400)
    return {
        "ran": page.evaluate("window.ran"),
        "stopped": page.evaluate("window.stopped"),
        "strange": page.evaluate(STRANGE),
    }


NOTHING = {"ran": 0, "stopped": 0, "strange": []}


@pytest.mark.slow
def test_no_attack_runs_wherever_it_is_read(open_as: Opened, number: str) -> None:
    for who, paths in (
        (None, (f"/cases/{number}", "/s/traffic", "/search?q=alert", f"/cases/{number}/verification")),
        ("otto", (f"/desk?case={number}",)),
    ):
        page = open_as(who)
        page.context.add_init_script(COUNTING)
        for path in paths:
            page.goto(path)
            assert counted(page) == NOTHING, path
            if path.startswith("/cases") and "verification" not in path:
                assert page.inner_text("main").count("alert(1)") >= 100  # they are all there, as words


@pytest.mark.slow
def test_no_attack_in_an_address_runs(open_as: Opened) -> None:
    page = open_as()
    page.context.add_init_script(COUNTING)
    for attack in ATTACKS[::6]:
        for path in ("/search?q=", "/lookup?number=", "/sign-in?next="):
            answer = page.goto(path + quote(attack[:180]))
            assert answer is not None
            assert counted(page) == NOTHING, (path, attack)


@pytest.mark.slow
def test_an_attack_that_got_onto_a_page_would_be_counted(open_as: Opened) -> None:
    """The counting itself: markup put in behind the sanitiser is stopped by the policy, and both are seen here."""
    page = open_as()
    page.context.add_init_script(COUNTING)
    page.goto("/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    page.wait_for_function("window.stopped > 0")
    found = counted(page)
    assert (found["ran"], len(found["strange"])) == (0, 1)  # type: ignore[arg-type]
    open_as.faults.clear()
