"""A complaint by a receipt: filed without an account, worked on like every other, answered, rated and taken back by its digits."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from board import audit, jobs
from board.clock import advance, now
from board.db import db, transaction
from board.errors import NotAllowed
from boards.models import Case, CaseEvent, IdentityOpening, Rating, Section
from boards.models import receipt as receipts
from complaints.models import Accused, Complaint, Inquiry
from notifications.models import InboxItem
from tests.builders import Cast
from tests.complaining import DISCIPLINE, conclude, officer, open_complaints, tasks
from tests.door.test_identity_pages import SHOWN
from tests.door.writing import hidden_of, look, send

TITLE, BODY = "QRECEIPT 民警到场就走", "QRECEIPTBODY 昨晚 @交警支队 的民警没有处理。"
EVERYBODY = (None, "rita", "vera", "otto", "lena", "carl", "dana", "mona", "adam", "hugo")


@pytest.fixture
def city(app: Flask, cast: Cast) -> Cast:
    """A city in which a complaint may be made by a receipt."""
    app.config["SETTINGS"].__dict__["receipt_cost"] = (1, 8)
    with transaction():
        open_complaints(cast)
        Section.by_key("complaints").identities = ["sealed", "receipt"]
    return cast


def text(response: TestResponse) -> str:
    return response.get_data(as_text=True)


def file_it(client: FlaskClient, **more: Any) -> TestResponse:
    """Send the complaint's form by a receipt."""
    form = hidden_of(text(look(client, "/s/complaints/new")))
    form |= {"title": TITLE, "body": BODY, "identity": "receipt", "departments": "traffic-police"}
    form |= {"about_reason": "not-handled", "about_badge": "021456", "about_whom": "QRECEIPTWHOM 戴眼镜"}
    return send(client, "/s/complaints/threads", form | more)


def digits(answer: TestResponse) -> str:
    return "".join(re.findall(r"\d", SHOWN.findall(text(answer))[0]))


@pytest.fixture
def number(city: Cast, client_of: Callable[[str | None], FlaskClient]) -> str:
    """The digits of a complaint about Otto of the traffic police."""
    return digits(file_it(client_of(None)))


@pytest.fixture
def visitor(client_of: Callable[[str | None], FlaskClient]) -> FlaskClient:
    """A browser in which nobody is signed in."""
    return client_of(None)


def again() -> None:
    db.session.rollback()
    db.session.expire_all()


def the_case() -> Case:
    again()
    return db.session.scalars(select(Case).order_by(Case.id.desc())).first()  # type: ignore[return-value]


def opened(client: FlaskClient, number: str) -> str:
    answer = send(client, "/receipt", {"number": number})
    assert answer.status_code == 200
    return text(answer)


def fields(page: str, action: str) -> dict[str, str]:
    """The hidden fields of one form of the dialogue; it must be there."""
    form = re.search(rf'<form[^>]*action="/receipt/{action}".*?</form>', page, re.S)
    assert form is not None, f"the page offers no {action}"
    return hidden_of(f"<main>{form[0]}</main>")


def offers(page: str) -> set[str]:
    return set(re.findall(r'action="/receipt/([\w-]+)"', page))


def conclude_both(cast: Cast) -> None:
    with transaction():
        first, second = tasks(the_case())
        conclude(first, cast.ines, cast.ida, words="QFINDINGS 民警当晚没有登记。")
    with transaction():
        first, second = tasks(the_case())
        conclude(second, officer(DISCIPLINE[0]), officer(DISCIPLINE[1]))


# --- filing ----------------------------------------------------------------------------------------------


def test_reason_and_accused_are_kept_and_nobody_stands_behind_them(
    city: Cast, client_of: Callable[[str | None], FlaskClient]
) -> None:
    answer = file_it(client_of("vera"))  # whoever is signed in is not noted
    assert answer.status_code == 200
    assert len(digits(answer)) == 16
    case = the_case()
    assert (case.thread.identity, case.thread.poster_id) == ("receipt", None)
    complaint = Complaint.of(case)
    assert complaint is not None
    assert complaint.reason == "not-handled"
    accused = Accused.of(case)
    assert [each.department.key for each in accused if each.department] == ["traffic-police"]
    assert [each.person_id for each in accused if each.person] == [city.otto.id]
    assert ["QRECEIPTWHOM" in each.description.public for each in accused if each.description] == [True]
    assert {each.named_by_id for each in accused} == {None}
    assert len(Inquiry.of(case)) == 2
    jobs.run_due()
    heard = set(db.session.scalars(select(InboxItem.person_id).where(InboxItem.person_id.is_not(None))))
    assert city.ines.id in heard
    assert not heard & {city.otto.id, city.lena.id, city.carl.id, city.vera.id}


def test_without_reason_or_accused_the_form_comes_back_and_no_digits_are_drawn(
    city: Cast, visitor: FlaskClient
) -> None:
    refused = file_it(visitor, about_reason="", about_badge="", about_whom="", departments="")
    assert refused.status_code == 422
    assert {"f-about_reason", "f-about_whom"} <= set(re.findall(r'href="#([\w-]+)"', text(refused)))
    assert 'value="receipt"' in text(refused)
    assert BODY in text(refused)
    assert db.session.scalar(select(receipts.Receipt.id)) is None


def test_nobody_but_inspectors_finds_it_and_the_accused_gets_the_answer_of_what_never_was(
    number: str, get_as: Callable[..., TestResponse]
) -> None:
    case = the_case()
    for who in EVERYBODY:
        paths = (f"/cases/{case.number}", f"/t/{case.thread.public_id}", f"/cases/{case.number}/verification")
        for path in paths:
            assert get_as(who, path).status_code == 404, (who, path)
    page = get_as("ines", f"/inspection?queue=new&case={case.number}")
    assert page.status_code == 200
    assert "QRECEIPTBODY" in text(page)
    assert "021456" in text(page)


def test_inspectors_cannot_look_up_who_it_is_because_nobody_is_there(
    number: str, post_as: Callable[..., TestResponse]
) -> None:
    asked = post_as("ines", f"/cases/{the_case().number}/contact", reason="需要联系投诉人")
    assert asked.status_code in (403, 409)
    assert db.session.scalar(select(IdentityOpening.id)) is None


def test_the_case_it_is_about_can_be_left_out(city: Cast, client_of: Any, reported: Any) -> None:
    about = reported().number
    client = client_of(None)
    page = text(look(client, f"/s/complaints/new?about={about}"))
    assert "请取消勾选" in page
    with_it = file_it(client, about_case=about)
    assert with_it.status_code == 200
    complaint = Complaint.of(the_case())
    assert complaint is not None
    assert complaint.about_id == reported().id
    assert 'name="about_case"' not in text(look(client, "/s/complaints/new"))


# --- the dialogue ----------------------------------------------------------------------------------------


def test_news_and_conclusions_are_read_by_the_digits_and_answers_reach_the_free_inspectors(
    city: Cast, number: str, visitor: FlaskClient
) -> None:
    with transaction():
        first, _second = tasks(the_case())
        first.accept(by=city.ines)
        first.tell(by=city.ines, words="QNEWS 已调取执法记录仪，正在核对。")
    page = opened(visitor, number)
    assert "QNEWS" in page
    assert "021456" not in page, "who is accused is for the inspectors"
    done = send(
        visitor, "/receipt/messages", {**fields(page, "messages"), "body": "QMORE 还有一位民警在场。"}
    )
    assert done.status_code == 200
    jobs.run_due()
    said = db.session.scalars(select(CaseEvent).where(CaseEvent.kind == "reply.posted")).one()
    heard = set(
        db.session.scalars(
            select(InboxItem.person_id).where(InboxItem.event_id == said.id, InboxItem.person_id.is_not(None))
        )
    )
    assert city.ines.id in heard
    assert not heard & {city.otto.id, city.lena.id, city.carl.id}


def test_a_question_of_the_inspectors_waits_for_the_digits(
    city: Cast, number: str, visitor: FlaskClient
) -> None:
    with transaction():
        case = the_case()
        tasks(case)[0].accept(by=city.ines)
        case.ask(by=city.ines, question="QASKED 当时几点？")
    page = opened(visitor, number)
    assert "QASKED" in page
    assert 'href="#reply"' in page
    assert 'id="reply"' in page
    done = send(visitor, "/receipt/messages", {**fields(page, "messages"), "body": "晚上八点。"})
    assert done.status_code == 200
    assert the_case().status == "in_progress"
    assert the_case().thread.events[-1].kind == "case.supplemented"


def test_the_conclusion_is_read_and_rated_and_the_rating_corrected_by_the_digits(
    city: Cast, number: str, visitor: FlaskClient
) -> None:
    page = opened(visitor, number)
    assert "rating" not in offers(page)
    conclude_both(city)
    page = opened(visitor, number)
    assert "QFINDINGS" in page
    assert {"rating", "messages", "reopening"} <= offers(page)
    given = fields(page, "rating")
    empty = send(visitor, "/receipt/rating", {**given, "text": "QKEPT 谢谢"})
    assert empty.status_code == 422
    assert {"f-solved", "f-satisfaction"} <= set(re.findall(r'href="#([\w-]+)"', text(empty)))
    assert "QKEPT" in text(empty)
    form = {**fields(text(empty), "rating"), "solved": "no", "satisfaction": "dissatisfied", "text": "QBAD"}
    for _press in range(2):
        assert send(visitor, "/receipt/rating", form).status_code == 200
    again()
    rating = db.session.scalars(select(Rating)).one()
    assert (rating.person_id, rating.solved, rating.first) == (None, "no", True)
    case = the_case()
    assert (case.rated_solved, case.status) == ("no", "resolved"), "another officer is owed"
    event = case.thread.events[-1]
    assert (event.kind, event.actor_id, event.actor_role) == ("case.rated", None, "poster")
    page = opened(visitor, number)
    assert "没解决" in page
    assert "没解决" in re.search(r'name="solved" value="no"[^>]* checked.*?没解决', page, re.S)[0]  # type: ignore[index]
    changed = {
        **fields(page, "rating"), "solved": "yes", "satisfaction": "satisfied", "text": "后来联系上了。",
    }  # fmt: skip
    assert send(visitor, "/receipt/rating", changed).status_code == 200
    case = the_case()
    assert (case.rated_solved, case.status, len(case.ratings)) == ("yes", "closed", 2)
    assert [each.first for each in case.ratings] == [True, False]


def test_it_is_handled_again_nudged_and_taken_back_by_the_digits(
    city: Cast, number: str, visitor: FlaskClient
) -> None:
    page = opened(visitor, number)
    assert offers(page) == {"messages", "withdrawal"}
    early = send(visitor, "/receipt/nudge", fields(page, "messages"))
    assert early.status_code == 409
    conclude_both(city)
    page = opened(visitor, number)
    refused = send(visitor, "/receipt/reopening", {**fields(page, "reopening"), "words": " "})
    assert refused.status_code == 422
    assert re.search(r"<details[^>]* open>.*?/receipt/reopening", text(refused), re.S)
    again_ = {**fields(text(refused), "reopening"), "words": "QAGAIN 没有查清楚。"}
    done = send(visitor, "/receipt/reopening", again_)
    assert done.status_code == 200
    case = the_case()
    assert (case.round, case.status) == (2, "accepted")
    assert [each.state for each in Inquiry.of(case)] == ["open", "open"], "both tasks begin anew"
    advance(timedelta(days=40))
    nudged = send(visitor, "/receipt/nudge", fields(opened(visitor, number), "nudge"))
    assert nudged.status_code == 200
    event = the_case().thread.events[-1]
    assert (event.kind, event.actor_id, event.actor_role) == ("case.nudged", None, "poster")
    assert "nudge" not in offers(text(nudged)), "once a working day"
    back = {**fields(text(nudged), "withdrawal"), "pressed": "yes"}
    gone = send(visitor, "/receipt/withdrawal", back)
    assert gone.status_code == 200
    case = the_case()
    assert (case.status, case.outcome) == ("closed", "withdrawn")
    assert [each.state for each in Inquiry.of(case)] == ["dropped", "dropped"]
    assert case.thread.events[-1].details["pressed"] == "yes"
    assert offers(text(gone)) == {"reopening"}
    assert send(visitor, "/receipt/withdrawal", {**back, "once": "another-token-of-16"}).status_code == 409


def test_words_whose_form_is_gone_stand_on_the_page_to_be_copied(
    city: Cast, number: str, visitor: FlaskClient
) -> None:
    page = opened(visitor, number)
    with transaction():
        case = the_case()
        case.status, case.closed_at = "closed", now()
    late = send(visitor, "/receipt/messages", {**fields(page, "messages"), "body": "QLATE 一大段话"})
    assert late.status_code == 409
    assert "QLATE 一大段话" in text(late)


ACTS = ("messages", "rating", "reopening", "nudge", "withdrawal", "follow-up")


@pytest.mark.parametrize("act", ACTS)
def test_a_pass_that_is_over_forged_or_gone_gets_one_answer_for_every_act(
    city: Cast, number: str, visitor: FlaskClient, act: str
) -> None:
    conclude_both(city)
    form = fields(opened(visitor, number), "rating")
    form |= {"solved": "yes", "satisfaction": "satisfied", "body": "话", "words": "话", "done": "yes"}
    events = len(the_case().thread.events)
    receipt = db.session.scalars(select(receipts.Receipt)).one()
    forged = f"{receipt.public_id}.9999999999.{'0' * 64}"

    def answer(entry: str) -> tuple[int, str]:
        found = send(visitor, f"/receipt/{act}", {**form, "entry": entry})
        return found.status_code, re.sub(r' data-now="[^"]*"', "", text(found))  # the clock moves below

    wrong = [answer(entry) for entry in (forged, "", "zzzzzzzzzz.1.x", form["entry"][:-1] + "x")]
    advance(receipts.PASS)
    wrong.append(answer(form["entry"]))
    assert set(wrong) == {wrong[0]}
    assert wrong[0][0] == 409
    assert len(the_case().thread.events) == events


def test_the_digits_of_one_complaint_act_on_no_other(
    city: Cast, number: str, client_of: Callable[[str | None], FlaskClient]
) -> None:
    first = the_case().id
    second = digits(file_it(client_of(None), title="QOTHER 另一件"))
    again()
    other = receipts.Receipt.numbered(second)
    assert other is not None
    holder = other.holder

    def one() -> Case:
        found = db.session.get(Case, first)
        assert found is not None
        return found

    acts: tuple[Callable[[], Any], ...] = (
        lambda: one().withdraw(by=holder),
        lambda: one().nudge(by=holder),
        lambda: one().rate(by=holder, solved="yes", satisfaction="satisfied"),
        lambda: one().reopen(by=holder, words="话"),
        lambda: one().follow_up(by=holder, done=True),
    )
    for act in acts:
        with pytest.raises(NotAllowed), transaction():
            act()
    again()
    assert (one().status, len(one().thread.events)) == ("pending", 1)


def test_nothing_of_an_act_by_the_digits_leads_to_the_browser_or_account_behind_it(
    city: Cast, number: str, client_of: Callable[[str | None], FlaskClient]
) -> None:
    conclude_both(city)
    client = client_of("rita")
    before = set(db.session.scalars(select(audit.AuditEntry.number)))
    form = {**fields(opened(client, number), "rating"), "solved": "yes", "satisfaction": "satisfied"}
    done = send(client, "/receipt/rating", form)
    assert done.status_code == 200
    assert done.headers.get("Set-Cookie") is None
    assert done.headers["Cache-Control"] == "no-store"
    again()
    event = the_case().thread.events[-1]
    assert (event.actor_id, event.actor_commitment, event.parameters.get("person")) == (None, None, None)
    after = db.session.scalars(select(audit.AuditEntry).where(audit.AuditEntry.number.not_in(before)))
    assert city.rita.public_id not in " ".join(f"{each.actor} {each.details}" for each in after)
    assert TITLE not in text(look(client, "/mine"))
