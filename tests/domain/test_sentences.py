"""The sentence of a case: one test for each row of the table of states, in both languages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from board import jobs
from board.clock import advance, now
from board.db import transaction
from board.i18n import speaking
from boards.sentences import chip, first_sentence, say, short
from people.models import Department
from tests.builders import case_of

# The city's clock stands at 10:00 on Tuesday, 17 November 2026.


def both(case) -> tuple[str, str]:
    """What a case says in Chinese and in English."""
    with speaking("zh"):
        chinese = say(case)
    with speaking("en"):
        return chinese, say(case)


@pytest.fixture
def later():
    """Move the clock on by minutes."""
    return lambda minutes: advance(timedelta(minutes=minutes))


def accepted(cast, reported, **answer):
    with transaction():
        reported().accept(by=cast.otto, **answer)


def working(cast, reported):
    accepted(cast, reported)
    with transaction():
        reported().claim(by=cast.otto)


def resolved(cast, reported, outcome="solved", **details):
    working(cast, reported)
    with transaction():
        reported().resolve(
            by=cast.otto,
            answer="红绿灯修好了，四个方向都正常。放学时再派人看护。",
            outcome=outcome,
            **details,
        )


def rated(cast, reported, solved="yes", satisfaction="very_satisfied"):
    with transaction():
        reported().rate(by=cast.rita, solved=solved, satisfaction=satisfaction)


def test_pending_says_who_was_told_and_by_when_somebody_answers(cast, reported, later):
    later(5)
    chinese, english = both(reported())

    assert chinese == "10:00 已通知交警支队值班民警；10:30 前有人回应。"
    assert english == "Officers on duty at Traffic Police were told at 10:00; somebody answers by 10:30."


def test_pending_and_seen_says_when(cast, reported, later):
    later(5)
    with transaction():
        reported().acknowledge(by=cast.otto)
    later(5)
    chinese, english = both(reported())

    assert chinese == "10:00 已通知交警支队值班民警，10:05 已查看；10:30 前有人回应。"
    assert english.startswith("Officers on duty at Traffic Police were told at 10:00 and saw it at 10:05;")


def test_just_now_stands_in_chinese_without_spaces_around_it(reported):
    assert both(reported())[0].startswith("刚刚已通知交警支队")


def test_an_office_of_the_city_has_people_on_duty_and_no_police(cast, thread_posted, later):
    case = case_of(thread_posted(body="请@供热看一下暖气。"))
    later(5)

    assert both(case)[0].startswith("10:00 已通知市供热公司值班人员")


def test_a_section_without_countdown_promises_no_time_on_the_page(cast, thread_posted, later):
    case = case_of(thread_posted(section="110", body="昨天报过警，想问进展。"))
    later(5)

    assert both(case) == (
        "10:00 已通知指挥中心值班民警。",
        "Officers on duty at Command Centre were told at 10:00.",
    )


def test_accepted_says_who_accepted_it_when_and_by_when_there_is_a_result(cast, reported, later):
    later(3)
    accepted(cast, reported)
    later(5)

    assert both(reported()) == (
        "交警支队 10:03 已受理，正在安排民警；11月24日前给结果。",
        "Traffic Police accepted it at 10:03 and is finding an officer; a result by 24 Nov.",
    )


def test_in_progress_names_the_officer_and_the_last_step(cast, reported, later):
    working(cast, reported)
    with transaction():
        reported().progress(by=cast.otto, note="您好，今晚到路口重新测时间。明天公布。")

    assert both(reported()) == (
        "交警支队欧阳警官正在办：今晚到路口重新测时间；11月24日前给结果。",
        "Officer Ouyang of Traffic Police is working on it: 今晚到路口重新测时间; a result by 24 Nov.",
    )


def test_waiting_for_the_poster_quotes_the_question(cast, reported, later):
    working(cast, reported)
    later(5)
    with transaction():
        reported().ask(by=cast.otto, question="请补充具体时间和车牌后三位。")
    later(5)
    chinese, english = both(reported())

    assert (
        chinese
        == "交警支队 10:05 请发帖人补充：请补充具体时间和车牌后三位。计时已停；11月24日前没收到就接着办。"
    )
    assert english.startswith(
        "Traffic Police asked the poster at 10:05: 请补充具体时间和车牌后三位. The clock stands;"
    )


def test_suspended_names_the_reason_and_the_end(cast, reported):
    working(cast, reported)
    with transaction():
        reported().suspend(by=cast.lena, reason="等待司法鉴定结论", until=now() + timedelta(days=20))

    assert both(reported()) == (
        "11月17日起依法中止：等待司法鉴定结论；12月7日自动恢复办理。",
        "Suspended by law since 17 Nov: 等待司法鉴定结论; it goes on by itself on 7 Dec.",
    )


def test_resolved_says_what_came_of_it_and_waits_for_the_rating(cast, reported, later):
    resolved(cast, reported)
    later(5)
    chinese, english = both(reported())

    assert chinese == (
        "交警支队 10:00 办结，已解决：红绿灯修好了，四个方向都正常。等发帖人评价；11月24日前没评价，记为“未评价”。"
    )
    assert "Waiting for the poster to rate it; without a rating by 24 Nov" in english


def test_a_planned_result_names_its_date(cast, reported, later):
    resolved(cast, reported, outcome="planned", date=now() + timedelta(days=30))
    later(5)

    assert "办结，已列入计划，12月17日前办：" in both(reported())[0]


def test_a_transfer_names_the_outside_number_and_whom_to_call(cast, reported, later):
    resolved(cast, reported, outcome="transferred", number="ZW-2026-118", contact="12345 热线")
    later(5)

    assert "已转办，编号 ZW-2026-118，联系 12345 热线" in both(reported())[0]


def test_closed_after_a_good_rating_says_confirmed_time_and_rating(cast, reported, later):
    later(42)
    resolved(cast, reported)
    rated(cast, reported)

    assert both(reported()) == (
        "11月17日已解决 · 群众确认，用时 42 分钟，评价：非常满意。再出问题可以要求重办。",
        "Solved · confirmed by the poster on 17 Nov, time used 42 minutes, rating: Very satisfied. "
        "If it comes back, the poster can have it handled again.",
    )


def test_silence_is_kept_as_not_rated_and_never_as_solved_by_the_poster(cast, reported, later):
    resolved(cast, reported)
    later(8 * 24 * 60)
    jobs.run_due()
    chinese, english = both(reported())

    assert chinese.startswith("11月17日单位答复已解决 · 未评价，")
    assert "评价：未评价" in chinese
    assert "rating: not rated" in english


def test_a_bad_rating_brings_another_officer_and_says_by_when(cast, reported):
    resolved(cast, reported)
    rated(cast, reported, solved="no", satisfaction="dissatisfied")

    assert both(reported()) == (
        "发帖人说没解决；交警支队换一位民警整改，11月24日前重新答复。",
        "The poster says it is not solved; another officer of Traffic Police puts it right and answers anew by 24 Nov.",
    )


def test_declined_says_why_and_where_to_go(cast, reported):
    with transaction():
        reported().decline(by=cast.lena, reason="不归公安管", advice="城管热线 12319")

    assert both(reported()) == (
        "没有受理：不归公安管。您可以这样办：城管热线 12319。",
        "It was not taken on: 不归公安管. You can turn to: 城管热线 12319.",
    )


def test_merged_names_the_main_case(cast, reported, thread_posted):
    main = case_of(thread_posted())
    with transaction():
        reported().merge(by=cast.dana, into=case_of(main.thread.public_id))
    chinese, english = both(reported())

    assert chinese == f"11月17日并入 {main.number}，在那里一起办理。"
    assert english == f"Merged into {main.number} on 17 Nov and handled there."


def test_withdrawn_says_who_and_when(cast, reported):
    with transaction():
        reported().withdraw(by=cast.rita)

    assert both(reported()) == ("发帖人 11月17日撤回。", "The poster withdrew it on 17 Nov.")


def test_a_broken_promise_is_said_before_everything_else(cast, reported, later):
    later(2 * 60 + 30)
    jobs.run_due()
    chinese, english = both(reported())

    assert chinese == "交警支队超过承诺时间 2 小时，已报给负责人；请明天 10:00 前答复。"
    assert english.startswith("Traffic Police is 2 hours over the promised time, its leader has been told;")


def test_a_promise_is_late_even_before_the_worker_has_said_so(reported, later):
    later(60)

    assert "超过承诺时间 30 分钟" in both(reported())[0]


def test_a_late_case_still_names_who_has_it(cast, reported, later):
    working(cast, reported)
    with transaction():
        reported().progress(by=cast.otto, note="正在和市场监管部门一起查账。")
    later(8 * 24 * 60)
    jobs.run_due()

    chinese, english = both(reported())
    assert "已报给负责人。欧阳警官在办：正在和市场监管部门一起查账。" in chinese
    assert "Officer Ouyang has it: 正在和市场监管部门一起查账." in english


def test_a_reopened_case_says_that_the_poster_finds_it_not_solved(cast, reported, later):
    resolved(cast, reported)
    rated(cast, reported)
    with transaction():
        reported().reopen(by=cast.rita, words="今天早上又闪黄灯了。")
    later(5)

    assert both(reported()) == (
        "发帖人说没解决，10:00 重新办理；11月24日前给结果。",
        "The poster says it is not solved, handled again since 10:00; a result by 24 Nov.",
    )


def offered(cast, reported):
    accepted(cast, reported)
    with transaction():
        reported().offer(by=cast.otto, to=Department.by_key("heating"), reason="路灯杆归供热公司检修。")


def test_an_offered_handover_says_who_stays_responsible(cast, reported):
    offered(cast, reported)

    assert both(reported()) == (
        "交警支队想转给市供热公司：路灯杆归供热公司检修。市供热公司接手前仍由交警支队负责，时限不变。",
        "Traffic Police wants to hand it to Heating Company: 路灯杆归供热公司检修. Until Heating Company takes it, "
        "Traffic Police stays responsible; no deadline changes.",
    )


def test_a_taken_handover_says_who_has_it_now(cast, thread_posted, later):
    case_id = thread_posted(section="household", body="户口本丢在路上了。")
    later(6)
    with transaction():
        case_of(case_id).accept(by=cast.hugo)
    with transaction():
        case_of(case_id).offer(
            by=cast.hugo, to=Department.by_key("traffic-police"), reason="这条路归交警管。"
        )
    later(5)
    with transaction():
        case = case_of(case_id)
        handover = case.open_handover()
        assert handover is not None
        case.take(handover.public_id, by=cast.otto)
    later(5)
    chinese, english = both(case_of(case_id))

    assert chinese == "交警支队 10:11 已接手，正在安排人办；11月20日前给结果。"
    assert english == "Traffic Police took it over at 10:11 and is finding an officer; a result by 20 Nov."


def test_the_short_form_holds_number_status_and_deadline_and_no_words_of_the_post(cast, reported, later):
    later(5)
    case = reported()
    with speaking("zh"):
        assert short(case) == f"编号 {case.number}：待受理，10:30 前"
    with speaking("en"):
        assert short(case) == f"No. {case.number}: Waiting, by 10:30"
    assert "红绿灯" not in short(case)


@pytest.mark.parametrize(
    ("solved", "satisfaction", "word"),
    [
        ("yes", "satisfied", "已解决 · 群众确认"),
        ("partly", "fair", "群众说部分解决"),
    ],
)
def test_the_chip_of_a_closed_case_is_the_posters_word(cast, reported, solved, satisfaction, word):
    resolved(cast, reported)
    rated(cast, reported, solved, satisfaction)

    with speaking("zh"):
        assert chip(reported()) == word


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("您好，信号灯已报修，下午六点前修好。谢谢关注。", "信号灯已报修，下午六点前修好"),
        ("归我们管。今天下午去看现场。", "归我们管。今天下午去看现场"),
        ("可以在本地任一窗口办理，不用回老家！带身份证。", "可以在本地任一窗口办理，不用回老家！"),
        ("一" * 60, "一" * 45 + "…"),
        ("", ""),
    ],
)
def test_a_sentence_quotes_the_first_words_that_say_something(words, said):
    assert first_sentence(words) == said


def test_covered_words_are_not_quoted(cast, reported):
    working(cast, reported)
    with transaction():
        event = reported().progress(by=cast.otto, note="已联系车主王某核实情况。")
        event.public_text.hidden_at = now()

    assert "王某" not in both(reported())[0]
