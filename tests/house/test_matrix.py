"""Every address of the board, for everybody: who gets in, who is refused, and for whom there is nothing there.

A new route needs a line in ROWS. Each line is tried as everybody on the thing it names, and where the thing is a
case or a thread also on one that is held, one that is restricted and one that never was: to those who may not read
them the three are the same answer, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from werkzeug.test import TestResponse

from people.consenting import VERSION
from tests.house.populated import PEOPLE, Populated, populated

STAFF = "otto hugo lena dana carl mona adam ines"
SIGN_IN = "sign in"  # 303 to the sign-in page
READ_HELD = {"rita", "otto", "lena", "carl", "mona"}
READ_SHUT = {"rita", "dana", "carl"}
READ_INSIDE = {"rita", "otto", "lena", "carl", "ines"}  # of which everybody reads number, status and clocks
READ_COMPLAINT = {"rita", "ines"}  # and nobody whom it accuses, nor who leads or works above or beside them


@dataclass
class Row:
    """One address: a path with names of populated.py in it, what it answers, and the form that is sent."""

    method: str
    rule: str
    path: str
    default: int
    others: dict[str, int | str]
    form: dict[str, Any] = field(default_factory=dict)

    @property
    def thing(self) -> str | None:
        """The case that the path is about, None when it is about none."""
        match = re.search(r"^/(?:cases|t|received|desk/case|moderation/threads)/\{([a-z]+)", self.path)
        match = match or re.search(r"^/(?:files|photos)/\{([a-z]+)\.photo", self.path)
        return match[1] if match else None

    def on(self, name: str) -> str:
        """The same path about another case."""
        thing = self.thing
        return self.path if thing is None else self.path.replace("{" + thing, "{" + name, 1)

    def expected(self, who: str) -> int | str:
        """What `who` gets."""
        return self.others.get(who, self.default)


def _row(method: str, rule: str, path: str, default: int, *named: tuple[int | str, str], **form: Any) -> Row:
    others = {who: status for status, names in named for who in names.split()}
    assert set(others) <= set(PEOPLE), others
    return Row(method, rule, path or rule, default, others, form)


def page(rule: str, path: str = "", default: int = 200, **named: str) -> Row:
    """A page; `named` are other answers, `s404="vera hugo"`, and `sign_in="visitor"`."""
    answers = [
        (int(key[1:]) if key[0] == "s" and key[1:].isdigit() else SIGN_IN, who) for key, who in named.items()
    ]
    return _row("GET", rule, path, default, *answers)


def mine(rule: str, path: str = "", *, who: str, others: int) -> Row:
    """A page for some of those who are signed in."""
    return _row("GET", rule, path, others, (200, who), (SIGN_IN, "visitor"))


def act(
    rule: str, path: str, who: str, *, others: int = 403, gives: int = 303, but: str = "", **form: Any
) -> Row:
    """A form that some may send; `but` as in `"409 rita"` names who may, only not now."""
    named: list[tuple[int | str, str]] = [(gives, who), (SIGN_IN, "visitor")]
    if but:
        status, _space, names = but.partition(" ")
        named.append((int(status), names))
    return _row("POST", rule, path, others, *named, **form)


def _keeps(method: str, rule: str, gives: int, *, place: str = "", **form: Any) -> Row:
    """A page or form of a roster: for its leaders; other colleagues may read the roster and are refused."""
    path = rule.replace("<key>", "traffic-police").replace("<public_id>", place)
    named: list[tuple[int | str, str]] = [(gives, "lena carl"), (404, "rita vera"), (SIGN_IN, "visitor")]
    return _row(method, rule, path, 403, *named, **form)


def _asks(act: str, gives: int, **form: Any) -> Row:
    """A form of an inquiry: for the inspectors; its poster may read of it, for everybody else there is none."""
    answers: list[tuple[int | str, str]] = [(gives, "ines"), (403, "rita"), (SIGN_IN, "visitor")]
    return _row(
        "POST", f"/inquiries/<public_id>/{act}", f"/inquiries/{{inquiry}}/{act}", 404, *answers, **form
    )


WORDS = "民警已到现场，信号灯正在抢修，今天下午恢复。"
TRAFFIC = "otto lena"
DESKS = "otto hugo lena dana carl ines"
EVERYBODY = "rita vera " + STAFF
POST = {
    "title": "人行道的地砖松动了",
    "body": "下雨天会溅水，请派人修一修。",
    "identity": "hidden",
    "similar_seen": "1",
}

DEMAND: dict[str, Any] = {
    "level": "order",
    "reason": "overdue",
    "demand": "answer",
    "words": "请公开答复。",
    "due": "2026-11-20",
    "act": "issue",
}

ROWS = [
    # --- what everybody reads
    page("/"),
    page("/sections"),
    page("/s/<key>", "/s/traffic"),
    page("/s/<key>", "/s/complaints"),
    page("/s/<key>", "/s/nothing", 404),
    page("/d"),
    page("/d/<key>", "/d/traffic-police"),
    page("/d/<key>", "/d/nothing", 404),
    page("/guide"),
    page("/privacy"),
    page("/accessibility"),
    page("/transparency"),
    page("/transparency/roots.json"),
    page("/lookup"),
    page("/search", "/search?q=路口"),
    page("/settings"),
    page("/departments.json", "/departments.json?q=交警"),
    page("/similar", "/similar?title=路口的灯坏了"),
    _row("POST", "/coaching", "/coaching", 200, body="请打 19900002207"),
    page("/live"),
    page("/healthz"),
    page("/readyz"),
    page("/static/<version>/<path:name>", "/static/{version}/css/station.css"),
    page("/cases/<number>", "/cases/{fresh}"),
    page("/cases/<number>", "/cases/{closed}"),
    page("/t/<public_id>", "/t/{fresh.thread}", 301),
    page("/cases/<number>/verification", "/cases/{fresh}/verification"),
    page("/t/<public_id>/earlier", "/t/{changed.thread}/earlier", 404, s200="rita otto lena"),
    page("/t/<public_id>/earlier", "/t/{notice.thread}/earlier"),
    page("/t/<public_id>/earlier", "/t/{fresh.thread}/earlier", 404),
    page("/files/<public_id>/<any(full, thumb):size>", "/files/{fresh.photo}/full"),
    page("/photos/<public_id>", "/photos/{fresh.photo}"),
    page("/files/<public_id>/<any(full, thumb):size>", "/files/{fresh.photo}/thumb"),
    page("/t/<public_id>/reports", "/t/{fresh.thread}/reports"),
    page("/reports/<token>", "/reports/{report_outcome}"),
    page("/reports/<token>", "/reports/{report}-nothing", 404),
    page("/moderation-log"),
    page("/receipt"),
    _row("POST", "/receipt", "/receipt", 404, number="1234 5678 9012 3456"),
    _row("POST", "/receipt/messages", "/receipt/messages", 409, body="还有一点。"),
    # Without the pass of an open dialogue each of these is one answer, for whoever asks.
    _row("POST", "/receipt/rating", "/receipt/rating", 409, solved="yes", satisfaction="satisfied"),
    _row("POST", "/receipt/reopening", "/receipt/reopening", 409, words="还是老样子。"),
    _row("POST", "/receipt/nudge", "/receipt/nudge", 409),
    _row("POST", "/receipt/withdrawal", "/receipt/withdrawal", 409, pressed="no"),
    _row("POST", "/receipt/follow-up", "/receipt/follow-up", 409, done="yes"),
    # --- signing in, one's own account
    page("/sign-in"),
    page("/staff/sign-in"),
    page("/staff/sign-in/code", "", 303),
    page("/sign-in/link/<token>", "/sign-in/link/{link}"),
    page("/sign-in/link/<token>", "/sign-in/link/nothing", 404),
    page("/sign-in/passkey"),
    _row("POST", "/sign-in/passkey", "/sign-in/passkey", 422, passkey="junk"),
    page("/sign-in/invitation/<token>", "/sign-in/invitation/{invitation}"),
    page("/sign-in/invitation/<token>", "/sign-in/invitation/nothing", 404),
    _row("POST", "/sign-in/invitation/<token>", "/sign-in/invitation/{invitation}", 422, password="short"),
    page("/me/confirmation", sign_in="visitor"),
    page("/me/confirmation/passkey", sign_in="visitor"),
    act("/me/confirmation", "/me/confirmation", "", but=f"422 {EVERYBODY}", way="password", password="wrong"),
    page("/me/passkeys/options", sign_in="visitor"),
    page("/me/passkeys/new", sign_in="visitor"),
    act("/me/passkeys", "/me/passkeys", "", but=f"422 {EVERYBODY}", passkey="junk", name="手机"),
    act("/me/passkeys/<public_id>/removal", "/me/passkeys/{passkey}/removal", "rita", others=404),
    mine("/me/second-factor", who=STAFF, others=403),
    act("/me/second-factor/offer", "/me/second-factor/offer", STAFF),
    act("/me/second-factor", "/me/second-factor", "", but=f"422 {STAFF}", code="000000"),
    act("/me/recovery-codes", "/me/recovery-codes", STAFF, gives=200),
    act("/me/sign-ins/revocation", "/me/sign-ins/revocation", EVERYBODY),
    mine("/inbox/account/<public_id>", "/inbox/account/{account_notice}", who="rita", others=404),
    act("/inbox/account/<public_id>/denial", "/inbox/account/{account_notice}/denial", "rita", others=404),
    page("/me", sign_in="visitor"),
    page("/mine", sign_in="visitor"),
    mine("/carried", who="", others=404),
    page("/inbox", sign_in="visitor"),
    page("/inbox/unread", sign_in="visitor"),
    _row("GET", "/inbox/<public_id>", "/inbox/{item}", 404, (303, "rita"), (SIGN_IN, "visitor")),
    _row("POST", "/sign-in", "/sign-in", 422, phone="12"),
    _row("POST", "/sign-in/cast", "/sign-in/cast", 404, person="nobody"),
    _row("POST", "/sign-in/link/<token>", "/sign-in/link/{link}", 303),
    _row("POST", "/sign-out", "/sign-out", 303),
    _row("POST", "/staff/sign-in", "/staff/sign-in", 422, login="021456", password="wrong"),
    _row("POST", "/staff/sign-in/code", "/staff/sign-in/code", 422, (404, "visitor rita vera"), code="000000"),
    _row("POST", "/prefs", "/prefs", 303, theme="dark"),
    act("/me/nickname", "/me/nickname", "rita vera", nickname="春天的银杏"),
    act("/me/password", "/me/password", "", but=f"422 {STAFF}", old_password="wrong", password="x" * 20),
    mine("/me/data", who=EVERYBODY, others=403),
    act("/me/exports", "", "", others=303, but="422 rita", press="1"),
    mine("/me/exports/<public_id>", "/me/exports/{export}", who="rita", others=404),
    mine("/me/deletion", who="rita vera", others=403),
    # Rita's complaint is still being looked into, which holds her account.
    act("/me/deletion", "/me/deletion", "vera", but="409 rita", typed="爱散步的银杏"),
    _row("POST", "/me/deletion", "/me/deletion", 403, (422, "vera"), (409, "rita"), (SIGN_IN, "visitor"), typed="x"),
    act("/me/deletion/undoing", "", "", but="409 rita vera", press="1"),
    mine("/me/consent", who=EVERYBODY, others=403),
    act("/me/consents", "/me/consents", EVERYBODY, version=VERSION),
    act("/me/consents", "/me/consents", "", others=422, version="1999-01-01"),
    act("/me/sign-ins/<public_id>/revocation", "/me/sign-ins/{sign_in}/revocation", "rita", others=404),
    act("/inbox/reading", "/inbox/reading", EVERYBODY),
    # --- rosters
    page("/d/<key>/roster", "/d/traffic-police/roster", sign_in="visitor", s404="rita vera"),
    page("/d/<key>/roster.ics", "/d/traffic-police/roster.ics", sign_in="visitor", s404="rita vera"),
    _keeps("GET", "/d/<key>/roster/publication", 200),
    _keeps("POST", "/d/<key>/roster/publication", 422, until="2026-11-18"),
    _keeps("POST", "/d/<key>/roster/changes", 422),
    _keeps("POST", "/d/<key>/roster/changes/<public_id>/removal", 404, place="nothing"),
    _keeps("GET", "/d/<key>/roster/rotations/new", 200),
    _keeps("POST", "/d/<key>/roster/rotations", 422),
    _keeps("GET", "/d/<key>/roster/rotations/<public_id>", 404, place="nothing"),
    _keeps("POST", "/d/<key>/roster/rotations/<public_id>", 404, place="nothing"),
    _keeps("POST", "/d/<key>/roster/rotations/<public_id>/removal", 404, place="nothing"),
    _keeps("GET", "/d/<key>/roster/hours", 200),
    _keeps("POST", "/d/<key>/roster/hours", 303, promise="always"),
    _keeps("GET", "/d/<key>/roster/import", 200),
    _keeps("POST", "/d/<key>/roster/import", 422, table="junk"),
    mine("/me/calendar", who="otto hugo lena dana carl ines", others=404),
    act("/me/calendar", "", "otto hugo lena dana carl ines", others=404, gives=200, press="1"),
    act("/me/calendar/revocation", "", "otto hugo lena dana carl ines", others=404, press="1"),
    page("/calendar/<token>.ics", "/calendar/nothing.ics", 404),
    # --- how one is reached
    page("/service-worker.js"),
    page("/manifest.webmanifest"),
    act("/contacts", "/contacts", EVERYBODY, kind="mail", address="somebody@home.example"),
    act("/contacts", "/contacts", "", but=f"422 {EVERYBODY}", kind="mail", address="nobody"),
    act("/contacts", "/contacts", STAFF, kind="chat", address="wecombot://abcdefgh"),
    act("/contacts/device", "/contacts/device", EVERYBODY, gives=200, address="{}"),
    act("/contacts/phone", "/contacts/phone", STAFF, gives=200, phone="19900000042"),
    act("/contacts/<public_id>/check", "/contacts/{contact}/check", "rita", others=404),
    act("/contacts/<public_id>/code", "/contacts/{contact}/code", "", others=404, but="422 rita", code="123456"),
    act("/contacts/<public_id>/removal", "/contacts/{contact}/removal", "rita", others=404),
    page("/contacts/link/<token>", "/contacts/link/{contact_link}"),
    page("/contacts/link/<token>", "/contacts/link/nothing", 404),
    _row("POST", "/contacts/link/<token>", "/contacts/link/{contact_link}", 200),
    page("/a/<token>", "/a/{acknowledgement}"),
    page("/a/<token>", "/a/nothing", 404),
    _row("POST", "/a/<token>", "/a/{acknowledgement}", 303),
    _row("POST", "/receipts/push/<delivery>/<contact>/<signature>", "/receipts/push/{receipt}", 204),
    _row("POST", "/receipts/sms", "/receipts/sms", 404),
    # --- the inspectors: what they do, and what a unit reads that they asked
    page("/complaints"),
    mine("/inspection", "/inspection?case={complaint}", who="ines", others=404),
    _row("POST", "/inspection/looks", "", 404, (422, "ines"), (SIGN_IN, "visitor"), case="{fresh}", queue="new"),
    _asks("acceptance", 409),
    _asks("review", 403, agree="yes"),
    _asks("news", 303, news="正在核对当晚的记录。"),
    _asks("statements", 303, unit="traffic-police", question="请说明当晚的值勤情况。"),
    _asks("proposal", 409, conclusion="partly", findings="部分情况存在。", measures="apology"),
    _asks("confirmation", 409, agree="yes"),
    mine("/statements/<public_id>", "/statements/{statement}", who="lena", others=404),
    act("/statements/<public_id>/answer", "/statements/{statement}/answer", "lena", others=404, words="当晚二中队值勤。"),
    # --- supervision: what everybody reads, what the unit's leader does, what the inspectors do
    page("/supervision"),
    page("/supervision/<number>", "/supervision/{order}"),
    page("/supervision/<number>", "/supervision/{shut_order}", 404, s200="rita ines"),
    page("/supervision/<number>", "/supervision/order-2026-999", 404),
    page("/supervision/<number>/print", "/supervision/{order}/print"),
    page("/supervision/<number>/print", "/supervision/{shut_order}/print", 404, s200="rita ines"),
    act("/supervision/<number>/receipt", "/supervision/{order}/receipt", "lena"),
    act("/supervision/<number>/receipt", "/supervision/{shut_order}/receipt", "ines", others=404, but="403 rita"),
    act("/supervision/<number>/answer", "/supervision/{order}/answer", "lena", answer="三件均已办结并回访。"),
    act("/supervision/<number>/answer", "/supervision/{order}/answer", "", but="422 lena", answer=" "),
    act("/supervision/<number>/answer", "/supervision/{shut_order}/answer", "ines", others=404, but="403 rita", answer="正在核查。"),
    act("/supervision/<number>/decision", "/supervision/{order}/decision", "", but="409 ines", fulfilled="yes"),
    act("/supervision/<number>/decision", "/supervision/{order}/decision", "", but="409 ines", fulfilled="no", level="second", demand="answer", words="请落实。"),
    act("/supervision/<number>/decision", "/supervision/{shut_order}/decision", "", others=404, but="403 rita ines", fulfilled="yes"),
    mine("/inspection/supervision", who="ines", others=404),
    mine("/inspection/supervision/new", "/inspection/supervision/new?case={fresh}", who="ines", others=404),
    act("/inspection/supervision", "", "ines", others=404, case="{fresh}", **DEMAND),
    act("/inspection/supervision", "", "", others=404, but="422 ines", case="{supervised}", **DEMAND),
    act("/inspection/supervision", "", "", others=404, case="{shut}", **DEMAND),
    mine("/inspection/supervision/drafts/<public_id>", "/inspection/supervision/drafts/{draft}", who="ines", others=404),
    act("/inspection/supervision/drafts/<public_id>", "/inspection/supervision/drafts/{draft}", "ines", others=404, case="{drafted}", **DEMAND),
    act("/inspection/supervision/drafts/<public_id>/discarding", "/inspection/supervision/drafts/{draft}/discarding", "ines", others=404),
    act("/inspection/reviews/<public_id>/closing", "/inspection/reviews/{review}/closing", "ines", others=404, found="已约谈该单位。"),
    # --- what comes to them from ordinary cases
    mine("/cases/<number>/seal", "/cases/{fresh}/seal", who="lena carl", others=403),
    act("/cases/<number>/seal", "/cases/{fresh}/seal", "lena carl", ground="privacy", words="写有第三人的病情。"),
    act("/cases/<number>/seal/lifting", "/cases/{inside}/seal/lifting", "lena carl ines", others=404, but="403 rita otto"),
    act("/sealings/<public_id>/decision", "/sealings/{sealing}/decision", "ines", others=404, agree="yes"),
    mine("/cases/<number>/appeal", "/cases/{turned}/appeal", who="rita", others=403),
    act("/cases/<number>/appeal", "/cases/{turned}/appeal", "rita", words="信号灯归交警管。"),
    act("/referrals/<public_id>/decision", "/referrals/{referral}/decision", "ines", others=404, decision="upheld",
        referral_words="确有涉案信息，维持。"),
    mine("/cases/<number>/reprisal", "/cases/{fresh}/reprisal", who="rita", others=403),
    act("/cases/<number>/reprisal", "/cases/{fresh}/reprisal", "rita", words="有人打电话让我别再发帖。"),
    act("/reprisals/<public_id>/answer", "/reprisals/{reprisal}/answer", "ines", others=404, reprisal_words="已约谈。"),
    mine("/pressure-questions/<public_id>", "/pressure-questions/{question}", who="rita", others=404),
    act("/pressure-questions/<public_id>/answer", "/pressure-questions/{question}/answer", "rita", others=404, pressed="no"),
    act("/pressure-questions/<public_id>/note", "/pressure-questions/{pressed}/note", "ines", others=404,
        pressure_words="已向派出所了解。"),
    # --- writing
    page("/new", s403=STAFF),
    page("/s/<key>/new", "/s/traffic/new", s403=STAFF),
    page("/s/<key>/new", "/s/complaints/new", s403=STAFF),
    _row("POST", "/threads", "/threads", 403, (303, "rita vera"), (200, "visitor"), **POST),
    _row("POST", "/s/<key>/threads", "/s/traffic/threads", 403, (303, "rita vera"), (200, "visitor"), **POST),
    _row("POST", "/s/<key>/threads", "/s/complaints/threads", 403, (422, "rita vera visitor"), **POST),
    _row("POST", "/s/<key>/threads", "/s/notices/threads", 403, **POST),
    mine("/received/<number>", "/received/{fresh}", who="rita", others=404),
    act("/t/<public_id>/replies", "/t/{fresh.thread}/replies", f"rita vera {TRAFFIC} dana", body="我家门口也是。"),
    mine("/t/<public_id>/edits", "/t/{fresh.thread}/edits", who="rita", others=403),
    mine("/t/<public_id>/identity", "/t/{fresh.thread}/identity", who="rita", others=403),
    act("/t/<public_id>/identity", "/t/{fresh.thread}/identity", "rita", identity="open"),
    act("/t/<public_id>/edits", "/t/{fresh.thread}/edits", "rita", title="路口的灯坏了", body="请尽快修。"),
    mine("/t/<public_id>/covers", "/t/{fresh.thread}/covers", who="rita", others=404),
    act("/t/<public_id>/covers", "/t/{fresh.thread}/covers", "rita", text="{fresh.text}", spans="0-2"),
    _row("POST", "/t/<public_id>/reports", "/t/{fresh.thread}/reports", 303, kind="name", words="写到了我的名字。"),
    act("/t/<public_id>/release", "/t/{opening.thread}/release", "rita", others=404, but="403 dana carl"),
    act("/t/<public_id>/replies-switch", "/t/{fresh.thread}/replies-switch", "rita", closed="1"),
    act("/t/<public_id>/watch", "/t/{fresh.thread}/watch", EVERYBODY),
    act("/cases/<number>/watch", "/cases/{fresh}/watch", EVERYBODY),
    act("/cases/<number>/affected", "/cases/{fresh}/affected", EVERYBODY),
    # --- following
    page("/follows", sign_in="visitor"),
    page("/follows/new", "/follows/new?kind=section&target=traffic", sign_in="visitor"),
    page("/follows/new", "/follows/new?kind=section&target=nothing", 404, sign_in="visitor"),
    act("/follows", "/follows", EVERYBODY, kind="section", target="traffic", how="daily"),
    act("/follows", "/follows", "", but=f"422 {EVERYBODY}", kind="place", target="路", how="daily"),
    act("/follows/<public_id>", "/follows/{follow}", "rita", others=404, how="at_once"),
    act("/follows/<public_id>/removal", "/follows/{follow}/removal", "rita", others=404),
    act("/settings/following", "/settings/following", EVERYBODY, digest_hour="7", quiet_from="22", quiet_until="6"),
    page("/unsubscribe/<token>", "/unsubscribe/{unsubscribe}"),
    page("/unsubscribe/<token>", "/unsubscribe/nothing", 404),
    _row("POST", "/unsubscribe/<token>", "/unsubscribe/{unsubscribe}", 200),
    _row("POST", "/unsubscribe/<token>", "/unsubscribe/nothing", 404),
    # --- the poster's verbs
    act("/cases/<number>/supplements", "/cases/{waiting}/supplements", "rita", body="是青松路口东侧的灯。"),
    mine("/cases/<number>/rating", "/cases/{resolved}/rating", who="rita", others=404),
    act("/cases/<number>/rating", "/cases/{resolved}/rating", "rita", solved="yes", satisfaction="satisfied"),
    mine("/cases/<number>/reopening", "/cases/{closed}/reopening", who="rita", others=403),
    act("/cases/<number>/reopening", "/cases/{closed}/reopening", "rita", words="今天早上又坏了，请再看一下。"),
    act("/cases/<number>/nudge", "/cases/{fresh}/nudge", "", but="409 rita"),
    mine("/cases/<number>/withdrawal", "/cases/{fresh}/withdrawal", who="rita", others=403),
    act("/cases/<number>/withdrawal", "/cases/{fresh}/withdrawal", "rita"),
    act("/cases/<number>/follow-up", "/cases/{planned}/follow-up", "", but="409 rita", done="yes"),
    act("/cases/<number>/unmerging", "/cases/{merged}/unmerging", "vera dana"),
    # --- the duty desk
    _row("GET", "/desk", "/desk", 404, (200, DESKS), (303, "mona"), (SIGN_IN, "visitor")),
    mine("/desk/rows", who=DESKS, others=404),
    mine("/desk/presence", who=DESKS, others=404),
    act("/desk/looking", "/desk/looking", DESKS, others=404, gives=204, case="{fresh}"),
    mine("/desk/case/<number>", "/desk/case/{fresh}", who=DESKS, others=404),
    act("/desk/case/<number>/preview", "/desk/case/{fresh}/preview", DESKS, others=404, gives=200, text=WORDS),
    _row("GET", "/desk/toasts", "/desk/toasts?cases={fresh}", 404, (200, TRAFFIC), (204, "hugo dana carl ines"), (SIGN_IN, "visitor")),
    mine("/desk/paging", who="otto hugo lena dana carl adam ines", others=404),
    mine("/desk/paging/<key>", "/desk/paging/traffic-police", who="otto lena dana carl adam", others=404),
    act("/desk/paging/<key>/<any(urgent, ordinary):urgency>", "/desk/paging/traffic-police/ordinary", "lena carl adam",
        others=404, but="403 otto dana", duty="1", duty_after="0", desk="1", desk_after="50"),
    act("/desk/paging/<key>/rooms", "/desk/paging/traffic-police/rooms", "lena carl adam", others=404, but="403 otto dana",
        name="大厅群", address="wecombot://hgfedcba"),
    _row("POST", "/desk/paging/<key>/rooms/<public_id>/code", "/desk/paging/traffic-police/rooms/{room}/code", 404,
        (422, "lena carl adam"), (403, "otto dana"), (SIGN_IN, "visitor"), code="123456"),
    act("/desk/paging/<key>/rooms/<public_id>/check", "/desk/paging/traffic-police/rooms/{room}/check", "lena carl adam",
        others=404, but="403 otto dana"),
    act("/desk/paging/<key>/rooms/<public_id>/removal", "/desk/paging/traffic-police/rooms/{room}/removal", "lena carl adam",
        others=404, but="403 otto dana"),
    mine("/desk/phrases", "/desk/phrases?department=traffic-police", who="lena carl", others=404),
    mine("/desk/phrases/<phrase_id>/removal", "/desk/phrases/{phrase}/removal", who="lena carl", others=404),
    act("/desk/phrases", "/desk/phrases", "lena carl", others=404, department="traffic-police", title="感谢", words="感谢您。"),
    act("/desk/phrases/<phrase_id>", "/desk/phrases/{phrase}", "lena carl", others=404, title="感谢", words="感谢您。"),
    act("/desk/phrases/<phrase_id>/removal", "/desk/phrases/{phrase}/removal", "lena carl", others=404),
    mine("/desk/handing-over", "/desk/handing-over?department=traffic-police", who="otto", others=404),
    act("/desk/handing-over", "", "otto", others=404, but="403 lena carl", department="traffic-police", words="都好。"),
    act("/desk/taking-over", "", "otto", others=404, but="403 lena carl", department="traffic-police"),
    act("/cases/<number>/acknowledgement", "/cases/{fresh}/acknowledgement", TRAFFIC),
    act("/cases/<number>/acceptance", "/cases/{fresh}/acceptance", TRAFFIC, text=WORDS),
    act("/cases/<number>/answer", "/cases/{fresh}/answer", TRAFFIC, text=WORDS),
    act("/cases/<number>/assignment", "/cases/{accepted}/assignment", "lena carl", to="{otis}"),
    act("/cases/<number>/claim", "/cases/{accepted}/claim", TRAFFIC),
    act("/cases/<number>/notes", "/cases/{working}/notes", f"{TRAFFIC} dana", text="内部备注。", audience="internal"),
    act("/cases/<number>/notes", "/cases/{working}/notes", TRAFFIC, text=WORDS),
    act("/cases/<number>/questions", "/cases/{accepted}/questions", TRAFFIC, question="请问是路口哪一侧的灯？"),
    act("/cases/<number>/suspension", "/cases/{working}/suspension", TRAFFIC, reason="依第九条", until="2026-11-20 18:00"),
    act("/cases/<number>/resumption", "/cases/{suspended}/resumption", TRAFFIC),
    act("/cases/<number>/handovers", "/cases/{working}/handovers", TRAFFIC, to="户政支队", reason="这是户口的事。"),
    act("/cases/<number>/handovers/<handover>/taking", "/cases/{offered}/handovers/{handover}/taking", "hugo"),
    act("/cases/<number>/handovers/<handover>/return", "/cases/{offered}/handovers/{handover}/return", "hugo", reason="不归我们。"),
    act("/cases/<number>/assists", "/cases/{working}/assists", TRAFFIC, department="市供热公司", words="请查管线。"),
    act("/cases/<number>/assists/<task>/answer", "/cases/{assisted}/assists/{task}/answer", "hugo", words="登记住址无误。"),
    act("/cases/<number>/assists/<task>/waiver", "/cases/{assisted}/assists/{task}/waiver", "lena carl"),
    act("/cases/<number>/instructions", "/cases/{working}/instructions", "lena carl", words="今天之内办好。"),
    act("/cases/<number>/extension", "/cases/{working}/extension", "lena carl", until="2026-12-01 18:00", reason="等待配件。"),
    act("/cases/<number>/declination", "/cases/{fresh}/declination", TRAFFIC, reason="不归我们。", advice="请问户政。"),
    act("/cases/<number>/approvals/<approval>/decision", "/cases/{asked}/approvals/{approval}/decision", "lena carl", decision="approve"),
    act("/cases/<number>/resolution", "/cases/{working}/resolution", TRAFFIC, text=WORDS, outcome="solved"),
    act("/cases/<number>/rectification", "/cases/{bad}/rectification", "lena", text=WORDS),
    act("/cases/<number>/originals/<text_id>", "/cases/{private}/originals/{private.text}", f"rita {TRAFFIC}", gives=200, reason="回电话核实"),
    act("/cases/<number>/contact", "/cases/{fresh}/contact", TRAFFIC, gives=200, reason="回电核实地点。"),
    act("/cases/<number>/contact", "/cases/{fresh}/contact", TRAFFIC, gives=422),
    act("/cases/<number>/contact", "/cases/{sealed}/contact", "ines", gives=200, reason="核实威胁短信。"),
    # --- stepping back: inspectors from every open case they may read
    mine("/cases/<number>/recusal", "/cases/{fresh}/recusal", who="ines", others=403),
    act("/cases/<number>/recusal", "/cases/{fresh}/recusal", "ines", kind="recused", words="办理人是我的朋友。"),
    # --- the dispatch desk
    act("/cases/<number>/routing", "/cases/{unsorted}/routing", "dana", to="市供热公司"),
    act("/cases/<number>/merge", "/cases/{fresh}/merge", "dana", into="{beside}"),
    mine("/cases/<number>/relay", "/cases/{fresh}/relay", who="dana", others=403),
    act("/cases/<number>/relay", "/cases/{fresh}/relay", "dana", receipt="2026111700042", called_back="1"),
    act("/cases/<number>/release-proposal", "/cases/{shut}/release-proposal", "dana", others=404, but="403 rita carl"),
    act("/cases/<number>/release-proposal", "/cases/{fresh}/release-proposal", ""),
    # --- administrators
    mine("/admin/invitations", who="adam", others=404),
    act("/admin/invitations", "/admin/invitations", "adam", others=404, gives=200, name="孙勇", badge="021460",
        role="officer", department="traffic-police"),
    act("/admin/invitations", "/admin/invitations", "", others=404, but="422 adam", name="孙勇", badge="", role="officer"),
    act("/admin/invitations/<public_id>/revocation", "/admin/invitations/{invited}/revocation", "adam", others=404),
    mine("/admin/deliveries", who="adam", others=404),
    act("/admin/deliveries/<public_id>/resending", "/admin/deliveries/{delivery}/resending", "adam", others=404),
    mine("/admin/doctor", who="adam", others=404),
    act("/admin/doctor/hint", "/admin/doctor/hint", "adam", others=404, gives=200),
    # --- moderators
    mine("/moderation", who="mona", others=404),
    mine("/moderation/<source>/<item_id>", "/moderation/report/{report}", who="mona", others=404),
    mine("/moderation/<source>/<item_id>", "/moderation/nothing/{report}", who="", others=404),
    mine("/moderation/presence", "/moderation/presence?thread={fresh.thread}", who="mona", others=404),
    mine("/moderation/words", who="mona adam", others=404),
    act("/moderation/words", "", "mona adam", others=404, word="代开发票", reason="常见的广告用语。", until="2026-12-01"),
    act("/moderation/words/<word_id>/ending", "/moderation/words/{word}/ending", "mona adam", others=404),
    act("/moderation/<source>/<item_id>/keeping", "/moderation/report/{report}/keeping", "mona", others=404),
    act("/moderation/contact/<item_id>/release", "/moderation/contact/nothing/release", "", others=404),
    act("/moderation/acts/<act_id>/undoing", "/moderation/acts/{act}/undoing", "mona", others=404),
    # Mona held it: somebody else decides.
    act("/moderation/appeals/<appeal_id>/decision", "/moderation/appeals/{appeal}/decision", "", others=404, decision="upheld", words="仍写有姓名。"),
    act("/moderation/threads/<public_id>/covers", "/moderation/threads/{beside.thread}/covers", "mona", others=404, words="隔壁路口", reason="advert"),
    act("/moderation/threads/<public_id>/hiding", "/moderation/threads/{held.thread}/hiding", "mona", others=404, text="{held.reply}", reason="advert"),
    act("/moderation/threads/<public_id>/showing", "/moderation/threads/{held.thread}/showing", "", others=404, but="409 mona", text="{held.reply}"),
    act("/moderation/threads/<public_id>/move", "/moderation/threads/{fresh.thread}/move", "mona", others=404, section="household"),
    act("/moderation/threads/<public_id>/merge-proposal", "/moderation/threads/{fresh.thread}/merge-proposal", "mona", others=404, into="{beside}"),
    mine("/t/<public_id>/appeals", "/t/{held.thread}/appeals", who="rita", others=404),
    act("/t/<public_id>/appeals", "/t/{held.thread}/appeals", "", others=404, but="409 rita", act="{act}", words="没有写姓名。"),
    act("/moderation/threads/<public_id>/hold", "/moderation/threads/{fresh.thread}/hold", "mona", others=404, reason="advert"),
    act("/moderation/threads/<public_id>/release", "/moderation/threads/{held.thread}/release", "mona", others=404),
    act("/moderation/threads/<public_id>/pin", "/moderation/threads/{fresh.thread}/pin", "mona", others=404, pinned="1"),
]  # fmt: skip

NAMES = [f"{row.method} {row.path}" + (f" {number}" if row.form else "") for number, row in enumerate(ROWS)]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Populated]:
    with populated(tmp_path_factory.mktemp("matrix")) as made:
        yield made


def send(board: Populated, row: Row, who: str, path: str, **options: Any) -> TestResponse:
    """Send a row's request; whatever it changed is undone, whoever it signed out is signed in again."""
    client = board.clients[who]
    cookies = dict(client._cookies or {})
    form = {name: board.path(value) for name, value in row.form.items()}
    if row.method == "GET":
        response = board.get(who, board.path(path), **options)
    else:
        response = board.post(who, board.path(path), form, **options)
        if response.status_code < 400:
            board.restore()
    client._cookies = cookies
    return response


def status_of(response: TestResponse) -> int | str:
    if response.status_code == 303 and response.headers.get("Location", "").startswith("/sign-in?"):
        return SIGN_IN
    return response.status_code


def test_every_route_has_its_row_here_and_every_row_its_route(board: Populated) -> None:
    routes = {
        (method, rule.rule)
        for rule in board.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert {(row.method, row.rule) for row in ROWS} == routes


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_who_gets_in(board: Populated, row: Row) -> None:
    found = {who: status_of(send(board, row, who, row.path)) for who in PEOPLE}

    assert found == {who: row.expected(who) for who in PEOPLE}


def alike(board: Populated, response: TestResponse, name: str) -> tuple[int, str, list[tuple[str, str]]]:
    """An answer without what must differ: the address that was asked for, the request's own id, and the random way
    back to what was sent."""
    body, headers = response.text, sorted(response.headers.items())
    headers = [
        (key, re.sub(r"^carried=[\w-]+; Expires=[^;]+", "carried=…", value))
        for key, value in headers
        if key not in ("X-Request-ID", "Content-Length")
    ]
    for ref in (board.refs.get(name), board.refs.get(f"{name}.thread"), board.refs.get(f"{name}.photo")):
        if ref:
            body = body.replace(ref, "…")
            headers = [(key, value.replace(ref, "…")) for key, value in headers]
    return response.status_code, re.sub(r'name="once" value="[^"]*"', "", body), headers


THINGS = [row for row in ROWS if row.thing is not None]


@pytest.mark.parametrize(
    "row", THINGS, ids=[name for name, row in zip(NAMES, ROWS, strict=True) if row in THINGS]
)
def test_held_restricted_and_missing_are_one_answer_to_those_who_may_not_read(
    board: Populated, row: Row
) -> None:
    for who in PEOPLE:
        missing = alike(board, send(board, row, who, row.on("missing")), "missing")
        assert missing[0] in (404, 303, 200), (who, missing)
        for name, readers in (("held", READ_HELD), ("shut", READ_SHUT), ("inside", READ_INSIDE)):
            response = send(board, row, who, row.on(name))
            assert response.status_code < 500, (who, name)
            stub = name == "inside" and row.rule == "/cases/<number>"  # the one page of it that is public
            if who not in readers and not stub:
                assert alike(board, response, name) == missing, (who, name)


def test_who_may_read_what_is_held_or_restricted(board: Populated) -> None:
    for name, readers in (("held", READ_HELD), ("shut", READ_SHUT), ("inside", READ_INSIDE)):
        for path in (
            f"/cases/{{{name}}}?fragment=timeline" if name == "inside" else f"/cases/{{{name}}}",
            f"/cases/{{{name}}}/verification",
            f"/files/{{{name}.photo}}/full",
            f"/photos/{{{name}.photo}}",
        ):
            found = {who for who in PEOPLE if board.get(who, board.path(path)).status_code == 200}
            assert found == readers, path


# --- forms from elsewhere ------------------------------------------------------------------------------

POSTS = [row for row in ROWS if row.method == "POST"]
JSON = {"Accept": "application/json"}
HERE = {"Origin": "http://localhost"}
# Their forms are filled in by visitors as well, or stand in pages that are equal for all.
WITHOUT_TOKEN = {
    "/sign-in", "/sign-in/cast", "/sign-in/link/<token>", "/sign-out", "/staff/sign-in", "/staff/sign-in/code",
    "/prefs", "/threads", "/s/<key>/threads", "/t/<public_id>/reports", "/a/<token>", "/contacts/link/<token>",
    "/unsubscribe/<token>", "/coaching", "/receipt", "/receipt/messages", "/sign-in/passkey", "/sign-in/invitation/<token>",
    "/receipt/rating", "/receipt/reopening", "/receipt/nudge", "/receipt/withdrawal", "/receipt/follow-up",
}  # fmt: skip
FOREIGN = [
    {},
    {"Origin": "null"},
    {"Origin": "https://localhost"},
    {"Origin": "http://localhost:8001"},
    {"Origin": "http://localhost.example.net"},
    {"Origin": "http://example.net", "Referer": "http://localhost/new"},
    {"Referer": "http://example.net/http://localhost/"},
]


def refusal(board: Populated, headers: dict[str, str], token: str | None) -> str:
    response = board.post(
        "rita", "/me/nickname", {"csrf_token": token, "nickname": "x"}, headers=JSON | headers
    )
    assert response.status_code == 403
    return str(response.json["title"])  # type: ignore[index]


@pytest.mark.parametrize("row", POSTS, ids=[f"{row.path} {number}" for number, row in enumerate(POSTS)])
def test_a_form_from_another_site_is_refused_before_anything_is_looked_at(board: Populated, row: Row) -> None:
    expected = refusal(board, {"Origin": "http://example.net"}, board.tokens["rita"])
    for who in ("rita", "otto"):
        for headers in FOREIGN:
            response = send(board, row, who, row.path, headers=JSON | headers)
            assert response.status_code == 403, headers
            assert response.json["title"] == expected, headers  # type: ignore[index]


@pytest.mark.parametrize("row", POSTS, ids=[f"{row.path} {number}" for number, row in enumerate(POSTS)])
def test_a_form_of_a_signed_in_reader_needs_the_token_of_his_own_sign_in(board: Populated, row: Row) -> None:
    expected = refusal(board, HERE, "wrong")
    row = Row(row.method, row.rule, row.path, row.default, row.others, dict(row.form))
    for who in ("rita", "otto"):
        for token in ("wrong", board.tokens["vera"], "é" * 40, "" if row.rule not in WITHOUT_TOKEN else "x"):
            row.form["csrf_token"] = token
            response = send(board, row, who, row.path, headers=JSON | HERE)
            if row.rule == "/prefs":
                assert response.status_code == 303
                continue
            assert response.status_code == 403, token
            assert response.json["title"] == expected, token  # type: ignore[index]


def test_only_forms_that_visitors_fill_in_too_go_without_a_token(board: Populated) -> None:
    marked = {
        rule.rule
        for rule in board.app.url_map.iter_rules()
        if getattr(board.app.view_functions[rule.endpoint], "visitors_too", False)
    }

    assert marked | {"/prefs"} == WITHOUT_TOKEN
