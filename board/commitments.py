"""What chains of rows are made of: one way to write JSON, its hash, and salted commitments that can be forgotten."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

GENESIS = "0" * 64


def commitment(value: str) -> tuple[str, str]:
    """A fresh salt and the commitment to `value` under it, both in hex."""
    salt = secrets.token_bytes(16)
    return salt.hex(), hashlib.sha256(salt + value.encode()).hexdigest()


def opens(salt: str, value: str, committed: str) -> bool:
    """Whether `committed` is the commitment to `value` under `salt`."""
    return hashlib.sha256(bytes.fromhex(salt) + value.encode()).hexdigest() == committed


def canonical(value: Any) -> bytes:
    """The one way to write `value` as JSON: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(fields: dict[str, Any]) -> str:
    """The hash of `fields` in that writing, hex."""
    return hashlib.sha256(canonical(fields)).hexdigest()
