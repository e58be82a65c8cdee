"""Two hands at the tasks of a complaint: every answer is one step of its chain, whoever writes at the same moment."""

from __future__ import annotations

from flask import Flask

from board.db import db, transaction
from boards.models import Case, Thread
from boards.models.posting import reply
from boards.models.timeline import verify
from complaints.models import Statement
from people.models import Department
from tests.builders import Cast, case_of
from tests.complaining import complain, open_complaints, tasks
from tests.domain.conftest import at_once

City = tuple[Flask, Cast]


def test_statements_given_at_once_are_steps_one_after_the_other(city: City) -> None:
    application, cast = city
    with transaction():
        open_complaints(cast)
    with transaction():
        thread = complain(cast.rita).public_id

    def case() -> Case:
        return case_of(thread)

    with transaction():
        tasks(case())[0].accept(by=cast.ines)
    questions = {}
    with transaction():
        unit = Department.by_key("traffic-police")
        for who in ("lena", "otto", "otis"):
            officer = None if who == "lena" else getattr(cast, who)
            asked = Statement.ask(
                tasks(case())[0], by=cast.ines, department=unit, question="请说明经过。", person=officer
            )
            questions[who] = asked.public_id
    steps = len(case().thread.events)
    db.session.rollback()

    def answer(who: str) -> str:
        with transaction():
            by = getattr(cast, who)
            Statement.by_public_id(questions[who], reader=by, for_change=True).give(by=by, words="是二中队。")
        return who

    def write() -> str:
        with transaction():
            mine = Thread.by_public_id(thread, reader=cast.rita, for_change=True)
            reply(mine, "请问查得怎么样了？", by=cast.rita)
        return "rita"

    answers = [lambda who=who: answer(who) for who in questions]
    assert at_once(application, *answers, write) == [*questions, "rita"]
    events = case().thread.events
    assert [each.seq for each in events] == list(range(1, steps + 5))
    assert all(each.chain for each in verify(events))
