"""What an installation may set, read from the environment once and checked at start.

`BOARD_MODE` is `production` when unset and then refuses to start without secrets of its own; `demo` and
`test` make keys in the data folder.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec

MODES = ("production", "demo", "development", "test")
# What a process serves: pages and sockets; pages alone; sockets alone, with gevent (gunicorn.live.conf.py).
ROLES = ("both", "pages", "live")
SOCKETS = {"both": 340, "pages": 0, "live": 3900}
INSTALL_SCALED = "pip install --require-hashes -r requirements-scaled.txt"
KEYS = ("BOARD_SECRET_KEY", "BOARD_VAULT_KEYS", "BOARD_LOOKUP_KEY")


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class Settings:
    """All settings of one process. Sizes in bytes, times in seconds. What may hold a key is left out of its repr()."""

    mode: str
    data: Path
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    vault_keys: tuple[str, ...] = field(repr=False)
    lookup_key: str = field(repr=False)
    redis_url: str = field(default="", repr=False)
    files_url: str = field(default="", repr=False)
    public_url: str = ""
    zone: str = "Asia/Shanghai"
    sms_url: str = field(default="", repr=False)
    sms_secret: str = field(default="", repr=False)
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""
    vapid_key: str = field(default="", repr=False)
    vapid_contact: str = ""
    carry_hosts: frozenset[str] = frozenset()
    proxies: int = 0
    log_format: str = "json"
    page_cache: bool = True
    live: bool = True
    live_poll: float = 0.05
    live_sockets: int = 340
    receipt_cost: tuple[int, int] = (3, 32)
    role: str = "both"
    keep: Mapping[str, int] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def demo(self) -> bool:
        """Whether the sign-in page may offer the cast."""
        return self.mode in ("demo", "development", "test")

    @property
    def live_async(self) -> str:
        """How Flask-SocketIO runs in this process."""
        return "gevent" if self.role == "live" else "threading"

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None, **extra: Any) -> Settings:
        """Read and check the environment; SettingsError names the first wrong setting."""
        env = os.environ if env is None else env
        mode = env.get("BOARD_MODE") or "production"
        if mode not in MODES:
            raise SettingsError(f"BOARD_MODE is “{mode}”; it must be one of {', '.join(MODES)}")
        data = Path(env.get("BOARD_DATA") or "instance").resolve()
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"BOARD_DATA: the folder {data} cannot be made: {error.strerror}") from None
        keys = _keys(mode, data, env)
        database = env.get("BOARD_DATABASE_URL") or f"sqlite:///{data / 'board.db'}"
        if database.startswith(("postgres://", "postgresql://")):
            database = "postgresql+psycopg://" + database.partition("://")[2]
        if not database.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise SettingsError("BOARD_DATABASE_URL must begin with sqlite:/// or postgresql://")
        zone = env.get("BOARD_ZONE") or "Asia/Shanghai"
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise SettingsError(f"BOARD_ZONE: there is no time zone called {zone}") from None
        redis_url = env.get("BOARD_REDIS_URL") or ""
        if redis_url and not redis_url.startswith(("redis://", "rediss://", "unix://")):
            raise SettingsError("BOARD_REDIS_URL must begin with redis://, rediss:// or unix://")
        files_url = env.get("BOARD_FILES_URL") or ""
        if files_url:
            _check_files_url(files_url)
        role = env.get("BOARD_ROLE") or "both"
        if role not in ROLES:
            raise SettingsError(f"BOARD_ROLE is “{role}”; it must be one of {', '.join(ROLES)}")
        public_url = (env.get("BOARD_PUBLIC_URL") or "").rstrip("/")
        if public_url and not public_url.startswith(("http://", "https://")):
            raise SettingsError("BOARD_PUBLIC_URL must begin with http:// or https://")
        sms_url = env.get("BOARD_SMS_URL") or ""
        if sms_url and not sms_url.startswith(("http://", "https://")):
            raise SettingsError("BOARD_SMS_URL must begin with http:// or https://")
        smtp_url, mail_from = env.get("BOARD_SMTP_URL") or "", env.get("BOARD_MAIL_FROM") or ""
        if smtp_url and not smtp_url.startswith(("smtp://", "smtps://")):
            raise SettingsError("BOARD_SMTP_URL must begin with smtp:// or smtps://")
        if smtp_url and "@" not in mail_from:
            raise SettingsError("BOARD_SMTP_URL needs BOARD_MAIL_FROM, the address that mails come from")
        vapid_key = _vapid_key(mode, data, env)
        if mode == "production" and not public_url:
            _check_links(BOARD_SMS_URL=sms_url, BOARD_SMTP_URL=smtp_url, BOARD_VAPID_KEY=vapid_key)
        page_cache = env.get("BOARD_PAGE_CACHE") or "on"
        if page_cache not in ("on", "off"):
            raise SettingsError("BOARD_PAGE_CACHE must be on or off")
        log_format = env.get("BOARD_LOG_FORMAT") or ("json" if mode == "production" else "plain")
        if log_format not in ("json", "plain"):
            raise SettingsError("BOARD_LOG_FORMAT must be json or plain")
        return cls(
            mode=mode,
            data=data,
            database_url=database,
            redis_url=redis_url,
            files_url=files_url,
            secret_key=keys["BOARD_SECRET_KEY"],
            vault_keys=tuple(keys["BOARD_VAULT_KEYS"].split(",")),
            lookup_key=keys["BOARD_LOOKUP_KEY"],
            public_url=public_url,
            zone=zone,
            sms_url=sms_url,
            sms_secret=env.get("BOARD_SMS_SECRET") or "",
            smtp_url=smtp_url,
            mail_from=mail_from,
            vapid_key=vapid_key,
            vapid_contact=env.get("BOARD_VAPID_CONTACT") or public_url or "mailto:board@localhost",
            carry_hosts=frozenset(
                each.strip().lower()
                for each in (env.get("BOARD_CARRY_HOSTS") or "").split(",")
                if each.strip()
            ),
            proxies=_number(env, "BOARD_PROXIES", 0, low=0, high=9),
            log_format=log_format,
            page_cache=page_cache == "on",
            live_sockets=_number(env, "BOARD_LIVE_SOCKETS", SOCKETS[role], low=0, high=100_000),
            receipt_cost=_cost(env.get("BOARD_RECEIPT_COST") or "3x32"),
            role=role,
            keep=_keep(env.get("BOARD_KEEP") or ""),
            extra=extra,
        )


def _number(env: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    raw = env.get(name) or str(default)
    if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
        raise SettingsError(f"{name} is “{raw}”; it must be a whole number from {low} to {high}")
    return int(raw)


def _cost(raw: str) -> tuple[int, int]:
    """Passes and MiB of Argon2id, from `3x32`."""
    passes, _cross, memory = raw.partition("x")
    if not (
        passes.isdecimal() and memory.isdecimal() and 1 <= int(passes) <= 20 and 8 <= int(memory) <= 1024
    ):
        raise SettingsError(
            f"BOARD_RECEIPT_COST is “{raw}”; it must read like 3x32: one to 20 passes over 8 to 1024 MiB"
        )
    return int(passes), int(memory)


def _keep(raw: str) -> dict[str, int]:
    """Days by kind, from `sign_ins=60 originals=730`; which kinds there are, and their limits, board/retention.py knows."""
    chosen: dict[str, int] = {}
    for each in raw.split():
        name, _sign, days = each.partition("=")
        if not (days.isascii() and days.isdigit()):
            raise SettingsError(
                f"BOARD_KEEP must read like sign_ins=60 originals=730, in days; “{each}” does not"
            )
        chosen[name] = int(days)
    return chosen


def _check_files_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc:
        raise SettingsError(
            "BOARD_FILES_URL must read s3://bucket/folder?endpoint=https://… (without an endpoint: Amazon's); "
            "the keys stand in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if util.find_spec("s3fs") is None:
        raise SettingsError(f"BOARD_FILES_URL needs s3fs: {INSTALL_SCALED}")


def _check_links(**senders: str) -> None:
    """A message without a link leads nobody to the button, and push services want to know who sends."""
    sending = [name for name, value in senders.items() if value]
    if sending:
        raise SettingsError(
            f"{', '.join(sending)} is set, so production needs BOARD_PUBLIC_URL, the address that readers use, "
            "such as https://24.example.gov.cn: the links in messages begin with it"
        )


def _keys(mode: str, data: Path, env: Mapping[str, str]) -> dict[str, str]:
    given = {name: env[name] for name in KEYS if env.get(name)}
    if mode == "production":
        missing = [name for name in KEYS if name not in given]
        if missing:
            raise SettingsError(
                f"production needs {', '.join(missing)} in the environment; "
                "`flask board make-keys` prints a fresh set"
            )
        if len(given["BOARD_SECRET_KEY"]) < 32 or len(given["BOARD_LOOKUP_KEY"]) < 32:
            raise SettingsError("BOARD_SECRET_KEY and BOARD_LOOKUP_KEY must have at least 32 characters")
    else:
        given = {**_kept(data / "keys.json", fresh_keys, KEYS), **given}
    try:
        for key in given["BOARD_VAULT_KEYS"].split(","):
            Fernet(key.encode())
    except ValueError:
        raise SettingsError("BOARD_VAULT_KEYS must be Fernet keys, separated by commas") from None
    return given


def fresh_vapid_key() -> str:
    """A private key for Web Push: 32 bytes in base64url."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def _vapid_key(mode: str, data: Path, env: Mapping[str, str]) -> str:
    """The key of Web Push; production has none unless it is given one, and then offers no push."""
    key = env.get("BOARD_VAPID_KEY") or ""
    if not key and mode != "production":
        key = _kept(
            data / "vapid.json", lambda: {"BOARD_VAPID_KEY": fresh_vapid_key()}, ("BOARD_VAPID_KEY",)
        )["BOARD_VAPID_KEY"]
    if key:
        try:
            number = int.from_bytes(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)), "big")
            ec.derive_private_key(number, ec.SECP256R1())
        except ValueError:
            raise SettingsError("BOARD_VAPID_KEY must be 32 bytes in base64url") from None
    return key


def fresh_keys() -> dict[str, str]:
    """A new set of secrets for one installation."""
    return {
        "BOARD_SECRET_KEY": secrets.token_urlsafe(48),
        "BOARD_VAULT_KEYS": Fernet.generate_key().decode(),
        "BOARD_LOOKUP_KEY": secrets.token_urlsafe(48),
    }


def _kept(path: Path, make: Callable[[], dict[str, str]], names: tuple[str, ...]) -> dict[str, str]:
    try:
        if not path.exists():
            # Written whole under a name of its own, then linked: of two processes that start together one
            # wins, both read the same keys, and a kill in between leaves nothing in the way.
            descriptor, draft = tempfile.mkstemp(prefix="keys-", dir=path.parent)
            try:
                with os.fdopen(descriptor, "w") as file:
                    json.dump(make(), file)
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(FileExistsError):
                    os.link(draft, path)
            finally:
                os.unlink(draft)
        kept = json.loads(path.read_text())
        return {name: str(kept[name]) for name in names}
    except OSError as error:
        raise SettingsError(f"BOARD_DATA: cannot write in {path.parent}: {error.strerror}") from None
    except (ValueError, KeyError):
        raise SettingsError(f"{path} cannot be read as keys; restore it from your backup") from None
