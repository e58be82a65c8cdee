"""Ways to reach somebody that are no telephone: mail addresses, chat ids after a word that says so, and links."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from board.masking.findings import Hit
from board.masking.view import View

MAIL_COVER = "〔邮箱〕"
CHAT_COVER = "******"
LINK_COVER = "〔链接，等待查看〕"

_AT = re.compile(r" ?@ ?")
_LOCAL = re.compile(r"[a-z0-9._%+\-]{1,64}\Z")
_DOMAIN = re.compile(r"[a-z0-9\-]{1,63}(?:\.[a-z0-9\-]{1,63}){0,4}\.[a-z]{2,12}(?![a-z0-9])")

_CHATS = (
    "微信", "薇信", "威信", "徽信", "维信", "v信", "微❤", "wechat", "weixin", "扣扣", "企鹅", "telegram", "电报", "纸飞机", "whatsapp", "skype", "抖音", "快手",
    "小红书", "陌陌", "钉钉",
)  # fmt: skip
_SHORT = ("vx", "wx", "qq", "q群", "tg", "line")  # these could stand inside a word
_CALLS = (
    "加我",
    "加v",
    "加薇",
    "加微",
    "+v",
    "+ v",
    "+微",
    "私聊",
    "私信",
    "私我",
    "联系我",
    "加好友",
    "搜我",
)
_CHAT_WORDS = rf"(?:{'|'.join(_CHATS)}|(?<![a-z])(?:{'|'.join(_SHORT)}))"
_CALL_WORDS = r"(?:加我(?:好友)?|加v|加薇|加微|\+ ?v|\+微|私[聊信]我?|私我|联系我|加好友|搜我)"
_MARK = r"(?:账号|帐号|号码?|id|群号|群|号群)"
_QUIET = r"[ :=是为叫\-—>→()\[\]「」\"'“”<《]{0,4}"
_NO_COUNT = (
    r"(?![0-9]|[.,:/][0-9]| ?(?:元|块|万|千|余|多|人|条|个|次|天|年|月|日|楼|分|步|名|位|%|点|号|度|米))"
)
_NAME = r"(?<![a-z0-9])[a-z][a-z0-9_\-]{5,19}(?![a-z0-9_\-])"
_NAME_WITH_DIGIT = r"(?<![a-z0-9])[a-z](?=[a-z_\-]{0,19}[0-9_])[a-z0-9_\-]{5,19}(?![a-z0-9_\-])"
_DIGITS = rf"[1-9](?:[ .\-]?[0-9]){{4,11}}{_NO_COUNT}"

_PATTERNS = tuple(
    (words, re.compile(pattern))
    for words, pattern in (
        # A word, and what says that an id follows: then letters alone are one, too.
        (_CHATS + _SHORT, rf"{_CHAT_WORDS} ?(?:{_MARK}|[:=是为]){_QUIET}(?P<id>{_NAME}|{_DIGITS})"),
        (_CHATS + _SHORT, rf"{_CHAT_WORDS}{_QUIET}(?P<id>{_NAME_WITH_DIGIT})"),
        (
            ("qq", "tg", "扣扣", "企鹅", "q群"),
            rf"(?:(?<![a-z])(?:qq|tg|q群)|扣扣|企鹅){_QUIET}(?P<id>{_DIGITS})",
        ),
        (
            ("vx", "wx", "加v", "v信"),
            r"(?:(?<![a-z])(?:vx|wx|v信)|加v)(?P<id>[a-z][a-z0-9_\-]{5,19}(?<=[0-9_]))(?![a-z0-9_\-])",
        ),
        (_CALLS, rf"{_CALL_WORDS}{_QUIET}(?P<id>{_NAME_WITH_DIGIT}|[1-9][0-9]{{5,11}}{_NO_COUNT})"),
        (("v:", "v :", "q:", "q :"), rf"(?<![a-z0-9])[vq] ?: ?(?P<id>{_NAME_WITH_DIGIT}|{_DIGITS})"),
        (("wxid_",), r"(?<![a-z0-9_])(?P<id>wxid_[a-z0-9]{6,24})"),
    )
)

# What everybody may subscribe to is nobody's account: 「微信公众号（微信号：…）」.
_OF_ALL = re.compile("公众号|公众平台|服务号|订阅号|小程序")

_TOP = (
    "com|cn|net|org|gov|edu|info|top|xyz|vip|cc|club|shop|site|online|io|me|app|ru|ly|gl|tv|wang|link|live|pro|icu|work|"
    "store|hk|tw|mobi|ltd|fun|tech|love|asia"
)
# Folding makes 「，」 a comma and 「）」 a bracket, which end an address in a Chinese sentence.
_ADDRESS = r"[!#-'*+\-./0-9:=?@\[\]_a-z~]"
_LINKS = (
    re.compile(rf"(?<![a-z])(?:https?|ftp)://{_ADDRESS}+"),
    re.compile(
        rf"(?<![a-z0-9@.\-])(?:[a-z0-9\-]{{1,63}}\.){{1,5}}(?:{_TOP})(?![a-z0-9\-])(?::[0-9]{{1,5}})?(?:[/?#]{_ADDRESS}*)?"
    ),
)
# A name with @ in front of the host only serves to look like another site.
_HOST = re.compile(r"(?:https?://)?([a-z0-9.\-]+)(?::[0-9]{1,5})?(?=[/?#]|\Z)")
_LINK_END = ".,;:!?)]}'\""


def mails(seen: View) -> Iterator[Hit]:
    """Every mail address, also with spaces around its @."""
    for sign in _AT.finditer(seen.words):
        host = _DOMAIN.match(seen.words, sign.end())
        name = _LOCAL.search(seen.words[max(0, sign.start() - 64) : sign.start()])
        if host is not None and name is not None:
            yield Hit("mail", sign.start() - len(name[0]), host.end(), MAIL_COVER)


def chat_ids(seen: View) -> Iterator[Hit]:
    """Every id of a chat that a word before it gives away."""
    for words, pattern in _PATTERNS:
        for found in pattern.finditer(seen.digits) if seen.has(words) else ():
            if _OF_ALL.search(seen.words[max(0, found.start() - 12) : found.start("id")]):
                continue
            yield Hit("chat_id", found.start("id"), found.end("id"), CHAT_COVER)


def links(seen: View, own: Collection[str]) -> Iterator[Hit]:
    """Every address of a page, also without http; not those that lead to a host of our `own`."""
    for pattern in _LINKS:
        for found in pattern.finditer(seen.words):
            end = found.end()
            while seen.words[end - 1] in _LINK_END:
                end -= 1
            host = _HOST.match(seen.words, found.start(), end)
            if host is None or host[1] not in own:
                yield Hit("link", found.start(), end, LINK_COVER)
