"""The vault gives back what was put in, to nobody without the keys, and outlives a change of keys."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from board.db import db, transaction
from people import vault
from people.models import VaultItem
from tests.people_world import make_app

RITA, VERA = "person:rita", "person:vera"


@pytest.fixture
def app(tmp_path):
    app = make_app(tmp_path)
    with app.app_context():
        yield app


def put(owner, field, value, **options):
    with transaction():
        vault.put(owner, field, value, **options)


def test_what_is_put_in_comes_out_and_the_file_does_not_hold_it(app, tmp_path):
    put(RITA, "phone", "19900000001", findable=True)
    put("text:abc", "original", "住在春晖小区三号楼的王丽")
    assert vault.get(RITA, "phone") == "19900000001"
    assert vault.get("text:abc", "original") == "住在春晖小区三号楼的王丽"
    db.session.rollback()
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("board.db*"))
    assert b"vault_item" in raw
    assert b"19900000001" not in raw
    assert "春晖小区".encode() not in raw


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.text(max_size=300).filter(lambda text: not any("\ud800" <= each <= "\udfff" for each in text))
)
def test_any_text_survives(app, value):
    put(RITA, "anything", value)
    assert vault.get(RITA, "anything") == value


def test_putting_again_replaces_and_there_is_one_item_a_field(app):
    put(RITA, "phone", "19900000001", findable=True)
    put(RITA, "phone", "19900000009", findable=True)
    assert vault.get(RITA, "phone") == "19900000009"
    assert vault.lookup("phone", "19900000009") == RITA
    assert vault.lookup("phone", "19900000001") is None
    assert len(db.session.scalars(select(VaultItem)).all()) == 1


def test_only_what_is_findable_is_found(app):
    put(RITA, "address", "青松路 1 号")
    assert vault.lookup("address", "青松路 1 号") is None


def test_two_persons_cannot_have_one_phone(app):
    put(RITA, "phone", "19900000001", findable=True)
    with pytest.raises(IntegrityError):
        put(VERA, "phone", "19900000001", findable=True)
    assert vault.lookup("phone", "19900000001") == RITA
    assert vault.get(VERA, "phone") is None


def test_equal_values_look_different_under_another_field_and_as_ciphers(app):
    assert vault.keyed_hash("phone", "19900000001") != vault.keyed_hash("badge", "19900000001")
    assert vault.keyed_hash("a", "b\0c") != vault.keyed_hash("a\0b", "x")
    put(RITA, "note", "same")
    put(VERA, "note", "same")
    first, second = db.session.scalars(select(VaultItem.cipher)).all()
    assert first != second


def test_erasing_one_field_leaves_the_others_and_erasing_all_leaves_none(app):
    put(RITA, "phone", "19900000001")
    put(RITA, "name", "王丽")
    put(VERA, "name", "陈薇")
    with transaction():
        assert vault.erase(RITA, "phone") == 1
    assert (vault.get(RITA, "phone"), vault.get(RITA, "name")) == (None, "王丽")
    with transaction():
        assert vault.erase(RITA) == 1
    assert vault.get(RITA, "name") is None
    assert vault.get(VERA, "name") == "陈薇"


def test_nothing_is_put_in_outside_a_transaction(app):
    vault.put(RITA, "phone", "19900000001")
    with pytest.raises(RuntimeError):
        db.session.flush()
    db.session.rollback()


def with_keys(folder, *keys):
    return make_app(folder, BOARD_VAULT_KEYS=",".join(keys))


def test_rotation_moves_everything_to_the_newest_key_and_the_old_one_may_go(tmp_path):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with with_keys(tmp_path, old).app_context(), transaction():
        for number in range(450):
            vault.put(f"person:{number}", "phone", f"1990000{number:04d}", findable=True)
    app = with_keys(tmp_path, new, old)
    with app.app_context():
        assert vault.get("person:7", "phone") == "19900000007"
        assert vault.stale() == 450
        result = app.test_cli_runner().invoke(args=["people", "rotate-vault"])
        assert result.exit_code == 0
        assert "450 项" in result.output
        assert vault.stale() == 0
    with with_keys(tmp_path, new).app_context():
        assert vault.get("person:7", "phone") == "19900000007"
        assert vault.lookup("phone", "19900000449") == "person:449"


def test_a_lost_key_is_named_instead_of_a_crash(tmp_path):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with with_keys(tmp_path, old).app_context():
        put(RITA, "phone", "19900000001")
        old_id = vault.key_id()
    app = with_keys(tmp_path, new)
    with app.app_context():
        with pytest.raises(vault.VaultError, match=old_id):
            vault.get(RITA, "phone")
        result = app.test_cli_runner().invoke(args=["people", "rotate-vault"])
        assert result.exit_code == 1
        assert old_id in result.output
