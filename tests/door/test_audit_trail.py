"""What staff do and read leaves its row, wherever it is done; what citizens do leaves none; no row, no page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
import pytest
from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from board import audit, clock, jobs, noting, roots
from board.audit import AuditEntry
from board.commitments import GENESIS, digest
from board.db import db, transaction
from tests.builders import Cast, posted

Get = Callable[..., TestResponse]


@pytest.fixture(autouse=True)
def whole(app: Flask) -> Any:
    """Whatever a test does, the log holds afterwards."""
    yield
    db.session.rollback()
    assert audit.verify() is None


def rows(act: str = "", **wanted: Any) -> list[tuple[str, str | None, str]]:
    """What the log holds, the sign-ins of the tests left out."""
    db.session.rollback()
    query = select(AuditEntry.act, AuditEntry.actor, AuditEntry.thing).order_by(AuditEntry.number)
    found = db.session.execute(query.where(AuditEntry.act.startswith(act))).all()
    db.session.rollback()
    return [
        (each[0], each[1], each[2])
        for each in found
        if each[0] not in ("person.signed_in", "person.signed_out")
    ]


@pytest.fixture
def shut(cast: Cast) -> str:
    """The number of a case that only the traffic police and its poster read."""
    with transaction():
        case = posted(cast.rita, title="家里的事", body="请@交警支队看一下。", restrict=True).case
        assert case is not None
        case.thread.restricted_to = case.department
        return case.number


@pytest.fixture
def otto(cast: Cast) -> str:
    return cast.otto.public_id


def test_a_restricted_case_is_noted_once_an_hour_for_each_who_opens_it(
    shut: str, cast: Cast, otto: str, get_as: Get
) -> None:
    lena = cast.lena.public_id
    for path in (
        f"/cases/{shut}",
        f"/desk/case/{shut}",
        f"/cases/{shut}/verification",
        f"/cases/{shut}?fragment=timeline",
    ):
        assert get_as("otto", path).status_code == 200
        assert rows("case.read") == [("case.read", otto, f"case:{shut}")]
    get_as("lena", f"/cases/{shut}")
    assert rows("case.read")[1:] == [("case.read", lena, f"case:{shut}")]
    clock.advance(timedelta(hours=1))
    get_as("otto", f"/cases/{shut}")
    assert rows("case.read")[2:] == [("case.read", otto, f"case:{shut}")]


@pytest.mark.parametrize(
    ("page", "path"), [("/desk", "/desk"), ("/desk", "/desk/rows"), ("/inbox", "/inbox")]
)
def test_a_list_that_shows_the_title_of_something_closed_is_one_reading_of_the_list(
    shut: str, cast: Cast, otto: str, get_as: Get, page: str, path: str
) -> None:
    for _time in range(2):
        assert get_as("otto", path).status_code == 200
    assert rows("list.read") == [("list.read", otto, f"page:{page}")]
    assert rows("case.read") == [], "the poster reads who opened his case, not in whose queue it stood"
    clock.advance(timedelta(hours=1))
    get_as("otto", path)
    assert len(rows("list.read")) == 2


def test_a_list_of_what_is_public_is_no_reading(cast: Cast, reported: object, get_as: Get) -> None:
    for path in ("/desk", "/inbox"):
        get_as("otto", path)
    assert rows("list.read") == []


def test_what_is_refused_what_is_public_and_what_the_poster_reads_is_no_reading(
    shut: str, get_as: Get, reported: Callable[[], Any]
) -> None:
    public = reported().number
    db.session.rollback()
    assert get_as("hugo", f"/cases/{shut}").status_code == 404
    assert get_as("adam", f"/cases/{shut}").status_code == 404
    assert get_as("rita", f"/cases/{shut}").status_code == 200
    assert get_as("otto", f"/cases/{public}").status_code == 200
    assert get_as(None, f"/cases/{public}").status_code == 200
    assert rows() == []


@pytest.mark.parametrize("path", ["/cases/{}", "/desk/case/{}", "/desk?case={}", "/cases/{}/verification"])
def test_a_page_whose_reading_cannot_be_noted_is_not_shown(
    shut: str, get_as: Get, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def full(*_args: Any, **_more: Any) -> None:
        raise OSError("no space left on device")

    assert get_as("otto", "/").status_code == 200  # signing in is noted, too
    assert get_as("lena", path.format(shut)).status_code == 200
    monkeypatch.setattr(audit, "hold", full)
    answer = get_as("otto", path.format(shut))
    assert answer.status_code == 503
    assert "家里的事" not in answer.text
    assert answer.headers["Retry-After"] == "5"
    assert "Content-Security-Policy" in answer.headers
    assert get_as("lena", path.format(shut)).status_code == 200  # hers stands in the log already


def test_every_step_of_staff_is_noted_and_no_step_of_a_citizen(
    cast: Cast, otto: str, post_as: Callable[..., TestResponse], reported: Callable[[], Any]
) -> None:
    number = reported().number
    db.session.rollback()
    assert rows() == []
    assert (
        post_as("otto", f"/cases/{number}/acceptance", text="民警已到现场，信号灯正在抢修。").status_code
        == 303
    )
    assert ("case.accepted", otto, f"case:{number}") in rows()
    assert {each[1] for each in rows()} == {otto}
    before = rows()
    assert post_as("rita", f"/t/{reported().thread.public_id}/replies", body="谢谢。").status_code == 303
    assert rows() == before


def test_an_uncovered_text_and_an_opened_telephone_are_noted(
    cast: Cast, otto: str, post_as: Callable[..., TestResponse]
) -> None:
    from people import vault

    with transaction():
        vault.put(cast.rita.owner, "phone", "19900000777", findable=True)
        case = posted(cast.rita, body="我的手机 13912345678，请@交警支队看一下。").case
        assert case is not None
        number, body = case.number, case.thread.body.public_id
    why = "回电核实地点，他的号码是 13912345678"
    assert post_as("otto", f"/cases/{number}/originals/{body}", reason=why).status_code == 200
    assert post_as("otto", f"/cases/{number}/contact", reason=why).status_code == 200
    assert rows() == [
        ("text.uncovered", otto, f"text:{body}"),
        ("identity.opened", otto, f"case:{number}"),
    ]
    tables = ("audit_entry", "audit_reason")
    kept = "".join(str(db.session.execute(text(f"select * from {table}")).all()) for table in tables)
    assert "回电核实地点" in kept
    assert "13912345678" not in kept
    assert "19900000777" not in kept


def test_a_form_that_no_verb_notes_is_noted_by_its_address(
    cast: Cast, post_as: Callable[..., TestResponse]
) -> None:
    lena = cast.lena.public_id
    form = {"department": "traffic-police", "title": "感谢", "words": "感谢您的来信。"}
    assert post_as("lena", "/desk/phrases", **form).status_code == 303
    assert rows() == [("form.phrases.create", lena, "page:/desk/phrases")]
    assert post_as("lena", "/prefs", theme="dark").status_code == 303
    assert len(rows()) == 1


def test_a_refused_form_changes_nothing_and_notes_nothing(
    shut: str, post_as: Callable[..., TestResponse]
) -> None:
    assert post_as("hugo", f"/cases/{shut}/acceptance", text="民警已到现场。").status_code == 404
    assert rows() == []


def test_what_is_own_names_addresses_that_there_are(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    for beginning in (*noting.OWN, "/admin/", "/moderation"):
        assert any(rule.startswith(beginning) for rule in rules), beginning


def test_signing_in_and_out_is_noted_for_staff_alone(
    cast: Cast, otto: str, get_as: Get, post_as: Callable[..., TestResponse]
) -> None:
    for who in ("rita", "otto"):
        get_as(who, "/")
        post_as(who, "/sign-out")
    db.session.rollback()
    found = db.session.execute(select(AuditEntry.act, AuditEntry.actor).order_by(AuditEntry.number)).all()
    assert [tuple(each) for each in found] == [("person.signed_in", otto), ("person.signed_out", otto)]


def test_pages_of_administrators_and_moderators_are_noted(cast: Cast, get_as: Get) -> None:
    for who, path in (("adam", "/admin/doctor"), ("mona", "/moderation"), ("otto", "/admin/doctor")):
        get_as(who, path)
    assert [each[1:] for each in rows("page.read")] == [
        (cast.adam.public_id, "page:/admin/doctor"),
        (cast.mona.public_id, "page:/moderation"),
    ]


def test_what_is_done_at_the_console_is_noted_once_a_command(app: Flask, cast: Cast) -> None:
    @app.cli.command("tidy")
    def tidy() -> None:
        for nickname in ("春天的银杏", "夏天的银杏"):
            with transaction():
                cast.vera.nickname = nickname

    @app.cli.command("look")
    def look() -> None:
        click.echo(cast.vera.nickname)

    runner = app.test_cli_runner()
    for words in (["tidy"], ["look"], ["people", "sign-out", "021456"]):
        assert runner.invoke(args=words).exit_code == 0
    person = cast.otto.public_id
    assert rows() == [
        ("console.command", None, "command:tidy"),
        ("person.signed_out_everywhere", None, f"person:{person}"),
    ]


# --- roots ------------------------------------------------------------------------------------------------


def days(count: int, acts: int = 1) -> None:
    """Let so many days pass, each with some acts, and the worker publish what is due."""
    for _ in range(count):
        for _act in range(acts):
            with transaction():
                audit.note("case.noted", by="k3f9", thing="case:1")
        with transaction():
            roots.promise()
        clock.advance(timedelta(days=1))
        jobs.run_due(kinds=("audit-root",))


def test_each_day_has_one_root_that_later_acts_do_not_change(app: Flask, get_as: Get) -> None:
    days(2)
    # a machine whose clock goes a day behind
    with clock.freeze(clock.now() - timedelta(days=1)), transaction():
        audit.note("case.noted", by="k3f9", thing="case:1")
    first = json.loads(get_as(None, "/transparency/roots.json").data)["roots"]
    assert [len(root) for root in first.values()] == [64, 64]
    assert len(set(first.values())) == 2
    days(1, acts=0)
    second = json.loads(get_as(None, "/transparency/roots.json").data)["roots"]
    assert {day: second[day] for day in first} == first
    assert len(set(second.values())) == 3  # a day on which nobody did anything does not show
    page = get_as(None, "/transparency")
    assert all(root in page.text for root in second.values())


def test_whoever_writes_the_whole_log_anew_is_found_by_roots_that_somebody_kept(
    app: Flask, get_as: Get, tmp_path: Any
) -> None:
    days(2)
    kept = tmp_path / "roots.json"
    kept.write_bytes(get_as(None, "/transparency/roots.json").data)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["audit", "verify", "--roots", str(kept)]).exit_code == 0
    db.session.remove()
    with db.engine.begin() as connection:
        for (name,) in connection.execute(
            text("select name from sqlite_master where type = 'trigger'")
        ).all():
            connection.execute(text(f"drop trigger {name}"))
        connection.execute(text("delete from audit_root"))
        last = GENESIS
        for row in list(audit._rows(100)):
            row = {**row, "previous_hash": last, **({"act": "case.resolved"} if row["number"] == 1 else {})}
            last = digest(audit._fields(row))
            connection.execute(
                text(
                    "update audit_entry set act = :act, previous_hash = :previous, hash = :hash where number = :number"
                ),
                {"act": row["act"], "previous": row["previous_hash"], "hash": last, "number": row["number"]},
            )
        connection.execute(text("update audit_head set hash = :hash"), {"hash": last})
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0
    found = runner.invoke(args=["audit", "verify", "--roots", str(kept)])
    assert found.exit_code == 1
    assert " 1 " in found.output
    with db.engine.begin() as connection:  # leave a log that holds
        connection.execute(text("delete from audit_entry"))
        connection.execute(text("delete from audit_head"))


def test_figures_are_of_whole_months_and_never_small(app: Flask, get_as: Get) -> None:
    days(3, acts=4)
    with transaction():
        for _ in range(9):
            audit.note("text.uncovered", by="k3f9", thing="case:1")
    noted, _cut, _removed = get_as(None, "/transparency").text.partition("删除了多少")
    assert "满一个月后出现第一批数字" in noted
    clock.advance(timedelta(days=20))
    days(1, acts=0)
    month = roots.months()[0]
    assert month.totals["steps"] == 12
    assert month.totals["uncoverings"] is None
    page, _cut, _removed = get_as(None, "/transparency").text.partition("删除了多少")
    assert "满一个月后出现第一批数字" not in page
    cells = [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", page, re.S)]
    assert "12" in cells
    assert "不足 10" in page


def test_what_was_noted_of_a_thing_is_read_at_the_console_and_that_is_noted(
    app: Flask, cast: Cast, otto: str
) -> None:
    with transaction():
        audit.note("identity.opened", by=otto, thing="case:20261117-0001", reason="报案人失联")
    runner = app.test_cli_runner()
    shown = runner.invoke(args=["audit", "show", "--thing", "case:20261117-0001"])
    assert "identity.opened" in shown.output
    assert "报案人失联" in shown.output
    assert rows("audit.shown") == [("audit.shown", None, "case:20261117-0001")]
    assert runner.invoke(args=["audit", "erase-reason", "1"]).exit_code == 0
    assert "报案人失联" not in runner.invoke(args=["audit", "show", "--thing", "case:20261117-0001"]).output
    assert runner.invoke(args=["audit", "erase-reason", "1"]).exit_code != 0


def test_the_command_names_the_row_that_was_altered(app: Flask) -> None:
    days(1, acts=3)
    runner = app.test_cli_runner()
    db.session.remove()
    with db.engine.begin() as connection:
        connection.execute(text("drop trigger audit_entry_no_update"))
        connection.execute(text("update audit_entry set actor = 'q' where number = 2"))
    found = runner.invoke(args=["audit", "verify"])
    assert found.exit_code == 1
    assert "第 2 行和写下时不一样" in found.output
    with db.engine.begin() as connection:
        connection.execute(text("update audit_entry set actor = 'k3f9' where number = 2"))
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0
