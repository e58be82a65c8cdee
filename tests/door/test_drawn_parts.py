"""Parts of pages that are drawn once for many readers: they spare work and never carry anything of anybody."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from jinja2 import DictLoader, Environment

from board import clock, web
from board.db import transaction
from board.fragments import Fragments
from boards import cards, casepage, pulse
from tests.conftest import settings
from tests.door.test_kept_pages import statements

READERS = (None, "rita", "vera", "otto")


def forget(app) -> None:
    """Draw everything anew from here on."""
    for store in (web.forget_pages, cards.forget, casepage.forget, pulse.forget):
        store()
    app.jinja_env.extensions[Fragments.identifier].forget()


@pytest.fixture
def drawn(app, get_as, monkeypatch):
    """A page as somebody reads it, without the store of whole pages and without what differs at each look."""
    monkeypatch.setitem(app.config, "SETTINGS", settings(app.config["SETTINGS"].data, BOARD_PAGE_CACHE="off"))

    def draw(who: str | None, path: str) -> str:
        answer = get_as(who, path)
        assert answer.status_code == 200
        return re.sub(r'(name="once" value=")[^"]*', r"\1", answer.get_data(as_text=True))

    return draw


@pytest.fixture
def paths(cast, reported, thread_posted) -> list[str]:
    with transaction():
        number = reported().number
    thread_posted("vera", title="井盖松动有响声", body="车一压就响。", place="青松路")
    return [f"/cases/{number}", "/s/traffic", "/s/traffic?status=pending", "/"]


@pytest.mark.parametrize("prefs", ["", "dark.l.1.en"])
def test_whoever_came_before_is_not_to_be_seen_in_a_page(app, client_of, drawn, paths, prefs):
    if prefs:
        for who in READERS:
            client_of(who).set_cookie("prefs", prefs)
    for path in paths:
        alone = {}
        for who in READERS:
            forget(app)
            alone[who] = drawn(who, path)
        assert len(set(alone.values())) == len(READERS)  # each has something of his own
        for order in (READERS, READERS[::-1]):
            forget(app)
            assert [drawn(who, path) for who in order] == [alone[who] for who in order], (path, order)


def test_every_step_is_to_be_seen_at_once(app, cast, drawn, paths, reported):
    paths = paths[:3]  # the numbers of the home page are a minute old

    def in_all() -> list[str]:
        warm = [drawn(None, path) for path in paths]
        forget(app)
        assert warm == [drawn(None, path) for path in paths]
        return warm

    before = in_all()
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    accepted = in_all()
    assert "两名民警正赶往路口" in accepted[0]
    assert all(now != then for now, then in zip(accepted, before, strict=True))
    clock.advance(timedelta(days=1, hours=3))  # "today" is yesterday
    assert in_all() != accepted


def test_what_is_kept_costs_few_statements_and_no_drawing(app, drawn, paths, monkeypatch):
    most = {paths[0]: 3, paths[1]: 6}
    for path in most:
        drawn(None, path)
    monkeypatch.setattr(casepage, "framed", lambda _id: pytest.fail("read again"))
    monkeypatch.setattr(cards, "listed", lambda *_rows, **_how: pytest.fail("drawn again"))
    for path, number in most.items():
        with statements(app) as seen:
            drawn(None, path)
        assert len(seen) <= number, seen


def test_the_tag_draws_once_for_a_key_a_place_and_never_for_none() -> None:
    count = iter(range(100))
    templates = {
        "page": "{% kept key %}{{ next() }}{% endkept %}\n{% kept key %}{{ next() }}{% endkept %}",
        "other": "{% kept key %}<{{ words }}>{% endkept %}",
    }
    env = Environment(loader=DictLoader(templates), extensions=[Fragments], autoescape=True)
    env.globals["next"] = lambda: next(count)
    page = env.get_template("page")
    assert [page.render(key=1), page.render(key=1), page.render(key=2)] == ["0\n1", "0\n1", "2\n3"]
    assert [page.render(key=None), page.render(key=None)] == ["4\n5", "6\n7"]
    assert env.get_template("other").render(key=1, words="<b>") == "<&lt;b&gt;>"  # escaped, and once
    assert env.get_template("other").render(key=1, words="") == "<&lt;b&gt;>"
    env.extensions[Fragments.identifier].forget()  # type: ignore[attr-defined]
    assert page.render(key=1) == "8\n9"
