"""Plain text as HTML: paragraphs, lists, links, chips and bars, and nothing a poster could smuggle in."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from board.markup import Chip, plain_links, render
from tests import attacks

REL = 'rel="nofollow ugc noopener"'


class Seen(HTMLParser):
    """What a browser makes of it: tags with attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data


def test_a_blank_line_ends_a_paragraph_and_a_break_stays_a_break():
    assert render("路灯坏了。\n三天了。\n\n \n请修。") == "<p>路灯坏了。<br>三天了。</p><p>请修。</p>"


def test_dashes_and_stars_make_a_list():
    assert (
        render("要带：\n- 身份证\n* 户口本\n好了")
        == "<p>要带：</p><ul><li>身份证</li><li>户口本</li></ul><p>好了</p>"
    )


def test_numbered_lines_keep_the_numbers_that_were_written():
    assert render("1. 甲\n2、乙\n\n5、丙") == '<ol><li>甲</li><li>乙</li></ol><ol><li value="5">丙</li></ol>'


@pytest.mark.parametrize(
    "line", ["-5 度", "1.5 米", "2026、2027 年的事".replace("2026", "20260"), "*重要*", "-"]
)
def test_lines_that_only_look_a_little_like_a_list_are_text(line):
    assert render(line) == f"<p>{line}</p>"


def test_nothing_gives_nothing():
    assert render("") == ""
    assert render(" \n\n") == ""


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("看 https://example.com/a?b=1，谢谢", "https://example.com/a?b=1"),
        ("见http://example.com。", "http://example.com"),
        ("（https://example.com/x）", "https://example.com/x"),
        ("(https://example.com/a_(b))", "https://example.com/a_(b)"),
        ("https://example.com/路灯", "https://example.com/"),
        ("https://example.com:8443/a#b.", "https://example.com:8443/a#b"),
        ("HTTPS://Example.com", "HTTPS://Example.com"),
    ],
)
def test_a_bare_address_becomes_a_link_that_ends_at_chinese(text, address):
    links = [attributes for tag, attributes in Seen(render(text)).tags if tag == "a"]
    assert links == [{"href": address, "rel": "nofollow ugc noopener"}]


@pytest.mark.parametrize(
    "text",
    [
        "httpsa://x.cn",
        "xhttp://x.cn",
        "http://localhost",
        "http://",
        "www.example.com",
        "javascript:alert(1)",
        "ftp://a.cn/x",
        "https://bank.com@evil.com/",
    ],
)
def test_what_is_no_plain_web_address_is_not_linked(text):
    assert "<a" not in render(text)


ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><svg onload=alert(1)>',
    "<a href=javascript:alert(1)>x</a>",
    '<a href="jav\tascript:alert(1)">x</a>',
    'http://a.cn/"onmouseover=alert(1)',
    "http://a.cn/'onmouseover='alert(1)",
    "http://a.cn/<script>alert(1)</script>",
    "http://a.cn/%22onload=alert(1)",
    "https://a.cn/&quot;onclick=alert(1)",
    "<!--<img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<style>@import'javascript:alert(1)'</style>",
    '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<p class=blackout style=x>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "＜script＞alert(1)＜/script＞",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "- <li onclick=alert(1)>",
    "1. <b value=1>",
    "{{ 7*7 }} {% raw %}",
    "\u2028<script>",
    "<form action=/x><button>",
    "<base href=//evil>",
    "<meta http-equiv=refresh content=0>",
]


def safe(html: str) -> Seen:
    seen = Seen(html)
    for tag, attributes in seen.tags:
        assert tag in {"p", "br", "ul", "ol", "li", "a", "span"}
        assert set(attributes) <= {"href", "rel", "class", "value", "role", "aria-label"}
        if tag == "a":
            assert re.match(r"https?://|/(?!/)", attributes["href"] or "", re.IGNORECASE)
    return seen


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_only_words(attack):
    seen = safe(render(f"您好 {attack}\n{attack}", chips=[Chip(0, 2, "mention", "/d/traffic", attack)]))
    assert [tag for tag, _ in seen.tags if tag in ("script", "img", "svg", "iframe", "style")] == []
    wanted = re.sub(r"[\s\x00]", "", attack.removeprefix("- ").removeprefix("1. "))
    assert wanted.replace("\u2028", "") in re.sub(r"[\s\x00\ufffd]", "", seen.words)


@pytest.mark.parametrize("family", attacks.FAMILIES)
def test_no_attack_of_any_family_becomes_more_than_words(family):
    for attack in attacks.FAMILIES[family]:
        for words in (attack, f"您好{attack}\n- {attack}", f"http://a.cn/{attack}", f"@交警支队{attack}"):
            chips = [Chip(0, 2, "mention", "/d/traffic", attack)] if words.startswith("您好") else []
            seen = safe(render(words, chips=chips))
            if "alert(1)" in attack:
                assert "alert(1)" in seen.words  # nothing of it was lost either: a citizen may quote it


def test_the_corpus_is_large() -> None:
    assert len(attacks.ATTACKS) >= 120


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    *ATTACKS,
                    *attacks.ATTACKS,
                    "\n",
                    "\n\n",
                    "- ",
                    "1、",
                    "http://a.cn/",
                    "&",
                    "<",
                    '"',
                    "'",
                    " ",
                ]
            ),
            st.text(max_size=5),
        ),
        max_size=8,
    ).map("".join)
)
def test_whatever_is_typed_only_our_own_tags_come_out(text):
    safe(render(text))


def test_a_mention_becomes_a_chip():
    text = "请@交警支队看一下"
    assert render(text, chips=[Chip(1, 6, "mention", "/d/traffic", "@交警支队")]) == (
        '<p>请<a class="mention" href="/d/traffic">@交警支队</a>看一下</p>'
    )


def test_a_chip_without_address_is_a_span_and_one_that_leads_out_is_marked():
    assert (
        render("甲乙", chips=[Chip(0, 1, "unknown", None, "没有这个单位")])
        == '<p><span class="unknown">没有这个单位</span>乙</p>'
    )
    assert REL in render("甲乙", chips=[Chip(0, 1, "out", "https://a.cn/", "甲")])


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "//evil.cn", "/\\evil.cn", "data:text/html,x", " /x", ""]
)
def test_a_chip_cannot_lead_anywhere_else(href):
    with pytest.raises(ValueError):
        Chip(0, 1, "mention", href, "x")


def test_a_chip_covers_something():
    with pytest.raises(ValueError):
        Chip(3, 3, "mention", None, "x")


def test_words_under_a_bar_are_nowhere():
    text = "我叫王丽，住青松路\n- 住 http://a.cn/wangli 三号\n结束"
    bars = [
        Chip.blackout(2, 4, "已涂黑"),
        Chip.blackout(text.index("wangli"), text.index("wangli") + 6, "已涂黑"),
    ]
    html = render(text, chips=bars)
    assert "王丽" not in html
    assert "wangli" not in html
    assert html.count('<span class="blackout" role="img" aria-label="已涂黑">■■■■</span>') == 2


def test_a_bar_does_not_tell_how_much_it_covers():
    assert render("王", chips=[Chip.blackout(0, 1, "已涂黑")]) == render(
        "欧阳涛涛", chips=[Chip.blackout(0, 4, "已涂黑")]
    )


def test_a_bar_over_several_lines_hides_them_all():
    text = "前\n- 秘密甲\n1. 秘密乙\n\n秘密丙后"
    html = render(text, chips=[Chip.blackout(2, text.index("后"), "已涂黑")])
    assert "秘密" not in html
    assert Seen(html).words.replace("■", "") == "前后"


def test_a_bar_wins_over_a_mention_and_bars_may_overlap():
    text = "请@交警支队看王丽"
    chips = [
        Chip(1, 6, "mention", "/d/traffic", "@交警支队"),
        Chip.blackout(4, 8, "已涂黑"),
        Chip.blackout(7, 9, "已涂黑"),
    ]
    html = render(text, chips=chips)
    assert Seen(html).words == "请@交警■■■■"
    assert "/d/traffic" not in html


def test_a_bar_beyond_the_end_is_drawn_only_where_there_is_text():
    assert "■" not in render("短", chips=[Chip.blackout(5, 9, "已涂黑")])
    assert render("短文", chips=[Chip.blackout(1, 99, "已涂黑")]).count("■■■■") == 1


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="甲乙 \n-1.、>", max_size=30), st.integers(0, 30), st.integers(1, 10))
def test_a_bar_never_lets_its_words_through(rest, at, length):
    at = min(at, len(rest))
    text = rest[:at] + "密" * length + rest[at:]
    assert "密" not in render(text, chips=[Chip.blackout(at, at + length, "已涂黑")])


def test_links_quotes_and_code_are_told_apart():
    text = "看 https://a.cn/@x 和\n> @交警 的话\n＞ 全角\n`@户政` 与 ```\n@指挥\n```完"
    assert [(span.kind, text[span.start : span.end]) for span in plain_links(text)] == [
        ("link", "https://a.cn/@x"),
        ("quote", "> @交警 的话"),
        ("quote", "＞ 全角"),
        ("code", "`@户政`"),
        ("code", "```\n@指挥\n```"),
    ]


@given(st.text(alphabet="`>＞\n http://a.cn@交", max_size=60))
def test_spans_are_ordered_and_within_the_text(text):
    spans = plain_links(text)
    ends = [0]
    for span in spans:
        assert ends[-1] <= span.start < span.end <= len(text)
        ends.append(span.end)


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "&",
        "http://",
        "http://a.cn ",
        "http://a.",
        ")",
        "\n",
        "- a\n",
        "`",
        "```\n",
        "https://a.cn/" + ")" * 50,
    ],
)
def test_a_large_paste_takes_linear_time(piece):
    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        best = 9.0
        for _ in range(3):
            started = time.process_time()
            render(text)
            plain_links(text)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(40_000) < 10 * seconds(10_000) + 0.05
