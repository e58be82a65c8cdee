"""The roster's pages: colleagues read, the leader changes, every slip is answered with what to do and keeps what was typed."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from flask import Flask
from sqlalchemy import func, select

from board import clock
from board.clock import local, midnight, now, today
from board.db import db, transaction
from people import contacts
from people.models import (
    CalendarFeed,
    Department,
    DutyWindow,
    Override,
    Publication,
    Rotation,
    RotationMember,
    Shift,
)
from people.rosterforms import Jumped, moment_of
from tests.builders import Cast
from tests.conftest import ORIGIN, fields_of

pytestmark = pytest.mark.engines("sqlite", "postgres")

ROSTER = "/d/traffic-police/roster"
DAY = timedelta(days=1)


def traffic() -> Department:
    return Department.by_key("traffic-police")


@pytest.fixture
def planned(cast: Cast) -> Cast:
    """Otto and Otis take turns of whole days in the plan; nothing of it is published."""
    with transaction() as session:
        row = Rotation(
            department=traffic(), name="值班", starts_on=today(), starts=time(8, 30), minutes=1440, groups=["A", "B"]
        )  # fmt: skip
        row.members = [
            RotationMember(place=0, person_id=cast.otto.id),
            RotationMember(place=1, person_id=cast.otis.id),
        ]
        session.add(row)
        for person in (cast.otto, cast.otis, cast.lena):
            contacts.known_phone(person)
    return cast


def change(cast: Cast, **fields: str) -> dict[str, str]:
    """A change that fits: Lena instead of Otis tomorrow from noon to six."""
    tomorrow = (today() + DAY).isoformat()
    return {
        "kind": "replace", "person": cast.otis.public_id, "instead": cast.lena.public_id, "from_day": tomorrow,
        "from_time": "12:00", "to_day": tomorrow, "to_time": "18:00", "reason": "培训", **fields,
    }  # fmt: skip


def test_colleagues_read_the_month_and_only_the_leader_gets_forms(planned: Cast, get_as: Any):
    for who, forms in (("otto", False), ("hugo", False), ("lena", True), ("carl", True)):
        page = get_as(who, ROSTER)
        assert page.status_code == 200
        assert "欧阳涛" in page.text
        assert (f'action="{ROSTER}/changes"' in page.text) is forms
        assert page.headers["Cache-Control"] == "private, no-store"


def test_nobody_else_learns_that_there_is_a_roster(planned: Cast, get_as: Any):
    assert get_as(None, ROSTER).status_code == 303
    assert get_as("rita", ROSTER).status_code == 404
    assert get_as("rita", ROSTER).text == get_as("rita", "/d/nothing/roster").text.replace(
        "/d/nothing/roster", ROSTER
    )


def test_the_leader_sees_what_publishing_changes_and_publishes_it(planned: Cast, get_as: Any, post_as: Any):
    preview = get_as("lena", f"{ROSTER}/publication")
    assert "新增" in preview.text
    assert "欧阳涛" in preview.text
    assert db.session.scalar(select(func.count(Publication.id))) == 0
    fields = dict(re.findall(r'name="(until|seen)" value="([^"]*)"', preview.text))
    answer = post_as("lena", f"{ROSTER}/publication", **fields)
    assert answer.status_code == 303
    db.session.rollback()
    assert traffic().on_duty(now() + DAY) == [planned.otis]
    page = get_as("otto", ROSTER)
    assert "李娜" in page.text
    assert "今后 30 天都有人值班" in page.text
    again = post_as("lena", f"{ROSTER}/publication", **fields)
    assert again.status_code == 303
    assert db.session.scalar(select(func.count(Publication.id))) == 1


def test_a_roster_with_a_hole_is_not_published_and_the_page_says_when(
    planned: Cast, get_as: Any, post_as: Any
):
    tomorrow = today() + DAY
    sent = change(planned, kind="remove", instead="")
    assert post_as("lena", f"{ROSTER}/changes", **sent).status_code == 303
    preview = get_as("lena", f"{ROSTER}/publication")
    words = f"{tomorrow.month}月{tomorrow.day}日 12:00–18:00"
    assert words in preview.text
    assert "seen" not in preview.text
    until = (today() + 30 * DAY).isoformat()
    answer = post_as("lena", f"{ROSTER}/publication", until=until)
    assert answer.status_code == 422
    assert words in answer.text
    assert db.session.scalar(select(func.count(Publication.id))) == 0


def test_whoever_cannot_be_reached_is_named_on_the_page(planned: Cast, post_as: Any):
    with transaction():
        contacts.fails(contacts.of(planned.otis)[0], "bounced")
    answer = post_as("lena", f"{ROSTER}/publication", until=(today() + 30 * DAY).isoformat())
    assert answer.status_code == 422
    assert re.search(r"联系不上的人.*赵强", answer.text, re.S)


def test_what_the_leader_saw_is_what_is_published_or_nothing_is(planned: Cast, get_as: Any, post_as: Any):
    preview = get_as("lena", f"{ROSTER}/publication")
    fields = dict(re.findall(r'name="(until|seen)" value="([^"]*)"', preview.text))
    assert post_as("carl", f"{ROSTER}/changes", **change(planned)).status_code == 303
    answer = post_as("lena", f"{ROSTER}/publication", **fields)
    assert answer.status_code == 409
    assert "请再看一遍" in answer.text
    assert db.session.scalar(select(func.count(Publication.id))) == 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": ""}, "请选怎么改"),
        ({"person": ""}, "请选一位现在在这里任职的人"),
        ({"instead": ""}, "请选由谁来替"),
        ({"instead": "self"}, "自己不能替自己"),
        ({"person": "hugo"}, "请选一位现在在这里任职的人"),
        ({"to_time": "12:00"}, "结束要在开始之后"),
        ({"to_day": "2026-11-01"}, "结束要在开始之后"),
        ({"from_day": "2026-10-01", "to_day": "2026-10-01"}, "过去的班次不再改"),
        ({"to_day": "2027-03-01"}, "超过 31 天"),
        ({"from_day": "2026-02-30"}, "请选日期"),
        ({"from_time": "25:00"}, "请写时间"),
        ({"kind": "add"}, "已经有班"),
        ({"person": "lena", "kind": "remove"}, "没有班"),
        ({"reason": "很" * 81}, "不要超过 80 个字"),
    ],
)
def test_a_change_that_cannot_be_taken_says_what_to_do_and_keeps_what_was_typed(
    planned: Cast, post_as: Any, wrong: dict[str, str], says: str
):
    given = {
        name: planned.otis.public_id if value == "self" else getattr(planned, value).public_id if value in planned.ids else value
        for name, value in wrong.items()
    }  # fmt: skip
    answer = post_as("lena", f"{ROSTER}/changes", **change(planned, **given))
    assert answer.status_code == 422
    assert says in answer.text
    assert 'value="18:00"' in answer.text or "to_time" in wrong
    assert "<title>出错" in answer.text
    assert db.session.scalar(select(func.count(Override.id))) == 0


def test_a_time_that_the_clocks_leave_out_is_no_time():
    new_york = ZoneInfo("America/New_York")
    with pytest.raises(Jumped):
        moment_of(date(2026, 3, 8), time(2, 30), new_york)
    assert moment_of(date(2026, 3, 8), time(3, 30), new_york).hour == 7


def test_a_change_can_be_taken_back(planned: Cast, get_as: Any, post_as: Any):
    assert post_as("lena", f"{ROSTER}/changes", **change(planned)).status_code == 303
    found = re.search(rf'action="({ROSTER}/changes/\w+/removal)"', get_as("lena", ROSTER).text)
    assert found is not None
    assert post_as("otto", found[1]).status_code == 403
    assert post_as("lena", found[1].replace("traffic-police", "bureau")).status_code == 403
    assert post_as("carl", found[1].replace("traffic-police", "bureau")).status_code == 404
    assert post_as("lena", found[1]).status_code == 303
    assert db.session.scalar(select(func.count(Override.id))) == 0


def rotation(cast: Cast, **fields: str) -> dict[str, str]:
    return {
        "name": "供热夜班", "starts": "20:00", "hours": "12", "days_each": "1", "starts_on": "2026-11-17",
        "season_from": "10-15", "season_to": "04-15", f"group_{cast.otto.public_id}": "A",
        f"group_{cast.otis.public_id}": "B", **{f"weekday_{day}": "1" for day in range(7)}, **fields,
    }  # fmt: skip


def test_a_rotation_is_made_changed_and_taken_away(planned: Cast, get_as: Any, post_as: Any):
    assert post_as("lena", f"{ROSTER}/rotations", **rotation(planned)).status_code == 303
    db.session.rollback()
    row = db.session.scalars(select(Rotation).where(Rotation.name == "供热夜班")).one()
    assert (row.minutes, row.groups, row.season_from) == (720, ["A", "B"], "10-15")
    page = get_as("lena", f"{ROSTER}/rotations/{row.public_id}")
    assert 'value="供热夜班"' in page.text
    fields = rotation(planned, hours="13.5", **{f"group_{planned.lena.public_id}": "C"})
    assert post_as("lena", f"{ROSTER}/rotations/{row.public_id}", **fields).status_code == 303
    db.session.rollback()
    row = db.session.scalars(select(Rotation).where(Rotation.name == "供热夜班")).one()
    assert (row.minutes, row.groups) == (810, ["A", "B", "C"])
    assert {member.person_id: member.place for member in row.members} == {
        planned.otto.id: 0,
        planned.otis.id: 1,
        planned.lena.id: 2,
    }
    assert post_as("otto", f"{ROSTER}/rotations/{row.public_id}/removal").status_code == 403
    assert post_as("lena", f"{ROSTER}/rotations/{row.public_id}/removal").status_code == 303
    db.session.rollback()
    assert db.session.scalar(select(func.count(Rotation.id))) == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": " "}, "请起个名字"),
        ({"starts": "8"}, "请写时间"),
        ({"hours": "0"}, "一班几小时"),
        ({"hours": "nan"}, "一班几小时"),
        ({"hours": "73"}, "一班几小时"),
        ({"days_each": "0"}, "请写天数"),
        ({"starts_on": "soon"}, "请选日期"),
        ({"ends_on": "2026-11-01"}, "最后一天不能早于第一天"),
        ({"season_to": ""}, "请写月和日"),
        ({"season_from": "02-30"}, "请写月和日"),
        ({f"weekday_{day}": "" for day in range(7)}, "请至少选一天"),
        ({"otto": "", "otis": ""}, "放进 A 组"),
        ({"otis": "C"}, "B 组没有人"),
    ],
)
def test_a_rotation_that_cannot_be_taken_says_what_to_do(
    planned: Cast, post_as: Any, wrong: dict[str, str], says: str
):
    given = {
        f"group_{getattr(planned, name).public_id}" if name in planned.ids else name: value
        for name, value in wrong.items()
    }
    answer = post_as("lena", f"{ROSTER}/rotations", **rotation(planned, **given))
    assert answer.status_code == 422
    assert says in answer.text
    assert 'value="2026-11-17"' in answer.text or "starts_on" in wrong
    assert db.session.scalar(select(func.count(Rotation.id))) == 1


def test_a_department_may_promise_office_hours(planned: Cast, get_as: Any, post_as: Any):
    week = {f"weekday_{day}": "1" for day in range(5)}
    hours = f"{ROSTER}/hours"
    assert post_as("lena", hours, promise="hours", opens="09:00", closes="09:00", **week).status_code == 422
    assert post_as("lena", hours, promise="hours", opens="09:00", closes="17:30", **week).status_code == 303
    db.session.rollback()
    row = db.session.scalars(select(DutyWindow)).one()
    assert (row.weekdays, row.minutes) == ("01234", 510)
    assert 'value="17:30"' in get_as("lena", hours).text
    assert post_as("lena", hours, promise="always").status_code == 303
    db.session.rollback()
    assert db.session.scalar(select(func.count(DutyWindow.id))) == 0


def test_office_hours_and_rotations_may_follow_the_working_calendar(planned: Cast, get_as: Any, post_as: Any):
    hours = f"{ROSTER}/hours"
    chosen = r'value="working"[^>]* checked'
    assert re.search(chosen, get_as("lena", hours).text), "what a leader expects of office hours"
    assert (
        post_as("lena", hours, promise="hours", opens="09:00", closes="17:00", days="off").status_code == 422
    )
    office = {"promise": "hours", "opens": "09:00", "closes": "17:00", "days": "working"}
    assert post_as("lena", hours, **office).status_code == 303
    nobody = {f"weekday_{day}": "" for day in range(7)}
    fields = rotation(planned, days="working", **nobody)
    assert post_as("lena", f"{ROSTER}/rotations", **fields).status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(DutyWindow.days)).all() == ["working"]
    row = db.session.scalars(select(Rotation).where(Rotation.name == "供热夜班")).one()
    assert row.days == "working"
    assert re.search(chosen, get_as("lena", f"{ROSTER}/rotations/{row.public_id}").text)
    assert "调休上班日照常" in get_as("lena", ROSTER).text


@pytest.mark.parametrize("month", ["2026-13", "junk", "", "9999-01", "2026-11-01-1", "0-0"])
def test_a_month_that_is_none_is_this_one(planned: Cast, get_as: Any, month: str):
    page = get_as("otto", f"{ROSTER}?month={month}")
    assert page.status_code == 200
    assert "2026年11月" in page.text


def test_a_month_far_ahead_is_an_empty_page_and_no_work(planned: Cast, get_as: Any):
    page = get_as("lena", f"{ROSTER}?month=2099-01")
    assert page.status_code == 200
    assert "还没公布" in page.text
    assert "新增" not in page.text
    assert "新增" in get_as("lena", f"{ROSTER}?month=2027-02").text


# --- calendars --------------------------------------------------------------------------------------


def events_of(body: bytes) -> list[tuple[datetime, datetime, str]]:
    calendar: Any = icalendar.Calendar.from_ical(body)
    return [(each["dtstart"].dt, each["dtend"].dt, str(each["summary"])) for each in calendar.walk("VEVENT")]


def test_a_month_goes_into_a_calendar_as_it_is_published(planned: Cast, get_as: Any):
    answer = get_as("hugo", f"{ROSTER}.ics?month=2026-11")
    assert answer.mimetype == "text/calendar"
    (start, end, words), *more = events_of(answer.data)
    assert more == []
    assert (start, end) == (now() - timedelta(hours=1), now() + 60 * DAY)
    assert words == "交警 欧阳涛"
    assert get_as("rita", f"{ROSTER}.ics").status_code == 404


def address_of(page: Any) -> str:
    found = re.search(r'value="http://localhost(/calendar/[\w-]+\.ics)"', page.text)
    assert found is not None
    return found[1]


def test_an_officers_private_feed_holds_his_shifts_and_nothing_else(planned: Cast, get_as: Any, post_as: Any):
    address = address_of(post_as("otto", "/me/calendar"))
    assert address.split("/")[-1].removesuffix(".ics") not in get_as("otto", "/me/calendar").text
    with transaction() as session:
        session.add(
            Shift(department=traffic(), person=planned.otis, starts_at=now() + DAY, ends_at=now() + 2 * DAY)
        )
    answer = get_as(None, address)
    assert answer.status_code == 200
    assert [words for _start, _end, words in events_of(answer.data)] == ["值班：交警"]
    assert "欧阳" not in answer.text
    assert "赵强" not in answer.text


def test_a_new_address_ends_the_old_one_and_a_revoked_one_is_not_there(
    planned: Cast, get_as: Any, post_as: Any
):
    first = address_of(post_as("otto", "/me/calendar"))
    second = address_of(post_as("otto", "/me/calendar"))
    assert get_as(None, first).status_code == 404
    assert get_as(None, second).status_code == 200
    assert db.session.scalar(select(func.count(CalendarFeed.id))) == 1
    assert post_as("otto", "/me/calendar/revocation").status_code == 303
    assert get_as(None, second).status_code == 404


def test_the_feed_of_somebody_who_left_is_dead(planned: Cast, get_as: Any, post_as: Any):
    address = address_of(post_as("otto", "/me/calendar"))
    with transaction():
        planned.otto.appointments[0].ends_at = now()
    assert get_as(None, address).status_code == 404


# --- from a file ------------------------------------------------------------------------------------

TABLE = """单位,警号,开始,结束
traffic-police,021001,2026-11-18 08:30,2026-11-18 20:30
交警支队,021001,2026/11/19 08:30,2026/11/19 20:30
traffic-police,021001,2026-11-18 20:00,2026-11-18 22:00
traffic-police,999999,2026-11-18 08:30,2026-11-18 20:30
household-police,031207,2026-11-18 08:30,2026-11-18 20:30
traffic-police,021001,2026-11-21 20:30,2026-11-21 08:30
traffic-police,021001,2026-11-01 08:30,2026-11-01 20:30
traffic-police,021001,tomorrow,2026-11-18 20:30
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_is_looked_at_first_and_every_row_that_does_not_fit_is_named(
    planned: Cast, client_of: Callable[[str], Any], get_as: Any, post_as: Any, encoding: str
):
    token = fields_of(get_as("lena", "/me").text)["csrf_token"]
    answer = contextvars.Context().run(
        client_of("lena").post,
        f"{ROSTER}/import",
        data={"csrf_token": token, "file": (BytesIO(TABLE.encode(encoding)), "table.csv")},
        headers=ORIGIN,
    )
    assert answer.status_code == 200
    for line, why in (
        (4, "已经有班"),
        (5, "没有警号 999999 的人"),
        (6, "没有由您排班的单位“household-police”"),
        (7, "结束要在开始之后"),
        (8, "已经开始"),
        (9, "“tomorrow”不是时间"),
    ):
        assert re.search(rf"第 {line} 行：[^<]*{why}", answer.text), (line, why)
    assert "记下可以导入的 2 班" in answer.text
    assert db.session.scalar(select(func.count(Override.id))) == 0
    assert post_as("lena", f"{ROSTER}/import", table=TABLE, sure="1").status_code == 303
    db.session.rollback()
    assert db.session.scalar(select(func.count(Override.id))) == 2
    again = post_as("lena", f"{ROSTER}/import", table=TABLE)
    assert "0 班可以导入，2 班已经有了" in again.text


@pytest.mark.parametrize(
    "table", ["", "单位,警号\n1,2", "\x00", "department,badge,start,end", "a,b\n" + "x," * 200]
)
def test_what_is_no_table_is_refused_in_words(planned: Cast, post_as: Any, table: str):
    answer = post_as("lena", f"{ROSTER}/import", table=table)
    assert answer.status_code == 422
    assert "还差 1 处" in answer.text


# --- the commands -----------------------------------------------------------------------------------


def run(app: Flask, *words: str) -> Any:
    return contextvars.Context().run(app.test_cli_runner().invoke, args=["duty", *words])


def test_the_commands_bring_in_publish_and_look_for_holes(planned: Cast, app: Flask, tmp_path: Any):
    file, report = tmp_path / "table.csv", tmp_path / "report.csv"
    file.write_text(TABLE, encoding="utf-8")
    assert "3" in run(app, "import", str(file), "--dry-run").output
    assert db.session.scalar(select(func.count(Override.id))) == 0
    done = run(app, "import", str(file), "--report", str(report))
    assert done.exit_code == 0
    assert len(report.read_text(encoding="utf-8").splitlines()) == 6
    db.session.rollback()
    assert db.session.scalar(select(func.count(Override.id))) == 3
    assert run(app, "publish", "traffic-police", "--dry-run").exit_code == 0
    published = run(app, "publish", "traffic-police")
    assert published.exit_code == 0, published.output
    db.session.rollback()
    noon = midnight(date(2026, 11, 18)) + timedelta(hours=12)
    assert {person.badge for person in traffic().on_duty(noon)} == {"021457", "021001"}
    assert run(app, "holes", "traffic-police").exit_code == 0
    holes = run(app, "holes", "bureau")
    assert holes.exit_code == 1
    assert f"{local(now()).day}日" in holes.output
    assert run(app, "publish", "nowhere").exit_code == 1
    refused = run(app, "publish", "bureau")
    assert refused.exit_code == 1  # nothing is planned there, so nobody is on duty when somebody must be
    assert "没人值班" in refused.output


def test_the_command_refuses_a_roster_with_holes_and_lists_them(planned: Cast, app: Flask):
    db.session.rollback()
    with transaction():
        db.session.execute(db.delete(RotationMember).where(RotationMember.person_id == planned.otis.id))
    result = run(app, "publish", "traffic-police")
    assert result.exit_code == 1
    assert result.output.count("没人值班") >= 15


# --- the change of shift ----------------------------------------------------------------------------


@pytest.fixture
def changing(planned: Cast, reported: Any) -> Cast:
    """Otto's shift ends in an hour, then Otis holds it; Rita's case is open."""
    with transaction() as session:
        session.execute(db.delete(Shift).where(Shift.department_id == traffic().id))
        change = now() + timedelta(hours=1)
        for person, start, end in (
            (planned.otto, now() - DAY, change),
            (planned.otis, change, change + DAY),
        ):
            session.add(Shift(department=traffic(), person=person, starts_at=start, ends_at=end))
    return planned


def test_the_relief_finds_the_note_with_the_open_cases_and_takes_over(
    changing: Cast, get_as: Any, post_as: Any
):
    assert "写交接班" in get_as("otto", "/desk").text
    page = get_as("otto", "/desk/handing-over?department=traffic-police")
    assert "1 件没办结的诉求" in page.text
    empty = post_as("otto", "/desk/handing-over", department="traffic-police", words=" ")
    assert empty.status_code == 422
    assert "请写接班的人要知道的事" in empty.text
    sent = {"department": "traffic-police", "words": "青松路口有人值守，\n拖车已叫。"}
    assert post_as("otto", "/desk/handing-over", **sent).status_code == 303
    assert "写交接班" not in re.sub(r"(?s)<nav.*?</nav>", "", get_as("otto", "/desk").text)

    clock.advance(timedelta(minutes=61))
    desk = get_as("otis", "/desk").text
    assert "欧阳涛" in desk
    assert "拖车已叫。" in desk
    assert "红绿灯一直闪黄灯" in desk
    assert 'action="/desk/taking-over"' in desk
    assert 'action="/desk/taking-over"' in get_as("otis", "/desk/rows").text
    assert 'action="/desk/taking-over"' not in get_as("lena", "/desk").text
    assert post_as("otis", "/desk/taking-over", department="traffic-police").status_code == 303
    after = get_as("otis", "/desk").text
    assert "前一班不再收到" in after
    assert 'action="/desk/taking-over"' not in after


def test_without_a_note_the_relief_takes_over_all_the_same(changing: Cast, get_as: Any, post_as: Any):
    clock.advance(timedelta(minutes=61))
    assert "没有留交接班记录" in get_as("otis", "/desk").text
    assert post_as("otis", "/desk/taking-over", department="traffic-police").status_code == 303
    assert post_as("otto", "/desk/taking-over", department="traffic-police").status_code == 403


def test_a_case_that_the_relief_may_not_read_is_not_in_the_note(
    changing: Cast, get_as: Any, post_as: Any, reported: Any
):
    sent = {"department": "traffic-police", "words": "都好。"}
    assert post_as("otto", "/desk/handing-over", **sent).status_code == 303
    db.session.rollback()
    with transaction():
        case = reported()
        title = case.thread.title
        case.department = Department.by_key("household-police")
        case.thread.visibility = "restricted"
    clock.advance(timedelta(minutes=61))
    page = get_as("otis", "/desk").text
    assert "都好。" in page
    assert title not in page
