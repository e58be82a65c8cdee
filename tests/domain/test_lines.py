"""The timeline in words: every kind has a line, words become cards, and internal steps stay inside."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from board import jobs
from board.clock import advance, now
from board.db import transaction
from board.i18n import speaking
from boards.casepage import events_of
from boards.lines import LINES, Scene, department_names, entries, line
from people.models import Department
from tests.builders import case_of

ROOT = Path(__file__).resolve().parents[2]


def told(case, *, internal: bool = False) -> list[str]:
    """What a case's timeline says in Chinese, one string an entry: lines as text, cards as `who: words`."""
    thread = case.thread
    with speaking("zh"):
        scene = Scene(thread.poster_id, thread.identity, department_names())
        shown = entries(events_of(thread), scene, internal=internal)
    return [
        re.sub(r"<[^>]+>", "", each["say"])
        if each["kind"] == "event"
        else f"{each['reply']['author']}: {re.sub(r'<[^>]+>', '', each['reply']['html'])}"
        for each in shown
    ]


def test_every_kind_that_a_verb_records_has_a_line_of_its_own():
    sources = [*ROOT.glob("boards/**/*.py")]
    kinds = {
        kind
        for path in sources
        for kind in re.findall(
            r'"((?:case|thread|approval|text|report)\.[a-z_]+)"',
            "\n".join(re.findall(r"record(?:ed)?\([\s\S]{0,120}", path.read_text())),
        )
    }

    assert kinds, "no recorded kinds were found"
    assert kinds - set(LINES) - {"reply.posted"} == set()


def test_a_case_from_post_to_rating_reads_like_a_story(cast, reported):
    with transaction():
        reported().acknowledge(by=cast.otto)
    with transaction():
        reported().accept(by=cast.otto, answer="已收到，两名民警正赶往路口。")
    with transaction():
        reported().resolve(by=cast.otto, answer="红绿灯修好了。", outcome="solved")
    with transaction():
        reported().rate(by=cast.rita, solved="yes", satisfaction="satisfied", words="谢谢。")

    assert told(reported()) == [
        "已提交，已通知交警支队值班人员。",
        "交警支队已查看。",
        "交警支队已受理。",
        "交警支队: 已收到，两名民警正赶往路口。",
        "交警支队开始办理，由欧阳（警号 021456）负责。",
        "交警支队: 红绿灯修好了。",
        "发帖人评价：解决了 · 满意。",
        "市民（发帖人）: 谢谢。",
    ]


def test_the_final_answer_says_what_came_of_it(cast, reported):
    with transaction():
        reported().answer(by=cast.otto, answer="可以，带驾驶证到任一窗口。")

    with speaking("zh"):
        thread = reported().thread
        shown = entries(events_of(thread), Scene(thread.poster_id, thread.identity, department_names()))
    result = shown[-1]["reply"]
    assert (result["tag"], result["outcome_words"]) == ("result", "已解释")
    assert result["line"] == "欧阳（警号 021456）"


def test_internal_steps_are_only_for_those_who_work_on_it(cast, reported):
    with transaction():
        reported().note(by=cast.otto, note="先打电话核实。")

    assert not any("先打电话核实" in each or "内部备注" in each for each in told(reported()))
    assert "交警支队写了内部备注。" in told(reported(), internal=True)
    assert "交警支队: 先打电话核实。" in told(reported(), internal=True)


def test_the_posters_nickname_stays_hidden_also_under_his_replies(cast, reported):
    from boards.models.posting import reply

    with transaction():
        reply(reported().thread, "我再补充一点。", by=cast.rita)

    text = "\n".join(told(reported()))
    assert "市民（发帖人）: 我再补充一点。" in text
    assert "青松路居民" not in text


def test_a_handover_tells_who_offers_who_takes_and_who_stays_responsible(cast, reported):
    with transaction():
        reported().accept(by=cast.otto)
    with transaction():
        reported().offer(by=cast.otto, to=Department.by_key("household-police"), reason="户口本遗失归户政。")
    with transaction():
        case = reported()
        case.return_(case.open_handover().public_id, by=cast.hugo, reason="这是路口信号灯，不归户政。")

    lines = told(reported())
    assert "交警支队想转给户政支队：户口本遗失归户政。户政支队接手前仍由交警支队负责，时限不变。" in lines
    assert "户政支队退回：这是路口信号灯，不归户政。仍由交警支队负责。" in lines


def test_a_breach_names_the_promise_that_was_broken(cast, reported):
    advance(timedelta(hours=1))
    jobs.run_due()

    assert "交警支队超过承诺时间（首次回应），已报给负责人。" in told(reported())


def test_merging_links_both_ways(cast, reported, thread_posted):
    main_id = thread_posted()
    with transaction():
        reported().merge(by=cast.dana, into=case_of(main_id))

    main = case_of(main_id)
    assert f"和 {main.number} 是同一件事，已并案，在那里一起办理。" in told(reported())
    assert f"{reported().number} 是同一件事，已并入本件。" in told(main)


def test_what_people_write_into_a_line_is_escaped(cast, reported):
    with transaction():
        reported().accept(by=cast.otto)
    with transaction():
        reported().extend(
            by=cast.lena, until=now() + timedelta(days=20), reason="<script>alert(1)</script>等配件"
        )

    thread = reported().thread
    event = events_of(thread)[-1]
    said = line(event, Scene(thread.poster_id, thread.identity, department_names())).say
    assert "<script>" not in said
    assert "&lt;script&gt;" in said
