"""Who is called when: the page of a department's policy, and what a desk says of a call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from board.clock import advance
from board.db import db, transaction
from board.live import StreamEntry
from boards.models import Case
from notifications.models import EscalationPolicy
from notifications.paging import ticking
from notifications.paging.policies import steps_of
from people.models import Department
from tests.builders import Cast, posted
from tests.door.test_desk import statements

pytestmark = pytest.mark.engines("sqlite", "postgres")

Get = Callable[..., TestResponse]
GOOD = {"duty": "1", "duty_after": "0", "leader": "1", "leader_after": "30", "desk": "1", "desk_after": "60"}


def html(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("who", "reads", "changes"),
    [
        (None, 303, 303),
        ("rita", 404, 404),
        ("otto", 200, 403),
        ("hugo", 404, 404),
        ("lena", 200, 303),
        ("carl", 200, 303),
        ("adam", 200, 303),
        ("dana", 200, 403),
    ],
)
def test_who_reads_a_policy_and_who_changes_it(
    get_as: Get, post_as: Get, who: str | None, reads: int, changes: int
):
    assert get_as(who, "/desk/paging/traffic-police").status_code == reads
    assert post_as(who, "/desk/paging/traffic-police/ordinary", **GOOD).status_code == changes


def test_the_page_says_in_words_who_is_called_when(get_as: Get):
    page = html(get_as("lena", "/desk/paging/traffic-police"))
    for words in (
        "值班人员",
        "2 分钟后",
        "答复时限过了 50% 后",
        "现在 1 人",
        "交管业务（30 分钟",
        "现在空缺",
    ):
        assert words in page, words


def test_lena_looks_first_then_keeps_then_goes_back(cast: Cast, get_as: Get, post_as: Get):
    look = post_as("lena", "/desk/paging/traffic-police/ordinary", do="look", **GOOD)
    assert look.status_code == 200
    assert "还没有保存" in html(look)
    assert "答复时限过了 30% 后" in html(look)
    assert db.session.scalar(db.select(db.func.count()).select_from(EscalationPolicy)) == 0

    assert post_as("lena", "/desk/paging/traffic-police/ordinary", do="keep", **GOOD).status_code == 303
    db.session.rollback()
    steps = steps_of(Department.by_key("traffic-police"), urgent=False)
    assert [(str(each.who), each.after) for each in steps] == [("duty", 0), ("leader", 30), ("desk", 60)]

    assert post_as("lena", "/desk/paging/traffic-police/ordinary", do="default").status_code == 303
    db.session.rollback()
    assert len(steps_of(Department.by_key("traffic-police"), urgent=False)) == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"duty_after": "5"}, "马上收到通知"),
        ({"desk": "0"}, "必须有指挥中心"),
        ({"leader_after": "101"}, "0 到 100"),
        ({"leader_after": "bald"}, "请填整数"),
        ({"leader_after": "9" * 40}, "请填整数"),
        ({"leader_after": "-1"}, "请填整数"),
        ({"duty": "", "leader": "", "desk": ""}, "马上收到通知"),
    ],
)
def test_steps_with_which_calls_could_be_lost_are_refused(
    get_as: Get, post_as: Get, change: dict[str, Any], says: str
):
    answer = post_as("lena", "/desk/paging/traffic-police/ordinary", do="keep", **{**GOOD, **change})
    assert answer.status_code == 422
    assert says in html(answer)


def test_a_call_goes_by_the_steps_its_department_chose(
    cast: Cast, get_as: Get, post_as: Get, thread_posted: Callable[..., str]
):
    post_as("lena", "/desk/paging/traffic-police/ordinary", do="keep", **GOOD)
    thread = thread_posted()
    page = html(get_as("otto", "/desk"))
    assert thread or page
    advance(timedelta(minutes=10))
    ticking.drain()
    case = db.session.scalars(db.select(Case)).one()
    said = html(get_as("otto", f"/desk?case={case.number}"))
    assert "呼叫到第 2 步，共 3 步" in said
    assert "10:18 通知指挥中心" in said


def test_everybody_reads_on_the_case_how_far_its_call_has_climbed(get_as: Get, reported: Callable[[], Case]):
    number = reported().number
    page = html(get_as(None, f"/cases/{number}"))
    assert "已通知交警支队值班民警" in page
    assert "已通知负责人" not in page
    advance(timedelta(minutes=16))
    ticking.drain()
    page = html(get_as(None, f"/cases/{number}"))
    for words in ("下一班空缺", "已通知负责人"):
        assert words in page, words


def test_what_nobody_answers_for_stands_and_pops_up_at_the_dispatch_desk_until_somebody_does(
    cast: Cast, get_as: Get, reported: Callable[[], Case]
):
    number = reported().number
    advance(timedelta(minutes=23))
    ticking.drain()
    assert "没人应答" not in html(get_as("dana", "/desk"))
    assert get_as("dana", f"/desk/toasts?cases={number}").status_code == 204

    advance(timedelta(minutes=2))
    ticking.drain()
    page = html(get_as("dana", "/desk?queue=called"))
    assert "没人应答" in page
    assert number in page
    assert reported().thread.title in html(get_as("dana", f"/desk/toasts?cases={number}"))
    hints = [each.hint for each in db.session.scalars(select(StreamEntry)) if each.hint.get("calls")]
    assert [each["case"] for each in hints if each["kind"] == "called"] == [number]
    assert "没人应答" not in html(get_as("otto", "/desk?queue=called"))

    with transaction():
        reported().acknowledge(by=cast.otto)
    assert number not in html(get_as("dana", "/desk?queue=called"))


def test_a_case_that_was_confirmed_without_anything_following_is_new_again_at_its_desk(
    cast: Cast, get_as: Get, reported: Callable[[], Case]
):
    with transaction():
        reported().acknowledge(by=cast.otto)
    number = reported().number
    press = f'formaction="/cases/{number}/acknowledgement"'
    page = html(get_as("otto", "/desk"))
    assert press not in page
    assert "data-unseen" not in page
    assert "已查看" in page

    advance(timedelta(hours=5))
    ticking.drain()
    page = html(get_as("otto", "/desk"))
    assert press in page
    assert "data-unseen" in page
    assert "已查看，没有下文，重新呼叫" in page
    toast = html(get_as("otto", f"/desk/toasts?cases={number}"))
    assert "签收后没有下文 @交警支队" in toast
    assert f"/cases/{number}/acknowledgement" in toast
    hints = [
        each.hint for each in db.session.scalars(select(StreamEntry)) if each.hint.get("kind") == "lapsed"
    ]
    assert [(each["case"], each["calls"]) for each in hints] == [(number, True)]

    with transaction():
        reported().acknowledge(by=cast.lena)
    assert press not in html(get_as("otto", "/desk"))
    assert get_as("otto", f"/desk/toasts?cases={number}").status_code == 204


def test_a_confirmation_that_comes_while_the_pager_is_late_pops_up_nowhere(
    cast: Cast, reported: Callable[[], Case]
):
    with transaction():
        reported().acknowledge(by=cast.otto)
    advance(timedelta(hours=5))
    with transaction():
        reported().accept(by=cast.otto)
    ticking.drain()
    assert "lapsed" not in [each.hint.get("kind") for each in db.session.scalars(select(StreamEntry))]


def test_whom_a_call_climbs_to_has_it_among_his_messages_and_at_his_desk(cast: Cast, get_as: Get):
    with transaction():
        thread = posted(cast.rita, section="110", title="有人要打人", body="有人拿刀要杀人，快来人")
        number = thread.case.number if thread.case else ""
    assert get_as("carl", f"/desk/toasts?cases={number}").status_code == 204
    assert "还没人应答，请您接着处理" not in html(get_as("carl", "/inbox"))
    advance(timedelta(minutes=11))
    ticking.drain()
    assert "还没人应答，请您接着处理" in html(get_as("carl", "/inbox"))
    assert get_as("carl", "/inbox/unread").get_json()["unread"] == 1
    toast = html(get_as("carl", f"/desk/toasts?cases={number}"))
    assert "新诉求 @指挥中心" in toast
    assert "有人要打人" in toast
    assert 'data-urgent="1"' in html(get_as("carl", "/desk"))
    # Dana was told at once, as whoever is on duty is: one message for one event.
    assert get_as("dana", "/inbox/unread").get_json()["unread"] == 1

    with transaction():
        case = Case.numbered(number, for_change=True, reader=cast.dana)
        case.acknowledge(by=cast.dana)
    assert get_as("carl", f"/desk/toasts?cases={number}").status_code == 204
    assert 'data-urgent="0"' in html(get_as("carl", "/desk"))


def test_what_the_dispatch_desk_may_not_read_does_not_pop_up_there(cast: Cast, get_as: Get):
    with transaction():
        thread = posted(cast.rita, title="家里的事", body="请交警支队看一下。", restrict=True)
        number = thread.case.number if thread.case else ""
    advance(timedelta(minutes=26))
    ticking.drain()
    assert number not in html(get_as("dana", "/desk?queue=called"))
    assert get_as("dana", f"/desk/toasts?cases={number}").status_code == 204
    assert [e.hint for e in db.session.scalars(select(StreamEntry)) if e.hint.get("kind") == "called"] == []


def test_a_desk_says_when_calls_have_stopped(get_as: Get, reported: Callable[[], Case]):
    reported()
    page = html(get_as("otto", "/desk"))
    assert 'data-controller="pager" hidden' in page
    assert get_as(None, "/readyz").get_json()["checks"]["pager"] == "ok"
    advance(timedelta(minutes=10))
    page = html(get_as("otto", "/desk"))
    assert "呼叫停了" in page
    assert 'data-controller="pager" hidden' not in page
    answer = get_as(None, "/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["checks"]["pager"] == "nobody is called"


def test_alarms_are_for_those_who_look_after_the_board(get_as: Get, thread_posted: Callable[..., str]):
    from notifications.paging import auditing

    thread_posted(restrict=True)
    advance(timedelta(minutes=30))
    assert auditing.audit() == ["late_step"]
    number = db.session.scalars(db.select(Case.number)).one()
    for who in ("adam", "dana"):
        page = html(get_as(who, "/desk/paging"))
        assert "没有按时呼叫" in page
        assert number not in page  # neither of them may read this case
    assert "没有按时呼叫" not in html(get_as("lena", "/desk/paging"))
    assert get_as("rita", "/desk/paging").status_code == 404


def test_the_list_of_policies_and_alarms_costs_the_same_however_long_it_is(
    get_as: Get, thread_posted: Callable[..., str]
):
    from notifications.paging import auditing

    def some(number: int) -> int:
        for _each in range(number):
            thread_posted()
        advance(timedelta(minutes=30))
        auditing.audit()
        db.session.rollback()
        return statements(lambda: get_as("adam", "/desk/paging"))

    get_as("adam", "/desk/paging")
    few = some(1)
    with transaction() as session:
        session.add_all(Department(key=f"station-{place}", name=f"第{place}派出所") for place in range(9))
    assert some(4) <= few
