"""One's own data: the copy that one takes along, and what is left when an account is deleted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from board import audit, clock, images, jobs, retention
from board import db as wall
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotAllowed, WrongState
from board.files import StoredFile, keep, store
from boards.filing import file_report
from boards.models import Appeal, Case, CaseEvent, ModerationAct, Text, Thread, Watch
from boards.models.identity import open_identity
from boards.models.posting import reply
from boards.models.timeline import verify
from boards.models.watch import follow
from complaints.models import PressureQuestion, Referral, Reprisal
from notifications.following import begin
from notifications.models import AccountNotice, Follow, InboxItem, Unread
from notifications.targets import target
from people import consenting, contacts, erasing, own_data, recovery, vault
from people.models import (
    Consent,
    Contact,
    Deletion,
    Export,
    KnownDevice,
    Passkey,
    Person,
    RecoveryCode,
    SignIn,
    VaultItem,
)
from people.models.deletion import GRACE
from tests.builders import Cast, case_of, posted
from tests.complaining import complain, open_complaints

both = pytest.mark.engines("sqlite", "postgres")

NICKNAME, PHONE, MAIL = "青松路居民", "19900000777", "qrita@example.com"
# Every word by which somebody could be found again; each is hidden in a place of its own.
MARKS = (
    "QTITLE", "QBODY", "QPLACE", "QEARLIER", "QREPLY", "QRATED", "QREPORT", "QREACH", "QAPPEAL", "QSEARCH", "QAGENT",
    "QRESTRICTED", "QCOVERED", "QWHOM", "QMINE", "QLOOKED", "QREFERRED", "QTROUBLE", "QFORCED", "QPASSKEY", "13912345678",
    NICKNAME, PHONE, MAIL,
)  # fmt: skip
OTHERS = (
    "QVERA",
    "QNOTE",
    "QINSTRUCT",
    "爱散步的银杏",
    "欧阳涛",
    "欧阳",
    "021456",
    "QPRIVATE",
    "QWHATWEFOUND",
    "QKEYID",
)
ANSWERS = ("QUPHELD", "QHELPED")  # of the inspectors, to her


@pytest.fixture
def life(cast: Cast) -> dict[str, str]:
    """Everything that Rita can leave behind on a board, and what others wrote beside it; numbers by name."""
    ids: dict[str, str] = {}

    def note(name: str, thread: Thread) -> Thread:
        ids[name] = thread.public_id
        return thread

    with transaction():
        open_complaints(cast)
        rita = cast.rita
        vault.put(rita.owner, "phone", PHONE, findable=True)
        contacts.known_phone(rita)
        contacts.add(rita, "mail", MAIL)
        contacts.add(rita, "push", json.dumps({"endpoint": "https://push.example.com/QMINE"}), label="QMINE")
        SignIn.begin(rita, remember=True, user_agent="Mozilla/5.0 QAGENT Firefox")
        consenting.note(rita, "sign-in")
        ways_in(rita)
        begin(target("section", "household"), by=rita)
        begin(target("search", "q=QSEARCH"), by=rita)
    with transaction():
        thread = note(
            "open",
            posted(
                cast.rita, title="QEARLIER 路口", body="QEARLIER 请@交警支队看一下。", place="QPLACE 路 5 号"
            ),
        )
    with transaction():
        thread = case_of(ids["open"]).thread
        thread.edit(
            by=cast.rita, title="QTITLE 路口", body="QBODY 打 13912345678，QCOVERED 请@交警支队看一下。"
        )
        at = thread.body.original().index("QCOVERED")
        thread.cover(by=cast.rita, text=thread.body, spans=[(at, at + 8)])
        photo(thread.body)
    with transaction():
        case_of(ids["open"]).accept(by=cast.otto, answer="已收到，民警正赶往现场查看。")
    with transaction():
        case_of(ids["open"]).note(by=cast.otto, note="QNOTE 内部备注")
        case_of(ids["open"]).instruct(by=cast.lena, words="QINSTRUCT 尽快", owner=cast.otto)
        open_identity(case_of(ids["open"]), by=cast.otto, reason="QLOOKED 要打电话核实")
        reply(case_of(ids["open"]).thread, "QVERA 我也看到了", by=cast.vera)
        reply(case_of(ids["open"]).thread, "QREPLY 我再补充一句", by=cast.rita)
    with transaction():
        note("rated", posted(cast.rita, title="QTITLE 二", identity="hidden"))
    with transaction():
        case_of(ids["rated"]).accept(by=cast.otto, answer="已收到，马上安排人员处理。")
        case_of(ids["rated"]).claim(by=cast.otto)
    with transaction():
        case_of(ids["rated"]).resolve(by=cast.otto, answer="信号灯已经修好并恢复正常。", outcome="solved")
    with transaction():
        case_of(ids["rated"]).rate(by=cast.rita, solved="yes", satisfaction="satisfied", words="QRATED 谢谢")
    with transaction():
        note(
            "restricted",
            posted(
                cast.rita, section="110", title="QRESTRICTED 有人持刀砍人", body="QRESTRICTED 他要杀我，救命"
            ),
        )
        note("vera", posted(cast.vera, title="QVERA 隔壁的路灯", body="QVERA QPRIVATE 请看一下"))
    with transaction():
        other = case_of(ids["vera"]).thread
        reply(other, "QREPLY 我这里也是", by=cast.rita)
        follow(other, by=cast.rita, affected=True)
        file_report(other, kind="name", words="QREPORT 写了我", contact="QREACH", by=cast.rita)
    with transaction():
        note("held", posted(cast.rita, title="QTITLE 三"))
    with transaction():
        thread = case_of(ids["held"]).thread
        thread.hold(by=cast.mona, reason="private_data")
        act = ModerationAct.last_on(thread)
        assert act is not None
        Appeal.against(act, by=cast.rita, words="QAPPEAL 没有写姓名")
    with transaction():
        note("complaint", complain(cast.rita, about={"about_reason": "manner", "about_whom": "QWHOM 戴眼镜"}))
    with transaction():
        case_of(ids["complaint"]).withdraw(by=cast.rita)
    with transaction():
        note("declined", posted(cast.rita, title="QTITLE 四"))
    with transaction():
        case_of(ids["declined"]).decline(
            by=cast.lena, reason="不属于本单位职责。", advice="请向市供热公司反映。"
        )
    with transaction():
        with_the_inspectors(cast, case_of(ids["declined"]), case_of(ids["rated"]))
    jobs.run_due()
    return ids


def ways_in(person: Person) -> None:
    """A passkey, recovery codes and a browser that is known, inside the open transaction."""
    key = Passkey(
        person=person,
        credential_id="QKEYID",
        public_key=b"QKEYID",
        sign_count=0,
        rp_id="localhost",
        name="QPASSKEY",
    )
    db.session.add_all([key, KnownDevice(person_id=person.id, lookup="known", seen_at=now())])
    recovery.renew(person)


def with_the_inspectors(cast: Cast, declined: Case, troubled: Case) -> None:
    """What she put to them and what they answered, and that she was pressed, inside the open transaction."""
    referral = Referral.file(declined, by=cast.rita, kind="declined", words="QREFERRED 应当由你们办")
    referral.decide(by=cast.ines, decision="upheld", words="QUPHELD 不受理的理由成立。")
    reprisal = Reprisal.file(troubled, by=cast.rita, words="QTROUBLE 有人打电话")
    reprisal.give(by=cast.ines, words="QHELPED 已约谈，您可以放心。")
    (question,) = PressureQuestion.open_for(cast.rita)
    question.give(by=cast.rita, answer="yes", words="QFORCED 有人让我撤回")
    question.note(by=cast.ines, words="QWHATWEFOUND 已核实")


def photo(text: Text) -> None:
    buffer = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(buffer, "JPEG")
    picture = images.rebuild(buffer.getvalue(), name="photo.jpg")
    StoredFile.add(picture, keep(picture), owner_kind="text", owner_ref=text.public_id)


def copy_of(person: Person) -> dict[str, bytes]:
    """Ask for a copy, make it, and give what is in its ZIP by name."""
    public_id = person.public_id
    with transaction():
        Export.ask(by=Person.by_public_id(public_id))
    jobs.run_due()
    export = Export.last_of(Person.by_public_id(public_id))
    assert export is not None
    assert export.file is not None
    with store().open(f"{export.file.key}.full") as data, ZipFile(BytesIO(data.read())) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


# --- taking a copy along ---------------------------------------------------------------------------------


@both
def test_a_copy_holds_everything_of_its_owner_and_nothing_of_anybody_else(
    cast: Cast, life: dict[str, str]
) -> None:
    files = copy_of(cast.rita)

    words = files["my-data.json"].decode()
    told = json.loads(words)["chapters"]
    assert set(told) == {chapter.name for chapter in own_data.chapters()}
    for mark in (*MARKS, *ANSWERS):
        assert mark in words, mark
    for mark in OTHERS:
        assert mark not in words, mark
        assert mark not in files["my-data.html"].decode(), mark
    assert {row["number"] for row in told["threads"]} == {
        case_of(life[name]).number
        for name in ("open", "rated", "restricted", "held", "complaint", "declined")
    }
    assert [row["satisfaction"] for row in told["ratings"]] != []
    assert told["lookups"][0]["unit"] == "交警支队"
    assert told["recovery_codes"] == [{"left": recovery.HOW_MANY}]
    assert [row["name"] for row in told["passkeys"]] == ["QPASSKEY"]
    assert len(told["known_devices"]) == 1
    assert [(row["decision"], row["answer"]) for row in told["referrals"]] == [
        ("维持不变", "QUPHELD 不受理的理由成立。")
    ]
    assert [row["answer"] for row in told["reprisals"]] == ["QHELPED 已约谈，您可以放心。"]
    assert [row["pressed"] for row in told["pressure"]] == [True]
    assert [name for name in files if name.startswith("photos/")] == [told["photos"][0]["file"]]
    photos = [data for name, data in files.items() if name.startswith("photos/")]
    assert photos[0][:3] in (b"\xff\xd8\xff", b"RIF")


def test_the_page_of_a_copy_needs_nothing_from_elsewhere_and_runs_nothing(
    cast: Cast, life: dict[str, str]
) -> None:
    with transaction():
        posted(cast.rita, title="<script>alert(1)</script>", body="<img src=x onerror=alert(1)>")
    page = copy_of(cast.rita)["my-data.html"].decode()

    assert "<script" not in page
    assert "onerror=alert(1)>" not in page
    assert "&lt;script&gt;" in page
    for sign in ("http://", "https://", 'src="/', 'href="/', "javascript:"):
        assert sign not in page.replace("https://push.example.com", ""), sign
    assert page.count("<section") == page.count("</section>") == len(own_data.chapters())


@both
def test_its_owner_is_told_once_when_it_is_ready_and_how_far_it_is(cast: Cast, life: dict[str, str]) -> None:
    before = unread(cast.rita)
    with transaction():
        export = Export.ask(by=cast.rita).public_id
    jobs.run_due()

    assert unread(cast.rita) == before + 1
    row = db.session.scalars(select(AccountNotice)).one()
    assert row.kind == "account.export_ready"
    made = db.session.scalars(select(Export)).one()
    assert made.done == made.total == len(own_data.chapters())
    jobs._handlers["export-person"](export)  # a worker that died after the commit does it again
    assert len(db.session.scalars(select(AccountNotice)).all()) == 1
    assert len(StoredFile.of("export", export)) == 1


def unread(person: Person) -> int:
    row = db.session.get(Unread, person.id, populate_existing=True)
    return row.count if row is not None else 0


@both
def test_one_copy_a_day_and_it_is_gone_after_a_week(cast: Cast, life: dict[str, str]) -> None:
    copy_of(cast.rita)
    with pytest.raises(Invalid), transaction():
        Export.ask(by=cast.rita)
    clock.advance(timedelta(days=1))
    copy_of(cast.rita)
    clock.advance(timedelta(days=6, hours=1))
    assert retention.apply("exports", dry_run=True) == 1
    assert retention.apply("exports") == 1
    left = db.session.scalars(select(Export)).one()
    assert left.is_there
    clock.advance(timedelta(days=1))
    assert not left.is_there
    retention.apply("exports")
    jobs.run_due()
    assert db.session.scalars(select(Export)).all() == []
    assert [key for key, _at in store().written() if key.startswith("exports/")] == []


def test_making_a_copy_holds_a_piece_of_it_in_memory_at_a_time(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store whose photos are large hands them out a megabyte at a time; nobody asks it for more at once."""
    asked: list[int] = []

    class Large(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(-1 if size is None else size)
            return super().read(size)

    with transaction():
        thread = posted(cast.rita)
        photo(thread.body)
    monkeypatch.setattr(type(store()), "open_large", lambda self, key: Large(bytes(5 << 20)))
    files = copy_of(cast.rita)

    assert max(len(data) for data in files.values()) == 5 << 20
    assert asked
    assert all(0 < size <= 1 << 20 for size in asked)


# --- deleting -----------------------------------------------------------------------------------------------


def wish(cast: Cast, **more: str) -> str:
    with transaction():
        return Deletion.ask(by=cast.rita, typed=NICKNAME, **more).public_id


def carry_out() -> None:
    """The days of grace go by, and the worker does all there is to do, that night too."""
    clock.advance(GRACE + timedelta(minutes=1))
    jobs.run_due()
    clock.advance(timedelta(days=1))
    jobs.run_due()


def dump() -> dict[str, list[str]]:
    """Every row of every table, as words."""
    found = {}
    for table in db.metadata.sorted_tables:
        rows = db.session.execute(table.select()).all()
        found[table.name] = [repr(tuple(row)) for row in rows]
    db.session.rollback()
    return found


def everything(folder: Path) -> Iterator[tuple[str, str]]:
    """All words of the board by their place: rows, what lies sealed in them, and files of index and store."""
    for table, rows in dump().items():
        yield table, "\n".join(rows)
    sealed = [vault.get(row.owner, row.field) or "" for row in db.session.scalars(select(VaultItem))]
    nicknames = [person.nickname or "" for person in db.session.scalars(select(Person))]
    yield "vault", "\n".join(sealed + nicknames)
    for part in ("files", "index"):
        for path in (folder / part).rglob("*"):
            if path.is_file():
                raw = path.read_bytes()
                yield str(path), raw.decode("utf-8", "ignore") + raw.decode("utf-16-le", "ignore")


@both
def test_after_it_nothing_on_the_board_holds_a_word_of_hers(
    app: Flask, cast: Cast, life: dict[str, str]
) -> None:
    folder = app.config["SETTINGS"].data
    copy_of(cast.rita)
    with transaction():
        jobs.put("rebuild-index", key="rebuild-index:here")
    jobs.run_due()
    before = " ".join(words for _place, words in everything(folder))
    assert [mark for mark in MARKS if mark not in before] == [], "each mark is somewhere to begin with"
    rita = cast.rita.id
    wish(cast, pressed="no")
    carry_out()

    found = [
        (mark, place)
        for place, words in everything(folder)
        for mark in MARKS
        if mark.lower() in words.lower()
    ]
    assert found == []
    person = db.session.get_one(Person, rita)
    assert (person.nickname, person.active, person.erased_at is not None) == (None, False, True)
    own = (SignIn, Passkey, RecoveryCode, KnownDevice, Contact, Consent, Export, Follow, InboxItem, AccountNotice, Watch)  # fmt: skip
    for model in own:
        assert db.session.scalars(select(model).where(model.person_id == rita)).all() == [], model
    assert vault.lookup("phone", PHONE) is None
    words = " ".join(words for _place, words in everything(folder))
    for mark in ("QVERA", *ANSWERS):
        assert mark in words, "what others wrote stays"


@both
def test_number_unit_times_and_rating_stay_and_the_chain_holds(cast: Cast, life: dict[str, str]) -> None:
    def standing(name: str) -> tuple[Any, ...]:
        case = case_of(life[name])
        return (
            case.number, case.department.key, case.thread.posted_at, case.accepted_at, case.outcome,
            case.rated_solved, case.rated_satisfaction, [(each.solved, each.satisfaction) for each in case.ratings],
        )  # fmt: skip

    before = standing("rated")
    hashes = {row.id: row.hash for row in db.session.scalars(select(CaseEvent))}
    wish(cast)
    carry_out()

    assert standing("rated") == before
    for name in life:
        thread = case_of(life[name]).thread
        findings = verify(thread.events)
        assert all(each.chain and each.text != "altered" for each in findings), name
    now_there = {row.id: row.hash for row in db.session.scalars(select(CaseEvent))}
    assert {key: value for key, value in now_there.items() if key in hashes} == hashes
    assert audit.verify() is None
    thread = case_of(life["open"]).thread
    assert thread.title == thread.body.public == "作者已注销并删除"
    assert thread.place == ""
    assert [event for event in thread.events if event.actor_id == cast.ids["rita"] and event.actor_salt] == []


@both
def test_open_cases_are_withdrawn_and_whether_she_was_pressed_is_kept_for_the_inspectors(
    cast: Cast, life: dict[str, str]
) -> None:
    wish(cast, pressed="yes")
    carry_out()

    for name in ("open", "restricted", "held"):
        case = case_of(life[name])
        assert (case.status, case.outcome) == ("closed", "withdrawn"), name
        told = [event.details for event in case.thread.events if event.kind == "case.withdrawn"]
        assert told == [{"pressed": "yes"}], name
    assert case_of(life["rated"]).outcome == "solved"
    assert case_of(life["vera"]).status != "closed"


@both
def test_until_its_time_nothing_changes_and_it_can_be_taken_back(cast: Cast, life: dict[str, str]) -> None:
    before = {name: rows for name, rows in dump().items() if name in ("text", "thread", "case", "vault_item")}
    first = wish(cast)
    with pytest.raises(WrongState), transaction():
        Deletion.ask(by=cast.rita, typed=NICKNAME)
    clock.advance(GRACE - timedelta(minutes=1))
    erasing.erase(first)
    with transaction():
        row = Deletion.open_of(cast.rita)
        assert row is not None
        row.undo(by=cast.rita)
    clock.advance(timedelta(days=2))
    jobs.run_due(kinds=("erase-person",))

    after = dump()
    assert {name: after[name] for name in before} == before
    assert cast.rita.active
    second = wish(cast)
    assert second != first


@pytest.mark.parametrize("typed", ["", "青松路", "爱散步的银杏"])
def test_it_takes_the_nickname_and_a_member(cast: Cast, typed: str) -> None:
    with pytest.raises(Invalid) as refused, transaction():
        Deletion.ask(by=cast.rita, typed=typed)
    assert refused.value.errors.keys() == {"typed"}
    for name in ("otto", "lena", "mona", "adam", "ines", "carl", "dana"):
        with pytest.raises(NotAllowed), transaction():
            Deletion.ask(by=getattr(cast, name), typed="")


def test_what_has_begun_cannot_be_taken_back(cast: Cast) -> None:
    public_id = wish(cast)
    clock.advance(GRACE)
    with transaction():
        row = db.session.scalars(select(Deletion).where(Deletion.public_id == public_id)).one()
        row.begun_at = now()
        with pytest.raises(WrongState):
            row.undo(by=cast.rita)


@both
def test_an_open_complaint_holds_the_account_until_it_has_ended(cast: Cast, life: dict[str, str]) -> None:
    with transaction():
        thread_id = complain(cast.rita).public_id
    assert own_data.held_by(cast.rita) == [case_of(thread_id).number]
    wish(cast)  # as it was filed in the days of grace, or before them by two pages at once
    clock.advance(GRACE + timedelta(minutes=1))
    jobs.run_due()
    assert cast.rita.active, "nothing was begun"
    assert case_of(thread_id).thread.title == "民警到场看了一眼就走了"
    assert [row.kind for row in db.session.scalars(select(AccountNotice))] == ["account.deletion_waits"]
    with transaction():
        case_of(thread_id).withdraw(by=cast.rita)
    clock.advance(timedelta(days=1, minutes=1))
    jobs.run_due()
    assert cast.rita.erased_at is not None
    assert case_of(thread_id).thread.title == "作者已注销并删除"


@both
def test_what_the_inspectors_owe_her_holds_the_account_and_their_answer_frees_it(
    cast: Cast, life: dict[str, str]
) -> None:
    assert own_data.held_by(cast.rita) == []
    with transaction():
        number = case_of(life["open"]).number
        Reprisal.file(case_of(life["open"]), by=cast.rita, words="有人打电话")
    assert own_data.held_by(cast.rita) == [number]
    assert own_data.held_by(cast.vera) == []
    wish(cast)
    clock.advance(GRACE + timedelta(minutes=1))
    jobs.run_due()
    assert cast.rita.active, "nothing was begun"
    with transaction():
        waiting = Reprisal.waiting(case_of(life["open"]))
        assert waiting is not None
        waiting.give(by=cast.ines, words="已约谈。")
    assert own_data.held_by(cast.rita) == []
    clock.advance(timedelta(days=1, minutes=1))
    jobs.run_due()
    assert cast.rita.erased_at is not None


def test_a_matter_that_she_put_to_the_inspectors_holds_the_account(cast: Cast) -> None:
    with transaction():
        open_complaints(cast)
    with transaction():
        thread_id = posted(cast.rita).public_id
    with transaction():
        case_of(thread_id).decline(by=cast.lena, reason="不属于本单位职责。", advice="请向市供热公司反映。")
    with transaction():
        Referral.file(case_of(thread_id), by=cast.rita, kind="declined", words="应当由你们办")
    assert own_data.held_by(cast.rita) == [case_of(thread_id).number]
    with transaction():
        (referral,) = Referral.waiting(case_of(thread_id))
        referral.decide(by=cast.ines, decision="upheld", words="不受理的理由成立。")
    assert own_data.held_by(cast.rita) == []


@both
def test_that_she_was_pressed_holds_nothing_and_her_yes_stays_without_her_words(cast: Cast) -> None:
    ids = []
    for _number in range(2):
        with transaction():
            ids.append(posted(cast.rita).public_id)
        with transaction():
            case_of(ids[-1]).withdraw(by=cast.rita)
    with transaction():
        (question,) = PressureQuestion.open_for(cast.rita, case_of(ids[0]))
        question.give(by=cast.rita, answer="yes", words="派出所让我撤的")
    assert own_data.held_by(cast.rita) == [], "the page would tell whoever stands behind her"
    wish(cast)
    carry_out()

    (row,) = db.session.scalars(select(PressureQuestion)).all()
    assert (row.case_id, row.answer, row.is_open) == (case_of(ids[0]).id, "yes", True)
    assert row.words is not None
    assert row.words.public == "作者已注销并删除"


@both
def test_a_receipt_and_what_others_posted_are_untouched(cast: Cast, life: dict[str, str]) -> None:
    with transaction():
        other = case_of(life["vera"]).thread
        words, followers = other.body.public, other.followers_count
        imported = posted(cast.vera, title="别人的另一件事")
        imported.poster_id = None  # as behind a receipt: there is no account
        imported_id = imported.public_id
    wish(cast)
    carry_out()

    other = case_of(life["vera"]).thread
    assert other.body.public == words
    assert (other.followers_count, other.affected_count) == (followers - 1, 0)
    assert case_of(imported_id).thread.title == "别人的另一件事"
    said = [e.public_text.public for e in other.events if e.kind == "reply.posted" and e.public_text]
    assert said == ["作者已注销并删除"]


class Killed(BaseException):
    """The worker is gone."""


def killed_again_and_again(public_id: str, hooks: list[Any]) -> int:
    """Let one worker after the other die in it, each a transaction later than the one before; how many died."""
    deaths = 0
    while deaths < 200:
        left = deaths + 1

        def hook(_session: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        hooks.append(hook)
        try:
            erasing.erase(public_id)
        except Killed:
            deaths += 1
        else:
            return deaths
        finally:
            hooks.remove(hook)
            db.session.rollback()
    raise AssertionError("nobody came to the end")


@both
@pytest.mark.parametrize("when", ["before its commit", "after its commit"])
def test_a_worker_killed_in_any_transaction_is_followed_by_one_that_goes_on(
    cast: Cast, life: dict[str, str], when: str
) -> None:
    public_id = wish(cast, pressed="no")
    clock.advance(GRACE + timedelta(minutes=1))

    deaths = killed_again_and_again(public_id, wall._before if when.startswith("before") else wall._after)

    assert deaths > 5
    carry_out()
    left = dump()
    for name in ("text", "text_revision", "watch", "inbox_item", "follow", "sign_in", "contact"):
        assert not any(mark in each for each in left[name] for mark in MARKS), name
    for name in ("open", "restricted", "held"):
        case = case_of(life[name])
        assert [e.kind for e in case.thread.events].count("case.withdrawn") == 1, name
        assert [e.kind for e in case.thread.events].count("thread.erased") == 1, name
        assert all(each.chain for each in verify(case.thread.events))
    assert retention.counts(date(2026, 11, 1))["accounts"] == 1
    assert audit.verify() is None


def state() -> dict[str, Any]:
    """How the board stands, without what is drawn by chance: salts, hashes, random ids."""
    rows = {
        "text": "id, kind, author_id, public, html, masked, covers, in_vault, contacts, erased_at, hidden_at",
        "thread": "id, title, place, visibility, followers_count, affected_count, replies_count, events_count, version",
        '"case"': "id, status, outcome, closed_at, rated_solved, next_due_at, overdue",
        "case_event": "id, thread_id, seq, kind, actor_id, actor_role, details, public_text_id, actor_salt IS NULL, public_salt IS NULL",
        "person": "id, nickname_sealed IS NULL, nickname_lookup IS NULL, active, erased_at",
        "deletion": "id, person_id, begun_at, done_at, pressed",
        "audit_entry": "number, act, actor, thing",
        "tally": "scope, name, value",
        "retention_count": "month, kind, count",
    }
    found: dict[str, Any] = {
        table: db.session.execute(db.text(f"SELECT {columns} FROM {table} ORDER BY 1")).all()
        for table, columns in rows.items()
    }
    found["how many"] = {
        name: len(each) for name, each in dump().items() if name not in ("job", "stream_entry")
    }
    return found


@pytest.mark.parametrize("when", ["before its commit", "after its commit"])
def test_killed_or_not_it_ends_in_the_same_state(
    app: Flask, cast: Cast, life: dict[str, str], when: str
) -> None:
    folder = app.config["SETTINGS"].data
    public_id = wish(cast, pressed="no")
    clock.advance(GRACE + timedelta(minutes=1))
    db.session.rollback()
    copied(folder / "board.db", folder / "before.db")
    erasing.erase(public_id)
    expected = state()
    db.session.remove()
    copied(folder / "before.db", folder / "board.db")
    assert state() != expected

    assert killed_again_and_again(public_id, wall._before if when.startswith("before") else wall._after) > 5

    ended = state()
    for name, rows in expected.items():
        assert ended[name] == rows, name


def copied(source: Path, target: Path) -> None:
    read, write = sqlite3.connect(source), sqlite3.connect(target)
    try:
        read.backup(write)
    finally:
        read.close()
        write.close()


@both
def test_a_wish_whose_job_was_lost_is_promised_again_when_a_worker_starts(cast: Cast) -> None:
    wish(cast)
    with transaction() as session:
        session.execute(jobs.Job.__table__.delete())  # type: ignore[attr-defined]
    clock.advance(GRACE + timedelta(minutes=1))
    jobs.run_due()
    assert cast.rita.erased_at is None
    with transaction():
        erasing.promise_unfinished()
    jobs.run_due()
    assert cast.rita.erased_at is not None


@both
def test_what_a_backup_brings_back_is_deleted_again(cast: Cast, life: dict[str, str]) -> None:
    rita = cast.rita.public_id
    wish(cast)
    carry_out()
    assert erasing.erased() == [rita]
    with transaction():  # the backup of the day before
        cast.rita.erased_at, cast.rita.active = None, True
        cast.rita.nickname = NICKNAME
    assert erasing.erase_again([rita, "nobody", cast.otto.public_id]) == 1
    jobs.run_due()
    assert cast.rita.nickname is None
    assert cast.otto.active


def test_every_column_that_names_a_person_is_thought_of() -> None:
    """A new table that names a member must say what becomes of it when he goes; add it here with the answer."""
    goes = {
        "sign_in.person_id", "sign_in_link.person_id", "contact.person_id", "calendar_feed.person_id", "consent.person_id",
        "export.person_id", "watch.person_id", "inbox_item.person_id", "unread.person_id", "follow.person_id",
        "rhythm.person_id", "tiding.person_id", "delivery.person_id", "account_notice.person_id", "acknowledgement_link.person_id",
        "passkey.person_id", "recovery_code.person_id", "known_device.person_id",
    }  # fmt: skip
    points_to_the_empty_row = {
        "thread.poster_id", "text.author_id", "case_event.actor_id", "rating.person_id", "appeal.by_id", "report.by_id",
        "accused.named_by_id", "deletion.person_id",
        # Their words are texts of hers and go; when, of which case and how it ended is how the inspectors worked.
        "reprisal.by_id", "referral.by_id", "pressure_question.person_id",
    }  # fmt: skip
    staff_alone = {
        "accused.person_id", "appeal.decided_by_id", "appointment.person_id", "approval.asked_by_id",
        "approval.decided_by_id", "assist_task.asked_by_id", "case.acknowledged_by_id", "case.handler_id",
        "escalation_policy.changed_by_id", "handover.offered_by_id", "handover_note.taken_over_by_id",
        "handover_note.written_by_id", "identity_opening.by_id", "inquiry.accepted_by_id", "inquiry.concluded_by_id",
        "inquiry.proposed_by_id", "inquiry.reviewed_by_id", "instruction.by_id", "instruction.owner_id", "look.done_by_id",
        "moderation_act.by_id", "moderation_act.undone_by_id", "duty_override.created_by_id", "duty_override.instead_id",
        "duty_override.person_id", "page.acknowledged_by_id", "page.ended_by_id", "telling.person_id",
        "roster_publication.published_by_id", "reading.person_id", "recusal.person_id", "report.decided_by_id",
        "review_mark.decided_by_id", "rotation_member.person_id", "shift.person_id", "statement.answered_by_id",
        "statement.asked_by_id", "statement.person_id", "watched_word.by_id", "watched_word.ended_by_id",
        # Only staff are invited, and administrators invite: a member never has one.
        "invitation.person_id", "invitation.made_by_id",
        # Inspectors who answered, decided and noted; leaders who sealed or answered an order for their unit.
        "reprisal.answered_by_id", "referral.decided_by_id", "pressure_question.noted_by_id", "unit_review.closed_by_id",
        "sealing.asked_by_id", "sealing.decided_by_id", "supervision_order.issued_by_id", "supervision_order.read_by_id",
        "supervision_order.answered_by_id", "supervision_order.decided_by_id",
    }  # fmt: skip
    naming = {
        f"{table.name}.{column.name}"
        for table in db.metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name == "person"
    }
    known = goes | points_to_the_empty_row | staff_alone
    assert naming - known == set(), "what becomes of these when a member deletes his account?"
    assert known - naming == set()
