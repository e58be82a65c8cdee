"""A city file: the demo city is in order, and every mistake in one is explained with its line."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from board import i18n
from board.errors import Invalid
from boards.cityfile import CityError, Problem, check, read, sprite_icons
from boards.cityfile.directory import Directory
from boards.cityfile.entries import ON_DUTY
from boards.cityfile.lines import Lines
from boards.cityfile.playbook import playbook
from boards.cityfile.roster import roster
from boards.cityfile.times import When
from boards.cityfile.verbs import VERBS
from boards.cityfile_cli import city_cli
from boards.models.status import NEXT

YUNCHUAN = Path(__file__).resolve().parents[2] / "city" / "yunchuan.toml"
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 17, 4, 0, tzinfo=UTC)

SMALL = """\
format = 1
[city]
name = "云川市"
name_en = "Yunchuan"
site_name = "云川 24 小时警局"
site_name_en = "Station"
short_name = "警局"
short_name_en = "Station"
host = "云川市公安局"
host_en = "Bureau"
supervised_by = "督察"
supervised_by_en = "Inspectorate"
zone = "Asia/Shanghai"
area_code = "0900"
help_phone = "0900-000-0100"
hotlines = ["110"]
[clocks]
reply = "2 h"
resolve = "7 d"
rating = "7 d"
[duty]
days = 30
back_days = 10
[[duty.rotation]]
key = "day-night"
name = "两班"
name_en = "Two turns"
turns = [{ start = "08:30", hours = 12 }, { start = "20:30", hours = 12 }]
[[department]]
key = "command-centre"
name = "指挥中心"
name_en = "Command Centre"
kind = "police"
is_desk = true
area = "全市"
area_en = "City"
duty_phone = "0900-000-0110"
rotation = "day-night"
staff = { leader = ["010001"], officer = ["dana"], moderator = ["mona"] }
[[department]]
key = "traffic-police"
name = "交警支队"
name_en = "Traffic Police"
aliases = ["交警", "交警大队"]
kind = "police"
area = "全市"
area_en = "City"
duty_phone = "0900-000-0120"
rotation = "day-night"
groups = [["otto"], ["otis"]]
staff = { leader = ["lena"], officer = ["otto", "otis"] }
[[department]]
key = "municipal"
name = "市政设施中心"
name_en = "Works"
kind = "city"
area = "全市"
area_en = "City"
duty_phone = "0900-000-0830"
rotation = "day-night"
staff = { leader = ["830001"], officer = ["830301"] }
[[section]]
key = "traffic"
name = "交管业务"
name_en = "Traffic"
icon = "car"
examples = "信号灯"
examples_en = "Signals"
promise = "2 小时内回应"
promise_en = "Two hours"
guide = "写清路口"
guide_en = "Say where"
default_department = "traffic-police"
readers = "public"
identities = ["hidden", "open"]
default_identity = "hidden"
[[person]]
key = "rita"
name = "王丽"
name_en = "Rita Wang"
nickname = "青松路居民"
phone = "199 0000 0001"
[[person]]
key = "otto"
name = "欧阳涛"
name_en = "Otto Ouyang"
badge = "021456"
phone = "199 0000 0003"
[[person]]
key = "otis"
name = "赵强"
name_en = "Otis Zhao"
badge = "021457"
phone = "199 0000 0004"
[[person]]
key = "lena"
name = "李娜"
name_en = "Lena Li"
badge = "021001"
phone = "199 0000 0005"
[[person]]
key = "dana"
name = "邓丹"
name_en = "Dana Deng"
badge = "010110"
phone = "199 0000 0007"
[[person]]
key = "mona"
name = "莫楠"
name_en = "Mona Mo"
badge = "080101"
phone = "199 0000 0011"
[citizens]
"春晖小区三号楼" = "199 0000 0101"
[[thread]]
key = "signal"
section = "traffic"
by = "rita"
at = "-9d 07:52"
title = "红绿灯一直闪黄灯"
body = "请@交警大队处理"
steps = [
  { at = "+1m", verb = "acknowledge", by = "duty" },
  { at = "+11m", verb = "accept", by = "otto", text = "已收到，正在赶往路口。" },
  { at = "+12m", verb = "claim", by = "otto" },
  { at = "+1h", verb = "assist", by = "otto", to = "municipal", text = "请换信号机。" },
  { at = "+4h", verb = "assist_answer", by = "830301", text = "换好了。" },
  { at = "+6h", verb = "resolve", by = "otto", outcome = "solved", text = "恢复正常。" },
  { at = "+1d 09:00", verb = "rate", solved = "yes", satisfaction = "satisfied" },
]
"""

RESOLVE = '  { at = "+6h", verb = "resolve", by = "otto", outcome = "solved", text = "恢复正常。" },\n'


def problems_of(tmp_path: Path, text: str) -> list[Problem]:
    file = tmp_path / "city.toml"
    file.write_text(text, encoding="utf-8")
    return check(file)


def line_of(text: str, mark: str) -> int:
    return text[: text.index(mark)].count("\n") + 1


def test_the_demo_city_is_in_order_and_uses_every_section_that_is_open():
    assert [f"{each.line}: {each.message}" for each in check(YUNCHUAN)] == []

    city = read(YUNCHUAN)
    used = {thread.section for thread in city.thread}
    private = {section.key for section in city.section if section.readers != "public"}
    assert private == {"complaints", "tips"}, "what is written there is no example for others"
    assert (
        used - {"complaints"}
        == {section.key for section in city.section if section.post != "closed"} - private
    )
    (complaint,) = [thread for thread in city.thread if thread.section in private]
    assert (complaint.section, complaint.identity, complaint.about_units) == (
        "complaints", "sealed", ("laojie-station",),
    ), "one, so that the inspectors' desk is not empty, and it accuses nobody of the cast"  # fmt: skip
    assert len(city.section) == 11
    assert len(city.thread) >= 60


def test_the_demo_city_has_the_cast_and_no_other_names():
    city = read(YUNCHUAN)
    cast = ["rita", "vera", "otto", "otis", "lena", "hugo", "dana", "carl", "ines", "ida", "mona", "adam"]
    assert [person.key for person in city.person] == cast
    assert all(person.phone.startswith("199 0000") for person in city.person)
    assert all(phone.startswith("199 0000") for phone in city.citizens.values())


def test_the_small_city_of_these_tests_is_in_order(tmp_path):
    assert problems_of(tmp_path, SMALL) == []


# Each row: what is replaced, by what, where the complaint must stand (a mark in the changed text), what it says.
MISTAKES = [
    ("a key with a typing error", 'zone = "Asia', 'zona = "Asia', "zona =", "Did you mean “zone”"),
    ("a key that is not there", 'help_phone = "0900-000-0100"\n', "", "[city]", "“help_phone” is missing"),
    ("a number in quotes", "days = 30", 'days = "30"', "days =", "Write a whole number"),
    ("true in quotes", "is_desk = true", 'is_desk = "true"', "is_desk =", "true or false"),
    ("a text where a list belongs", '["110"]', '"110"', "hotlines =", "a list in square brackets"),
    (
        "a table where a text belongs",
        'name_en = "Works"',
        "name_en = { a = 1 }",
        "name_en = {",
        "a text in quotes",
    ),
    ("a span nobody knows", 'resolve = "7 d"', 'resolve = "7 days"', "resolve =", "Write “30 min”"),
    ("a time zone nobody knows", "Asia/Shanghai", "Asia/Yunchuan", "zone =", "no time zone"),
    ("a time of day past midnight", '"20:30"', '"25:30"', 'start = "25:30"', "08:30"),
    ("a hole in the day", "hours = 12 }]", "hours = 11 }]", "turns =", "from 07:30 to 08:30"),
    ("turns that overlap", "hours = 12 }]", "hours = 13 }]", "turns =", "overlap from 08:30 to 09:30"),
    (
        "two departments of one key",
        'key = "municipal"',
        'key = "traffic-police"',
        'key = "traffic-police"',
        "stands twice",
    ),
    (
        "an alias that is another's name",
        '"交警大队"]',
        '"交警大队", "指挥 中心"]',
        "aliases =",
        "stands twice",
    ),
    (
        "a parent nobody knows",
        'name_en = "Works"',
        'name_en = "Works"\nparent = "burea"',
        "parent =",
        "not known",
    ),
    (
        "a department below itself",
        'name_en = "Works"',
        'name_en = "Works"\nparent = "municipal"',
        "parent =",
        "never",
    ),
    ("no desk at all", "is_desk = true\n", "", "[[department]]", "No department is the dispatch desk"),
    (
        "two desks",
        'name_en = "Works"',
        'name_en = "Works"\nis_desk = true',
        'is_desk = true\nkind = "city"',
        "already",
    ),
    ("a group that is empty", '["otto"], ["otis"]', '["otto"], []', "groups =", "The group is empty"),
    (
        "somebody on duty who does not serve",
        '[["otto"], ["otis"]]',
        '[["otto"], ["dana"]]',
        '["dana"]]',
        "“dana”",
    ),
    ("nobody to be on duty", 'officer = ["830301"]', "officer = []", "staff = {", "Nobody can be on duty"),
    ("a department nobody leads", 'leader = ["830001"], ', "", "staff = {", "Nobody leads"),
    (
        "a rotation nobody knows",
        'rotation = "day-night"\ngroups',
        'rotation = "nights"\ngroups',
        '"nights"',
        "known",
    ),
    (
        "an officer nobody knows",
        '"otto", "otis"] }',
        '"otto", "otiss"] }',
        "officer =",
        "Did you mean “otis”",
    ),
    ("an icon nobody drew", 'icon = "car"', 'icon = "cars"', "icon =", "Did you mean “car”"),
    (
        "whom it is about where nobody complains",
        'title = "红绿灯一直闪黄灯"',
        'title = "红绿灯一直闪黄灯"\nabout_whom = "戴眼镜的那一位"',
        "[[thread]]",
        "Only a complaint says whom",
    ),
    (
        "complaints without reasons",
        'readers = "public"',
        'readers = "inspectorate"',
        "[[section]]",
        "needs “reasons”",
    ),
    (
        "complaints that go to who may be accused",
        'readers = "public"',
        'readers = "inspectorate"\nreasons = [{ key = "manner", name = "态度", name_en = "Manner" }]',
        "default_department =",
        "Complaints go to inspectors",
    ),
    (
        "a closed section that says nothing",
        'readers = "public"',
        'readers = "public"\npost = "closed"',
        "[[section]]",
        "closed_until",
    ),
    (
        "a section for a missing unit",
        'nt = "traffic-police"',
        'nt = "trafic-police"',
        "default_dep",
        "traffic-police",
    ),
    (
        "an identity not offered",
        'identity = "hidden"',
        'identity = "sealed"',
        "default_identity",
        "does not offer",
    ),
    ("a nickname like an office", '"青松路居民"', '"市政设施中心旁"', "nickname =", "department"),
    ("a nickname of the police", '"春晖小区三号楼"', '"云川警方"', '"云川警方"', "police"),
    ("one telephone for two", "199 0000 0101", "199 0000 0001", '"春晖小区三号楼"', "taken in line"),
    (
        "a badge for two",
        'badge = "021457"',
        'badge = "021456"',
        'badge = "021456"\nphone = "199 0000 0004"',
        "twice",
    ),
    ("a telephone that is none", "199 0000 0003", "199 0000", "phone =", "11 digits"),
    ("staff without a badge", 'badge = "080101"\n', 'nickname = "小莫"\n', "[[person]]", "badge"),
    (
        "a section nobody knows",
        'section = "traffic"',
        'section = "trafic"',
        "section =",
        "Did you mean “traffic”",
    ),
    ("a poster nobody knows", 'by = "rita"', 'by = "rito"', "by =", "Did you mean “rita”"),
    ("an officer who posts", 'by = "rita"', 'by = "otto"', "by =", "Only members post"),
    ("a post from tomorrow", '"-9d 07:52"', '"+1d 07:52"', "at =", "future"),
    ("a time without a sign", '"-9d 07:52"', '"9d 07:52"', "at =", "cannot be read"),
    ("an empty title", '"红绿灯一直闪黄灯"', '"  "', "title =", "Nothing is written there"),
    ("a title too long", '"红绿灯一直闪黄灯"', f'"{"长" * 81}"', "title =", "81"),
    ("a counter outside notices", 'by = "rita"', 'by = "rita"\nreads = 5', "reads =", "counts no readers"),
    ("a verb nobody knows", 'verb = "claim"', 'verb = "clame"', 'verb = "clame"', "Did you mean “claim”"),
    ("an outcome nobody knows", '"solved", text', '"done", text', 'outcome = "done"', "not known"),
    (
        "an outcome with its own verb",
        '"solved", text',
        '"declined", text',
        'outcome = "declined"',
        "cannot end as",
    ),
    ("an outcome that needs a date", '"solved", text', '"planned", text', 'verb = "resolve"', "“until”"),
    (
        "an actor nobody knows",
        'verb = "claim", by = "otto"',
        'verb = "claim", by = "oto"',
        'by = "oto"',
        "otto",
    ),
    ("an actor left out", 'verb = "claim", by = "otto"', 'verb = "claim"', 'verb = "claim"', "needs “by”"),
    (
        "another department's officer",
        'claim", by = "otto"',
        'claim", by = "dana"',
        'by = "dana" }',
        "cannot do this",
    ),
    (
        "a field the verb takes not",
        'claim", by = "otto"',
        'claim", by = "otto", to = "x"',
        'to = "x"',
        "takes no",
    ),
    ("a text the verb needs", ', text = "已收到，正在赶往路口。"', "", 'verb = "accept"', "needs “text”"),
    ("a target nobody knows", 'to = "municipal"', 'to = "municipals"', 'to = "municipals"', "municipal"),
    ("steps out of order", 'at = "+12m"', 'at = "+10m"', 'at = "+10m"', "before the one above"),
    ("a step in the future", '"+1d 09:00"', '"+9d 09:00"', 'at = "+9d 09:00"', "future"),
    (
        "resolving before accepting",
        'verb = "accept"',
        'verb = "resolve", outcome = "solved"',
        "resolve",
        "while the",
    ),
    (
        "resolving with an open task",
        'verb = "assist_answer"',
        'verb = "progress"',
        RESOLVE[:30],
        "not answered",
    ),
    ("rating before the answer", RESOLVE, "", 'verb = "rate"', "while the case is “in_progress”"),
    (
        "a task nobody was given",
        '"assist", by = "otto", to = "municipal"',
        '"note", by = "otto"',
        "assist_a",
        "asked to",
    ),
    ("acknowledging twice", 'verb = "accept"', 'verb = "acknowledge"', 'at = "+11m", verb', "already"),
    (
        "waiting for nothing",
        'verb = "claim", by = "otto"',
        'verb = "supplement", text = "好"',
        "supplement",
        "while",
    ),
    (
        "silence before its time",
        'verb = "rate", solved = "yes", satisfaction = "satisfied"',
        'verb = "silence"',
        "+1d",
        "7 d",
    ),
    (
        "someone else's rating",
        'satisfaction = "satisfied"',
        'satisfaction = "fair", by = "otto"',
        'by = "otto" },\n]',
        "poster",
    ),
    (
        "a named officer who may be off duty then",
        'by = "duty"',
        'by = "otto"',
        'by = "otto" },',
        "on duty then may",
    ),
    (
        "somebody on duty where a name is needed",
        'claim", by = "otto"',
        'claim", by = "duty"',
        'by = "duty" },',
        "known",
    ),
    (
        "a reply by an office that has no part in it",
        '"+12m", verb = "claim", by = "otto"',
        '"+12m", verb = "reply", by = "830001", text = "好"',
        'by = "830001"',
        "the departments that work on it",
    ),
    (
        "a guide by an office that has no part in the section",
        'by = "rita"',
        'by = "830301"\nkind = "guide"',
        'by = "830301"\nkind',
        "publish here",
    ),
    (
        "a case's verb under a guide",
        'by = "rita"',
        'by = "otto"\nkind = "guide"',
        'verb = "acknowledge"',
        "needs a case",
    ),
    (
        "a merge into nothing",
        'verb = "claim", by = "otto"',
        'verb = "merge", by = "dana", into = "x"',
        "into =",
        "known",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "mark", "says"), [row[1:] for row in MISTAKES], ids=[r[0] for r in MISTAKES]
)
def test_each_mistake_is_told_with_its_line(tmp_path, old: str, new: str, mark: str, says: str):
    assert SMALL.count(old) >= 1
    text = SMALL.replace(old, new) if old == RESOLVE else SMALL.replace(old, new, 1)
    found = problems_of(tmp_path, text)

    told = [f"{each.line} {each.where}: {each.message} → {each.remedy}" for each in found]
    lines = {text[: mark_at.start()].count("\n") + 1 for mark_at in re.finditer(re.escape(mark), text)}
    assert any(each.line in lines and says in f"{each.message} → {each.remedy}" for each in found), told
    with pytest.raises(CityError):
        read(tmp_path / "city.toml")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path):
    text = (
        SMALL.replace('zone = "Asia/Shanghai"', 'zone = "Mars"')
        .replace('icon = "car"', 'icon = "kar"')
        .replace('verb = "claim"', 'verb = "clame"')
        .replace("days = 30", 'days = "30"')
    )
    found = problems_of(tmp_path, text)
    lines = [each.line for each in found]
    assert lines == sorted(lines)
    for mark in ('zone = "Mars"', 'icon = "kar"', 'verb = "clame"', 'days = "30"'):
        assert line_of(text, mark) in lines


def test_one_missing_table_does_not_bring_complaints_about_everything_that_names_it(tmp_path):
    text = SMALL.replace('name_en = "Traffic Police"\n', "")
    assert [str(each.message) for each in problems_of(tmp_path, text)] == ["“name_en” is missing"]


def test_a_column_points_at_the_key_itself(tmp_path):
    text = SMALL.replace('verb = "claim"', 'verb = "clame"')
    problem = problems_of(tmp_path, text)[0]
    line = text.split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].startswith('verb = "clame"')
    assert problem.where == "thread signal, steps 3, verb"


@pytest.mark.parametrize(
    ("raw", "line", "says"),
    [
        (b'format = 1\nname = "open\n', 2, "not TOML"),
        (b"format = 1\nformat = 2\n", 2, "not TOML"),
        (b'format = 1\nname = "\xff\xfe"\n', 2, "UTF-8"),
        (b"a = " + b"[" * 20000, 1, "nested too deeply"),
        (b"", 1, "is missing"),
        (b"\x00", 1, "not TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_told_with_its_line(tmp_path, raw: bytes, line: int, says: str):
    file = tmp_path / "city.toml"
    file.write_bytes(raw)
    found = check(file)
    assert found[0].line == line
    assert says in f"{found[0].message}"


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    assert "cannot be read" in str(check(tmp_path / "nowhere.toml")[0].message)
    assert "cannot be read" in str(check(tmp_path)[0].message)
    assert "cannot be read" in str(check("\0")[0].message)


def test_a_file_saved_on_windows_is_read_like_any_other(tmp_path):
    file = tmp_path / "city.toml"
    file.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert check(file) == []


# --- lines -------------------------------------------------------------------------------------------

ODD = '''\
# [not.a.table]
"quoted key" = 1 # "a" = 2
a.b . "c.d" = """
[x]
y = 1 """
list = [ # ]
  'one]', """two]""", { deep = [1, { deeper = 2 }] },
]
[t.u]
x = 1979-05-27 07:32:00
[[t.rows]]
x = [[1, 2], [3]]
[t.rows.inner]
y = { "z" = 'it', w.v = "a\\"}" }
[[t.rows]]
x = """"quoted""""
'''


def paths(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(data, dict):
        return found + [each for key, value in data.items() for each in paths(value, (*path, key))]
    if isinstance(data, list):
        return found + [each for index, value in enumerate(data) for each in paths(value, (*path, index))]
    return found


@pytest.mark.parametrize("text", [ODD, SMALL, YUNCHUAN.read_text(encoding="utf-8")])
def test_every_key_of_a_file_is_found_where_it_stands(text: str):
    lines = Lines(text)
    rows = text.split("\n")
    for path in paths(tomllib.loads(text)):
        line, column = lines.of(path)
        here = rows[line - 1][column - 1 :]
        last = path[-1]
        if isinstance(last, int):
            assert here[0] in "[{\"'0123456789", (path, here)
        else:
            assert last in here or here.startswith("["), (path, here)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(SMALL) - 1), length=st.integers(0, 40), instead=st.text(max_size=6))
def test_whatever_is_broken_in_a_city_file_it_is_answered_with_lines_of_it(
    tmp_path, at: int, length: int, instead: str
):
    text = SMALL[:at] + instead.replace("\r", "") + SMALL[at + length :]
    file = tmp_path / "city.toml"
    file.write_bytes(text.encode("utf-8", "replace"))
    rows = text.count("\n") + 1
    for problem in check(file):
        assert 1 <= problem.line <= rows
        assert str(problem.message)
        assert str(problem.remedy)


# --- times, duty, the story --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("-3d 09:12", datetime(2026, 11, 14, 1, 12, tzinfo=UTC)),
        ("-95m", NOON - timedelta(minutes=95)),
        ("+1d 4h", NOON + timedelta(hours=28)),
        ("+2h 30m", NOON + timedelta(minutes=150)),
        ("+0d 08:30", datetime(2026, 11, 17, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_counts_from_its_base_on_the_clocks_of_the_city(text: str, moment: datetime):
    assert When.parse(text).after(NOON, SHANGHAI) == moment
    assert When.parse(str(When.parse(text))) == When.parse(text)


@pytest.mark.parametrize("text", ["", "+", "3d", "-3d 24:00", "-3d 9:00", "+5x", "now", "+1m 1h", "-1h2"])
def test_what_is_no_moment_is_refused(text: str):
    with pytest.raises(Invalid):
        When.parse(text)


def test_the_demo_city_loads_at_any_hour_without_a_step_in_the_future():
    city = read(YUNCHUAN)
    midnight = datetime(2026, 11, 17, tzinfo=SHANGHAI)
    for hour in range(24):
        loaded_at = midnight + timedelta(hours=hour)
        acts = playbook(city, loaded_at)
        assert max(act.at for act in acts) <= loaded_at
        assert [act.at for act in acts] == sorted(act.at for act in acts)


def test_the_story_keeps_the_order_of_each_thread_and_says_who_acts():
    city = read(YUNCHUAN)
    people = {*Directory(city).people(), ON_DUTY}
    for thread in city.thread:
        acts = [act for act in playbook(city, NOON) if act.thread is thread]
        assert [act.step for act in acts] == [None, *thread.steps]
        assert all(
            (act.by in people) != (act.step is not None and act.step.verb == "silence") for act in acts
        )


def test_every_department_has_somebody_on_duty_at_every_minute_for_thirty_days():
    city = read(YUNCHUAN)
    shifts = roster(city, NOON)
    for department in city.department:
        mine = sorted((s.starts_at, s.ends_at) for s in shifts if s.department == department.key)
        assert mine[0][0] <= NOON - timedelta(days=city.duty.back_days)
        assert mine[-1][1] >= NOON + timedelta(days=30)
        assert all(end == start for (_, end), (start, _) in pairwise(mine))
    assert all(shift.people for shift in shifts)


@pytest.mark.parametrize("hour", [0, 5, 8, 12, 20, 23])
def test_otto_is_on_duty_when_the_city_is_loaded_and_otis_relieves_him(hour: int):
    loaded_at = datetime.combine(datetime(2026, 11, 17), time(hour, 40), SHANGHAI)
    mine = [s for s in roster(read(YUNCHUAN), loaded_at) if s.department == "traffic-police"]
    running = next(index for index, s in enumerate(mine) if s.starts_at <= loaded_at < s.ends_at)
    assert "otto" in mine[running].people
    assert "otis" in mine[running + 1].people


# --- what the walk knows -----------------------------------------------------------------------------


def test_the_verbs_of_a_city_file_are_those_of_the_case():
    by_hand = {"decide", "silence", "watch", "affected", "reply", "hold", "release", "pin"}
    by_itself = {"follow_up"}
    assert set(VERBS) - by_hand == set(NEXT) - by_itself


def test_the_first_mentioned_department_leads_then_the_place_then_the_section():
    directory = Directory(read(YUNCHUAN))
    threads = directory.threads
    assert directory.first_lead(threads["signal-flashing"]) == "traffic-police"
    assert directory.first_lead(threads["hit-and-run"]) == "accident-brigade"
    assert directory.first_lead(threads["loose-sign"]) == "hubin-station"
    assert directory.first_lead(threads["deposit"]) == "command-centre"


def test_the_leader_above_may_decide_and_the_officer_beside_may_not():
    directory = Directory(read(YUNCHUAN))
    assert directory.leads("lena", "accident-brigade")
    assert directory.leads("carl", "accident-brigade")
    assert not directory.leads("otto", "accident-brigade")
    assert not directory.serves("otto", "accident-brigade")


def test_the_icons_of_the_sprite_are_known():
    assert "megaphone" in (sprite_icons() or ())
    assert sprite_icons(Path("/nowhere.svg")) is None


# --- the command -------------------------------------------------------------------------------------


@pytest.fixture
def city_app() -> Flask:
    app = Flask("city")
    i18n.init_app(app)
    app.cli.add_command(city_cli)
    return app


def test_the_command_prints_each_mistake_with_its_place_and_fails(city_app, tmp_path):
    file = tmp_path / "city.toml"
    text = SMALL.replace('verb = "claim"', 'verb = "clame"').replace('icon = "car"', 'icon = "kar"')
    file.write_text(text, encoding="utf-8")
    result = city_app.test_cli_runner().invoke(args=["city", "check", str(file)])
    assert result.exit_code == 1
    assert (
        f"{file}:{line_of(text, 'icon =')}:1: section traffic, icon: 这里没有“kar” → 是不是“car”？"
        in result.output
    )
    assert f"{file}:{line_of(text, 'clame')}:" in result.output


def test_the_command_praises_a_city_in_order_and_fails_on_a_missing_one(city_app, tmp_path):
    runner = city_app.test_cli_runner()
    assert runner.invoke(args=["city", "check", str(YUNCHUAN)]).exit_code == 0
    missing = runner.invoke(args=["city", "check", str(tmp_path / "none.toml")])
    assert missing.exit_code == 1
    assert "读不出来" in missing.output
