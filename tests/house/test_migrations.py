"""The schema that migrations make is the schema that the models describe, both ways, on both engines."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Config, downgrade, upgrade
from sqlalchemy import Engine, inspect, text

from board import create_app
from board.db import db, transaction
from people import contacts
from people.models import Department
from tests import conftest
from tests.builders import posted, small_city
from tests.conftest import environment_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """A board on a database without any table."""
    env = {}
    if request.param == "postgres":
        env["BOARD_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    application = create_app(conftest.settings(tmp_path, **env))
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def differences(engine: Engine) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), db.metadata))


def test_upgrading_an_empty_database_gives_what_the_models_describe(empty: Flask) -> None:
    upgrade()
    assert tables() == set(db.metadata.tables)
    assert differences(db.engine) == []


def test_the_models_differ_from_a_database_that_lacks_a_column(empty: Flask) -> None:
    upgrade()
    with db.engine.begin() as connection:
        connection.execute(text("alter table handover drop column late"))
    assert [change[0] for change in differences(db.engine)] == ["add_column"]


def test_downgrading_leaves_nothing_and_upgrading_again_everything(empty: Flask) -> None:
    upgrade()
    downgrade(revision="base")
    assert tables() == set()
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as connection:
            assert connection.scalar(text("select count(*) from pg_type where typtype = 'e'")) == 0
    upgrade()
    assert tables() == set(db.metadata.tables)


def test_a_city_works_on_a_migrated_database(empty: Flask) -> None:
    upgrade()
    with transaction():
        cast = small_city()
    with transaction():
        thread = posted(cast.rita)
        assert thread.case is not None
        thread.case.accept(by=cast.otto, answer="已派人去看路口的信号灯。")


def test_a_schema_without_rooms_forgets_them_and_what_went_there_and_nothing_else(empty: Flask) -> None:
    def count(what: str) -> int:
        db.session.rollback()
        return int(db.session.execute(text(f"select count(*) from {what}")).scalar_one())

    upgrade()
    with transaction():
        cast = small_city()
        contacts.add(cast.otto, "chat", "wecombot://abcdefgh")
        contacts.verify(contacts.add_room(cast.otto.departments[0], "wecombot://abcdefgh", "交警值班群"))
        posted(cast.rita)
    assert [count(f"{name} where room_id is not null") for name in ("delivery", "telling")] == [1, 1]
    persons = [count(f"{name} where person_id is not null") for name in ("contact", "delivery", "telling")]
    assert min(persons) > 0
    db.session.remove()
    downgrade(revision="0007")
    assert [count(name) for name in ("contact", "delivery", "telling")] == persons
    assert count("vault_item where owner like 'contact:%'") == 1
    db.session.remove()
    upgrade()
    assert differences(db.engine) == []


def test_two_processes_that_upgrade_at_once_wait_for_each_other(empty: Flask) -> None:
    env = environment_of(empty, FLASK_APP="wsgi.py")
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    both = [
        subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(2)
    ]
    said = [each.communicate(timeout=120)[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert tables() == set(db.metadata.tables)


FAILING = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = {head!r}
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table("half_done", sa.Column("id", sa.Integer(), primary_key=True))
    op.drop_table("once")
    raise RuntimeError("the lights go out")
"""


def test_a_failing_migration_leaves_the_schema_and_the_rows_as_they_were(
    empty: Flask, tmp_path: Path
) -> None:
    upgrade()
    with transaction():
        small_city()
    folder = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", folder)
    head = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    (folder / "versions" / "9999_half.py").write_text(FAILING.format(head=head))
    before = tables()
    with pytest.raises((RuntimeError, SystemExit)):
        upgrade(directory=str(folder))
    assert tables() == before
    assert "half_done" not in before
    assert db.session.scalar(text("select version_num from alembic_version")) == head
    assert len(Department.all()) > 3


def test_there_is_one_head_and_every_step_goes_both_ways() -> None:
    config = Config(str(ROOT / "migrations" / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    script = ScriptDirectory.from_config(config)
    assert len(script.get_heads()) == 1
    for revision in script.walk_revisions():
        assert revision.module.downgrade.__code__.co_code != (lambda: None).__code__.co_code
