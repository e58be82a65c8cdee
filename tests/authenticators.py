"""A passkey device made of software, for tests of what the server takes and what it does not."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


def text_of(raw: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """The reverse."""
    return urlsafe_b64decode(text + "===")


class Device:
    """One device with one passkey. Whatever a test wants forged is an argument of make() and answer()."""

    def __init__(self, origin: str = "http://localhost", rp_id: str = "localhost") -> None:
        self.origin, self.rp_id = origin, rp_id
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.handle = b""
        self.count = 0

    def make(self, options: dict[str, Any], *, origin: str = "", verified: bool = True) -> str:
        """What a browser answers to options for a new passkey."""
        self.handle = bytes_of(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        held = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        data = self._data(WITH_KEY, verified) + held
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"], origin)
        return self._json(clientDataJSON=client, attestationObject=attestation)

    def answer(
        self,
        options: dict[str, Any],
        *,
        origin: str = "",
        verified: bool = True,
        count: int | None = None,
        handle: bytes | None = None,
        kind: str = "webauthn.get",
    ) -> str:
        """What a browser answers when it is asked for the passkey."""
        self.count = self.count + 1 if count is None else count
        client = self._client(kind, options["challenge"], origin)
        data = self._data(0, verified)
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._json(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signature,
            userHandle=self.handle if handle is None else handle,
        )

    def _data(self, flags: int, verified: bool) -> bytes:
        flags |= PRESENT | (VERIFIED if verified else 0)
        return sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": origin or self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _json(self, **response: bytes) -> str:
        said = {name: text_of(value) for name, value in response.items()}
        return json.dumps(
            {"id": text_of(self.id), "rawId": text_of(self.id), "type": "public-key", "response": said}
        )
