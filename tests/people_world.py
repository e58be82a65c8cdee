"""A small board with the cast's people in it, for the tests of signing in."""

from __future__ import annotations

import contextvars
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask

from board import create_app
from board.db import Model, db, transaction
from board.settings import Settings
from people import me
from people.models import Appointment, Department, Person, Shift

MORNING = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)  # 08:00 in the city


def make_app(folder: Path, **env: str) -> Flask:
    """A program on a fresh database; `env` are settings such as BOARD_MODE."""
    app = create_app(Settings.from_env({"BOARD_MODE": "test", "BOARD_DATA": str(folder), **env}))
    app.config["PROPAGATE"] = True
    with app.app_context():
        Model.metadata.create_all(db.engine)
    return app


def settle_city() -> SimpleNamespace:
    """The bureau with two detachments and the cast who serve there; Otto holds the first shift, Otis the second."""
    with transaction() as session:
        bureau = Department(
            key="bureau", name="云川市公安局", name_en="Yunchuan Police", short_name="市公安局", position=1
        )
        traffic = Department(
            key="traffic",
            name="交警支队",
            name_en="Traffic Police",
            short_name="交警",
            aliases=["交警大队"],
            parent=bureau,
            position=2,
        )
        squad = Department(key="kunhe-squad", name="昆河中队", parent=traffic, position=3)
        household = Department(key="household", name="户政支队", short_name="户政", parent=bureau, position=4)
        desk = Department(key="desk", name="指挥中心", parent=bureau, is_desk=True, position=5)
        session.add_all([bureau, traffic, squad, household, desk])
        people = {
            "rita": Person(kind="member", nickname="青松路居民"),
            "vera": Person(kind="member", nickname="薇薇看看"),
            "otto": Person(kind="staff", name="欧阳涛", name_en="Otto Ouyang", badge="021456"),
            "otis": Person(kind="staff", name="赵强", name_en="Otis Zhao", badge="021457"),
            "lena": Person(kind="staff", name="李娜", name_en="Lena Li", badge="021001"),
            "hugo": Person(kind="staff", name="胡刚", name_en="Hugo Hu", badge="031201"),
            "carl": Person(kind="staff", name="高诚", name_en="Carl Gao", badge="000001"),
            "adam": Person(kind="staff", name="安冬", name_en="Adam An", badge="000101"),
        }
        session.add_all(people.values())
        session.flush()
        long_ago = MORNING - timedelta(days=400)
        for name, department, role in (
            ("otto", traffic, "officer"),
            ("otis", traffic, "officer"),
            ("lena", traffic, "leader"),
            ("hugo", household, "officer"),
            ("carl", bureau, "leader"),
            ("adam", None, "administrator"),
        ):
            session.add(
                Appointment(person=people[name], department=department, role=role, starts_at=long_ago)
            )
        day = timedelta(hours=24)
        session.add(
            Shift(department=traffic, person=people["otto"], starts_at=MORNING, ends_at=MORNING + day)
        )
        session.add(
            Shift(
                department=traffic, person=people["otis"], starts_at=MORNING + day, ends_at=MORNING + 2 * day
            )
        )
    return SimpleNamespace(
        bureau=bureau, traffic=traffic, squad=squad, household=household, desk=desk, **people
    )


def found(pattern: str, page: Any) -> str:
    """What the group of `pattern` matches in a page; the test fails when it does not stand there."""
    match = re.search(pattern, page.text)
    assert match is not None, f"{pattern} is not on the page"
    return match.group(1)


def demo_code(page: Any) -> str:
    """The code that a demo city shows on the sign-in page."""
    return found(r"data-demo-code>(\d{6})<", page)


def token_of(page: Any) -> str:
    """The token in the forms of a signed-in reader."""
    return found(r'name="csrf_token" value="([^"]+)"', page)


class Browser:
    """A browser without scripts: keeps cookies, names the page a form came from, sends hidden fields along."""

    def __init__(self, app: Flask) -> None:
        self.app, self.client = app, app.test_client()

    def get(self, path: str, **options: Any) -> Any:
        return self._ask("GET", path, **options)

    def post(self, path: str, fields: dict[str, str] | None = None, **options: Any) -> Any:
        """Post exactly `fields`; an Origin of this site goes with it unless another one is given."""
        options.setdefault("headers", {"Origin": "http://localhost"})
        return self._ask("POST", path, data=fields or {}, **options)

    def submit(self, page: str, action: str, **fields: str) -> Any:
        """Load `page`, fill the form that posts to `action` and send it with its hidden fields."""
        form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', self.get(page).text, re.DOTALL)
        assert form is not None, f"{page} has no form that posts to {action}"
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form.group()))
        return self.post(action, {**hidden, **fields})

    def cookie(self) -> Any:
        return self.client.get_cookie("sign_in")

    def who(self) -> Any:
        """The public id of the person who is signed in here."""
        with self.app.test_request_context(
            headers={"Cookie": f"sign_in={getattr(self.cookie(), 'value', '')}"}
        ):
            person = me()
            return None if person is None else person.public_id

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        # An empty context: nothing that one request left behind may reach the next.
        return contextvars.Context().run(self.client.open, path, method=method, **options)


def taken(pattern: str, text: str) -> str:
    """What the group of a pattern finds; fails when it finds nothing."""
    found = re.search(pattern, text)
    assert found is not None, text[:500]
    return found[1]
