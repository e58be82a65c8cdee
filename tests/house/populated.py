"""A board with one of everything, the whole cast signed in, and a way back to how it stood.

Rita's words in it carry marks, so that a test can look for them wherever they must not be.
"""

from __future__ import annotations

import contextvars
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from board import clock, create_app, facts, images, jobs, web
from board.clock import now
from board.db import db, random_id, transaction
from board.files import StoredFile, keep
from boards import cards, casepage, pulse
from boards.filing import file_report
from boards.models import Appeal, Case, ModerationAct, Receipt, Section, StockPhrase, Text, WatchedWord
from boards.models.posting import Draft, post, reply
from boards.models.receipt import Fresh
from complaints.models import (
    PressureQuestion,
    Referral,
    Reprisal,
    Sealing,
    Statement,
    SupervisionOrder,
    UnitReview,
)
from complaints.models.supervision import Demand
from notifications.following import begin
from notifications.models import AccountNotice, AcknowledgementLink, InboxItem, queue
from notifications.receipts import receipt_path
from notifications.targets import target
from notifications.unsubscribing import token_of
from people import contacts, news, vault
from people.invitations import invite
from people.models import Department, Export, Passkey, Person, SignIn
from people.signing_in import link_for
from tests.builders import Cast, posted, small_city
from tests.complaining import DISCIPLINE, complain, conclude, officer, open_complaints, tasks
from tests.conftest import MOMENT, ORIGIN, fields_of, settings

PEOPLE = ("visitor", "rita", "vera", "otto", "hugo", "lena", "dana", "carl", "mona", "adam", "ines")

# What must not be seen, and by whom it may be. Staff of the case are Otto, Lena and, above them, Carl.
TRAFFIC = ("otto", "lena", "carl")
MARKS: dict[str, tuple[str, ...]] = {
    "QHELDTITLE": ("rita", "mona", *TRAFFIC),
    "QHELDBODY": ("rita", "mona", *TRAFFIC),
    "QHELDPLACE": ("rita", "mona", *TRAFFIC),
    "QHELDREPLY": ("rita", "mona", *TRAFFIC),
    "QHELDNOTE": TRAFFIC,
    "QSHUTTITLE": ("rita", "dana", "carl"),
    "QSHUTBODY": ("rita", "dana", "carl"),
    "QSHUTPLACE": ("rita", "dana", "carl"),
    "QSHUTREPLY": ("rita", "dana", "carl"),
    "QSHUTNOTE": ("dana", "carl"),
    "QSHUTCAPTION": ("rita", "dana", "carl"),
    "QNOTE": (*TRAFFIC, "dana"),
    "QINSTRUCTION": (*TRAFFIC, "dana"),
    "QDECLINE": (*TRAFFIC, "dana"),
    "QREPORTWORDS": ("mona",),
    "QAPPEALWORDS": ("rita",),  # in the copy of her data; whoever acted does not read it, and here nobody else moderates
    "QWATCHED": ("mona", "adam"),
    "QWATCHEDWHY": ("mona", "adam"),
    "QREPORTCONTACT": ("mona",),
    "QPRESSED": (),
    "QCOMPLAINTTITLE": ("rita", "ines"),
    "QCOMPLAINTBODY": ("rita", "ines"),
    "QCOMPLAINTNEWS": ("rita", "ines"),
    "QCOMPLAINTWHOM": ("rita", "ines"),
    "QCOMPLAINTQUESTION": ("ines", "lena"),  # whose unit is asked, and who reads nothing else of it
    "QORDERWORDS": ("rita", "ines"),  # of an order over the complaint: there for its readers alone
    "QDRAFTWORDS": ("ines",),
    "QREVIEWED": (),  # what the look at a unit gave is kept, and shown nowhere
    "QSEALEDTITLE": ("rita", *TRAFFIC, "ines"),
    "QSEALEDBODY": ("rita", *TRAFFIC, "ines"),
    "QSEALWORDS": (*TRAFFIC, "ines"),
    "QREFERRAL": ("rita", "ines"),
    "QREPRISAL": ("rita", "ines"),
    "QFORCED": ("rita", "ines"),
    # By a receipt: nobody is its poster, and who holds the digits signs in nowhere.
    "QRECEIPTTITLE": ("ines",),
    "QRECEIPTBODY": ("ines",),
    "QRECEIPTWHOM": ("ines",),
    "QRECEIPTFOUND": ("ines",),
    "QRECEIPTRATED": ("ines",),
    "QCOVERED": ("rita",),
    "QEARLIER": ("rita", "otto", "lena"),
    "13912345678": ("rita",),  # in Rita's own words; a department uncovers them one by one, and each look is recorded
    "QWECHAT_2207": ("rita",),
    "63129977": ("rita",),
    "QREPLYLINK": ("vera", "mona"),  # until a moderator, who looks at it, releases it
    "19900000777": ("rita",),  # behind her account
    "青松路居民": ("rita",),  # she never posts by her nickname here
}  # fmt: skip


@dataclass
class Populated:
    """The board; `refs` are the names by which paths speak of its things, such as `{fresh}` or `{fresh.thread}`."""

    app: Flask
    folder: Path
    cast: Cast
    refs: dict[str, str] = field(default_factory=dict)
    clients: dict[str, FlaskClient] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def path(self, pattern: str) -> str:
        """`/cases/{fresh}/answer` with the number in it."""
        return re.sub(r"\{([\w.-]+)\}", lambda match: self.refs[match[1]], pattern)

    def get(self, who: str, path: str, **options: Any) -> TestResponse:
        """GET as somebody, in an empty context."""
        return self.ask(who, "GET", path, **options)

    def post(self, who: str, path: str, fields: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """POST as somebody, with the token of his sign-in and an Origin of this site unless others are given."""
        data = {"csrf_token": self.tokens.get(who, ""), **(fields or {})}
        data = {name: value for name, value in data.items() if value is not None}
        options.setdefault("headers", ORIGIN)
        return self.ask(who, "POST", path, data=data, content_type="multipart/form-data", **options)

    def ask(self, who: str, method: str, path: str, **options: Any) -> TestResponse:
        """Any request as somebody."""
        return contextvars.Context().run(self.clients[who].open, path, method=method, **options)

    def keep(self) -> None:
        """Remember how the database stands."""
        _copy(self.folder / "board.db", self.folder / "kept.db")

    def restore(self) -> None:
        """Put the database back to how it stood, and forget what was drawn since."""
        _copy(self.folder / "kept.db", self.folder / "board.db")
        forget()

    def twin(self, folder: Path) -> Populated:
        """The same board once more, in a folder of its own: same people, same cookies, same index."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("board.db*", "kept.db*"))
        for name in ("board.db", "kept.db"):
            shutil.copy(self.folder / "kept.db", folder / name)
        twin = Populated(_app(folder), folder, self.cast, dict(self.refs), tokens=dict(self.tokens))
        for who, client in self.clients.items():
            twin.clients[who] = twin.app.test_client()
            cookie = client.get_cookie("sign_in")
            if cookie is not None:
                twin.clients[who].set_cookie("sign_in", cookie.value)
        forget()
        return twin

    def inside(self, act: Callable[[], Any]) -> Any:
        """Run `act` with the board's context, in one of its own."""

        def run() -> Any:
            with self.app.app_context():
                try:
                    return act()
                finally:
                    db.session.remove()

        return contextvars.Context().run(run)

    def note(self, name: str, case: Case) -> None:
        """Remember a case under a name: its number, its thread and the text of its post."""
        self.refs[name] = case.number
        self.refs[f"{name}.thread"] = case.thread.public_id
        self.refs[f"{name}.text"] = case.thread.body.public_id


def _copy(source: Path, target: Path) -> None:
    # By SQLite itself: the board's own connections go on, and see that somebody committed.
    read, write = sqlite3.connect(source, timeout=10), sqlite3.connect(target, timeout=10)
    write.execute("PRAGMA synchronous=OFF")  # nothing here outlives the test
    try:
        read.backup(write)
    finally:
        read.close()
        write.close()


def _app(folder: Path) -> Flask:
    app = create_app(settings(folder))
    app.config["LIMITS"] = False
    with app.app_context():
        event.listen(db.engine, "connect", _without_waiting)
    return app


def _without_waiting(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def forget() -> None:
    """Nothing that was drawn or counted before is shown again."""
    facts.forget()
    web.forget_pages()
    pulse.forget()
    casepage.forget()
    cards.forget()


@contextmanager
def populated(folder: Path) -> Iterator[Populated]:
    """The board, on a clock that stands still: made once in a process, and a twin of that for each who asks."""
    with clock.freeze(MOMENT):
        board = _first(folder.parent).twin(folder / "board")
        try:
            yield board
        finally:
            board.inside(lambda: db.engine.dispose())
            forget()


def passkey_of(person: Person) -> str:
    """The public id of a passkey of this person, which no device holds; inside the open transaction."""
    row = Passkey(
        person=person,
        credential_id="bm9uZQ",
        public_key=b"none",
        sign_count=0,
        rp_id="localhost",
        name="手机",
    )
    db.session.add(row)
    db.session.flush()
    return row.public_id


@cache
def _first(beside: Path) -> Populated:
    folder = beside / "populated"
    folder.mkdir()
    app = _app(folder)
    forget()
    board = Populated(app, folder, Cast())
    board.inside(lambda: _fill(board))
    for who in PEOPLE:
        board.clients[who] = app.test_client()
        if who != "visitor":
            _sign_in(board, who)
    board.inside(lambda: _own_things(board))
    board.inside(jobs.run_due)
    board.inside(lambda: _noticed(board))
    board.keep()
    board.inside(lambda: db.engine.dispose())
    return board


def _sign_in(board: Populated, who: str) -> None:
    def make() -> str:
        with transaction():
            return link_for(getattr(board.cast, who))

    answer = board.ask(who, "POST", f"/sign-in/link/{board.inside(make)}", headers=ORIGIN)
    assert answer.status_code == 303, answer.text[:500]
    board.tokens[who] = fields_of(board.get(who, "/me").text)["csrf_token"]


def _fill(board: Populated) -> None:
    db.create_all()
    with transaction():
        board.cast = small_city()
    cast = board.cast
    with transaction():
        vault.put(cast.rita.owner, "phone", "19900000777", findable=True)
        board.refs["phrase"] = db.session.scalars(select(StockPhrase)).one().public_id

    def case(name: str, who: str = "rita", **draft: Any) -> None:
        draft.setdefault("title", f"路口的灯坏了 {name}")
        with transaction():
            thread = posted(getattr(cast, who), **draft)
            assert thread.case is not None
            board.note(name, thread.case)

    def step(name: str, verb: str, who: str, **arguments: Any) -> Any:
        with transaction():
            found = db.session.scalars(select(Case).where(Case.number == board.refs[name])).one()
            return getattr(found, verb)(by=getattr(cast, who), **arguments)

    def of(name: str) -> Case:
        return db.session.scalars(select(Case).where(Case.number == board.refs[name])).one()

    accepted = [
        "accepted", "working", "waiting", "suspended", "assisted", "resolved", "bad", "closed", "planned", "stale",
    ]  # fmt: skip
    for name in ["fresh", "offered", "asked", *accepted]:
        case(name)
    private = (
        "请打我的手机 13912345678，车牌云A12345，微信号：QWECHAT_2207。QCOVERED 也请看。请@交警支队看一下。"
    )
    case("private", title="路口的灯坏了 private 座机 0871-63129977", body=private)
    with transaction():
        reply(of("private").thread, "我也拍了照片 https://QREPLYLINK.example.com/a", by=cast.vera)
    case("beside", "vera", title="隔壁路口也坏了")
    case("merged", "vera", title="同一个路口")
    case("unsorted", section="12345", body="楼下的垃圾桶满了，没有人收。")
    for name in accepted:
        step(name, "accept", "otto", answer=f"已收到，民警正赶往现场查看 {name}。")
        if name != "accepted":
            step(name, "claim", "otto")
    step("working", "note", "otto", note="QNOTE 内部备注")
    with transaction():
        of("working").instruct(by=cast.lena, words="QINSTRUCTION 尽快办理", owner=cast.otto)
    step("waiting", "ask", "otto", question="请问是哪一个路口的灯？请拍一张照片。")
    step("suspended", "suspend", "lena", reason="依《程序规定》第九条中止", until=now() + timedelta(days=3))
    with transaction():
        office = Department.by_key("household-police")
        of("offered").offer(by=cast.otto, to=office, reason="这是户口的事，请户政支队办理。")
        of("assisted").assist(by=cast.otto, department=office, words="请查一下登记的住址。")
    with transaction():
        board.refs["handover"] = of("offered").handovers[0].public_id
        board.refs["task"] = of("assisted").assists[0].public_id
    step("asked", "decline", "otto", reason="QDECLINE 不属于本单位职责", advice="请向市供热公司反映。")
    with transaction():
        board.refs["approval"] = of("asked").approvals[0].public_id
    for name in ("resolved", "bad", "closed"):
        step(name, "resolve", "otto", answer=f"信号灯已经修好并恢复正常 {name}。", outcome="solved")
    step(
        "planned",
        "resolve",
        "otto",
        answer="已列入下周的施工计划，届时更换信号机。",
        outcome="planned",
        date=now() + timedelta(days=7),
    )
    step("bad", "rate", "rita", solved="no", satisfaction="dissatisfied", words="还是坏的。")
    step("closed", "rate", "rita", solved="yes", satisfaction="satisfied", words="谢谢。")
    step("stale", "withdraw", "rita", pressed="QPRESSED 有人让我撤回")
    with transaction():
        of("merged").merge(by=cast.dana, into=of("beside"))

    case("held", title="QHELDTITLE 有人在闹事", body="QHELDBODY 请@交警支队看一下", place="QHELDPLACE 三号楼")
    with transaction():
        reply(of("held").thread, "QHELDREPLY 我也看到了", by=cast.vera)
    step("held", "accept", "otto", answer="已收到，正在核实有关情况。")
    step("held", "note", "otto", note="QHELDNOTE 内部备注")
    with transaction():
        of("held").thread.hold(by=cast.mona, reason="private_data")
        act = ModerationAct.last_on(of("held").thread)
        assert act is not None
        board.refs["act"] = act.public_id
        board.refs["appeal"] = Appeal.against(act, by=cast.rita, words="QAPPEALWORDS 没有写姓名。").public_id
        said = db.session.scalars(
            select(Text).where(Text.kind == "reply", Text.author_id == cast.vera.id).order_by(Text.id.desc())
        )
        board.refs["held.reply"] = next(each.public_id for each in said if "QHELDREPLY" in each.public)
        word = WatchedWord.watch(
            "QWATCHED 代办", reason="QWATCHEDWHY", expires_at=now() + timedelta(days=9), by=cast.adam
        )
        board.refs["word"] = word.public_id

    case(
        "shut",
        section="110",
        title="QSHUTTITLE 有人持刀砍人，快来",
        body="QSHUTBODY 他要杀我，救命",
        place="QSHUTPLACE 青松路 5 号",
    )
    with transaction():
        reply(of("shut").thread, "QSHUTREPLY 我躲在里面", by=cast.rita)
    step("shut", "note", "dana", note="QSHUTNOTE 内部备注")
    case("opening", section="110", title="QSHUTTITLE 二 有人持刀砍人", body="QSHUTBODY 他要杀我，救命")
    with transaction():
        thread = of("opening").thread
        thread.propose_release(by=cast.dana)
        assert of("shut").thread.is_restricted
        assert thread.is_restricted
    with transaction():
        report = file_report(
            of("beside").thread,
            kind="name",
            words="QREPORTWORDS 里面写了我的名字",
            contact="QREPORTCONTACT",
            by=None,
        )
        board.refs["report"] = report.public_id
        signature = vault.signature("report outcome", report.public_id)
        board.refs["report_outcome"] = f"{report.public_id}-{signature}"
    with transaction():
        notice = post(
            Section.by_key("notices"),
            Draft(title="元旦办证时间", body="一月一日不办证。", identity="open"),
            by=cast.mona,
        )
        notice.edit(by=cast.mona, title=notice.title, body="一月一日和二日不办证。")
        board.refs["notice.thread"] = notice.public_id
    with transaction():
        thread = of("private").thread
        words = thread.body.original()
        at = words.index("QCOVERED")
        thread.cover(by=cast.rita, text=thread.body, spans=[(at, at + len("QCOVERED"))])
    case("changed", title="QEARLIER 标题", body="QEARLIER 内容，请@交警支队看一下。")
    with transaction():
        of("changed").thread.edit(by=cast.rita, title="路口的灯坏了", body="请@交警支队看一下。")
    with transaction():
        Section.by_key("traffic").identities = ["hidden", "open", "sealed"]
    case("sealed", identity="sealed")
    for name, caption in (("fresh", "路口"), ("held", "QHELDCAPTION"), ("shut", "QSHUTCAPTION")):
        board.refs[f"{name}.photo"] = _photo(board.refs[f"{name}.text"], caption)
    _complaint(board)
    _supervision(board)
    _landed(board)
    _by_receipt(board)
    board.refs |= {
        "missing": "20261117-9999", "missing.thread": "zzzzzzzzzz", "missing.text": "zzzzzzzzzz",
        "missing.photo": "zzzzzzzzzz", "version": board.app.config["ASSET_HASH"],
    }  # fmt: skip


def _complaint(board: Populated) -> None:
    """Rita's complaint about Otto: Ines has taken it on, told her of it, and asked Otto's unit."""
    cast = board.cast
    with transaction():
        open_complaints(cast)
    with transaction():
        thread = complain(
            cast.rita,
            title="QCOMPLAINTTITLE 民警看了一眼就走",
            body="QCOMPLAINTBODY 昨晚 @交警支队 的民警没有处理",
            departments=("traffic-police",),
            about={"about_reason": "manner", "about_badge": "021456", "about_whom": "QCOMPLAINTWHOM 戴眼镜"},
        )
        assert thread.case is not None
        board.note("complaint", thread.case)
        task = tasks(thread.case)[0]
        board.refs["inquiry"] = task.public_id
        task.accept(by=cast.ines)
        task.tell(by=cast.ines, words="QCOMPLAINTNEWS 已调取执法记录仪，正在核对。")
        traffic = Department.by_key("traffic-police")
        asked = Statement.ask(task, by=cast.ines, department=traffic, question="QCOMPLAINTQUESTION 谁值勤？")
        board.refs["statement"] = asked.public_id


def _supervision(board: Populated) -> None:
    """An order of Ines's over a public case, one of discipline's over the complaint, a draft, and units to look at."""
    cast = board.cast
    for name in ("supervised", "drafted"):
        with transaction():
            case = posted(cast.rita, title=f"路口的灯坏了 {name}").case
            assert case is not None
            board.note(name, case)
    said = Demand(words="请公开答复，写明办结日期。")

    def order(name: str, by: Person, said: Demand) -> SupervisionOrder:
        made = SupervisionOrder.begin([board.refs[name]], by=by, reason=said.reason)
        if said.words:
            made.issue(by=by, said=said, numbers=[board.refs[name]])
        return made

    with transaction():
        board.refs["order"] = order("supervised", cast.ines, said).number
    with transaction():
        inspector = officer(DISCIPLINE[0])
        said = Demand(reason="complaint", words="QORDERWORDS 请抓紧核查。")
        board.refs["shut_order"] = order("complaint", inspector, said).number
    with transaction():
        draft = order("drafted", cast.ines, Demand(words=""))
        draft.keep(by=cast.ines, said=Demand(words="QDRAFTWORDS 请答复。"), numbers=[board.refs["drafted"]])
        board.refs["draft"] = draft.public_id
    with transaction():
        for unit, name in (("household-police", "review"), ("kunhe", "reviewed")):
            review = UnitReview(
                public_id=random_id(),
                department=Department.by_key(unit),
                why="unanswered",
                month="2026-11",
                counted=3,
            )
            db.session.add(review)
            db.session.flush()
            board.refs[name] = review.public_id
        review.close(by=cast.ines, words="QREVIEWED 值班安排有空档。")


def _landed(board: Populated) -> None:
    """What came to the inspectors from Rita's cases: one is handled internally, one was not taken on, of one somebody
    gives her trouble, and of one she was pressed to take it back."""
    cast = board.cast

    def case(name: str, **draft: Any) -> Case:
        thread = posted(cast.rita, **draft)
        assert thread.case is not None
        board.note(name, thread.case)
        return thread.case

    with transaction():
        inside = case("inside", title="QSEALEDTITLE 单元门口有人踩点", body="QSEALEDBODY 请@交警支队看一下。")
        board.refs["sealing"] = Sealing.propose(
            inside, by=cast.lena, ground="investigation", words="QSEALWORDS 正在布控。"
        ).public_id
    with transaction():
        inside = db.session.get_one(Case, inside.id)
        board.refs["referral"] = Referral.file(
            inside, by=cast.rita, kind="sealed", words="QREFERRAL 没有涉密。"
        ).public_id
        turned = case("turned", title="路口的灯坏了 turned")
        turned.decline(by=cast.lena, reason="不属于本单位职责。", advice="请向市供热公司反映。")
        given = case("given", title="路口的灯坏了 given")
        given.withdraw(by=cast.rita)
    board.refs["inside.photo"] = _photo(board.refs["inside.text"], "QSEALEDBODY")
    with transaction():
        working = db.session.scalars(select(Case).where(Case.number == board.refs["working"])).one()
        board.refs["reprisal"] = Reprisal.file(
            working, by=cast.rita, words="QREPRISAL 有人打电话。"
        ).public_id
        after, before = PressureQuestion.open_for(cast.rita)
        after.give(by=cast.rita, answer="yes", words="QFORCED 派出所让我撤。")
        board.refs |= {"pressed": after.public_id, "question": before.public_id}


def _by_receipt(board: Populated) -> None:
    """A complaint about Otto by a receipt, concluded by both departments and rated by whoever holds the digits."""
    cast, fresh = board.cast, Fresh.draw()
    with transaction():
        section = Section.by_key("complaints")
        section.identities = [*section.identities, "receipt"]
        draft = Draft(
            title="QRECEIPTTITLE 值班电话没有人接",
            body="QRECEIPTBODY 前天夜里打了三次",
            identity="receipt",
            departments=("traffic-police",),
            about={"about_reason": "manner", "about_badge": "021456", "about_whom": "QRECEIPTWHOM 高个子"},
        )
        thread = post(section, draft, by=None)
        receipt = Receipt.hang(fresh, thread)
        assert thread.case is not None
        board.note("receipted", thread.case)
        first, second = tasks(thread.case)
        conclude(first, cast.ines, cast.ida, words="QRECEIPTFOUND 电话没有接。")
        conclude(second, *(officer(badge) for badge in DISCIPLINE))
        db.session.flush()
        thread.case.rate(
            by=receipt.holder, solved="yes", satisfaction="satisfied", words="QRECEIPTRATED 清楚了。"
        )


def _photo(owner: str, caption: str) -> str:
    buffer = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(buffer, "JPEG")
    picture = images.rebuild(buffer.getvalue(), name="photo.jpg")
    key = keep(picture)
    with transaction() as session:
        file = StoredFile.add(picture, key, owner_kind="text", owner_ref=owner, caption=caption)
        session.flush()
        return file.public_id


def _noticed(board: Populated) -> None:
    board.refs["notice"] = AccountNotice.of(board.cast.rita)[0].public_id


def _own_things(board: Populated) -> None:
    with transaction():
        rita = board.cast.rita
        item = db.session.scalars(select(InboxItem).where(InboxItem.person_id == rita.id)).first()
        assert item is not None, "nothing came to Rita"
        board.refs["item"] = item.public_id
        board.refs["sign_in"] = (
            db.session.scalars(select(SignIn).where(SignIn.person_id == rita.id)).one().public_id
        )
        board.refs["link"] = link_for(board.cast.vera)
        invited, board.refs["invitation"] = invite(board.cast.otis, by=None)
        board.refs["invited"] = invited.public_id
        board.refs["passkey"] = passkey_of(board.cast.rita)
        news.tell("account.passkey_added", board.cast.rita)
        board.refs["account_notice"] = AccountNotice.of(board.cast.rita)[0].public_id
        _reaching(board)
        board.refs["follow"] = begin(target("section", "household"), by=rita).public_id
        board.refs["unsubscribe"] = token_of(rita)
        board.refs["export"] = Export.ask(by=rita).public_id
        board.refs |= {name: getattr(board.cast, name).public_id for name in board.cast.names()}


def _reaching(board: Populated) -> None:
    """Rita's mail address and a room of the traffic police, not confirmed yet; a delivery that was given up; Otto's link to acknowledge a case."""
    contact = contacts.add(board.cast.rita, "mail", "rita@home.example")
    board.refs["contact"] = contact.public_id
    room = contacts.add_room(Department.by_key("traffic-police"), "wecombot://abcdefgh", "交警值班群")
    board.refs["room"] = room.public_id
    board.refs["contact_link"] = contacts.link_proof(contact, "populated")
    case = db.session.scalars(select(Case).where(Case.number == board.refs["fresh"])).one()
    delivery = queue(board.cast.otto, "sms", key="populated", purpose="page", event=case.thread.events[0])
    assert delivery is not None
    delivery.failed_at, delivery.last_error = now(), "the gateway answered 500"
    board.refs["delivery"] = delivery.public_id
    board.refs["acknowledgement"] = AcknowledgementLink.make(delivery, case)
    board.refs["receipt"] = receipt_path(delivery, contact).removeprefix("/receipts/push/")


__all__ = ["MARKS", "PEOPLE", "Populated", "forget", "populated"]
