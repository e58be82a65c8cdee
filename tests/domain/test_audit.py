"""The audit log: one chain, only added to; whatever one row of it suffers is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from board import audit, clock
from board.audit import AuditEntry, AuditHead, AuditReason
from board.commitments import digest
from board.db import db, is_sqlite, transaction
from board.i18n import speaking
from tests.builders import Cast
from tests.domain.conftest import at_once

both = pytest.mark.engines("sqlite", "postgres")
COLUMNS = [each.name for each in AuditEntry.__table__.columns]


def act(count: int = 1, **more: Any) -> None:
    with transaction():
        for _ in range(count):
            audit.note("text.uncovered", by="k3f9", thing="text:abc", **{"case": "1", **more})


def undone() -> None:
    with transaction():
        audit.note("text.uncovered", by=None, thing="text:abc")
        _ = 1 / 0


def broken() -> audit.Broken | None:
    db.session.rollback()
    db.session.expire_all()
    try:
        return audit.verify()
    finally:
        db.session.rollback()


@contextmanager
def by_the_owner() -> Iterator[Any]:
    """What whoever owns the database can do: the triggers are out of his way."""
    with db.engine.connect() as connection, connection.begin():
        if is_sqlite():
            names = connection.scalars(text("select name from sqlite_master where type = 'trigger'")).all()
            for name in names:
                connection.execute(text(f"drop trigger {name}"))
        else:
            connection.execute(text("alter table audit_entry disable trigger user"))
            connection.execute(text("alter table audit_reason disable trigger user"))
        yield connection


@both
def test_what_was_noted_is_written_with_the_commit_and_not_without_it(app: Flask, cast: Cast) -> None:
    act(2, seen=None, times=3)
    with pytest.raises(ZeroDivisionError):
        undone()
    with transaction():
        audit.note("person.appointed", by="k3f9", thing="person:abc", reason="请打 13912345678，已核实。 ")
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
    assert [(each.number, each.act, each.actor, each.thing) for each in rows] == [
        (1, "text.uncovered", "k3f9", "text:abc"),
        (2, "text.uncovered", "k3f9", "text:abc"),
        (3, "person.appointed", "k3f9", "person:abc"),
    ]
    assert rows[0].details == {"case": "1", "seen": None, "times": 3}
    assert db.session.scalars(select(AuditReason.words)).all() == ["请打 139****5678，已核实。"]
    assert "5678" not in str(rows[2].__dict__)
    assert broken() is None


def test_a_transaction_that_notes_nothing_asks_the_log_nothing(app: Flask) -> None:
    with transaction():
        pass
    assert db.session.get(AuditHead, 1) is None
    with pytest.raises(RuntimeError):
        audit.note("text.uncovered", by=None, thing="text:abc")
    with pytest.raises(ValueError), transaction():
        audit.note("text.uncovered", by=None, thing="the words of somebody")


@both
@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entry set act = 'x'",
        "delete from audit_entry",
        "update audit_reason set words = 'x'",
        "update audit_root set hash = 'x'",
        "delete from audit_root",
    ],
)
def test_the_database_refuses_to_change_or_take_away_what_is_written(app: Flask, statement: str) -> None:
    act(reason="已核实")
    with transaction() as session:
        last = session.get_one(AuditHead, 1).hash
        session.add(audit.AuditRoot(day=clock.today(), number=1, hash=last, at=clock.now()))
    with pytest.raises(DBAPIError, match="only added to"), transaction() as session:
        session.execute(text(statement))
    assert broken() is None


@both
def test_an_erased_reason_leaves_the_chain_and_one_that_is_merely_gone_does_not(app: Flask) -> None:
    act(reason="甲")
    act(reason="乙")
    with transaction():
        audit.erase_reason(1, by="k3f9")
    assert broken() is None
    with transaction() as session:
        session.execute(text("delete from audit_reason where number = 2"))
    found = broken()
    assert found is not None
    with speaking("en"):
        assert (found.number, str(found.why)) == (2, "its reason is gone and nobody noted erasing it")


@both
def test_the_time_never_goes_back_however_the_clocks_of_the_machines_stand(app: Flask) -> None:
    act()
    with clock.freeze(clock.now() - timedelta(minutes=3)):
        act()
    first, second = db.session.scalars(select(AuditEntry.at).order_by(AuditEntry.number))
    assert first == second
    assert broken() is None


ROWS = 6
OTHER: dict[str, Callable[[Any], Any]] = {
    "number": lambda value: value + 100,
    "at": lambda value: value + timedelta(microseconds=1),
    "act": lambda value: value + "x",
    "actor": lambda value: None if value else "q",
    "thing": lambda value: value + "x",
    "details": lambda value: {**value, "case": "2"},
    "format": lambda value: value + 1,
}


def rehashed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "hash": digest(audit._fields(row))}


@given(
    kind=st.sampled_from(["alter", "alter and hash", "remove", "swap", "swap and hash", "reason"]),
    column=st.sampled_from(COLUMNS),
    at=st.integers(1, ROWS),
    other=st.integers(1, ROWS),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_single_row_suffers_is_named(
    app: Flask, chain: list[dict[str, Any]], kind: str, column: str, at: int, other: int
) -> None:
    rows = {each["number"]: dict(each) for each in chain}
    named = at
    if kind == "remove":
        del rows[at]
    elif kind == "reason":
        rows[at]["words"] = "另一个理由"
    elif kind.startswith("swap"):
        if at == other:
            return
        rows[at], rows[other] = {**rows[other], "number": at}, {**rows[at], "number": other}
        named = min(at, other)
        if kind == "swap and hash":
            rows[at], rows[other] = rehashed(rows[at]), rehashed(rows[other])
    else:
        change = OTHER.get(column, lambda value: "f" * len(value or "0" * 64))
        if column == "hash" and kind == "alter and hash":
            return
        row = {**rows.pop(at), column: change(rows.get(at, chain[at - 1])[column])}
        row = rehashed(row) if kind == "alter and hash" else row
        rows[row["number"]] = row
    assert found_in(rows) == named


@pytest.fixture
def chain(app: Flask) -> list[dict[str, Any]]:
    for number in range(ROWS):
        act(reason="已核实", number=number)
    found = [dict(each) for each in audit._rows(ROWS)]
    db.session.rollback()
    return found


def found_in(rows: dict[int, dict[str, Any]]) -> int | None:
    """What a verification says of a log that consists of these rows."""
    with by_the_owner() as connection:
        connection.execute(text("delete from audit_reason"))
        connection.execute(text("delete from audit_entry"))
        for number in sorted(rows):
            row = rows[number]
            connection.execute(insert(AuditEntry).values({name: row[name] for name in COLUMNS}))
            if row["words"] is not None:
                reason = {name: row[name] for name in ("number", "salt", "words")}
                connection.execute(insert(AuditReason).values(reason))
    found = broken()
    return found.number if found else None


def test_the_untouched_rows_hold(app: Flask, chain: list[dict[str, Any]]) -> None:
    assert found_in({each["number"]: each for each in chain}) is None


def test_many_at_once_write_one_chain(city: tuple[Flask, Cast]) -> None:
    application, _cast = city

    def some() -> str:
        for _ in range(5):
            act(2)
        return "done"

    assert at_once(application, *[some] * 4) == ["done"] * 4
    numbers = db.session.scalars(select(AuditEntry.number).order_by(AuditEntry.number)).all()
    assert list(numbers) == list(range(1, 41))
    assert broken() is None
