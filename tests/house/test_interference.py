"""Two boards that differ in one complaint alone answer everybody who may not read it with the same bytes, everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from board import jobs
from board.db import db, transaction
from boards.models import Case, Thread
from boards.models.posting import reply
from boards.policy import sees
from complaints import readings
from complaints.models import Reading, Reprisal
from complaints.recusing import step_back
from people.models import Department, Person
from tests.house.populated import PEOPLE, Populated, forget, populated
from tests.watchers import accuse, badge, complain, inspectors

# Who is accused, and what becomes of it: everybody and every life once at least.
PAIRS = (
    ("otto", "worked on"),
    ("lena", "answered"),
    ("ines", "stepped back"),
    ("090009", "posted"),
    ("traffic-police", "named later"),
    ("inspectorate", "worked on"),
    ("hugo", "stepped back"),
)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Populated]:
    """The populated board with its inspectors, and without any complaint."""
    with populated(tmp_path_factory.mktemp("interference")) as made:

        def watch() -> None:
            with transaction():
                inspectors(made.cast)
            jobs.run_due()

        made.inside(watch)
        made.keep()
        yield made


# A visitor, an officer of the accused unit, an inspector, the chief above them all, and who looks after the board.
READERS = ("visitor", "otto", "ines", "carl", "adam")


def paths_of(board: Populated) -> list[str]:
    """Every kind of answer: pages, lists, counts, search, the live door, JSON, errors, the inbox, the desk."""
    found = [
        "/",
        "/d",
        "/mine",
        "/inbox",
        "/inbox/unread",
        "/me",
        "/desk",
        "/desk/rows",
        "/desk/paging",
        "/inspection",
    ]
    found += ["/desk/toasts", "/moderation", "/readyz", "/departments.json?q=督", "/follows", "/nothing-here"]
    found += [
        "/search?q=态度恶劣",
        "/similar?title=民警态度恶劣",
        "/admin/deliveries",
        "/cases/20261117-100000000",
    ]
    for key in ("complaints", "traffic"):
        found += [f"/s/{key}", f"/s/{key}?status=overdue"]
    for key in ("traffic-police", "inspectorate", "superior"):
        found += [
            f"/d/{key}",
            f"/desk?department={key}",
            f"/live?since=department:{key}:0&since=presence:{key}:0",
        ]
    found += [f"/live?since=person:{board.refs[who]}:0" for who in ("otto", "ines", "carl", "adam")]
    found += ["/live?since=front:page:0&since=section:complaints:0", f"/cases/{board.refs['fresh']}"]
    return found


def answers(board: Populated, who: str, paths: list[str]) -> dict[str, tuple[int, str, str]]:
    """What everybody of these addresses gives him; tokens that are drawn anew for each page are left out."""
    forget()
    found = {}
    for path in paths:
        response = board.get(who, path)
        page = re.sub(r'name="once" value="[^"]*"', "", response.get_data().decode("utf-8", "replace"))
        found[path] = response.status_code, page, response.headers.get("Cache-Control", "")
    return found


def happen(board: Populated, accused: str, life: str) -> str:
    """The one complaint, and what becomes of it; its thread's public id."""
    cast = board.cast

    def one(name: str) -> Person | Department:
        return officer(name) if name in cast.ids or name.isdigit() else Department.by_key(name)

    def officer(name: str) -> Person:
        return badge(name) if name.isdigit() else getattr(cast, name)

    def case_of(thread: str) -> Case:
        case = db.session.scalars(db.select(Thread).where(Thread.public_id == thread)).one().case
        assert case is not None
        return case

    def make() -> str:
        with transaction():
            first = "hugo" if life == "named later" else accused
            thread = complain(cast.rita, one(first)).public_id
        for name in ("ines", "ida"):
            with transaction():
                if sees(officer(name), case_of(thread).thread):
                    readings.note(officer(name), case_of(thread).thread)
        jobs.run_due()
        free = [
            name
            for name in ("990001", "091301", "ines", "ida")
            if sees(officer(name), case_of(thread).thread)
        ]
        with transaction():
            if life == "answered":
                reply(case_of(thread).thread, "请问办得怎么样了？@交警支队", by=cast.rita)
            elif life == "worked on":
                case_of(thread).accept(by=officer(free[-1]), answer="已经收到您的投诉，正在核实。")
            elif life == "stepped back":
                step_back(case_of(thread), by=officer(free[-1]), kind="recused", words="我认识他。")
            elif life == "named later":
                accuse(case_of(thread), one(accused))
        jobs.run_due()
        return thread

    made: str = board.inside(make)
    return made


@pytest.fixture(scope="module")
def without(
    board: Populated, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, tuple[int, str, str]]]:
    """What everybody reads on the board without a complaint."""
    twin = board.twin(tmp_path_factory.mktemp("without") / "board")
    twin.inside(jobs.run_due)
    paths = paths_of(board)
    return {who: answers(twin, who, paths) for who in (*READERS, "rita")}


def every_pair(test: Callable[..., None]) -> Callable[..., None]:
    """Try these, besides what is drawn."""
    for accused, life in PAIRS:
        test = example(accused=accused, life=life)(test)
    return test


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@every_pair
@given(
    accused=st.sampled_from([who for who, _life in PAIRS]),
    life=st.sampled_from([life for _who, life in PAIRS]),
)
def test_a_complaint_changes_nothing_for_whom_it_is_kept_from(
    board: Populated,
    without: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    accused: str,
    life: str,
) -> None:
    twin = board.twin(tmp_path_factory.mktemp("with") / "board")
    thread = happen(twin, accused, life)

    def readers() -> set[str]:
        found = db.session.scalars(db.select(Thread).where(Thread.public_id == thread)).one()
        people = {who: None if who == "visitor" else getattr(twin.cast, who) for who in PEOPLE}
        knew = set(db.session.scalars(db.select(Reading.person_id)))  # what he was told before stays said
        return {who for who, each in people.items() if sees(each, found) or (each and each.id in knew)}

    reading = twin.inside(readers)
    barred = [who for who in READERS if who not in reading]
    assert "rita" in reading
    assert {"visitor", "otto", "carl", "adam"} <= set(barred)
    for who in barred:
        given_now = answers(twin, who, list(without[who]))
        assert [path for path, answer in without[who].items() if given_now[path] != answer] == [], who
    # The walk is no good where it does not see that there is a complaint: its poster does.
    assert answers(twin, "rita", ["/mine"]) != {"/mine": without["rita"]["/mine"]}


@pytest.mark.slow
def test_a_reprisal_changes_nothing_for_whoever_is_no_free_inspector(
    board: Populated, without: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    twin = board.twin(tmp_path_factory.mktemp("reprisal") / "board")

    def happen() -> None:
        with transaction():
            case = db.session.scalars(db.select(Case).where(Case.number == twin.refs["fresh"])).one()
            Reprisal.file(case, by=twin.cast.rita, words="民警打电话让我别再发帖。")
        jobs.run_due()

    twin.inside(happen)
    for who in ("visitor", "otto", "carl", "adam"):
        given_now = answers(twin, who, list(without[who]))
        assert [path for path, answer in without[who].items() if given_now[path] != answer] == [], who
    # The walk is no good where it does not see that there is a report: an inspector who is free does.
    assert answers(twin, "ines", ["/inspection"])["/inspection"] != without["ines"]["/inspection"]
