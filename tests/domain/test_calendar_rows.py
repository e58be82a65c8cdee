"""The calendar as rows: seeded from a package, corrected by an import, noticed by every deadline."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from board.db import db, transaction
from board.i18n import speaking
from board.jobs import Job
from board.spans import Span, WorkingDays
from board.workdays import CalendarDay, DayName, calendar_for, put_days, seed_from_holidays
from tests.people_world import make_app


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    return make_app(tmp_path_factory.mktemp("city"))


@pytest.fixture(autouse=True)
def context(city):
    with city.app_context():
        yield
        with transaction() as session:
            for table in ("calendar_day", "calendar_version", "job"):
                session.execute(db.metadata.tables[table].delete())


@pytest.fixture
def flask(city):
    # In a context of its own, as a real command runs.
    return lambda *words: city.test_cli_runner().invoke(args=["calendar", *map(str, words)])


def recomputations():
    return [job.key for job in db.session.scalars(select(Job).where(Job.kind == "recompute-deadlines"))]


def file_of(tmp_path, *lines, head="date,kind,name,name_en"):
    path = tmp_path / "days.csv"
    path.write_text("\n".join([head, *lines]), encoding="utf-8-sig")
    return path


def test_the_published_year_has_its_make_up_days_and_the_next_one_is_provisional():
    with transaction():
        seed_from_holidays([2025, 2026, 2027])
    calendar = calendar_for()
    assert not calendar.is_workday(date(2026, 10, 6))
    assert calendar.is_workday(date(2026, 10, 10))
    assert calendar.days[date(2026, 10, 6)].name == "国庆节"
    assert calendar.days[date(2026, 10, 10)].name == "调休上班"
    assert sum(calendar.is_workday(date(2026, 1, 1) + timedelta(days=n)) for n in range(365)) == 248
    assert not calendar.provisional(date(2026, 6, 1))
    assert calendar.provisional(date(2027, 6, 1))
    assert not calendar.is_workday(date(2027, 10, 1))


def test_seeding_again_changes_nothing_and_asks_for_no_new_deadlines():
    with transaction():
        seed_from_holidays([2026, 2027])
    assert len(recomputations()) == 1
    with transaction():
        assert not seed_from_holidays([2026, 2027])
    assert len(recomputations()) == 1


def test_a_changed_day_is_seen_by_the_next_reader_and_recomputes_deadlines_once():
    zone = ZoneInfo("Asia/Shanghai")
    friday = datetime(2026, 11, 20, 16, tzinfo=zone)
    assert calendar_for().end(Span(WorkingDays(1)), friday) == datetime(2026, 11, 23, 16, tzinfo=zone)
    with transaction():
        put_days({date(2026, 11, 23): DayName("holiday", "云川建市日", "City Day")}, source="test")
    assert calendar_for().end(Span(WorkingDays(1)), friday) == datetime(2026, 11, 24, 16, tzinfo=zone)
    assert calendar_for() is calendar_for()
    assert len(recomputations()) == 1


def test_a_change_that_is_undone_was_never_there():
    def try_it():
        with transaction():
            put_days({date(2026, 11, 23): DayName("holiday", "云川建市日")}, source="test")
            assert not calendar_for().is_workday(date(2026, 11, 23))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        try_it()
    assert calendar_for().is_workday(date(2026, 11, 23))
    assert recomputations() == []


def test_the_published_plan_takes_the_place_of_the_estimate(flask, tmp_path):
    with transaction():
        seed_from_holidays([2027])
    path = file_of(
        tmp_path, "2027-10-01,holiday,国庆节,National Day", "2027-09-26,workday,国庆节调休,Make-up day"
    )
    dry = flask("import", path, "--whole-year", "--dry-run")
    assert dry.exit_code == 0
    assert "试运行" in dry.output
    assert calendar_for().provisional(date(2027, 1, 1))

    done = flask("import", path, "--whole-year", "--source", "国办发明电〔2026〕9号")
    assert done.exit_code == 0
    assert "2027-10-01  改动" in done.output
    assert "2027-09-26  新增" in done.output
    assert "2027-05-01  去掉" in done.output
    calendar = calendar_for()
    assert not calendar.provisional(date(2027, 1, 1))
    assert calendar.is_workday(date(2027, 9, 26))
    assert set(calendar.days) == {date(2027, 10, 1), date(2027, 9, 26)}
    with transaction():
        assert not seed_from_holidays([2027])  # what was imported stays


def test_one_local_day_leaves_its_year_as_provisional_as_it_was(flask, tmp_path):
    with transaction():
        seed_from_holidays([2026, 2027])
    path = file_of(tmp_path, "2026-11-23,holiday,云川建市日,City Day", "2027-11-23,holiday,云川建市日,")
    assert flask("import", path).exit_code == 0
    calendar = calendar_for()
    assert not calendar.provisional(date(2026, 11, 23))
    assert calendar.provisional(date(2027, 11, 23))
    assert not calendar.is_workday(date(2027, 11, 23))
    assert not calendar.is_workday(date(2027, 10, 1))


def test_every_wrong_line_is_named_and_nothing_is_changed(flask, tmp_path):
    path = file_of(
        tmp_path,
        "2026-10-01,holiday,国庆节,National Day",
        "10/02/2026,holiday,国庆节,National Day",
        "2026-10-03,free,国庆节,National Day",
        "2026-10-01,workday,国庆节,National Day",
        "2026-10-05,holiday,,",
        "2026-02-30,holiday,春节,",
        "2026-10-06",
    )
    answer = flask("import", path)
    assert answer.exit_code == 1
    for line in (3, 4, 5, 6, 7, 8):
        assert f"第 {line} 行" in answer.output
    assert "第 2 行：" not in answer.output
    assert "有 6 行需要改正" in answer.output
    assert db.session.scalar(select(CalendarDay.day)) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"day,what\n2026-10-01,holiday\n", "date, kind, name"),
        (b"", "date, kind, name"),
        ("date,kind,name,name_en\n2026-10-01,holiday,国庆节,".encode("gb18030"), "UTF-8"),
        (b"x" * 1_000_001, "1 MB"),
        (b'date,kind,name,name_en\n2026-10-01,holiday,"never closed\n', "CSV"),
        (b"date,kind,name,name_en\n2026-10-01,holiday,a\x00b,\n2026,,,\n", "2026"),
    ],
)
def test_an_unreadable_file_is_explained_and_not_a_traceback(flask, tmp_path, content, words):
    path = tmp_path / "days.csv"
    path.write_bytes(content)
    answer = flask("import", path)
    assert answer.exit_code == 1
    assert words in answer.output
    assert isinstance(answer.exception, SystemExit)
    assert flask("import", tmp_path).exit_code == 1
    assert flask("import", tmp_path / "missing.csv").exit_code == 1


def test_a_year_is_shown_with_its_working_days(flask):
    assert flask("seed", 2026, 2027).exit_code == 0
    assert "248 个工作日" in flask("show", 2026).output
    assert "暂定" not in flask("show", 2026).output
    assert "暂定" in flask("show", 2027).output


def test_lengths_are_said_in_the_readers_language():
    with speaking("zh"):
        assert Span.parse("30 min; night 2 h").words() == "30 分钟（夜间 2 小时）"
        assert Span.parse("1 wd").words() == "1 个工作日"
    with speaking("en"):
        assert Span.parse("1 wd").words() == "1 working day"
        assert Span.parse("7 d").words() == "7 days"
