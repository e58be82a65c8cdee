"""Notes to chat robots, through apprise: WeCom, DingTalk, Feishu, Bark and anything that takes a JSON webhook.

An address is an apprise URL such as `wecombot://key`. Only the kinds below are taken: apprise also knows addresses
that read files, run programs or send mail in somebody else's name.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import current_app

from board.settings import Settings
from board.transports.errors import AT_MOST, CarryError, within
from board.transports.hosts import is_allowed, is_public

log = logging.getLogger(__name__)

LONGEST = 500  # characters of an address
# What stands in these addresses is a key of a fixed service; there is no host to choose.
FIXED = frozenset({"wecombot", "dingtalk", "feishu", "lark", "schan", "wxpusher", "slack", "tgram"})
# These name a host of the reader's choice: over TLS and on the open internet, or allowed by an administrator.
CHOSEN = {"barks": True, "ntfys": True, "gotifys": True, "jsons": True,
          "bark": False, "ntfy": False, "gotify": False, "json": False}  # fmt: skip
# Options of apprise that would let an address switch off what protects this house.
DROPPED = frozenset({"verify", "redirect", "cto", "rto", "overflow", "format", "emojis", "tz", "store"})


@dataclass(frozen=True)
class Chat:
    """One note. Chat robots know no receipt and drop no repeats."""

    to: str
    title: str
    text: str


def address(raw: str, allowed: Collection[str]) -> str:
    """An apprise URL as it is kept, without options that are not the reader's; ValueError when it is not taken."""
    raw = raw.strip()
    if len(raw) > LONGEST or re.search(r"[\s\x00-\x1f\x7f\\]", raw):
        raise ValueError("not an address")
    parts = urlsplit(raw)
    scheme = parts.scheme.lower()
    if scheme not in FIXED and scheme not in CHOSEN:
        raise ValueError("not a kind of chat that this board knows")
    options = [(name, value) for name, value in parse_qsl(parts.query) if _keeps(name)]
    clean = urlunsplit((scheme, parts.netloc, parts.path, urlencode(options), ""))
    if _robot(clean) is None:
        raise ValueError("not an address")
    if not may_go(clean, allowed):
        raise ValueError("not a host that this board may call")
    return clean


def _keeps(name: str) -> bool:
    # apprise reads `+name=` as a header of the request and `-name=` as a parameter of its address.
    return name.isalnum() and name.lower() not in DROPPED


def may_go(url: str, allowed: Collection[str]) -> bool:
    """Whether an address that was taken may be called now: a name may point elsewhere by and by."""
    parts = urlsplit(url)
    if parts.scheme in FIXED:
        return True
    host = parts.hostname or ""
    if is_allowed(host, allowed):
        return True
    return CHOSEN.get(parts.scheme, False) and "." in host and is_public(host)


@cache
def _apprise() -> Any:
    """The package, taken in at its first use: it needs 0.1 s, and web processes never send."""
    import apprise

    # It writes addresses, keys included, into its own log.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    return apprise


@cache
def _asset() -> Any:
    return _apprise().AppriseAsset(
        app_id="Station24",
        app_desc="Station 24",
        app_url="",
        async_mode=False,
        http_redirects=False,
        storage_mode=_apprise().PersistentStoreMode.MEMORY,
        plugin_paths=[],
    )


def _robot(url: str) -> Any:
    return _apprise().Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True)


class AppriseChat:
    """Carries notes to chat robots. What a robot refuses is worth another try: apprise does not say why."""

    def __init__(self, allowed: Collection[str] = (), at_most: float = AT_MOST) -> None:
        self.allowed, self.at_most = allowed, at_most

    def send(self, chat: Chat) -> None:
        """Hand the note over; CarryError when the robot did not take it."""
        within(self.at_most, lambda: self._send(chat))

    def _send(self, chat: Chat) -> None:
        robot = _robot(chat.to)
        if robot is None:
            raise CarryError("not an address of a chat robot", gone=True)
        if not may_go(chat.to, self.allowed):
            raise CarryError("the chat robot's host may not be called", final=True)
        taken = robot.notify(
            body=chat.text,
            title=chat.title,
            notify_type=_apprise().NotifyType.INFO,
            body_format=_apprise().NotifyFormat.TEXT,
        )
        if not taken:
            raise CarryError("the chat robot did not take it")


def driver_for(settings: Settings) -> AppriseChat:
    """The driver of these settings."""
    return AppriseChat(settings.carry_hosts)


def driver() -> AppriseChat:
    """The driver of this program; tests may put their own into `app.extensions["chat"]`."""
    if "chat" not in current_app.extensions:
        current_app.extensions["chat"] = driver_for(current_app.config["SETTINGS"])
    chosen: AppriseChat = current_app.extensions["chat"]
    return chosen
