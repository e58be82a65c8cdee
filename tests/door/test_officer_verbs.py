"""Every verb of officers, leaders, the desk and moderators over HTTP: who may, what it leads to, what is kept."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from board import clock
from board.db import db, transaction
from boards.models import Case, CaseEvent, Report, Thread
from boards.models.posting import reply
from boards.models.status import Status
from people.models import Department
from tests.builders import posted

pytestmark = pytest.mark.engines("sqlite", "postgres")

ANSWER = "您好，已派两名民警到路口检查信号机，今天修好。"
DESK = "department=traffic-police&queue=pending"


@pytest.fixture
def number(app, reported):
    """The number of Rita's case."""
    found = reported().number
    db.session.rollback()
    return found


def case_of(*args, **draft) -> Case:
    """A case newly posted, inside the open transaction."""
    found = posted(*args, **draft).case
    assert found is not None
    return found


def case(number: str) -> Case:
    """The case as the database has it now."""
    db.session.rollback()
    db.session.expire_all()
    found = db.session.scalar(select(Case).where(Case.number == number))
    assert found is not None
    return found


def last_words(number: str) -> str:
    """What everybody reads in a case's newest step."""
    text = case(number).thread.events[-1].public_text
    assert text is not None
    return text.public


def waiting_approval(number: str, verb: str) -> str:
    """The public id of what waits for the leader."""
    approval = case(number).open_approval(verb)
    assert approval is not None
    return approval.public_id


def waiting_handover(number: str) -> str:
    """The public id of the offer that waits."""
    handover = case(number).open_handover()
    assert handover is not None
    return handover.public_id


def kinds(number: str) -> list[str]:
    """The kinds of a case's steps, oldest first."""
    return [event.kind for event in case(number).thread.events]


@pytest.fixture
def accepted(cast, number):
    """Rita's case, accepted by Otto with a real answer."""
    with transaction():
        row = db.session.scalars(select(Case).where(Case.number == number)).one()
        row.accept(by=cast.otto, answer=ANSWER)
    return number


# --- who may --------------------------------------------------------------------------------------------

EVERYBODY = ("rita", "vera", "hugo", "otto", "lena", "dana", "mona", "ines", "adam")


@pytest.mark.parametrize(
    ("path", "data", "allowed"),
    [
        ("acknowledgement", {}, {"otto", "lena"}),
        ("acceptance", {"text": ANSWER}, {"otto", "lena"}),
        ("answer", {"text": ANSWER}, {"otto", "lena"}),
        ("handovers", {"to": "户政支队", "reason": "这是户籍的事。"}, {"otto", "lena"}),
        ("assists", {"department": "户政支队", "words": "请核对地址。"}, {"otto", "lena"}),
        ("declination", {"reason": "不归公安管。", "advice": "请找城管。"}, {"otto", "lena"}),
        ("instructions", {"words": "今天办完。"}, {"lena"}),
        ("routing", {"to": "户政支队"}, {"dana"}),
        ("relay", {"receipt": "110-20261117-8", "called_back": "1"}, {"dana"}),
        ("notes", {"text": "记一笔。", "audience": "internal"}, {"otto", "lena", "dana"}),
    ],
)
def test_who_may_do_what_to_a_waiting_case(post_as, number, path, data, allowed):
    before = kinds(number)
    for who in EVERYBODY:
        if who not in allowed:
            assert post_as(who, f"/cases/{number}/{path}", **data).status_code == 403, who
    assert kinds(number) == before
    first, *others = [who for who in EVERYBODY if who in allowed]
    assert post_as(first, f"/cases/{number}/{path}", **data).status_code == 303
    for who in others:  # what can be done once only says so; it is not refused
        assert post_as(who, f"/cases/{number}/{path}", **data).status_code in (303, 409, 422), who


def test_a_visitor_is_asked_to_sign_in(post_as, number):
    answer = post_as(None, f"/cases/{number}/acceptance", text=ANSWER)
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in")
    assert case(number).status == Status.PENDING


def test_what_may_not_be_read_is_not_found(cast, post_as):
    with transaction():
        hidden = case_of(cast.rita, section="110", title="救命", body="有人拿刀在砸我家的门，快来人！").number
    assert post_as("otto", f"/cases/{hidden}/acceptance").status_code == 404
    assert post_as("dana", f"/cases/{hidden}/acceptance").status_code == 303
    assert post_as("otto", "/cases/20261117-9999/acceptance").status_code == 404


# --- the answer box ----------------------------------------------------------------------------------------


def test_otto_accepts_with_one_press_and_the_next_row_opens(cast, post_as, number, thread_posted):
    with transaction():
        second = case_of(cast.rita, title="掉头口能不能开", body="要多绕两公里。").number
    answer = post_as("otto", f"/cases/{number}/acceptance", desk=DESK, next=second)
    assert answer.status_code == 303
    assert answer.location == f"/desk?{DESK}&case={second}"
    assert case(number).status == Status.ACCEPTED
    assert case(number).answered_at is None


def test_acknowledging_leaves_the_case_open_because_it_still_waits(post_as, number):
    answer = post_as("otto", f"/cases/{number}/acknowledgement", desk=DESK, next="20261117-0099")
    assert answer.location == f"/desk?{DESK}&case={number}"
    assert case(number).acknowledged_at is not None


def test_accepting_with_words_answers_and_promises_the_next_result(post_as, number):
    answer = post_as("otto", f"/cases/{number}/acceptance", text=ANSWER, next_result="2026-11-18T18:00")
    assert answer.status_code == 303
    event = case(number).thread.events[-1]
    assert last_words(number) == ANSWER
    assert event.parameters["expected"] == "2026-11-18T18:00:00+08:00"
    assert case(number).answered_at is not None


def test_the_field_may_also_be_called_answer(post_as, number):
    assert post_as("otto", f"/cases/{number}/acceptance", answer=ANSWER).status_code == 303
    assert last_words(number) == ANSWER


def test_a_question_is_answered_in_one_submit(post_as, number):
    assert post_as("otto", f"/cases/{number}/answer", text=ANSWER).status_code == 303
    assert kinds(number)[-4:] == ["case.acknowledged", "case.accepted", "case.claimed", "case.resolved"]
    assert (case(number).status, case(number).outcome) == ("resolved", "explained")


def test_passing_it_on_cannot_be_sent_alone_but_with_a_date(post_as, number):
    refused = post_as(
        "otto", f"/cases/{number}/acceptance", text="您好，您反映的问题已转相关部门处理。", desk=DESK
    )
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "已转相关部门处理。" in page
    assert "给结果时间" in page
    assert case(number).status == Status.PENDING
    sent = post_as(
        "otto",
        f"/cases/{number}/acceptance",
        text="您好，您反映的问题已转相关部门处理。",
        next_result="2026-11-18T18:00",
    )
    assert sent.status_code == 303
    assert case(number).answered_at is None  # it says nothing: the reply clock goes on


@pytest.mark.parametrize("many", [30_000, 100_001])
def test_a_long_paste_comes_back_whole(post_as, number, many):
    pasted = "灯" * many
    for path, fields in [
        ("acceptance", {"text": pasted}),
        ("notes", {"text": pasted, "audience": "internal"}),
        ("declination", {"reason": pasted, "advice": "请找城管。"}),
    ]:
        answer = post_as("otto", f"/cases/{number}/{path}", desk=DESK, **fields)
        assert answer.status_code == 422, path
        assert f"{pasted}</textarea>" in answer.get_data(as_text=True), path


def test_a_long_reason_waits_for_the_leader_uncut(post_as, accepted):
    reason = "需要等待鉴定意见。" * 200
    sent = post_as("otto", f"/cases/{accepted}/suspension", reason=reason, until="2026-11-25T18:00")
    assert sent.status_code == 303
    approval = case(accepted).open_approval("suspend")
    assert approval is not None
    assert approval.arguments["reason"] == reason


def test_an_empty_answer_is_not_sent(post_as, number):
    assert post_as("otto", f"/cases/{number}/acceptance", text="  \u200b ").status_code == 422
    assert case(number).status == Status.PENDING


def test_what_was_written_for_colleagues_is_never_published(post_as, number):
    answer = post_as(
        "otto", f"/cases/{number}/acceptance", text="发帖人脾气不好，小心。", audience="internal", desk=DESK
    )
    assert answer.status_code == 422
    assert "发帖人脾气不好，小心。" in answer.get_data(as_text=True)
    assert case(number).status == Status.PENDING
    kept = post_as("otto", f"/cases/{number}/notes", text="先联系信号厂。", audience="internal")
    assert kept.status_code == 303
    event = case(number).thread.events[-1]
    assert (event.kind, event.visibility) == ("case.noted", "internal")


def test_two_officers_accept_one_wins_the_other_reads_who_was_first_and_keeps_his_words(post_as, number):
    assert post_as("otto", f"/cases/{number}/acceptance", text=ANSWER).status_code == 303
    late = post_as("lena", f"/cases/{number}/acceptance", text="我们已经看到了，马上去人。", desk=DESK)
    page = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "我们已经看到了，马上去人。" in page
    assert "交警支队" in page
    assert kinds(number).count("case.accepted") == 1


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("notes", {"text": "信号机已换，今晚再测一次。", "audience": "public"}),
        ("questions", {"question": "请问是哪个方向的灯不亮？"}),
        ("resolution", {"text": "信号机已换，四个方向都正常。", "outcome": "solved"}),
        ("suspension", {"reason": "等待交通事故鉴定。", "until": "2026-11-25T18:00"}),
    ],
)
def test_a_colleague_claimed_it_meanwhile_and_nothing_that_was_written_is_lost(
    post_as, accepted, path, fields
):
    assert post_as("otto", f"/cases/{accepted}/claim").status_code == 303
    before = kinds(accepted)
    late = post_as("otis", f"/cases/{accepted}/{path}", desk=DESK, **fields)
    page = late.get_data(as_text=True)
    assert late.status_code == 403
    assert next(iter(fields.values())) in page
    assert "现在由欧阳涛办这件诉求" in page
    assert kinds(accepted) == before


def test_the_department_gave_it_away_meanwhile_and_the_words_come_back(post_as, accepted):
    offer = post_as("lena", f"/cases/{accepted}/handovers", to="户政支队", reason="这是户籍的事。")
    assert offer.status_code == 303
    taking = f"/cases/{accepted}/handovers/{waiting_handover(accepted)}/taking"
    assert post_as("hugo", taking).status_code == 303
    words = "信号机已换，今晚再测一次。"
    late = post_as("otto", f"/cases/{accepted}/notes", text=words, audience="public", desk=DESK)
    page = late.get_data(as_text=True)
    assert late.status_code == 403
    assert words in page
    assert "现在由户政支队办这件诉求" in page


def test_a_press_without_words_and_a_stranger_are_refused_as_ever(post_as, accepted):
    words = {"text": "信号机已换。", "audience": "public"}
    json = {"Accept": "application/json"}
    for who, fields, headers in (
        ("hugo", {}, {}),
        ("vera", words, {}),
        ("ines", words, {}),
        ("hugo", words, json),
    ):
        refused = post_as(who, f"/cases/{accepted}/resolution", headers=headers, **fields)
        assert refused.status_code == 403, who
        assert 'class="queue' not in refused.get_data(as_text=True), "no desk is drawn"


def test_a_form_that_is_gone_still_gives_back_what_was_typed(post_as, accepted):
    late = post_as("otto", f"/cases/{accepted}/declination", reason="不归我们管。", advice="请找城管执法局。")
    page = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "不归我们管。" in page
    assert "请找城管执法局。" in page


def test_a_form_sent_twice_acts_once(post_as, accepted):
    sent = [
        post_as("otto", f"/cases/{accepted}/notes", text="今晚换灯。", once="one-token-of-a-form")
        for _ in range(2)
    ]
    assert [answer.status_code for answer in sent] == [303, 303]
    assert kinds(accepted).count("case.progressed") == 1


def test_a_program_gets_problem_json_and_empty_successes(post_as, number):
    json = {"Accept": "application/json"}
    assert post_as("otto", f"/cases/{number}/acceptance", headers=json).status_code == 204
    again = post_as("otto", f"/cases/{number}/acceptance", headers=json)
    assert (again.status_code, again.mimetype) == (409, "application/problem+json")


def test_photos_hang_on_the_answer_and_survive_an_error(post_as, get_as, number):
    from io import BytesIO

    from PIL import Image

    def picture():
        data = BytesIO()
        Image.new("RGB", (60, 40), "navy").save(data, "PNG")
        data.seek(0)
        return (data, "light.png")

    refused = post_as(
        "otto", f"/cases/{number}/acceptance", text=" ", files=picture(), once="token-with-photos", desk=DESK
    )
    kept = re.search(r'name="files_kept" value="(\w+)"', refused.get_data(as_text=True))
    assert refused.status_code == 422
    assert kept is not None
    assert 'value="token-with-photos"' in refused.get_data(as_text=True)
    sent = post_as(
        "otto", f"/cases/{number}/acceptance", text=ANSWER, files_kept=kept.group(1), once="token-with-photos"
    )
    assert sent.status_code == 303
    assert get_as(None, f"/files/{kept.group(1)}/thumb").status_code == 200


# --- working on it ----------------------------------------------------------------------------------------


def test_progress_claim_and_assignment(cast, post_as, accepted):
    assert post_as("otto", f"/cases/{accepted}/claim").status_code == 303
    assert case(accepted).handler_id == cast.ids["otto"]
    assert (
        post_as(
            "otto", f"/cases/{accepted}/notes", text="信号机已换，今晚再测。", audience="public"
        ).status_code
        == 303
    )
    otis = cast.otis.public_id
    db.session.rollback()
    assert post_as("otto", f"/cases/{accepted}/assignment", to=otis).status_code == 403
    assert post_as("lena", f"/cases/{accepted}/assignment", to=otis).status_code == 303
    assert case(accepted).handler_id == cast.ids["otis"]


@pytest.mark.parametrize("forged", ["", "nobody", "rita", "hugo"])
def test_a_case_is_only_given_to_somebody_of_the_department(cast, post_as, accepted, forged):
    to = getattr(cast, forged).public_id if forged in cast.ids else forged
    db.session.rollback()
    assert post_as("lena", f"/cases/{accepted}/assignment", to=to).status_code == 422
    assert case(accepted).handler_id is None


def test_otto_asks_and_the_clock_stands(post_as, accepted):
    assert post_as("otto", f"/cases/{accepted}/questions", question="请问是哪个方向的灯？").status_code == 303
    assert case(accepted).status == Status.WAITING_POSTER
    assert post_as("otto", f"/cases/{accepted}/questions", question="").status_code in (409, 422)


def test_a_suspension_is_asked_for_by_otto_and_decided_by_lena(post_as, accepted):
    asked = post_as("otto", f"/cases/{accepted}/suspension", reason="等待鉴定。", until="2026-11-25T18:00")
    assert asked.status_code == 303
    assert case(accepted).status == Status.ACCEPTED
    approval = waiting_approval(accepted, "suspend")
    url = f"/cases/{accepted}/approvals/{approval}/decision"
    assert post_as("otto", url, decision="approve").status_code == 403
    assert post_as("lena", url).status_code == 422
    assert post_as("lena", url, decision="refuse").status_code == 422
    assert post_as("lena", url, decision="approve").status_code == 303
    assert case(accepted).status == Status.SUSPENDED
    assert post_as("lena", url, decision="approve").status_code == 409
    assert post_as("otto", f"/cases/{accepted}/resumption").status_code == 303
    assert case(accepted).status == Status.ACCEPTED


@pytest.mark.parametrize("until", ["", "下周", "2020-01-01T08:00", "2029-01-01T08:00"])
def test_a_date_that_cannot_be_is_told_and_the_reason_is_kept(post_as, accepted, until):
    answer = post_as(
        "otto", f"/cases/{accepted}/suspension", reason="等待交通事故鉴定。", until=until, desk=DESK
    )
    assert answer.status_code == 422
    assert "等待交通事故鉴定。" in answer.get_data(as_text=True)


DATED = [
    ("otto", "suspension", "until", {"reason": "等待交通事故鉴定。"}),
    ("lena", "extension", "until", {"reason": "要等信号机配件。"}),
    ("otto", "resolution", "date", {"text": ANSWER, "outcome": "planned"}),
    ("lena", "instructions", "due", {"words": "今晚以前修好。"}),
    ("otto", "notes", "next_result", {"text": "信号机已拆下送修。", "audience": "public"}),
]
OVER = "这个时间已经过了，请填晚一些的。"
NO_DATE = "日期请写成 2026-11-23 18:00。"


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("2020-01-01T08:00", OVER),
        ("2026-11-16", OVER),
        ("2026-11-17T10:00", OVER),  # this very minute
        ("0001-01-01T00:00", NO_DATE),
        ("9999-12-31T23:59", NO_DATE),
    ],
)
@pytest.mark.parametrize(("who", "path", "field", "more"), DATED)
def test_nothing_is_promised_for_a_time_that_is_over_or_is_none(
    post_as, accepted, who, path, field, more, when, says
):
    before = kinds(accepted)
    answer = post_as(who, f"/cases/{accepted}/{path}", desk=DESK, **{field: when}, **more)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in page
    assert all(words in page for name, words in more.items() if name in ("text", "words", "reason"))
    assert kinds(accepted) == before


@pytest.mark.parametrize("path", ["acceptance", "answer"])
def test_a_waiting_case_is_not_taken_on_with_a_date_that_is_over(post_as, number, path):
    sent = post_as("otto", f"/cases/{number}/{path}", text=ANSWER, next_result="2026-11-16T18:00", desk=DESK)
    if path == "answer":  # it is the result: what the box promises next is not asked
        assert sent.status_code == 303
        return
    assert sent.status_code == 422
    assert OVER in sent.get_data(as_text=True)
    assert case(number).status == Status.PENDING


def test_lena_extends_and_otto_may_not(post_as, accepted):
    data = {"until": "2026-12-01T18:00", "reason": "要等配件。"}
    assert post_as("otto", f"/cases/{accepted}/extension", **data).status_code == 403
    assert post_as("lena", f"/cases/{accepted}/extension", **data).status_code == 303
    assert case(accepted).extended_round == 1
    assert post_as("lena", f"/cases/{accepted}/extension", **data).status_code == 409


def test_an_instruction_is_pinned_on_its_owners_desk(cast, post_as, get_as, accepted):
    otto = cast.otto.public_id
    db.session.rollback()
    sent = post_as(
        "lena", f"/cases/{accepted}/instructions", words="明早前修好。", owner=otto, due="2026-11-18T08:00"
    )
    assert sent.status_code == 303
    page = get_as("otto", f"/desk?queue=working&case={accepted}").get_data(as_text=True)
    assert "明早前修好。" in page
    assert "批示" in page


# --- between departments -----------------------------------------------------------------------------------


def test_an_offer_is_taken_by_the_other_department(cast, post_as, get_as, number):
    sent = post_as("otto", f"/cases/{number}/handovers", to="户政", reason="要先核对户籍地址。")
    assert sent.status_code == 303
    handover = waiting_handover(number)
    page = get_as("hugo", "/desk?queue=offers").get_data(as_text=True)
    assert number in page
    opened = get_as("hugo", f"/desk?queue=offers&case={number}").get_data(as_text=True)
    assert f"/cases/{number}/handovers/{handover}/taking" in opened
    assert post_as("otto", f"/cases/{number}/handovers/{handover}/taking").status_code == 403
    assert post_as("hugo", f"/cases/{number}/handovers/{handover}/taking").status_code == 303
    assert case(number).department.key == "household-police"
    assert post_as("hugo", f"/cases/{number}/handovers/{handover}/taking").status_code in (403, 409)


def test_an_offer_is_given_back_with_a_reason(post_as, number):
    post_as("otto", f"/cases/{number}/handovers", to="户政支队", reason="是户籍的事。")
    handover = waiting_handover(number)
    url = f"/cases/{number}/handovers/{handover}/return"
    assert post_as("hugo", url, reason="").status_code == 422
    assert post_as("hugo", url, reason="灯不归户政管。").status_code == 303
    assert case(number).returns == 1
    assert post_as("hugo", f"/cases/{number}/handovers/nothing/return", reason="…").status_code == 404


def test_an_unknown_department_comes_back_with_what_is_meant(post_as, number):
    answer = post_as("otto", f"/cases/{number}/handovers", to="户政支对", reason="是户籍的事。", desk=DESK)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "户政支队" in page
    assert "是户籍的事。" in page


def test_an_assisting_department_answers_or_lena_waives(cast, post_as, get_as, accepted):
    assert (
        post_as("otto", f"/cases/{accepted}/assists", department="户政支队", words="请核对地址。").status_code
        == 303
    )
    assert accepted in get_as("hugo", "/desk?queue=assist").get_data(as_text=True)
    task = case(accepted).assists[0].public_id
    assert post_as("otto", f"/cases/{accepted}/assists/{task}/answer", words="…").status_code == 403
    assert post_as("hugo", f"/cases/{accepted}/assists/{task}/answer", words="地址无误。").status_code == 303
    post_as("otto", f"/cases/{accepted}/assists", department="昆河分局", words="请看现场。")
    second = case(accepted).assists[1].public_id
    assert post_as("otto", f"/cases/{accepted}/assists/{second}/waiver").status_code == 403
    assert post_as("lena", f"/cases/{accepted}/assists/{second}/waiver").status_code == 303


def test_dana_routes_what_nobody_was_mentioned_in(cast, post_as, get_as):
    with transaction():
        number = case_of(cast.rita, section="12345", title="暖气不热", body="家里只有十五度。").number
    page = get_as("dana", "/desk").get_data(as_text=True)
    assert "暖气不热" in page
    assert "待派" in page
    assert post_as("dana", f"/cases/{number}/routing", to="供热", note="请今天上门。").status_code == 303
    assert case(number).department.key == "heating"


def test_dana_merges_by_number(cast, post_as, number):
    with transaction():
        twin = case_of(cast.vera, title="青松路口的灯坏了", body="一直闪黄灯。").number
    assert post_as("otto", f"/cases/{twin}/merge", into=number).status_code == 403
    assert post_as("dana", f"/cases/{twin}/merge", into="2026-1").status_code == 422
    assert post_as("dana", f"/cases/{twin}/merge", into=number.replace("-", "")).status_code == 303
    assert case(twin).parent_id == case(number).id


def test_a_relay_asks_first_and_cannot_be_undone(post_as, get_as, number):
    page = get_as("dana", f"/cases/{number}/relay")
    assert page.status_code == 200
    assert "不能撤销" in page.get_data(as_text=True)
    assert get_as("otto", f"/cases/{number}/relay").status_code == 403
    refused = post_as("dana", f"/cases/{number}/relay", receipt="110-8831")
    assert refused.status_code == 422
    assert "110-8831" in refused.get_data(as_text=True)
    assert post_as("dana", f"/cases/{number}/relay", receipt="110-8831", called_back="1").status_code == 303
    assert case(number).relayed_at is not None
    assert post_as("dana", f"/cases/{number}/relay", receipt="110-8831", called_back="1").status_code == 409


def test_the_desk_proposes_that_everybody_may_read(cast, post_as):
    with transaction():
        number = case_of(cast.rita, section="110", title="救命", body="有人拿刀在砸我家的门，快来人！").number
    assert post_as("dana", f"/cases/{number}/release-proposal").status_code == 303
    assert case(number).thread.release_asked


# --- the end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "details", "status"),
    [
        ("solved", {}, 303),
        ("explained", {}, 303),
        ("planned", {"date": "2026-12-24T18:00"}, 303),
        ("planned", {}, 422),
        ("transferred", {"number": "12345-88", "contact": "供热热线"}, 303),
        ("transferred", {"number": "12345-88"}, 422),
        ("impossible", {"reason": "路权不在本市。"}, 303),
        ("impossible", {}, 422),
        ("declined", {}, 422),
        ("", {}, 422),
    ],
)
def test_concluding_needs_what_its_outcome_needs(post_as, accepted, outcome, details, status):
    answer = post_as(
        "otto",
        f"/cases/{accepted}/resolution",
        text="信号灯已修好，请您路过时看看。",
        outcome=outcome,
        **details,
    )
    assert answer.status_code == status
    assert (case(accepted).status == Status.RESOLVED) == (status == 303)
    if status == 422:
        assert "信号灯已修好，请您路过时看看。" in answer.get_data(as_text=True)


def test_a_proposed_refusal_waits_for_lena(post_as, number):
    assert (
        post_as(
            "otto", f"/cases/{number}/declination", reason="不归公安管。", advice="请找城管。"
        ).status_code
        == 303
    )
    assert case(number).status == Status.PENDING
    approval = waiting_approval(number, "decline")
    assert (
        post_as("lena", f"/cases/{number}/approvals/{approval}/decision", decision="approve").status_code
        == 303
    )
    assert (case(number).status, case(number).outcome) == ("closed", "declined")


def test_another_officer_answers_anew_after_a_bad_rating(cast, post_as, get_as, accepted):
    post_as("otto", f"/cases/{accepted}/resolution", text="灯已修好。请您看看。", outcome="solved")
    with transaction():
        row = db.session.scalars(select(Case).where(Case.number == accepted)).one()
        row.rate(by=cast.rita, solved="no", satisfaction="dissatisfied", words="还在闪。")
    assert accepted in get_as("otto", "/desk?queue=rectify").get_data(as_text=True)
    assert (
        post_as("otto", f"/cases/{accepted}/rectification", text="我们又去了一次，换了灯箱。").status_code
        == 403
    )
    assert (
        post_as("otis", f"/cases/{accepted}/rectification", text="我们又去了一次，换了灯箱。").status_code
        == 303
    )
    assert kinds(accepted)[-1] == "case.rectified"


# --- what the public does not read ----------------------------------------------------------------------------


def test_each_look_at_an_original_is_recorded_and_told_to_its_owner(cast, post_as, get_as):
    with transaction():
        found = case_of(cast.rita, body="请打我电话 13912345678，@交警支队 看一下红绿灯。")
        number, text = found.number, found.thread.body.public_id
    assert "13912345678" not in get_as("otto", f"/desk?case={number}").get_data(as_text=True)
    assert f"/cases/{number}/originals/{text}" in get_as("otto", f"/desk?case={number}").get_data(
        as_text=True
    )
    seen = post_as("otto", f"/cases/{number}/originals/{text}", reason="回电话核实路口")
    assert seen.status_code == 200
    assert "13912345678" in seen.get_data(as_text=True)
    assert seen.headers["Cache-Control"] == "no-store"
    event = case(number).thread.events[-1]
    assert (event.kind, event.visibility, event.actor_id) == ("text.uncovered", "internal", cast.ids["otto"])
    for who in ("hugo", "vera", "dana", "mona"):
        assert post_as(who, f"/cases/{number}/originals/{text}").status_code == 403
    assert kinds(number).count("text.uncovered") == 1


def test_an_original_of_another_thread_is_not_found(cast, post_as, number):
    with transaction():
        other = posted(cast.vera, title="别的事", body="电话 13912345678。").body.public_id
    assert post_as("otto", f"/cases/{number}/originals/{other}").status_code == 404


def test_the_posters_number_is_for_the_department_and_each_look_is_recorded(cast, get_as, post_as, number):
    from people import vault

    with transaction():
        vault.put(cast.rita.owner, "phone", "19900001234", findable=True)
    for who in ("hugo", "dana", "ines"):
        assert post_as(who, f"/cases/{number}/contact", reason="回电核实").status_code == 403
    assert post_as("otto", f"/cases/{number}/contact").status_code == 422
    assert case(number).thread.events[-1].kind == "thread.posted"
    seen = post_as("otto", f"/cases/{number}/contact", reason="回电核实")
    assert "19900001234" in seen.get_data(as_text=True)
    assert case(number).thread.events[-1].kind == "identity.opened"
    assert "交警支队查看了发帖人" in get_as("rita", "/inbox").get_data(as_text=True)


# --- moderators ------------------------------------------------------------------------------------------------


@pytest.fixture
def report(cast, number):
    """Somebody says that a reply under Rita's case names him."""
    from boards.filing import file_report

    with transaction():
        thread = db.session.scalars(select(Case).where(Case.number == number)).one().thread
        reply(thread, "是住三单元的张小明弄坏的，张小明天天这样。", by=cast.vera)
        row = file_report(thread, kind="name", words="写了我的名字。", contact="19900005678", by=None)
        return row.public_id


def covered(post_as, who, number, report, words):
    """What the door says to somebody who covers words because of this report."""
    db.session.rollback()
    thread = db.session.scalar(select(Thread.public_id).join(Case).where(Case.number == number))
    sent = {"words": words, "reason": "private_data", "item": f"report:{report}"}
    return post_as(who, f"/moderation/threads/{thread}/covers", **sent).status_code


def test_mona_covers_a_name_wherever_it_stands(get_as, post_as, number, report):
    assert "写了我的名字。" in get_as("mona", "/moderation").get_data(as_text=True)
    page = get_as("mona", f"/moderation/report/{report}").get_data(as_text=True)
    assert "写了我的名字。" in page
    assert "19900005678" in page
    assert covered(post_as, "mona", number, report, "李大明") == 422
    assert covered(post_as, "mona", number, report, "张小明\n") == 303
    public = get_as(None, f"/cases/{number}").get_data(as_text=True)
    assert "张小明" not in public
    assert public.count("███") >= 2
    event = case(number).thread.events[-1]
    assert (event.kind, event.actor_role, event.parameters["places"]) == ("text.covered", "moderator", 2)
    assert db.session.scalar(select(Report.decision).where(Report.public_id == report)) == "covered"
    assert covered(post_as, "mona", number, report, "张小明") == 409


def test_a_report_about_nothing_private_is_closed(post_as, report):
    assert post_as("mona", f"/moderation/report/{report}/keeping").status_code == 303
    db.session.rollback()
    assert db.session.scalar(select(Report.decision).where(Report.public_id == report)) == "dismissed"


@pytest.mark.parametrize("who", ["otto", "lena", "rita", "dana", "adam"])
def test_the_moderators_page_is_theirs(get_as, post_as, number, report, who):
    assert get_as(who, "/moderation").status_code == 404
    assert covered(post_as, who, number, report, "张小明") == 404


def test_nobody_moderates_a_text_about_his_own_department(cast, get_as, post_as, number, report):
    from people.models import Appointment

    with transaction():
        mona, here = cast.mona, Department.by_key("traffic-police")
        mona.appointments.append(
            Appointment(department=here, role="officer", starts_at=clock.now() - timedelta(days=1))
        )
        thread_id = db.session.scalar(select(Thread.public_id).join(Case).where(Case.number == number))
    assert "写了我的名字。" not in get_as("mona", "/moderation").get_data(as_text=True)
    assert covered(post_as, "mona", number, report, "张小明") == 404
    sent = {"words": "张小明", "reason": "private_data"}
    assert post_as("mona", f"/moderation/threads/{thread_id}/covers", **sent).status_code == 403
    assert post_as("mona", f"/moderation/threads/{thread_id}/hold", reason="advert").status_code == 403


def test_mona_holds_for_a_reason_of_the_list_and_releases(get_as, post_as, number):
    thread_id = case(number).thread.public_id
    found = get_as("mona", f"/moderation?thread={number}").get_data(as_text=True)
    assert f"/moderation/threads/{thread_id}/hold" in found
    url = f"/moderation/threads/{thread_id}"
    assert post_as("mona", f"{url}/hold", reason="criticism").status_code == 422
    assert post_as("mona", f"{url}/hold", reason="private_data").status_code == 303
    assert get_as(None, f"/cases/{number}").status_code == 404
    assert post_as("mona", f"{url}/hold", reason="advert").status_code == 409
    assert post_as("mona", f"{url}/release").status_code == 303
    assert get_as(None, f"/cases/{number}").status_code == 200
    assert post_as("mona", f"{url}/pin", pinned="1").status_code == 303
    assert case(number).thread.pinned_at is not None


# --- stock phrases ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "says"), [("zh", "还没有常用语"), ("en", "No phrases yet")])
def test_a_department_without_phrases_is_told_what_will_stand_there(
    client_of, get_as, post_as, language, says
):
    from boards.models import StockPhrase

    with transaction() as session:
        session.execute(delete(StockPhrase))
    client_of("lena").set_cookie("prefs", f"auto.m.0.{language}")
    assert says in get_as("lena", "/desk/phrases").text
    assert post_as("lena", "/desk/phrases", title="带证件", words="请带驾驶证。").status_code == 303
    assert says not in get_as("lena", "/desk/phrases").text


def test_lena_keeps_the_phrases_of_her_department(get_as, post_as):
    from boards.models import StockPhrase

    assert get_as("otto", "/desk/phrases").status_code == 404
    assert get_as("lena", "/desk/phrases?department=household-police").status_code == 404
    assert get_as("lena", "/desk/phrases").status_code == 200
    refused = post_as("lena", "/desk/phrases", title="", words="请带驾驶证。")
    assert refused.status_code == 422
    assert "请带驾驶证。" in refused.get_data(as_text=True)
    assert post_as("lena", "/desk/phrases", title="带证件", words="请带驾驶证。").status_code == 303
    db.session.rollback()
    phrase = db.session.scalar(select(StockPhrase.public_id).where(StockPhrase.title == "带证件"))
    assert post_as("otto", f"/desk/phrases/{phrase}", title="x", words="y").status_code == 404
    assert (
        post_as("lena", f"/desk/phrases/{phrase}", title="带证件", words="请带驾驶证和行驶证。").status_code
        == 303
    )
    assert get_as("lena", f"/desk/phrases/{phrase}/removal").status_code == 200
    assert post_as("lena", f"/desk/phrases/{phrase}/removal").status_code == 303
    db.session.rollback()
    assert db.session.scalar(select(StockPhrase.id).where(StockPhrase.title == "带证件")) is None


def test_every_step_of_an_officer_is_one_event_with_his_department(post_as, number):
    post_as("otto", f"/cases/{number}/acknowledgement")
    query = select(Department.key).join(CaseEvent).where(CaseEvent.kind == "case.acknowledged")
    assert db.session.scalar(query) == "traffic-police"
