"""Who may import whom, and what no section may do: the contracts of the house."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from board.db import db, transaction
from board.errors import NotAllowed
from board.permissions import RULES, may
from boards.models import Section, Thread, Visibility
from boards.models.posting import Draft, post
from boards.models.status import NEXT
from boards.policy import sees, visible_to
from people.models import Person
from tests.builders import Cast

ROOT = Path(__file__).resolve().parents[2]


def test_no_arrow_points_upwards() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_verb_of_the_case_has_a_rule_of_who_may(app: Flask) -> None:
    assert {f"case.{verb}" for verb in NEXT} <= RULES.keys()


def test_a_misspelt_rule_is_an_error_and_never_a_yes(app: Flask) -> None:
    with pytest.raises(KeyError):
        may(None, "case.acccept", None)


@pytest.fixture(params=["poster", "inspectors", "department", "somebody-new"])
def closed_readers(request: pytest.FixtureRequest, cast: Cast) -> str:
    """A section that takes posts although not everybody may read them."""
    with transaction():
        section = Section.by_key("complaints")
        section.readers, section.closed_text, section.closed_text_en = request.param, "", ""
    return str(request.param)


def test_what_is_posted_where_the_public_does_not_read_is_seen_by_its_parties_only(
    closed_readers: str, cast: Cast
) -> None:
    draft = Draft(title="反映一件事", body="请@交警支队不要看到这件事。", departments=("traffic-police",))
    with transaction():
        thread = post(Section.by_key("complaints"), draft, by=cast.rita)
        thread_id = thread.id
    row = db.session.get_one(Thread, thread_id)
    assert row.visibility == Visibility.RESTRICTED
    assert row.restricted_to is not None
    assert row.restricted_to.key == "inspectorate"
    assert row.case is not None
    assert row.case.department.key == "inspectorate"
    readers = {name for name in cast.names() if sees(getattr(cast, name), row)}
    assert readers == {"rita"}, "the inspectors' own rule comes with their desk"
    assert not sees(None, row)
    for name in (None, *cast.names()):
        person: Person | None = getattr(cast, name) if name else None
        listed = db.session.scalar(db.select(Thread.id).where(Thread.id == thread_id, visible_to(person)))
        assert (listed is not None) == (name == "rita")


def test_a_closed_section_takes_no_post_from_anybody(cast: Cast) -> None:
    for name in cast.names():
        with pytest.raises(NotAllowed), transaction():
            post(
                Section.by_key("complaints"),
                Draft(title="一件事", body="说说这件事。"),
                by=getattr(cast, name),
            )


def test_every_section_whose_readers_are_not_the_public_restricts_what_is_posted(cast: Cast) -> None:
    """Whatever sections a city has: no post in them is ever public without a rule that says so."""
    with transaction():
        for section in Section.all():
            section.closed_text = section.closed_text_en = ""
    for key in [section.key for section in Section.all() if not section.is_public]:
        with transaction():
            thread = post(Section.by_key(key), Draft(title="一件事", body="说说这件事。"), by=cast.rita)
            assert thread.is_restricted
            assert not sees(None, thread)
            assert not sees(cast.vera, thread)
