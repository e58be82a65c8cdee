"""Passkeys: signing in, confirming and adding, by what somebody's own device holds and unlocks.

A passkey counts for both factors: the device is there, and its owner has unlocked it (user verification is required
each time). It answers only on the domain it was made for, so it cannot be phished.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from flask import current_app, request
from sqlalchemy import delete, select
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from board import audit
from board.clock import now
from board.db import db, transaction
from board.errors import Invalid, NotFound
from board.facts import site
from board.i18n import _, _l
from people import challenges, news, vault
from people.models import Passkey, Person, SignIn
from people.models.passkey import LONGEST_ID

log = logging.getLogger(__name__)

MOST = 10  # of one person
LONGEST_NAME = 40
LONGEST_ANSWER = 20_000  # characters of what a device sends
SIGN_IN, CONFIRM, ADD = "sign-in", "confirm", "add"
_VERIFIED = UserVerificationRequirement.REQUIRED
_TRANSPORTS = {each.value for each in AuthenticatorTransport}
# What the library raises on an answer that does not hold, or is none at all.
FAULTS = (
    WebAuthnException, InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError, IndexError,
)  # fmt: skip
NOT_TAKEN = _l("This passkey was not accepted. Try once more, or use another way.")


def origin() -> str:
    """The origin that passkeys of this board are for; "" where there can be none.

    That is BOARD_PUBLIC_URL. A demo without one takes the address it was asked under, which may be a name alone: no
    browser keeps a passkey for a number such as 127.0.0.1.
    """
    settings = current_app.config["SETTINGS"]
    given = settings.public_url or (request.host_url.rstrip("/") if settings.demo else "")
    parts = urlsplit(given)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
        return ""
    except ValueError:
        pass
    secure = parts.scheme == "https" or host == "localhost" or host.endswith(".localhost")
    return f"{parts.scheme}://{parts.netloc}" if host and secure else ""


def offered() -> bool:
    """Whether this reader, on this address, can be asked for a passkey at all."""
    return urlsplit(origin()).netloc == request.host


def rp_id() -> str:
    """The domain that passkeys answer to."""
    return urlsplit(origin()).hostname or ""


# --- what a browser is asked ------------------------------------------------------------------------------------


def to_sign_in(half_way: Person | None) -> str:
    """Options for signing in, as JSON: whoever gave his password already is asked for one of his own passkeys."""
    return _asked(SIGN_IN, "", _descriptors(half_way) if half_way is not None else [])


def to_confirm(row: SignIn) -> str:
    """Options for showing that it is still the same person."""
    return _asked(CONFIRM, row.public_id, _descriptors(row.person))


def to_add(row: SignIn) -> str:
    """Options for making a passkey in this sign-in."""
    person = row.person
    name = person.duty_name if person.is_staff else person.shown_nickname
    options = generate_registration_options(
        rp_id=_present_rp_id(),
        rp_name=str(site()["name"]),
        user_name=name,
        user_id=_handle(person),
        challenge=challenges.issue(ADD, row.public_id),
        timeout=challenges.LASTS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
        ),
        exclude_credentials=_descriptors(person),
    )
    return options_to_json(options)


def _asked(purpose: str, bound_to: str, allowed: list[PublicKeyCredentialDescriptor]) -> str:
    return options_to_json(
        generate_authentication_options(
            rp_id=_present_rp_id(),
            challenge=challenges.issue(purpose, bound_to),
            timeout=challenges.LASTS * 1000,
            allow_credentials=allowed,
            user_verification=_VERIFIED,
        )
    )


def _present_rp_id() -> str:
    if not offered():
        raise NotFound
    return rp_id()


def _descriptors(person: Person) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(key.credential_id),
            transports=[AuthenticatorTransport(each) for each in key.transports if each in _TRANSPORTS],
        )
        for key in Passkey.of(person)
    ]


def _handle(person: Person) -> bytes:
    # What a device keeps beside the key: it must say nothing about the person, not even to who reads the device.
    return bytes.fromhex(vault.keyed_hash("passkey handle", person.public_id))


# --- what it answers -----------------------------------------------------------------------------------------------


def person_of(answer: str) -> Person:
    """Whose passkey this is, after an answer to to_sign_in(); Invalid (field `passkey`) when it does not hold.

    Opens its own transaction.
    """
    with transaction():
        return _checked(answer, SIGN_IN, "").person


def confirm(answer: str, row: SignIn) -> None:
    """An answer to to_confirm() in this sign-in, by a passkey of the same person; inside the open transaction."""
    key = _checked(answer, CONFIRM, row.public_id)
    if key.person_id != row.person_id:
        raise Invalid(NOT_TAKEN, field="passkey")


def _checked(answer: str, purpose: str, bound_to: str) -> Passkey:
    given = _read(answer)
    # Of two answers by one passkey the second waits, and reads the counter that the first has left.
    query = select(Passkey).where(Passkey.credential_id == str(given.get("id"))[:LONGEST_ID])
    key = db.session.scalar(query.with_for_update(of=Passkey))
    challenge = _challenge(given)
    if key is None or not key.person.active or not challenges.spend(challenge, purpose, bound_to):
        raise Invalid(NOT_TAKEN, field="passkey")
    handle = given["response"].get("userHandle")
    try:
        if handle and base64url_to_bytes(str(handle)) != _handle(key.person):
            raise Invalid(NOT_TAKEN, field="passkey")
        verified = verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origin(),
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except FAULTS as error:
        log.warning("a passkey was not accepted: %s", type(error).__name__)
        raise Invalid(NOT_TAKEN, field="passkey") from None
    key.sign_count, key.used_at = verified.new_sign_count, now()
    return key


def add(answer: str, name: str, row: SignIn) -> Passkey:
    """Keep the passkey that a device made for this sign-in's person, inside the open transaction; he is told.

    Invalid (field `passkey`) for an answer that does not hold, one that is kept already, and one too many.
    """
    given = _read(answer)
    person = Person.by_public_id(row.person.public_id)
    challenge = _challenge(given)
    if not challenges.spend(challenge, ADD, row.public_id):
        raise Invalid(NOT_TAKEN, field="passkey")
    if len(Passkey.of(person)) >= MOST:
        raise Invalid(_l("Ten passkeys are enough: remove one that you do not use."), field="passkey")
    try:
        verified = verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origin(),
            require_user_verification=True,
        )
    except FAULTS as error:
        log.warning("a passkey was not kept: %s", type(error).__name__)
        raise Invalid(NOT_TAKEN, field="passkey") from None
    credential_id = bytes_to_base64url(verified.credential_id)
    if db.session.scalar(select(Passkey.id).where(Passkey.credential_id == credential_id)) is not None:
        raise Invalid(NOT_TAKEN, field="passkey")
    transports = given["response"].get("transports")
    key = Passkey(
        person=person,
        credential_id=credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        rp_id=rp_id(),
        transports=[each for each in _TRANSPORTS if isinstance(transports, list) and each in transports],
        name=" ".join(name.split())[:LONGEST_NAME] or row.device or str(_("Passkey")),
        made_in=row.public_id,
        created_at=now(),
    )
    db.session.add(key)
    _say("passkey_added", person, row)
    return key


def remove(key: Passkey, row: SignIn) -> None:
    """Take a passkey away, inside the open transaction: it opens nothing from now on. Its person is told."""
    person = key.person
    db.session.execute(delete(Passkey).where(Passkey.id == key.id))
    _say("passkey_removed", person, row)


def _say(what: str, person: Person, row: SignIn) -> None:
    news.tell(f"account.{what}", person, sign_in=row)
    if person.is_staff:
        audit.note(f"person.{what}", by=person.public_id, thing=f"person:{person.public_id}")


def _read(answer: str) -> dict[str, Any]:
    try:
        given = json.loads(answer) if len(answer) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("response"), dict):
        raise Invalid(NOT_TAKEN, field="passkey")
    return given


def _challenge(given: dict[str, Any]) -> bytes:
    """The challenge that the device says it answers: taken for true only after it is found to be ours."""
    try:
        return parse_client_data_json(base64url_to_bytes(given["response"]["clientDataJSON"])).challenge
    except FAULTS:
        raise Invalid(NOT_TAKEN, field="passkey") from None
