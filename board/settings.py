"""What an installation may set, read from the environment once and checked at start.

`BOARD_MODE` is `production` when unset and then refuses to start without secrets of its own; `demo` and
`test` make keys in the data folder.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography.fernet import Fernet

MODES = ("production", "demo", "development", "test")
KEYS = ("BOARD_SECRET_KEY", "BOARD_VAULT_KEYS", "BOARD_LOOKUP_KEY")


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class Settings:
    """All settings of one process. Sizes in bytes, times in seconds."""

    mode: str
    data: Path
    database_url: str
    secret_key: str
    vault_keys: tuple[str, ...]
    lookup_key: str
    redis_url: str = ""
    files_url: str = ""
    public_url: str = ""
    zone: str = "Asia/Shanghai"
    sms_url: str = ""
    sms_secret: str = ""
    proxies: int = 0
    log_format: str = "json"
    page_cache: bool = True
    live: bool = True
    live_poll: float = 0.05
    live_sockets: int = 340
    live_async: str = "threading"
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def demo(self) -> bool:
        """Whether the sign-in page may offer the cast."""
        return self.mode in ("demo", "development", "test")

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
        for name in ("BOARD_FILES_URL", "BOARD_REDIS_URL"):
            if env.get(name):
                raise SettingsError(f"{name} is not wired yet; leave it unset")
        public_url = (env.get("BOARD_PUBLIC_URL") or "").rstrip("/")
        if public_url and not public_url.startswith(("http://", "https://")):
            raise SettingsError("BOARD_PUBLIC_URL must begin with http:// or https://")
        sms_url = env.get("BOARD_SMS_URL") or ""
        if sms_url and not sms_url.startswith(("http://", "https://")):
            raise SettingsError("BOARD_SMS_URL must begin with http:// or https://")
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
            secret_key=keys["BOARD_SECRET_KEY"],
            vault_keys=tuple(keys["BOARD_VAULT_KEYS"].split(",")),
            lookup_key=keys["BOARD_LOOKUP_KEY"],
            public_url=public_url,
            zone=zone,
            sms_url=sms_url,
            sms_secret=env.get("BOARD_SMS_SECRET") or "",
            proxies=_number(env, "BOARD_PROXIES", 0, low=0, high=9),
            log_format=log_format,
            page_cache=page_cache == "on",
            live_sockets=_number(env, "BOARD_LIVE_SOCKETS", 340, low=0, high=100_000),
            extra=extra,
        )


def _number(env: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    raw = env.get(name) or str(default)
    if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
        raise SettingsError(f"{name} is “{raw}”; it must be a whole number from {low} to {high}")
    return int(raw)


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
        given = {**_kept_keys(data / "keys.json"), **given}
    try:
        for key in given["BOARD_VAULT_KEYS"].split(","):
            Fernet(key.encode())
    except ValueError:
        raise SettingsError("BOARD_VAULT_KEYS must be Fernet keys, separated by commas") from None
    return given


def fresh_keys() -> dict[str, str]:
    """A new set of secrets for one installation."""
    return {
        "BOARD_SECRET_KEY": secrets.token_urlsafe(48),
        "BOARD_VAULT_KEYS": Fernet.generate_key().decode(),
        "BOARD_LOOKUP_KEY": secrets.token_urlsafe(48),
    }


def _kept_keys(path: Path) -> dict[str, str]:
    try:
        if not path.exists():
            # Written whole under a name of its own, then linked: of two processes that start together one
            # wins, both read the same keys, and a kill in between leaves nothing in the way.
            descriptor, draft = tempfile.mkstemp(prefix="keys-", dir=path.parent)
            try:
                with os.fdopen(descriptor, "w") as file:
                    json.dump(fresh_keys(), file)
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(FileExistsError):
                    os.link(draft, path)
            finally:
                os.unlink(draft)
        kept = json.loads(path.read_text())
        return {name: str(kept[name]) for name in KEYS}
    except OSError as error:
        raise SettingsError(f"BOARD_DATA: cannot write in {path.parent}: {error.strerror}") from None
    except (ValueError, KeyError):
        raise SettingsError(f"{path} cannot be read as keys; restore it from your backup") from None
