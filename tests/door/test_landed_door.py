"""What lands with the inspectors, over HTTP: the leader's form and the stub, appeals, private reports, private questions."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from board import clock, jobs
from board.db import db, transaction
from boards.models import Case
from complaints.models import PressureQuestion, Referral, Reprisal, Sealing
from people.models import Department
from tests.builders import Cast, case_of, posted
from tests.complaining import complain, open_complaints
from tests.conftest import ORIGIN, fields_of
from tests.watchers import appoint

Made = Callable[[], Case]
WORDS = "案件正在侦办，公开会惊动嫌疑人。"
ANSWER = "民警已到现场，信号灯正在抢修，今天下午恢复。"
TITLE, BODY = "QTITLE 路口的灯坏了", "QBODY 早高峰很危险，请@交警支队看一下。"


@pytest.fixture(autouse=True)
def watched(cast: Cast) -> None:
    with transaction():
        open_complaints(cast)


@pytest.fixture
def case(cast: Cast) -> Made:
    """Rita's case with the traffic police."""
    with transaction():
        public_id = posted(cast.rita, title=TITLE, body=BODY).public_id

    return lambda: case_of(public_id)


def again() -> None:
    db.session.rollback()
    db.session.expire_all()


def sealed(case: Made, cast: Cast) -> str:
    with transaction():
        return Sealing.propose(case(), by=cast.lena, ground="investigation", words=WORDS).public_id


# --- sealing -------------------------------------------------------------------------------------------


def test_a_leader_seals_by_a_form_and_everybody_else_reads_the_stub(post_as, get_as, case: Made) -> None:
    number = case().number
    page = get_as("lena", f"/cases/{number}/seal").text
    assert "《政府信息公开条例》第十五条" in page
    assert f'href="/cases/{number}/seal"' in get_as("lena", f"/desk?case={number}").text
    assert f"/cases/{number}/seal" not in get_as("otto", f"/desk?case={number}").text

    assert "QBODY" in get_as(None, f"/cases/{number}").text  # and the page is kept for everybody
    response = post_as("lena", f"/cases/{number}/seal", ground="investigation", words=WORDS)

    assert (response.status_code, response.location) == (303, f"/cases/{number}")
    for who in (None, "vera", "hugo", "mona"):
        stub = get_as(who, f"/cases/{number}")
        assert stub.status_code == 200
        assert number in stub.text
        assert "《公安机关执法公开规定》第五条" in stub.text
        assert "待受理" in stub.text
        assert "noindex" in stub.text
        assert "no-store" in stub.headers["Cache-Control"]
        for word in ("QTITLE", "QBODY", "惊动", "青松路居民"):
            assert word not in stub.text
    for who in ("rita", "otto", "lena", "carl", "ines"):
        assert "QBODY" in get_as(who, f"/cases/{number}").text
    assert f"/cases/{number}/appeal" in get_as("rita", f"/cases/{number}").text


def test_of_the_stub_there_is_that_one_page_and_nothing_else(get_as, case: Made, cast: Cast) -> None:
    number, thread = case().number, case().thread.public_id
    sealed(case, cast)
    for path in (f"/cases/{number}?fragment=timeline", f"/cases/{number}/verification", f"/t/{thread}"):
        assert get_as("vera", path).status_code == 404
    assert get_as(None, f"/lookup?number={number}").location == f"/cases/{number}"
    for path in ("/", "/s/traffic", "/d/traffic-police", "/search?q=QTITLE"):
        assert number not in get_as("vera", path).text.replace(f"q={number}", "")


@pytest.mark.parametrize(
    ("who", "status"),
    [("lena", 303), ("carl", 303), ("otto", 403), ("hugo", 403), ("ines", 403), ("rita", 403), ("vera", 403)],
)
def test_who_may_seal(post_as, case: Made, who: str, status: int) -> None:
    sent = post_as(who, f"/cases/{case().number}/seal", ground="privacy", words=WORDS)
    assert sent.status_code == status


def test_what_is_missing_gives_the_form_back(post_as, case: Made) -> None:
    response = post_as("lena", f"/cases/{case().number}/seal", ground="criticism", words="QKEPT 说明")

    assert response.status_code == 422
    assert "QKEPT 说明" in response.text
    assert "请从列表中选择法定依据" in response.text
    again()
    assert case().thread.is_public


def test_a_second_time_it_says_that_it_was_refused(post_as, case: Made, cast: Cast) -> None:
    sealing = sealed(case, cast)
    refused = post_as(
        "ines", f"/sealings/{sealing}/decision", agree="no", seal_words="依据不成立，应当公开。"
    )
    assert refused.status_code == 303
    again()

    assert "依据不成立，应当公开" in get_text(post_as, case)
    sent = post_as("lena", f"/cases/{case().number}/seal", ground="privacy", words=WORDS)
    assert sent.status_code == 409
    assert "督察没有同意" in sent.text


def get_text(post_as, case: Made) -> str:
    from boards import casepage

    casepage.forget()
    thread = case().thread
    return str(casepage.draw(thread, "public").timeline)


@pytest.mark.parametrize(
    ("who", "status"),
    [("ines", 303), ("lena", 404), ("carl", 404), ("hugo", 404), ("rita", 404), ("mona", 404)],
)
def test_who_may_decide_on_a_seal(post_as, case: Made, cast: Cast, who: str, status: int) -> None:
    sealing = sealed(case, cast)
    assert post_as(who, f"/sealings/{sealing}/decision", agree="yes").status_code == status


def test_a_tied_inspector_finds_nothing_of_it(post_as, get_as, case: Made, cast: Cast) -> None:
    with transaction():
        appoint(cast.ines, Department.by_key("traffic-police"), since=300, until=40)
    sealing = sealed(case, cast)
    desk = get_as("ines", "/inspection").text
    assert case().number not in desk
    assert get_as("ines", f"/inspection?case={case().number}").status_code == 404
    assert post_as("ines", f"/sealings/{sealing}/decision", agree="yes").status_code == 404
    assert post_as("ines", "/sealings/zzzzzzzzzz/decision", agree="yes").status_code == 404
    assert case().number in get_as("ida", "/inspection?queue=seals").text


def test_of_two_who_decide_at_once_the_second_reads_that_it_is_done(
    post_as, get_as, case: Made, cast: Cast
) -> None:
    sealing = sealed(case, cast)
    assert 'name="agree"' in get_as("ida", f"/inspection?case={case().number}").text
    assert post_as("ines", f"/sealings/{sealing}/decision", agree="yes").status_code == 303

    late = post_as("ida", f"/sealings/{sealing}/decision", agree="no", seal_words="QLATE 我不同意。")

    assert late.status_code == 409
    again()
    assert case().thread.is_restricted
    empty = post_as("ida", f"/sealings/{sealing}/decision")
    assert empty.status_code == 422


def test_the_department_gives_it_back_by_its_form(post_as, get_as, case: Made, cast: Cast) -> None:
    number = case().number
    sealed(case, cast)
    assert f"/cases/{number}/seal/lifting" in get_as("lena", f"/cases/{number}/seal").text
    assert post_as("otto", f"/cases/{number}/seal/lifting").status_code == 403
    assert post_as("vera", f"/cases/{number}/seal/lifting").status_code == 404
    assert post_as("lena", f"/cases/{number}/seal/lifting").status_code == 303
    assert post_as("lena", f"/cases/{number}/seal/lifting").status_code == 409
    assert "QBODY" in get_as(None, f"/cases/{number}").text


def test_the_public_list_has_its_month(get_as, case: Made, cast: Cast) -> None:
    sealed(case, cast)
    clock.advance(timedelta(days=20))

    page = get_as(None, "/complaints").text

    assert "转内部办理" in page
    assert "单位合并统计" in page
    assert "交警支队" not in page


# --- appeals -------------------------------------------------------------------------------------------


def declined(case: Made, cast: Cast) -> None:
    with transaction():
        case().decline(by=cast.lena, reason="不属于本单位职责。", advice="请向市供热公司反映。")


def test_the_poster_of_a_declined_case_appeals_and_reads_the_answer(
    post_as, get_as, case: Made, cast: Cast
) -> None:
    number = case().number
    assert get_as("rita", f"/cases/{number}/appeal").status_code == 404
    declined(case, cast)
    assert f"/cases/{number}/appeal" in get_as("rita", f"/cases/{number}").text
    assert "单位不予受理" in get_as("rita", f"/cases/{number}/appeal").text
    empty = post_as("rita", f"/cases/{number}/appeal", words=" ")
    assert empty.status_code == 422

    assert post_as("rita", f"/cases/{number}/appeal", words="QWHY 信号灯归交警管。").status_code == 303
    assert post_as("rita", f"/cases/{number}/appeal", words="再来一次。").status_code == 409

    again()
    (row,) = Referral.of(case())
    assert "QWHY" not in get_as("vera", f"/cases/{number}").text
    assert "QWHY" not in get_as("lena", f"/cases/{number}").text
    pane = get_as("ines", f"/inspection?queue=referred&case={number}").text
    assert "QWHY" in pane
    assert number in get_as("ines", "/inspection?queue=referred").text
    for who in ("lena", "otto", "vera", "rita"):
        url = f"/referrals/{row.public_id}/decision"
        assert post_as(who, url, decision="upheld", referral_words="不变。").status_code == 404
    url = f"/referrals/{row.public_id}/decision"
    wrong = post_as("ines", url, decision="maybe", referral_words="QTYPED 先写着")
    assert wrong.status_code == 422
    assert "QTYPED 先写着" in wrong.text
    assert post_as("ines", url, decision="overturned", referral_words="QANSWER 应当受理。").status_code == 303
    assert post_as("ida", url, decision="upheld", referral_words="不变。").status_code == 409
    assert "QANSWER" in get_as(None, f"/cases/{number}").text
    again()
    assert case().status == "accepted"


@pytest.mark.parametrize(("who", "status"), [("vera", 403), ("otto", 403), ("ines", 403)])
def test_only_the_poster_appeals(post_as, get_as, case: Made, cast: Cast, who: str, status: int) -> None:
    declined(case, cast)
    assert get_as(who, f"/cases/{case().number}/appeal").status_code == status
    assert post_as(who, f"/cases/{case().number}/appeal", words="不对。").status_code == status


def test_after_the_second_bad_rating_the_poster_reads_where_it_is(
    post_as, get_as, case: Made, cast: Cast
) -> None:
    number = case().number
    with transaction():
        case().accept(by=cast.otto)
        case().resolve(by=cast.otto, answer=ANSWER, outcome="solved")
        case().rate(by=cast.rita, solved="no", satisfaction="dissatisfied")
    with transaction():
        case().rectify(by=cast.lena, answer="已重新安排抢修，昨晚换了整套信号机。")
    assert (
        post_as("rita", f"/cases/{number}/rating", solved="no", satisfaction="dissatisfied").status_code
        == 303
    )

    page = get_as("rita", f"/cases/{number}").text
    assert "已自动转交督察" in page
    assert "督察核查：" in page
    assert number in get_as("ines", "/inspection?queue=referred").text


# --- somebody gives him trouble ------------------------------------------------------------------------


def test_a_report_is_read_by_free_inspectors_alone_and_answered_in_private(
    post_as, get_as, case: Made, cast: Cast
) -> None:
    number = case().number
    with transaction():
        appoint(cast.ida, Department.by_key("traffic-police"), since=300, until=40)
    assert f"/cases/{number}/reprisal" in get_as("rita", f"/cases/{number}").text
    others = ("vera", "otto", "lena", "carl", "hugo", "mona", "adam", "ida", None)
    paths = (
        f"/cases/{number}",
        "/desk",
        f"/desk?case={number}",
        "/inspection",
        "/moderation",
        "/inbox",
        "/stats",
    )
    before = {(who, path): _plain(get_as(who, path).text) for who in others for path in paths}

    sent = post_as("rita", f"/cases/{number}/reprisal", words="QTROUBLE 民警打电话让我别再发帖。")

    assert (sent.status_code, sent.location) == (303, f"/cases/{number}/reprisal")
    assert {(who, path): _plain(get_as(who, path).text) for who in others for path in paths} == before
    assert "QTROUBLE" in get_as("rita", f"/cases/{number}/reprisal").text
    desk = get_as("ines", "/inspection").text
    assert number in desk
    assert desk.index("queue=reprisals") < desk.index("queue=new")
    assert "QTROUBLE" in get_as("ines", f"/inspection?case={number}").text
    assert "有 1 件“有人找麻烦”等待答复" in get_as("ines", "/desk").text
    again()
    (row,) = Reprisal.of(case())
    url = f"/reprisals/{row.public_id}/answer"
    for who in ("rita", "vera", "otto", "lena", "carl", "mona", "adam"):
        assert post_as(who, url, reprisal_words="收到。").status_code == 404
    # Ida reads the public case, and still does not act on what she may not know of.
    assert (
        post_as("ida", url, reprisal_words="收到。").status_code
        == post_as("ida", "/reprisals/zzzzzzzzzz/answer", reprisal_words="收到。").status_code
    )
    assert post_as("ines", url, reprisal_words=" ").status_code == 422
    assert post_as("ines", url, reprisal_words="QPRIVATE 已约谈该民警。").status_code == 303
    assert post_as("ines", url, reprisal_words="再答一次。").status_code == 409
    assert "QPRIVATE" in get_as("rita", f"/cases/{number}/reprisal").text
    assert "督察答复了您的反映" in get_as("rita", f"/cases/{number}").text
    assert {(who, path): _plain(get_as(who, path).text) for who in others for path in paths} == before


def _plain(page: str) -> str:
    return re.sub(r'name="(once|csrf_token)" value="[^"]*"', "", page)


def test_nothing_but_words_of_the_poster_is_a_report(post_as, get_as, case: Made) -> None:
    number = case().number
    assert post_as("rita", f"/cases/{number}/reprisal", words="").status_code == 422
    assert post_as("rita", f"/cases/{number}/reprisal", words="字" * 2001).status_code == 422
    for who in ("vera", "otto", "ines"):
        assert get_as(who, f"/cases/{number}/reprisal").status_code == 403
        assert post_as(who, f"/cases/{number}/reprisal", words="有人找我。").status_code == 403
    assert post_as("rita", "/cases/20261117-9999/reprisal", words="有人找我。").status_code == 404
    again()
    assert Reprisal.of(case()) == []


def test_after_24_hours_it_says_so_on_both_sides(get_as, case: Made, cast: Cast) -> None:
    number = case().number
    with transaction():
        Reprisal.file(case(), by=cast.rita, words="民警打电话让我别再发帖。")
    clock.advance(timedelta(hours=24, minutes=1))
    jobs.run_due()

    assert "还没有人答复" in get_as("rita", f"/cases/{number}/reprisal").text
    assert "超时" in get_as("ines", f"/inspection?queue=reprisals&case={number}").text


def test_on_a_complaint_about_an_inspector_he_sees_nothing_of_it(post_as, get_as, cast: Cast) -> None:
    with transaction():
        about = {"about_reason": "manner", "about_badge": "090001"}
        thread = complain(cast.rita, about=about)
        assert thread.case is not None
        number = thread.case.number
    before = _plain(get_as("ines", "/inspection").text)
    assert post_as("rita", f"/cases/{number}/reprisal", words="QTROUBLE 督察打电话来。").status_code == 303

    assert _plain(get_as("ines", "/inspection").text) == before
    assert get_as("ines", f"/inspection?case={number}").status_code == 404


# --- complaining about the handling ---------------------------------------------------------------------


def test_every_public_case_leads_to_a_complaint_about_its_handling(get_as, case: Made) -> None:
    number = case().number
    link = f"/s/complaints/new?about={number}"
    for who in (None, "vera", "rita"):
        assert f'href="{link}"' in get_as(who, f"/cases/{number}").text
    assert link not in get_as("otto", f"/cases/{number}").text

    form = get_as("vera", link).text

    assert f'name="about_case" value="{number}"' in form
    assert f"针对编号 {number} 的办理情况" in form
    assert re.search(
        r'name="departments"[^>]*value="traffic-police"|value="traffic-police"[^>]*checked', form
    )


def test_about_a_case_that_he_may_not_read_the_form_says_nothing(get_as, case: Made, cast: Cast) -> None:
    number = case().number
    sealed(case, cast)
    known = get_as("vera", f"/s/complaints/new?about={number}").text
    missing = get_as("vera", "/s/complaints/new?about=20261117-9999").text

    assert _plain(known).replace(number, "…") == _plain(missing).replace("20261117-9999", "…")


# --- whether he was pressed ----------------------------------------------------------------------------


def test_after_withdrawing_he_is_asked_in_private(post_as, get_as, case: Made) -> None:
    number = case().number
    assert post_as("rita", f"/cases/{number}/withdrawal").status_code == 303
    again()
    row = db.session.scalars(db.select(PressureQuestion)).one()
    url = f"/pressure-questions/{row.public_id}"
    for path in (f"/cases/{number}", "/mine", url):
        page = get_as("rita", path).text
        assert f"{url}/answer" in page
        assert "有人要您撤回吗" in page
    for who in (None, "vera", "otto", "lena", "ines"):
        assert url not in get_as(who, f"/cases/{number}").text
    for who in ("vera", "otto", "ines"):
        assert get_as(who, url).status_code == 404
        assert post_as(who, f"{url}/answer", pressed="no").status_code == 404
    assert post_as("rita", f"{url}/answer", pressed="perhaps").status_code == 422

    sent = post_as("rita", f"{url}/answer", pressed="yes", pressed_words="QWHO 派出所让我撤。")

    assert sent.status_code == 303
    assert post_as("rita", f"{url}/answer", pressed="no").status_code == 409
    assert url not in get_as("rita", "/mine").text
    for who in ("lena", "otto", "vera"):
        assert "QWHO" not in get_as(who, f"/cases/{number}").text
    pane = get_as("ines", f"/inspection?queue=pressed&case={number}").text
    assert "QWHO" in pane
    assert post_as("lena", f"{url}/note", pressure_words="已看。").status_code == 404
    assert post_as("ines", f"{url}/note", pressure_words="").status_code == 422
    assert post_as("ines", f"{url}/note", pressure_words="QFOUND 已向派出所了解。").status_code == 303
    assert post_as("ida", f"{url}/note", pressure_words="再看。").status_code == 409
    assert "QFOUND" not in get_as("rita", f"/cases/{number}").text
    assert number not in get_as("ines", "/inspection?queue=pressed").text


def test_a_form_sent_twice_acts_once(
    client_of: Callable[[str | None], FlaskClient], get_as, case: Made
) -> None:
    number = case().number
    fields = fields_of(get_as("rita", f"/cases/{number}/reprisal").text)
    for _each in range(2):
        sent = contextvars.Context().run(
            client_of("rita").post,
            f"/cases/{number}/reprisal",
            data={**fields, "words": "有人打电话吓我。"},
            headers=ORIGIN,
        )
        assert sent.status_code == 303
    again()
    assert len(Reprisal.of(case())) == 1
