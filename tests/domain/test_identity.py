"""Who posted is known to whom the poster chose: nothing in the database says it, every look has a reason and is told."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from flask import Flask
from flask_migrate import downgrade, upgrade
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import event, select, text

from board import clock, create_app
from board.audit import AuditEntry, AuditReason
from board.clock import advance
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, NotFound, WrongState
from board.permissions import may
from boards.cityfile import read
from boards.cityload import load, play
from boards.models import Case, IdentityOpening, Receipt, Section, Text, Thread
from boards.models import receipt as receipts
from boards.models.identity import LEVELS, levels_for, open_identity
from boards.models.posting import Draft, post
from boards.models.receipt import Fresh, digits_of, in_fours
from people import vault
from people.members import join, rename
from people.models import Person
from tests import conftest
from tests.builders import Cast, case_of, posted
from tests.domain.conftest import at_once

YUNCHUAN = Path(__file__).resolve().parents[2] / "city" / "yunchuan.toml"
CHEAP = {"BOARD_RECEIPT_COST": "1x8"}


def offer(*levels: str, key: str = "traffic") -> None:
    with transaction():
        Section.by_key(key).identities = list(levels)


@pytest.fixture
def sealed(cast: Cast) -> str:
    """The public id of a sealed thread of Rita's, who can be called."""
    offer("hidden", "open", "sealed")
    with transaction():
        vault.put(cast.rita.owner, "phone", "19900001234", findable=True)
        return posted(cast.rita, identity="sealed").public_id


# --- at rest ----------------------------------------------------------------------------------------------


def dump_of(folder: Path) -> str:
    db.session.rollback()
    with sqlite3.connect(folder / "board.db") as connection:
        return "\n".join(connection.iterdump())


@pytest.mark.slow
def test_the_database_of_the_demo_city_holds_no_telephone_and_no_nickname(tmp_path: Path) -> None:
    city = read(YUNCHUAN)
    app = create_app(conftest.settings(tmp_path, **CHEAP))
    with clock.freeze(conftest.MOMENT), app.app_context():
        db.create_all()
        done, acts = load(city)
        list(play(acts, done))
        offer("hidden", "open", "sealed")
        offer("hidden", "receipt", key="tips")
        with transaction():
            Section.by_key("tips").closed_text = ""
            newcomer = join("19900000977", "芦苇荡的风")
            for identity in ("hidden", "sealed"):
                posted(newcomer, identity=identity, place="学府路口")
            fresh = Fresh.draw()
            tip = Draft(title="有人夜里倒废油", body="每天两点以后，在桥下。", identity="receipt")
            Receipt.hang(fresh, post(Section.by_key("tips"), tip, by=None))
        dump = dump_of(tmp_path)
        nicknames = [person.nickname for person in db.session.scalars(select(Person)) if person.nickname]
        db.engine.dispose()

    names = [name for each in city.person if not each.badge for name in (each.name, each.name_en)]
    phones = {each.phone for each in city.person} | set(city.citizens.values())
    digits = {re.sub(r"\D", "", phone) for phone in phones} | {"19900000977"}
    assert 'INSERT INTO "thread"' in dump
    assert len(nicknames) > 10
    assert len(digits) > 10
    assert [each for each in (*names, *nicknames, *digits, *phones, fresh.number) if each in dump] == []


def test_a_nickname_is_one_members_however_it_is_typed_and_survives_new_keys(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction():
        rename(cast.rita, "白杨 街坊")
    with pytest.raises(Invalid), transaction():
        rename(cast.vera, "白杨街坊")
    with transaction():
        rename(cast.rita, "白杨街坊")  # her own, written otherwise
    kept = app.config["SETTINGS"]
    newer = (Fernet.generate_key().decode(), *kept.vault_keys)
    old = cast.rita.nickname_sealed
    object.__setattr__(kept, "vault_keys", newer)
    stale = vault.stale()
    assert stale >= 2
    first = next(vault.rotate(batch=1))  # killed after one
    assert vault.stale() == stale - first
    assert sum(vault.rotate(batch=1)) == stale - first
    assert vault.stale() == 0
    object.__setattr__(kept, "vault_keys", newer[:1])  # the old key is gone
    db.session.expire_all()
    assert cast.rita.nickname == "白杨街坊"
    assert cast.rita.nickname_sealed != old
    assert db.session.scalar(select(Person.id).where(Person.nicknamed("白杨 街坊"))) == cast.rita.id
    object.__setattr__(kept, "vault_keys", (Fernet.generate_key().decode(),))
    with pytest.raises(vault.VaultError):
        cast.rita.nickname  # noqa: B018
    assert cast.rita.display_name == "市民", "a page is still drawn"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.slow])])
def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """A board as its migrations make it."""
    env = {}
    if request.param == "postgres":
        env["BOARD_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    application = create_app(conftest.settings(tmp_path, **env))
    with application.app_context():
        upgrade()
        yield application
        db.session.remove()
        db.engine.dispose()


def test_old_nicknames_are_sealed_once_all_of_them_or_none_and_come_back(
    migrated: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {f"p{n:03d}": f"春晖小区{n}号楼" for n in range(1500)}

    def rows(what: str) -> list[tuple[str, str]]:
        db.session.remove()
        with db.engine.connect() as connection:
            query = f"select public_id, {what} from person where {what} is not null order by id"
            return [(row[0], row[1]) for row in connection.execute(text(query))]

    with transaction() as session:
        session.add_all(Person(kind="member", public_id=key, nickname=name) for key, name in names.items())
        session.add(Person(kind="staff", public_id="staff", badge="021999"))
    downgrade(revision="0009")
    assert dict(rows("nickname")) == names
    assert dict(rows("nickname_key")) == names

    module = __import__(
        "importlib"
    ).import_module  # the migration is loaded anew by each run: kill what it calls
    calls = []
    real = module("cryptography.fernet").MultiFernet.encrypt

    def dies(self: object, value: bytes) -> bytes:
        calls.append(value)
        if len(calls) == 30:
            raise KeyboardInterrupt
        return bytes(real(self, value))

    with monkeypatch.context() as patched:
        patched.setattr("cryptography.fernet.MultiFernet.encrypt", dies)
        with pytest.raises(KeyboardInterrupt):
            upgrade()
    assert len(calls) == 30
    assert dict(rows("nickname")) == names, "all or none"

    upgrade()
    people = {person.public_id: person.nickname for person in db.session.scalars(select(Person))}
    assert people == {**names, "staff": None}
    assert db.session.scalar(select(Person.public_id).where(Person.nicknamed("春晖小区7号楼"))) == "p007"
    db.session.remove()
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        assert "春晖小区".encode() not in (tmp_path / "board.db").read_bytes(), "not in a free page either"


# --- levels -------------------------------------------------------------------------------------------------


@given(start=st.sampled_from(LEVELS), offered=st.sets(st.sampled_from(LEVELS)))
def test_one_can_always_be_known_to_fewer_and_never_to_more_than_the_section_offers(
    start: str, offered: set[str]
) -> None:
    thread = Thread(identity=start, poster=Person(kind="member"), section=Section(identities=sorted(offered)))
    found = levels_for(thread)
    assert found == [level for level in LEVELS if level in found]
    assert "receipt" not in found
    if start == "receipt":
        assert found == []
    else:
        assert {"hidden", start} <= set(found) <= {*offered, "hidden", start}


def test_only_the_poster_changes_it_and_the_chain_does_not_say_from_what_to_what(
    cast: Cast, sealed: str
) -> None:
    for who in ("vera", "otto", "lena", "ines", "mona", "adam"):
        with pytest.raises(NotAllowed), transaction():
            case_of(sealed).thread.change_identity(by=getattr(cast, who), level="open")
    for level, refused in (("sealed", WrongState), ("receipt", Invalid), ("nobody", Invalid)):
        with pytest.raises(refused), transaction():
            case_of(sealed).thread.change_identity(by=cast.rita, level=level)
    with transaction():
        thread = case_of(sealed).thread
        before = thread.version
        event = thread.change_identity(by=cast.rita, level="open")
    assert (thread.identity, thread.version) == ("open", before + 1)
    assert not {"open", "sealed"} & set(str(event.public_fields()).replace("'", " ").split())


# --- opening ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "allowed"),
    [("open", "otto otis lena"), ("hidden", "otto otis lena"), ("sealed", "ines ida")],
)
def test_who_may_look_up_a_poster(cast: Cast, sealed: str, identity: str, allowed: str) -> None:
    if identity != "sealed":
        with transaction():
            case_of(sealed).thread.change_identity(by=cast.rita, level=identity)
    case = case_of(sealed)
    assert {who for who in cast.names() if may(getattr(cast, who), "poster.contact", case)} == set(
        allowed.split()
    )
    with transaction():
        case_of(sealed).withdraw(by=cast.rita, pressed="no")
    case = case_of(sealed)
    assert [who for who in cast.names() if may(getattr(cast, who), "poster.contact", case)] == []


def test_a_look_wants_a_reason_and_leaves_it_masked_in_the_log_and_for_the_poster(
    cast: Cast, sealed: str
) -> None:
    for reason in ("", "  \u200b ", "长" * 301):
        with pytest.raises(Invalid), transaction():
            open_identity(case_of(sealed), by=cast.ines, reason=reason)
    assert db.session.scalar(select(IdentityOpening.id)) is None
    with transaction():
        seen = open_identity(case_of(sealed), by=cast.ines, reason="核实手机 13912345678 是否本人")
    assert (seen.nickname, seen.phone) == ("青松路居民", "19900001234")
    (row,) = IdentityOpening.of(case_of(sealed))
    assert (row.by, row.role, row.department.key if row.department else "") == (
        cast.ines, "inspector", "inspectorate",
    )  # fmt: skip
    assert "13912345678" not in row.reason
    assert row.reason.startswith("核实手机")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "identity.opened")).one()
    assert (entry.actor, entry.thing) == (cast.ines.public_id, f"case:{case_of(sealed).number}")
    reason = db.session.scalars(select(AuditReason.words).where(AuditReason.number == entry.number)).one()
    assert reason == row.reason
    assert not any(each in str(entry.details) for each in ("青松路居民", "19900001234"))
    event = case_of(sealed).thread.events[-1]
    assert (event.kind, event.visibility, event.internal_text_id) == ("identity.opened", "internal", None)


def test_every_opening_is_read_with_who_it_was_and_from_which_office_in_one_statement(
    cast: Cast, sealed: str
) -> None:
    for who in ("ines", "ida", "ines"):
        with transaction():
            open_identity(case_of(sealed), by=getattr(cast, who), reason="核实是否本人")
    case = case_of(sealed)
    wanted = case.id
    db.session.rollback()
    db.session.expunge_all()
    case = db.session.get_one(Case, wanted)
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        units = [
            each.department.key if each.department else each.by.badge for each in IdentityOpening.of(case)
        ]
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert units == ["inspectorate"] * 3
    assert len(asked) == 1


@pytest.mark.engines("sqlite", "postgres")
def test_two_who_look_at_once_are_two_and_a_poster_who_seals_meanwhile_is_not_looked_up(
    app: Flask, cast: Cast
) -> None:
    offer("hidden", "open", "sealed")
    with transaction():
        thread_id = posted(cast.rita).public_id

    def look(who: str):
        def act() -> str:
            with transaction():
                found = Case.numbered(number, reader=getattr(cast, who), for_change=True)
                return open_identity(found, by=getattr(cast, who), reason="回电核实").nickname

        return act

    def seal() -> str:
        with transaction():
            thread = Thread.by_public_id(thread_id, reader=cast.rita, for_change=True)
            thread.change_identity(by=cast.rita, level="sealed")
        return "sealed"

    number = case_of(thread_id).number
    db.session.rollback()
    assert at_once(app, look("otto"), look("lena")) == ["青松路居民"] * 2
    first, second = at_once(app, look("otto"), seal)
    assert second == "sealed"
    count = len(IdentityOpening.of(case_of(thread_id)))
    assert count == (3 if first == "青松路居民" else 2)
    assert first == "青松路居民" or isinstance(first, NotAllowed)
    with pytest.raises(NotAllowed):
        look("otto")()


# --- receipts ----------------------------------------------------------------------------------------------


FILLING = st.text(" -　.·—_\t", max_size=3)


@given(
    number=st.integers(0, 10**16 - 1).map("{:016d}".format),
    wide=st.lists(st.booleans(), min_size=16, max_size=16),
    between=st.lists(FILLING, min_size=17, max_size=17),
)
@example(number="0000000000000001", wide=[True] * 16, between=[""] * 17)
def test_digits_are_found_however_they_were_typed_or_pasted(
    number: str, wide: list[bool], between: list[str]
) -> None:
    typed = between[-1] + "".join(
        gap + (chr(ord("０") + int(digit)) if full else digit)
        for digit, full, gap in zip(number, wide, between, strict=False)
    )
    assert digits_of(typed) == number
    assert digits_of(in_fours(number)) == number


@pytest.fixture
def tip(app: Flask, cast: Cast) -> str:
    """The digits of a receipt for a complaint."""
    app.config["SETTINGS"].__dict__["receipt_cost"] = (1, 8)
    with transaction():
        section = Section.by_key("complaints")
        section.identities, section.closed_text = ["sealed", "receipt"], ""
    fresh = Fresh.draw()
    with transaction():
        draft = Draft(title="接警后没有人来", body="昨晚十点，在桥下。", identity="receipt")
        Receipt.hang(fresh, post(Section.by_key("complaints"), draft, by=cast.vera))
    return fresh.number


def test_a_receipt_opens_its_dialogue_and_leads_to_nobody(
    cast: Cast, tip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = Receipt.numbered(tip)
    assert receipt is not None
    thread = receipt.thread
    assert (thread.poster_id, thread.body.author_id, thread.events[0].actor_id) == (None, None, None)
    assert thread.events[0].actor_role == "poster"
    with transaction():
        Receipt.entered(receipt.entry(), for_change=True).say("补充：车是白色的。")
    said = thread.events[-1]
    assert (said.kind, said.actor_id, said.actor_role) == ("reply.posted", None, "poster")
    dump = dump_of(tmp_path)
    assert tip not in dump
    assert cast.vera.public_id not in "".join(
        line
        for line in dump.split("\n")
        if re.search(r'INSERT INTO "(thread|text|case|case_event|receipt|once|watch)"', line)
    ), "whoever was signed in is not noted"
    with pytest.raises(NotFound):
        Receipt.entered(f"{receipt.public_id}.9999999999.{'0' * 32}")
    entry = receipt.entry()
    advance(receipts.PASS)
    with pytest.raises(NotFound):
        Receipt.entered(entry)


def test_wrong_over_and_never_issued_cost_one_verification_each_and_give_the_same(
    app: Flask, tip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[bool] = []
    real = PasswordHasher.verify

    def counted(self: object, kept: str, given: str) -> bool:
        done.append(True)
        return bool(real(self, kept, given))  # type: ignore[arg-type]

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    off = f"{(int(tip) + 1) % 10**16:016d}"
    assert Receipt.numbered(tip) is not None
    assert len(done) == 1
    assert Receipt.numbered(off) is None
    assert len(done) == 2
    with transaction() as session:  # found by its keyed hash, but its digits are others
        session.scalars(select(Receipt)).one().lookup = vault.keyed_hash("receipt", off)
    assert Receipt.numbered(off) is None
    with transaction() as session:
        session.scalars(select(Receipt)).one().lookup = vault.keyed_hash("receipt", tip)
        case = session.scalars(select(Case)).one()
        case.status, case.closed_at = "closed", clock.now()
    advance(receipts.KEPT - receipts.PASS)
    assert Receipt.numbered(tip) is not None
    assert receipts.sweep() == 0
    advance(receipts.PASS)
    assert Receipt.numbered(tip) is None
    assert len(done) == 5, "one verification, whatever the number was"
    assert receipts.sweep() == 1
    assert Receipt.numbered(tip) is None
    assert len(done) == 6


def test_the_same_form_is_shown_the_same_digits_for_ten_minutes_and_the_row_does_not_hold_them(
    app: Flask, tmp_path: Path
) -> None:
    token = "a-form-of-somebody-1234"
    with transaction():
        receipts.keep_for_form(token, "1234567890123456")
    assert receipts.given_to_form(token) == "1234567890123456"
    assert receipts.given_to_form(token + "5") is None
    dump = dump_of(tmp_path)
    assert token not in dump
    assert "1234567890123456" not in dump
    advance(receipts.AGAIN * 2)
    assert receipts.given_to_form(token) == ""


def test_a_question_is_answered_by_a_receipt_and_a_closed_case_takes_no_more(cast: Cast, tip: str) -> None:
    receipt = Receipt.numbered(tip)
    assert receipt is not None
    case = receipt.thread.case
    assert case is not None
    entry, thread_id = receipt.entry(), receipt.thread.public_id
    with transaction():
        found = case_of(thread_id)
        found.status = "waiting_poster"
    with transaction():
        event = Receipt.entered(entry, for_change=True).say("是白色的面包车。")
    assert (event.kind, event.actor_role, case_of(thread_id).status) == (
        "case.supplemented", "poster", "accepted",
    )  # fmt: skip
    with pytest.raises(Invalid), transaction():
        Receipt.entered(entry, for_change=True).say("   ")
    with transaction():
        found = case_of(thread_id)
        found.status, found.closed_at = "closed", clock.now()
    words = db.session.scalar(select(db.func.count(Text.id)))
    with pytest.raises(WrongState), transaction():
        Receipt.entered(entry, for_change=True).say("还有一点。")
    assert db.session.scalar(select(db.func.count(Text.id))) == words
