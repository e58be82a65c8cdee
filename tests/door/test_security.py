"""What a hostile browser may send: headers, cookies, addresses, words. The answer is never a 500 and never obeys."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from board import clock, create_app
from board.db import db, transaction
from board.errors import Invalid
from board.prefs import Prefs
from board.web import client_address, safe_next
from boards.models import Thread
from boards.models.posting import reply
from people import members
from people.models import SignIn
from tests.builders import posted
from tests.conftest import MOMENT, ORIGIN, settings
from tests.house.populated import Populated, populated

CAST = ("visitor", "rita", "otto")


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Populated]:
    with populated(tmp_path_factory.mktemp("security")) as made:
        yield made


@pytest.fixture(autouse=True)
def as_it_stood(board: Populated) -> Iterator[None]:
    """Each test finds the board, and everybody's cookies, as they were."""
    cookies = {who: dict(client._cookies or {}) for who, client in board.clients.items()}
    yield
    board.restore()
    for who, kept in cookies.items():
        board.clients[who]._cookies = kept


# --- headers -------------------------------------------------------------------------------------------

PAGES = [
    "/", "/s/traffic", "/cases/{fresh}", "/cases/{held}", "/new", "/search?q=路口", "/sign-in", "/desk", "/inbox", "/mine",
    "/nothing", "/files/{fresh.photo}/full", "/files/nothing/full", "/static/{version}/css/station.css", "/static/nothing",
    "/live", "/healthz", "/departments.json?q=a", "/cases/{fresh}/verification?format=json",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", CAST)
def test_every_answer_carries_the_headers_that_protect_its_reader(
    board: Populated, who: str, path: str
) -> None:
    response = board.get(who, board.path(path))

    policy = dict(
        part.strip().partition(" ")[::2] for part in response.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] in ("'self'", "'none'")
    assert policy.get("script-src", "'self'") == "'self'"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    if policy["default-src"] == "'self'":
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["form-action"] == "'self'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Permissions-Policy" in response.headers
    assert "Cache-Control" in response.headers
    assert not re.search(r"werkzeug|python|flask", response.headers.get("Server", ""), re.IGNORECASE)
    if who != "visitor" and response.mimetype == "text/html":
        assert "public" not in response.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/", "/s/traffic", "/cases/{fresh}", "/d/traffic-police", "/guide"])
def test_a_page_that_is_shared_holds_nothing_of_one_reader(board: Populated, path: str) -> None:
    response = board.get("visitor", board.path(path))

    assert "Set-Cookie" not in response.headers
    assert "csrf_token" not in re.sub(r'name="csrf_token" value=""', "", response.text)
    assert 'name="once"' not in response.text
    assert "nonce" not in response.text
    assert "Cookie" in response.headers.get("Vary", "Cookie")


def test_a_page_that_was_kept_for_visitors_is_not_given_to_somebody_signed_in_nor_the_other_way(
    board: Populated,
) -> None:
    path = board.path("/cases/{fresh}")
    rita, visitor, again = board.get("rita", path), board.get("visitor", path), board.get("rita", path)

    assert board.tokens["rita"] in rita.text
    assert board.tokens["rita"] in again.text
    assert board.tokens["rita"] not in visitor.text
    assert board.get("visitor", path, headers={"If-None-Match": visitor.headers["ETag"]}).status_code == 304
    assert board.get("rita", path, headers={"If-None-Match": visitor.headers["ETag"]}).status_code == 200


def test_pages_over_https_are_kept_there(board: Populated) -> None:
    response = board.get("visitor", "/sign-in", base_url="https://localhost")

    assert "max-age=" in response.headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in board.get("visitor", "/sign-in").headers


# --- cookies and sign-ins --------------------------------------------------------------------------------


def cookies_set(response: TestResponse) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in response.headers.getlist("Set-Cookie")}


def sign_in_by_link(board: Populated, who: str = "visitor", **options: object) -> TestResponse:
    return board.ask(who, "POST", board.path("/sign-in/link/{link}"), **{"headers": ORIGIN, **options})


def test_the_cookie_of_a_sign_in_is_for_this_site_and_not_for_scripts(board: Populated) -> None:
    plain = cookies_set(sign_in_by_link(board))["sign_in"]
    board.restore()
    board.clients["visitor"] = board.app.test_client()
    safe = cookies_set(
        sign_in_by_link(board, base_url="https://localhost", headers={"Origin": "https://localhost"})
    )["sign_in"]

    for line in (plain, safe):
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Path=/" in line
        assert "Domain" not in line
    assert "Secure" in safe


def test_a_board_that_is_known_under_https_never_sets_a_cookie_without_secure(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path, BOARD_PUBLIC_URL="https://station.example"))
    with app.app_context():
        db.create_all()

    response = app.test_client().post("/sign-out", headers={"Origin": "https://station.example"})

    assert "Secure" in cookies_set(response)["sign_in"]


def test_a_sign_in_that_was_fixed_beforehand_is_not_the_one_that_begins(board: Populated) -> None:
    client = board.clients["visitor"]
    client.set_cookie("sign_in", "A" * 43)
    client.set_cookie("session", "forged")

    answer = sign_in_by_link(board)

    token = cookies_set(answer)["sign_in"].split(";")[0].partition("=")[2]
    assert answer.status_code == 303
    assert len(token) >= 32
    assert token != "A" * 43
    client.set_cookie("sign_in", "A" * 43)
    assert board.get("visitor", "/me").status_code == 303


def test_signing_in_anew_ends_the_sign_in_this_browser_had_and_no_other(board: Populated) -> None:
    before = board.clients["rita"].get_cookie("sign_in")
    assert before is not None

    assert sign_in_by_link(board, "rita").status_code == 303

    assert "爱散步的银杏" in board.get("rita", "/me").text
    thief = board.app.test_client()
    thief.set_cookie("sign_in", before.value)
    board.clients["visitor"] = thief
    assert board.get("visitor", "/me").status_code == 303
    assert board.get("vera", "/me").status_code == 200


def test_a_link_opens_the_door_once(board: Populated) -> None:
    assert sign_in_by_link(board).status_code == 303
    board.clients["visitor"] = board.app.test_client()

    assert sign_in_by_link(board).status_code == 404


@pytest.mark.parametrize(
    "value", ["", "x", "0" * 64, "é漢字", "null", '"; DROP TABLE', "A" * 4000, "%00", "..%2f"]
)
def test_a_forged_cookie_is_a_visitor(board: Populated, value: str) -> None:
    headers = {
        "Cookie": f"sign_in={value}; session={value}; remember_token={value}".encode().decode("latin-1")
    }

    assert board.get("visitor", "/me", headers=headers).status_code == 303
    assert board.get("visitor", "/", headers=headers).status_code == 200


def test_what_stands_in_the_database_is_no_cookie(board: Populated) -> None:
    kept = board.inside(lambda: db.session.scalars(select(SignIn.token_hash)).all())

    for value in kept:
        board.clients["visitor"] = board.app.test_client()
        board.clients["visitor"].set_cookie("sign_in", value)
        assert board.get("visitor", "/me").status_code == 303


# --- where a form leads ----------------------------------------------------------------------------------

ELSEWHERE = [
    "http://evil.example/", "https:evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "/\t/evil.example", "/\r\n/evil.example", "javascript:alert(1)", "data:text/html,x", "http:///evil.example",
    "/%0d%0aSet-Cookie:x=1", "/ok\r\nSet-Cookie: x=1", "evil.example", "@evil.example", "/\x00//evil.example", "https://localhost@evil.example",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_form_leads_out_of_the_house(board: Populated, target: str) -> None:
    prefs = board.post("visitor", "/prefs", {"next": target, "theme": "dark"})
    signed_in = board.get("rita", "/sign-in", query_string={"next": target})
    page = board.get("visitor", "/sign-in", query_string={"next": target})

    for response in (prefs, signed_in):
        assert response.status_code == 303
        assert re.match(r"/(?![/\\])", response.headers["Location"]), response.headers["Location"]
        assert "x=1" not in {line.split(";")[0] for line in response.headers.getlist("Set-Cookie")}
    assert page.status_code == 200
    for value in re.findall(r'name="next" value="([^"]*)"', page.text):
        assert safe_next(html.unescape(value)) == html.unescape(value)


@pytest.mark.parametrize(
    "target", ["/s/traffic?status=pending&sort=posted", "/cases/20261117-0001#e3", "/search?q=%E8%B7%AF"]
)
def test_a_form_leads_back_to_where_one_was(target: str) -> None:
    assert safe_next(target) == target


@pytest.mark.parametrize(
    "name",
    [
        "Referer",
        "Host",
        "X-Forwarded-Host",
        "X-Request-ID",
        "Accept-Language",
        "User-Agent",
        "X-Original-URL",
    ],
)
def test_no_header_writes_another_one(board: Populated, name: str) -> None:
    value = "localhost" if name == "Host" else "x Set-Cookie: owned=1 <script>alert(1)</script>"

    for method, path in (("GET", "/"), ("POST", "/prefs"), ("GET", "/me")):
        response = board.ask("visitor", method, path, headers={**ORIGIN, name: value})
        assert response.status_code < 500
        assert "owned" not in str(response.headers)
        assert "<script>alert" not in response.text


def test_a_forged_host_gets_no_links_to_itself(board: Populated) -> None:
    for path in ("/", "/sign-in", board.path("/cases/{fresh}"), "/me"):
        response = board.get("visitor", path, headers={"Host": "evil.example"})
        links = re.findall(r'(?:href|action|src)="(https?://[^"]*)"', response.text)
        assert not [link for link in links if "evil.example" in link], path
        assert "evil.example" not in response.headers.get("Location", "")


def test_a_forged_host_is_kept_for_nobody_else(board: Populated) -> None:
    path = board.path("/cases/{fresh}")
    assert "evil.example" in board.get("visitor", path, headers={"Host": "evil.example"}).text
    assert "evil.example" not in board.get("visitor", path).text


# --- the address of the reader ---------------------------------------------------------------------------


def test_without_a_proxy_nobody_chooses_his_own_address(tmp_path: Path) -> None:
    assert (
        seen_address(tmp_path, {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"}) == "192.0.2.1"
    )


def test_behind_one_proxy_its_word_counts_and_not_what_came_before_it(tmp_path: Path) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}

    assert seen_address(tmp_path, forged, BOARD_PROXIES="1") == "198.51.100.7"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::9", True),
        ("2001:db8:1:3::9", "2001:db8:1:2::9", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("unix:", "unix:", True),
    ],
)
def test_limits_count_a_subscriber_and_not_each_of_his_addresses(
    tmp_path: Path, one: str, other: str, same: bool
) -> None:
    assert (seen_address(tmp_path, {}, one) == seen_address(tmp_path, {}, other)) == same


def seen_address(folder: Path, headers: dict[str, str], address: str = "192.0.2.1", **env: str) -> str:
    app = create_app(settings(folder, **env))
    app.add_url_rule("/where-am-i", view_func=client_address)
    return app.test_client().get("/where-am-i", headers=headers, environ_base={"REMOTE_ADDR": address}).text


# --- what is written down --------------------------------------------------------------------------------


def test_an_address_that_is_a_key_stands_in_no_log(
    board: Populated, caplog: pytest.LogCaptureFixture
) -> None:
    key = "Qk9-this_opens_something_for_whoever_has_it"
    rules = [rule for rule in board.app.url_map.iter_rules() if rule.arguments & {"token", "signature"}]
    doors = [re.sub(r"<(?:token|signature)>", key, rule.rule) for rule in rules]
    doors = [re.sub(r"<\w+>", "2abcdefghj", door) for door in doors]
    assert len(set(doors)) >= 6

    with caplog.at_level("INFO", logger="board.web"):
        for door in doors:
            for address in (door, f"{door}.", f"{door}/"):
                board.get("visitor", address)
                board.post("visitor", address)

    assert key not in caplog.text
    assert all(f" {door.partition(key)[0]}…" in caplog.text for door in doors)


def test_an_address_writes_no_line_of_its_own_into_the_log(
    board: Populated, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="board.web"):
        board.get("visitor", "/d/x%0aINFO%20board.web%20forged")

    assert "\n" not in caplog.records[-1].getMessage()


# --- preferences -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cookie",
    ["", "dark", "dark.l.1.en.x", "dark.l.2.en", "'><script>.l.1.en", "dark.l.1.xx", "DARK.l.1.en", "dark..1.en", "dark.l..en", "é.l.1.zh", "a" * 5000, "dark.l.1.en;x"],
)  # fmt: skip
def test_a_forged_preference_is_the_default_and_stands_in_no_page(board: Populated, cookie: str) -> None:
    page = board.get("visitor", "/", headers={"Cookie": f"prefs={cookie}".encode().decode("latin-1")})
    default = board.get("visitor", "/")

    assert page.status_code == 200
    if Prefs.read(cookie) == Prefs():
        assert page.text == default.text
    assert "<script>." not in page.text


@pytest.mark.parametrize("field", ["theme", "text", "care", "language"])
def test_a_forged_choice_changes_nothing(board: Populated, field: str) -> None:
    response = board.post("visitor", "/prefs", {field: "'><script>alert(1)</script>", "next": "/"})

    assert cookies_set(response)["prefs"].split(";")[0] in ("prefs=auto.m.0.zh", "prefs=")


# --- addresses ----------------------------------------------------------------------------------------------

TRAVERSAL = [
    "/static/{version}/../../wsgi.py", "/static/{version}/%2e%2e/%2e%2e/wsgi.py", "/static/{version}/..%2f..%2fwsgi.py",
    "/static/{version}/..%5c..%5cwsgi.py", "/static/{version}//etc/passwd", "/static/{version}/%2fetc%2fpasswd",
    "/static/{version}/css/../../board/settings.py", "/static/../wsgi.py", "/static//etc/passwd", "/static/{version}/css", "/static/{version}/",
    "/static/{version}/css/station.css%00.png", "/static/{version}/C:/windows/win.ini", "/static", "/static/",
    "/files/../../keys.json/full", "/files/..%2f..%2fkeys.json/full", "/files/%2e%2e/full", "/files/{fresh.photo}/../../keys.json",
    "/files/{fresh.photo}/original", "/files/{fresh.photo}/full.png", "/files/photos%2faa/full", "/instance/keys.json", "/keys.json", "/.git/config",
]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSAL)
def test_no_address_climbs_out_of_its_folder(board: Populated, path: str) -> None:
    response = board.get("visitor", board.path(path))

    assert response.status_code in (301, 308, 404)
    for content in ("create_app", "root:", "BOARD_SECRET_KEY", "repositoryformatversion"):
        assert content not in response.text


ODD = [
    "/%00", "/cases/%00", "/t/%00", "/s/%00", "/d/%00", "/files/%00/full", "/%ff", "/cases/%ff%fe", "/s/%c3%28", "/%zz", "/cases/%",
    "/search?q=%00", "/search?q=%ff", "/search?q=%zz", "/search?q=%ed%a0%80", "/search?q=" + "%F0%9F%92%A3" * 900, "/search?q=" + "(" * 500,
    "/search?q=*:*", "/search?q=%22", "/search?q=a+OR+*&section=%00&department=%ff&status=x&page=-1", "/search?before=x&q=a", "/search?before=-99999999999999999999&q=a",
    "/s/traffic?before=%00", "/s/traffic?before=AAAA", "/s/traffic?before=" + "A" * 60, "/s/traffic?status=%00&sort=%ff", "/s/traffic?before=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS54",
    "/d/traffic-police?before=%ff", "/departments.json?q=%00%ff", "/similar?title=%00%ff%ed%a0%80aaaaaaa", "/lookup?number=%00%ff", "/lookup?number=" + "9" * 900,
    "/live?since=%00", "/live?since=case:x:99999999999999999999", "/live?since=::::", "/live?since=person:%ff:1", "/live?" + "since=case:a:1&" * 300,
    "/cases/٢٠٢٦١١١٧-٠٠٠١", "/cases/" + "9" * 3000, "/cases/20261117-0001%0d%0aX:y", "/t/" + "z" * 3000, "/received/%00", "/desk?case=%00&queue=%ff&after=%ff",
    "/desk?after=AAAA", "/desk?after=" + "A" * 500, "/desk?department=%00", "/desk/rows?after=%00", "/desk/case/%00", "/inbox?before=%00", "/inbox/%00", "/mine?before=%ff", "/mine?before=AAAA&show=x",
    "/moderation?thread=%00%ff", "/new?department=%00&unit=%ff&origin=%00", "/s/traffic/new?department=%ff", "/sign-in?next=%00%ff", "/sign-in/link/%00", "/sign-in/link/" + "A" * 3000,
    "/cases/{fresh}?fragment=%00", "/cases/{fresh}/verification?format=%00", "/?" + "a=1&" * 2000, "/t/{fresh.thread}/covers?text=%00", "/t/%00/earlier",
]  # fmt: skip


@pytest.mark.parametrize("path", ODD)
def test_no_address_brings_the_board_down(board: Populated, path: str) -> None:
    for who in ("visitor", "rita", "otto", "mona"):
        response = board.get(who, board.path(path))
        assert response.status_code < 500, who
        assert "Traceback" not in response.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "MADEUP"])
def test_other_methods_do_nothing(board: Populated, method: str) -> None:
    for path in (
        "/",
        board.path("/cases/{fresh}"),
        board.path("/cases/{fresh}/withdrawal"),
        "/sign-in",
        "/prefs",
    ):
        assert board.ask("rita", method, path, headers=ORIGIN).status_code in (404, 405, 501)


@pytest.mark.parametrize("how", ["header", "query", "field"])
def test_a_method_cannot_be_smuggled_in(board: Populated, how: str) -> None:
    path = board.path("/cases/{fresh}/withdrawal")
    override = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST", "X-HTTP-Method": "POST"}
    if how == "header":
        board.get("rita", path, headers={**ORIGIN, **override})
    elif how == "query":
        board.get("rita", path + "?_method=POST&csrf_token=" + board.tokens["rita"], headers=ORIGIN)
    else:
        board.post("rita", board.path("/cases/{fresh}"), {"_method": "DELETE"})

    assert "已撤回" not in board.get("visitor", board.path("/cases/{fresh}")).text


def test_reading_a_form_never_acts(board: Populated) -> None:
    """Addresses that only take forms answer a GET with nothing at all."""
    for rule in board.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) and "<" not in rule.rule.replace("<number>", ""):
            path = rule.rule.replace("<number>", board.refs["fresh"])
            allowed = {each.rule for each in board.app.url_map.iter_rules() if "GET" in (each.methods or ())}
            if rule.rule not in allowed:
                assert board.get("rita", path).status_code in (404, 405), path


@pytest.mark.parametrize("size", [4_000, 9_000, 60_000])
def test_huge_cookies_and_headers_are_survived(board: Populated, size: int) -> None:
    for headers in (
        {"Cookie": "a=" + "b" * size},
        {"Cookie": "; ".join(f"c{n}=1" for n in range(size // 8))},
        {"Accept": "x" * size},
        {"Accept-Language": "zh," * (size // 3)},
        {"X-Request-ID": "y" * size},
    ):
        assert board.get("visitor", "/", headers=headers).status_code < 500  # fmt: skip


# --- words ---------------------------------------------------------------------------------------------------

CORPUS = [
    "<script>alert(1)</script>",
    "</textarea></title><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg/onload=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "[看](javascript:alert(1))",
    "http://x.example/\"onclick=\"alert(1)",
    "http://evil.example/<script>alert(1)</script>",
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//",
    "<a href=\"data:text/html;base64,PHNjcmlwdD4=\">x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<style>*{background:url(//evil.example)}</style>",
    "{{ 7*7 }}{% for x in ().__class__.__mro__ %}{% endfor %}${7*7}",
    "%(x)s %s %(when)s {0}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<\u202escript>alert(1)</script\u202c>",
    "＜script＞alert(1)＜/script＞",
    "<base href=//evil.example>",
    "<form action=//evil.example><input name=csrf_token>",
    "- <b>x</b>\n- <script>alert(1)</script>\n1. <img src=x onerror=alert(1)>",
    "@交警支队<script>alert(1)</script>",
    "<!--<script>-->alert(1)<!--</script>-->",
    "\ud83d\ude00<math><mtext><script>alert(1)</script></mtext></math>".encode("utf-16", "surrogatepass").decode("utf-16"),
]  # fmt: skip


class Page(HTMLParser):
    """What a browser would make of a page: its scripts, handlers, and where its links and forms lead."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        src = given.get("src") or ""
        if tag == "script" and not src.startswith("/static/"):
            self.wrong.append(f"script {given}")
        if tag in ("iframe", "object", "embed", "style", "base", "math", "frame", "applet") or (
            tag == "svg" and "onload" in given
        ):
            self.wrong.append(tag)  # fmt: skip
        self.wrong += [
            f"{tag} {name}" for name in given if name.startswith("on") or name in ("style", "srcdoc")
        ]
        for name in ("href", "src", "action", "formaction"):
            value = (given.get(name) or "").strip().lower()
            if re.match(r"(javascript|data|vbscript):", value) and not value.startswith("data:image/"):
                self.wrong.append(f"{tag} {name}={value[:40]}")
            if name != "href" and "evil.example" in value:
                self.wrong.append(f"{tag} {name}={value[:40]}")


LISTS = [
    "/", "/s/traffic", "/search?q=alert", "/mine", "/inbox", "/me", "/d/traffic-police", "/desk", "/desk?queue=pending", "/moderation",
    "/desk?queue=pending&place=<script>alert(1)</script>", "/search?q=<script>alert(1)</script>", "/lookup?number=<script>alert(1)</script>",
    "/new?unit=<script>alert(1)</script>", "/departments.json?q=<script>alert(1)</script>", "/similar?title=<script>alert(1)</script>",
]  # fmt: skip
OF_ONE = {
    "visitor": ["/cases/{}", "/cases/{}?fragment=timeline", "/cases/{}/verification"],
    "rita": ["/cases/{}", "/received/{}", "/t/{t}/edits", "/t/{t}/covers"],
    "otto": ["/cases/{}", "/desk/case/{}"],
    "mona": ["/moderation?thread={}"],
}


@pytest.fixture
def written(board: Populated, as_it_stood: None) -> list[tuple[str, str]]:
    """Every text of the corpus as title, post, place, reply and answer; gives (number, thread) of each."""
    return [board.inside(partial(write, board, words)) for words in CORPUS]


def write(board: Populated, words: str) -> tuple[str, str]:
    cast = board.cast
    with transaction():
        title, place = words[:80], words[:60]
        thread = posted(
            cast.rita, title=title, body=f"{words}\n\n请@交警支队看一下", place=place, identity="open"
        )
        cast.rita.nickname = words[:20]
        thread_id = thread.public_id
    with transaction():
        thread = db.session.scalars(select(Thread).where(Thread.public_id == thread_id)).one()
        reply(thread, words, by=cast.vera)
        assert thread.case is not None
        thread.case.accept(by=cast.otto, answer=words)
        return thread.case.number, thread_id


@pytest.mark.parametrize("who", list(OF_ONE))
def test_what_somebody_writes_stays_words_wherever_it_is_read(
    board: Populated, written: list[tuple[str, str]], who: str
) -> None:
    pages = LISTS + [path.format(number, t=thread) for number, thread in written for path in OF_ONE[who]]
    read = 0
    for path in pages:
        response = board.get(who, path)
        assert response.status_code < 500, path
        if response.mimetype == "text/html" and response.status_code == 200:
            assert Page(response.text).wrong == [], path
            assert "__mro__" not in response.text or "{%" in response.text, path
            read += 1
    assert read > 30


@pytest.mark.parametrize("words", CORPUS)
def test_what_a_form_gives_back_stays_words(board: Populated, words: str) -> None:
    """Every form that comes back filled in, with what was wrong."""
    forms = [
        ("visitor", "/s/traffic/threads", {"title": words, "body": "", "place": words, "departments": words, "unit_query": words, "origin": words, "identity": words}),
        ("rita", "/threads", {"title": words * 20, "body": words, "identity": "hidden", "seen": words, "once": words, "files_kept": words}),
        ("rita", "/t/{fresh.thread}/replies", {"body": words * 900, "once": words}),
        ("rita", "/cases/{waiting}/supplements", {"body": words * 900}),
        ("rita", "/cases/{resolved}/rating", {"solved": words, "satisfaction": words, "words": words}),
        ("rita", "/me/nickname", {"nickname": words}),
        ("visitor", "/sign-in", {"phone": words, "code": words, "next": words}),
        ("visitor", "/staff/sign-in", {"login": words, "password": words, "next": words}),
        ("visitor", "/t/{fresh.thread}/reports", {"kind": words, "words": words, "contact": words}),
        ("otto", "/cases/{fresh}/acceptance", {"text": words, "next_result": words, "desk": words, "next": words}),
        ("otto", "/cases/{fresh}/declination", {"reason": words, "advice": "", "desk": "queue=" + words}),
        ("otto", "/cases/{working}/handovers", {"to": words, "reason": words}),
        ("otto", "/cases/{working}/resolution", {"text": words, "outcome": words, "date": words}),
        ("lena", "/desk/phrases", {"title": words * 9, "words": words, "department": "traffic-police"}),
        ("dana", "/cases/{fresh}/merge", {"into": words}),
        ("mona", "/moderation/threads/{fresh.thread}/hold", {"reason": words, "thread": words}),
    ]  # fmt: skip
    for who, path, fields in forms:
        response = board.post(who, board.path(path), fields)
        assert response.status_code < 500, (who, path)
        assert Page(response.text).wrong == [], (who, path)


@pytest.mark.parametrize(
    "words",
    ["字" * 100_000, "a" * 100_000, "\n" * 100_000, "@" * 100_000, "@交警支队" * 20_000, "<" * 100_000, "http://x.example/" * 6_000, "- a\n" * 25_000, "\u200b" * 100_000, "👩\u200d👩\u200d👧" * 12_000, "1" * 100_000, "\x00" * 100_000],
    ids=["字", "a", "newline", "@", "mention", "<", "link", "list", "zero width", "emoji", "digits", "null"],
)  # fmt: skip
def test_a_paste_of_a_hundred_thousand_characters_is_refused_in_a_moment(
    board: Populated, words: str
) -> None:
    for who, path, fields in [
        ("rita", "/s/traffic/threads", {"title": words, "body": words, "place": words, "identity": "hidden"}),
        ("rita", "/t/{fresh.thread}/replies", {"body": words}),
        ("otto", "/cases/{fresh}/acceptance", {"text": words}),
        ("visitor", "/sign-in", {"phone": words, "code": words}),
        ("visitor", "/staff/sign-in", {"login": words, "password": words}),
        ("rita", "/me/nickname", {"nickname": words}),
    ]:
        began = time.process_time()
        response = board.post(who, board.path(path), fields)
        assert response.status_code in (409, 413, 422, 429), (who, path, response.status_code)
        assert time.process_time() - began < 3, (who, path)


@pytest.mark.parametrize(
    "raw",
    [
        b"title=%ff%fe&body=%c3%28",
        b"title=\xff\xfe&body=\x00",
        b"%00=%00&&&=&title",
        b"title=" + b"%ED%A0%80" * 10,
        b"a" * 3000,
        b"",
    ],
)
@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json",
        "text/plain; charset=nothing",
        "",
    ],
)
def test_a_form_that_is_none_is_refused(board: Populated, raw: bytes, kind: str) -> None:
    headers = {**ORIGIN, "X-CSRF-Token": board.tokens["rita"]}
    for path in (
        "/s/traffic/threads",
        "/t/{fresh.thread}/replies",
        "/cases/{fresh}/watch",
        "/sign-in",
        "/prefs",
        "/me/nickname",
    ):
        response = board.ask("rita", "POST", board.path(path), data=raw, headers=headers, content_type=kind)
        assert response.status_code < 500, path


def test_a_form_with_ten_thousand_fields_is_refused(board: Populated) -> None:
    data = "&".join(f"departments=x{number}" for number in range(10_000))
    for path in ("/s/traffic/threads", "/prefs", "/sign-in"):
        response = board.ask(
            "rita",
            "POST",
            path,
            data=data,
            headers={**ORIGIN, "X-CSRF-Token": board.tokens["rita"]},
            content_type="application/x-www-form-urlencoded",
        )
        assert response.status_code < 500  # fmt: skip


def test_words_from_a_database_are_looked_up_as_words(board: Populated) -> None:
    for words in ("' OR 1=1 --", "%", "_", "\\", "'; DROP TABLE thread; --", "{{config}}"):
        for path in ("/search", "/departments.json", "/lookup", "/similar"):
            name = {"/lookup": "number", "/similar": "title"}.get(path, "q")
            assert board.get("visitor", path, query_string={name: words}).status_code < 500
        assert board.post("visitor", "/staff/sign-in", {"login": words, "password": words}).status_code == 422
        assert board.get("visitor", f"/cases/{words}").status_code == 404
    assert board.get("visitor", board.path("/cases/{fresh}")).status_code == 200


def test_names_that_hide_markup_are_no_nicknames(board: Populated) -> None:
    def name(nickname: str) -> bool:
        try:
            with transaction():
                members.rename(board.cast.vera, nickname)
        except Invalid:
            return False
        return True

    with clock.freeze(MOMENT):
        assert not board.inside(lambda: name("<script>alert(1)</script>"))
        assert board.inside(lambda: name("春天的银杏"))
