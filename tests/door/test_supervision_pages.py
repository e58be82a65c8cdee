"""Supervision at the door: what everybody reads, what the unit's leader and the inspectors press, what is refused how."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from board import clock, jobs
from board.audit import AuditEntry
from board.db import db, transaction
from board.web import forget_pages
from boards import cards, casepage
from boards.models import Case
from complaints import weekly
from complaints.models import Reading, SupervisionOrder, UnitReview
from complaints.models.supervision import Demand
from tests.builders import Cast, posted
from tests.complaining import DISCIPLINE, complain, officer, open_complaints

Get = Callable[..., TestResponse]
DEMAND = {
    "level": "order",
    "reason": "overdue",
    "demand": "redo",
    "words": "请换人重办，并逐件公开答复。",
    "due": "2026-11-20",
    "act": "issue",
}
ANSWER = "经查属实，已换人重办，三件均已恢复。"


@pytest.fixture
def opened(cast: Cast) -> Iterator[Cast]:
    """The cast in a city whose inspectors serve."""
    with transaction():
        open_complaints(cast)
    yield cast
    forget()


def forget() -> None:
    forget_pages()
    casepage.forget()
    cards.forget()


def posts(cast: Cast, count: int = 1, **draft: str) -> list[str]:
    numbers = []
    for place in range(count):
        with transaction():
            case = posted(cast.rita, title=f"路口的灯坏了 {place}", **draft).case
            assert case is not None
            numbers.append(case.number)
    return numbers


def ordered(cast: Cast, numbers: list[str]) -> str:
    with transaction():
        order = SupervisionOrder.begin(numbers, by=cast.ines)
        order.issue(by=cast.ines, said=Demand(words="请公开答复。"), numbers=numbers)
        return order.number


def late(count: int) -> None:
    """The clock runs until what was posted is late."""
    clock.advance(timedelta(days=count))
    jobs.run_due()


def text_of(response: TestResponse) -> str:
    return response.get_data(as_text=True)


def test_an_inspector_ticks_cases_and_everybody_reads_the_order(
    opened: Cast, get_as: Get, post_as: Get
) -> None:
    numbers = posts(opened, 3)
    late(1)
    desk = text_of(get_as("ines", "/inspection?queue=overdue"))
    for number in numbers:
        assert re.search(rf'type="checkbox" name="case" value="{number}" form="ticks"', desk)
    form = text_of(
        get_as("ines", f"/inspection/supervision/new?queue=overdue&case={numbers[0]}&case={numbers[1]}")
    )
    assert "交警支队" in form
    assert numbers[2] not in form
    assert form.count("checked") >= 2

    sent = post_as("ines", "/inspection/supervision", case=numbers[:2], **DEMAND)
    assert sent.status_code == 303
    assert sent.headers["Location"] == "/supervision/order-2026-1"

    for who in (None, "rita", "vera", "otto", "lena", "hugo"):
        forget()
        page = text_of(get_as(who, "/supervision/order-2026-1"))
        assert "督办〔2026〕1号" in page
        assert "请换人重办，并逐件公开答复。" in page
        assert "警务督察支队" in page
        assert all(number in page for number in numbers[:2])
        assert numbers[2] not in page
        assert not re.search("尹思|Si Yin|090001", page), "an office speaks, and no person"
        assert "督办〔2026〕1号" in text_of(get_as(who, "/supervision"))
        case = text_of(get_as(who, f"/cases/{numbers[0]}"))
        assert 'href="/supervision/order-2026-1"' in case
        assert 'data-status="supervised"' in case
    assert 'data-status="supervised"' in text_of(get_as(None, "/s/traffic"))
    desk = text_of(get_as("ines", "/inspection?queue=supervised"))
    assert numbers[0] in desk
    assert f'value="{numbers[0]}" form="ticks"' not in desk


def test_the_leader_finds_it_at_the_desk_reads_and_answers(opened: Cast, get_as: Get, post_as: Get) -> None:
    (number,) = posts(opened)
    post_as("otto", f"/cases/{number}/acceptance", text="已收到，民警正赶往现场查看。")
    order = ordered(opened, [number])

    desk = text_of(get_as("lena", "/desk"))
    assert f'href="/supervision/{order}"' in desk
    assert "待签阅 1 份，待答复 1 份" in desk
    assert f'href="/supervision/{order}"' not in text_of(get_as("otto", "/desk"))
    assert "督办" in text_of(get_as("lena", "/inbox"))
    page = text_of(get_as("lena", f"/supervision/{order}"))
    assert f'action="/supervision/{order}/receipt"' in page
    assert f'action="/supervision/{order}/answer"' in page
    assert SupervisionOrder.numbered(order, reader=None).read_at is None, "to open it is not to have read it"

    pane = text_of(get_as("otto", f"/desk?case={number}"))
    assert f'href="/supervision/{order}"' in pane
    assert "不能办结" in pane
    refused = post_as("otto", f"/cases/{number}/resolution", text="灯已修好，恢复正常。", outcome="solved")
    assert refused.status_code == 409
    assert "请先答复督办单" in text_of(refused)

    assert post_as("lena", f"/supervision/{order}/receipt").status_code == 303
    again = post_as("lena", f"/supervision/{order}/receipt")
    assert again.status_code == 409
    assert "已经有负责人签阅了" in text_of(again)
    assert "待签阅 0 份，待答复 1 份" in text_of(get_as("lena", "/desk"))
    empty = post_as("lena", f"/supervision/{order}/answer", answer="  ")
    assert empty.status_code == 422
    assert 'aria-invalid="true"' in text_of(empty)
    assert post_as("lena", f"/supervision/{order}/answer", answer=ANSWER).status_code == 303
    assert post_as("lena", f"/supervision/{order}/answer", answer="再说一次。").status_code == 409
    forget()
    assert ANSWER in text_of(get_as(None, f"/supervision/{order}"))
    assert f'href="/supervision/{order}"' not in text_of(get_as("lena", "/desk"))
    done = post_as("otto", f"/cases/{number}/resolution", text="灯已修好，恢复正常。", outcome="solved")
    assert done.status_code == 303


def test_an_inspector_decides_with_one_press_and_the_second_reads_that_it_is_done(
    opened: Cast, get_as: Get, post_as: Get
) -> None:
    order = ordered(opened, posts(opened))
    early = post_as("ines", f"/supervision/{order}/decision", fulfilled="yes")
    assert early.status_code == 409
    assert 'name="fulfilled"' not in text_of(get_as("ines", f"/supervision/{order}"))
    post_as("lena", f"/supervision/{order}/answer", answer=ANSWER)
    page = text_of(get_as("ines", f"/supervision/{order}"))
    fields = dict(re.findall(r'<input class="input" type="date" name="(due)"[^>]*value="([^"]+)"', page))
    assert fields["due"] == "2026-11-19", "two working days from now"
    assert re.search(r'name="level" value="second"[^>]*checked', page)
    assert post_as("ines", f"/supervision/{order}/decision", fulfilled="maybe").status_code == 422
    skipped = post_as(
        "ines",
        f"/supervision/{order}/decision",
        fulfilled="no",
        level="circular",
        demand="answer",
        words="QTYPED 请落实。",
    )
    assert skipped.status_code == 422
    assert "QTYPED" in text_of(skipped)
    assert re.search(r'name="level" value="circular"[^>]*checked', text_of(skipped))
    sent = {
        "fulfilled": "no",
        "level": "second",
        "demand": "answer",
        "words": "请落实。",
        "due": "2026-11-19",
    }
    up = post_as("ines", f"/supervision/{order}/decision", **sent)
    assert up.status_code == 303
    assert up.headers["Location"] == "/supervision/second-2026-1"
    assert post_as("ida", f"/supervision/{order}/decision", **sent).status_code == 409
    forget()
    assert "/supervision/second-2026-1" in text_of(get_as(None, f"/supervision/{order}"))
    assert f"/supervision/{order}" in text_of(get_as(None, "/supervision/second-2026-1"))


def test_a_form_sent_twice_issues_one_order(opened: Cast, post_as: Get) -> None:
    numbers = posts(opened)
    for _time in range(2):
        sent = post_as("ines", "/inspection/supervision", case=numbers, once="o" * 24, **DEMAND)
        assert sent.headers["Location"] == "/supervision/order-2026-1"
    assert db.session.scalar(db.select(db.func.count(SupervisionOrder.id))) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"words": ""}, "words"),
        ({"words": "长" * 5001}, "words"),
        ({"due": "yesterday"}, "due"),
        ({"due": "2026-11-16"}, "due"),
        ({"due": "2027-11-16"}, "due"),
        ({"due": "0001-01-01"}, "due"),
        ({"level": "interview"}, "skipped"),
        ({"level": "x"}, "level"),
        ({"reason": "x"}, "reason"),
        ({"demand": "x"}, "demand"),
        ({"case": []}, "cases"),
    ],
)
def test_what_is_wrong_is_said_beside_the_form_as_it_was_filled_in(
    opened: Cast, post_as: Get, change: dict[str, str], field: str
) -> None:
    numbers = posts(opened, 2)
    sent = {**DEMAND, "case": numbers, "words": "QTYPED 请公开答复。", **change}
    answer = post_as("ines", "/inspection/supervision", **sent)
    assert answer.status_code == 422
    page = text_of(answer)
    assert f'href="#f-{field}"' in page
    if field not in ("words", "cases"):
        assert "QTYPED" in page
    if field != "cases":
        assert page.count('name="case"') == 2
    assert db.session.scalar(db.select(db.func.count(SupervisionOrder.id))) == 0


def test_the_boards_own_draft_is_changed_kept_issued_or_discarded(
    opened: Cast, get_as: Get, post_as: Get
) -> None:
    numbers = posts(opened, 2)
    with transaction():
        weekly.promise_round()
    for _day in range(10):
        late(1)
    page = text_of(get_as("ines", "/inspection/supervision"))
    (path,) = set(re.findall(r'href="(/inspection/supervision/drafts/\w+)"', page))
    assert "该单位本周汇总" in page
    form = text_of(get_as("ines", path))
    assert all(number in form for number in numbers)
    assert "下列诉求已超过承诺时限" in form
    keep = {**DEMAND, "act": "keep", "due": "", "words": "QKEPT 请答复。", "case": numbers[:1]}
    assert post_as("ines", path, **keep).headers["Location"] == path
    form = text_of(get_as("ida", path))
    assert "QKEPT" in form
    assert numbers[1] not in form
    assert post_as("otto", path, **keep).status_code == 404
    assert get_as("lena", path).status_code == 404
    issue = {**DEMAND, "due": "", "case": numbers[:1]}
    assert post_as("ida", path, **issue).headers["Location"] == "/supervision/order-2026-1"
    assert post_as("ines", path, **issue).status_code == 409
    assert post_as("ines", f"{path}/discarding").status_code == 409
    with transaction():
        draft = SupervisionOrder.begin(numbers[1:], by=opened.ines).public_id
    assert post_as("ines", f"/inspection/supervision/drafts/{draft}/discarding").status_code == 303
    assert get_as("ines", f"/inspection/supervision/drafts/{draft}").status_code == 404
    assert "supervision.discarded" in list(db.session.scalars(db.select(AuditEntry.act)))


def test_a_review_is_about_a_unit_and_names_nobody(opened: Cast, get_as: Get, post_as: Get) -> None:
    posts(opened, 3)
    with transaction():
        weekly.promise_round()
    late(2)
    (review,) = db.session.scalars(db.select(UnitReview))
    page = text_of(get_as("ines", "/inspection/supervision"))
    assert "交警支队" in page
    assert "近 30 天首次答复超时 3 件" in page
    assert not re.search("欧阳|赵强|李娜|0214", page)
    desk = text_of(get_as("ines", "/inspection?queue=overdue"))
    assert "近 30 天各单位" in desk
    path = f"/inspection/reviews/{review.public_id}/closing"
    assert post_as("ines", path, found=" ").status_code == 422
    assert post_as("otto", path, found="看过").status_code == 404
    assert post_as("ines", path, found="值班有空档，已要求补齐。").status_code == 303
    assert post_as("ida", path, found="看过").status_code == 409
    assert "近 30 天首次答复超时 3 件" not in text_of(get_as("ines", "/inspection/supervision"))


def test_the_list_is_read_page_by_page_and_year_by_year(opened: Cast, get_as: Get) -> None:
    numbers = posts(opened, 23)
    for number in numbers:
        ordered(opened, [number])
        clock.advance(timedelta(minutes=1))
    first = text_of(get_as(None, "/supervision"))
    older = re.search(r'href="(/supervision\?before=[^"]+)"', first)
    assert older is not None
    second = text_of(get_as(None, older.group(1).replace("&amp;", "&")))
    listed = [
        re.findall(r'<h2[^>]*><a href="/supervision/order-2026-(\d+)"', page) for page in (first, second)
    ]
    assert [int(each) for each in listed[0] + listed[1]] == list(range(23, 0, -1))
    assert "order-2026-23" in text_of(get_as(None, "/supervision?year=2026"))
    for odd in ("?year=2025", "?before=zz", "?before=%00", "?year=x", "?before=" + "A" * 500):
        assert get_as(None, f"/supervision{odd}").status_code == 200
    assert "order-2026" not in text_of(get_as(None, "/supervision?year=2025"))


@pytest.mark.parametrize(
    "number",
    ["order-2026-2", "x", "order-2026", "order-2026-99999999999999999999", "ORDER-2026-1", "order-2026-1%0a"],
)
def test_what_is_no_order_is_not_found(opened: Cast, get_as: Get, number: str) -> None:
    ordered(opened, posts(opened))
    assert get_as(None, f"/supervision/{number}").status_code == 404
    assert get_as(None, f"/supervision/{number}/print").status_code == 404


def test_the_sheet_is_a_formal_document_of_the_office(opened: Cast, get_as: Get) -> None:
    numbers = posts(opened, 2)
    order = ordered(opened, numbers)
    sheet = text_of(get_as(None, f"/supervision/{order}/print"))
    inside = sheet[sheet.index("<main") : sheet.index("</main>")]
    places = [
        inside.index(part)
        for part in (
            "警务督察支队",
            "督办单</h1>",
            "督办〔2026〕1号",
            "交警支队：",
            "请公开答复。",
            numbers[0],
            numbers[1],
            "答复期限",
            "document__sign",
            "2026年11月17日",
        )
    ]
    assert places == sorted(places)
    assert "css/document.css" in sheet
    assert "<form" not in sheet
    assert not re.search("尹思|Si Yin|090001|李娜", sheet)


def test_the_page_changes_with_every_step_though_it_is_kept_for_visitors(
    opened: Cast, get_as: Get, post_as: Get
) -> None:
    (number,) = posts(opened)
    with transaction():
        order = SupervisionOrder.begin([number], by=opened.ines)
        order.issue(by=opened.ines, said=Demand("reminder", words="请公开答复。"), numbers=[number])
        order_number = order.number
    path = f"/supervision/{order_number}"
    states = ["待单位签阅", "超期未答复", "待督察核定", "已落实"]

    def shown(word: str) -> None:
        for page in (path, "/supervision"):
            text = text_of(get_as(None, page))
            assert [each for each in states if each in text] == [word], page

    shown("待单位签阅")
    late(2)  # before anybody signs in, whose sign-in would be over by now
    shown("超期未答复")
    done = post_as("lena", f"{path}/answer", answer=ANSWER)
    assert done.headers["Location"] == path
    shown("待督察核定")
    done = post_as("ines", f"{path}/decision", fulfilled="yes")
    assert done.headers["Location"] == path
    shown("已落实")
    assert "曾超期" in text_of(get_as(None, path)), "a breach is never erased"
    with transaction():
        case = db.session.scalars(db.select(Case).where(Case.number == number)).one()
        case.thread.hold(by=opened.mona, reason="private_data")
    assert get_as(None, path).status_code == 404
    assert order_number not in text_of(get_as(None, "/supervision"))
    assert get_as("lena", path).status_code == 200


def test_that_the_leader_has_read_it_stands_at_once_on_the_page_kept_for_visitors(
    opened: Cast, get_as: Get, post_as: Get
) -> None:
    path = f"/supervision/{ordered(opened, posts(opened))}"
    assert "待单位签阅" in text_of(get_as(None, path))
    assert post_as("lena", f"{path}/receipt").headers["Location"] == path
    assert "单位已阅，待答复" in text_of(get_as(None, path))


def test_of_two_cases_the_page_lists_what_its_reader_may_read_and_counts_nothing_else(
    opened: Cast, get_as: Get
) -> None:
    one, two = posts(opened, 2)
    both = ordered(opened, [one, two])
    with transaction():
        case = db.session.scalars(db.select(Case).where(Case.number == two)).one()
        case.thread.hold(by=opened.mona, reason="private_data")
    for path in (f"/supervision/{both}", f"/supervision/{both}/print", "/supervision"):
        page = text_of(get_as(None, path))
        assert two not in page
        assert "路口的灯坏了 1" not in page
        assert not re.search(r"2\s*件|共 2", page)
    alone = text_of(get_as(None, f"/supervision/{both}"))
    (three,) = posts(opened)
    single = ordered(opened, [three])
    other = text_of(get_as(None, f"/supervision/{single}"))

    def bones(page: str, order: str, number: str) -> str:
        page = page.replace(order, "…").replace(number, "…")
        return re.sub(r"\d+", "", page)

    assert bones(alone, both, one) == bones(other, single, three), "it looks like an order over one case"


def test_an_order_over_a_complaint_is_nowhere_for_those_it_accuses_and_its_reading_is_noted(
    opened: Cast, get_as: Get, post_as: Get
) -> None:
    paths = ["/supervision", "/supervision?year=2026", "/desk", "/inbox", "/inspection/supervision", "/"]
    before = {
        (who, path): _bare(get_as(who, path))
        for who in ("otto", "lena", "carl", "dana", None)
        for path in paths
    }
    with transaction():
        case = complain(opened.rita, departments=("traffic-police",)).case
        assert case is not None
        number = case.number
    with transaction():
        by = officer(DISCIPLINE[0])
        made = SupervisionOrder.begin([number], by=by, reason="complaint")
        made.issue(by=by, said=Demand(reason="complaint", words="QSECRET 请抓紧核查。"), numbers=[number])
        order = made.number
    late(1)
    clock.advance(-timedelta(days=1))
    for (who, path), page in before.items():
        forget()
        assert _bare(get_as(who, path)) == page, (who, path)
    missing = "order-2026-999999999"
    for who in ("otto", "lena", "carl", "dana", "mona", "adam", "vera", None):
        for rest in ("", "/print"):
            shown, none = (
                get_as(who, f"/supervision/{order}{rest}"),
                get_as(who, f"/supervision/{missing}{rest}"),
            )
            assert shown.status_code == none.status_code == 404
            assert text_of(shown).replace(order, "…") == text_of(none).replace(missing, "…")
        if who is not None:
            for act in ("receipt", "answer", "decision"):
                assert post_as(who, f"/supervision/{order}/{act}", answer="我来").status_code == 404
    for who in ("rita", "ines"):
        assert "QSECRET" in text_of(get_as(who, f"/supervision/{order}"))
    assert (
        db.session.scalar(db.select(db.func.count(Reading.id)).where(Reading.person_id == opened.ines.id))
        == 1
    )
    noted = db.session.scalars(
        db.select(AuditEntry.thing).where(
            AuditEntry.act == "case.read", AuditEntry.actor == opened.ines.public_id
        )
    )
    assert f"case:{number}" in set(noted)


def _bare(response: TestResponse) -> tuple[int, str]:
    forget()
    return response.status_code, re.sub(
        r'(name="once" value=|name="csrf_token" value=)"[^"]*"', "", text_of(response)
    )


def test_without_scripts_everything_is_a_form(opened: Cast, get_as: Get) -> None:
    order = ordered(opened, posts(opened))
    page = text_of(get_as("lena", f"/supervision/{order}"))
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert " style=" not in page
