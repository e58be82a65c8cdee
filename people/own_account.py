"""What a member's own account says of him, for the copy he takes along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from board.db import db
from board.i18n import _l
from people import contacts, recovery, vault
from people.models import Consent, Export, KnownDevice, Passkey, Person, SignIn
from people.own_data import tells

AT = _l("When")


@tells(
    "account",
    _l("My account"),
    {
        "nickname": _l("Nickname"), "name": _l("Name"), "badge": _l("Badge number"), "phone": _l("Mobile number"),
        "created_at": _l("Since"),
    },
)  # fmt: skip
def account(person: Person) -> Iterator[dict[str, Any]]:
    """Who he is here."""
    yield {
        "nickname": person.nickname,
        "name": person.name,
        "badge": person.badge,
        "phone": vault.get(person.owner, "duty_phone" if person.is_staff else "phone"),
        "created_at": person.created_at,
    }


@tells(
    "contacts",
    _l("Where I am told"),
    {
        "kind": _l("Kind"), "address": _l("Number or address"), "label": _l("Name"), "created_at": _l("Since"),
        "verified_at": _l("Proven"), "failing_since": _l("Failing since"),
    },
)  # fmt: skip
def reached_by(person: Person) -> Iterator[dict[str, Any]]:
    """Telephone, mail, browsers and chat robots."""
    for contact in contacts.of(person):
        yield {
            "kind": contact.kind,
            "address": contact.address,
            "label": contact.label,
            "created_at": contact.created_at,
            "verified_at": contact.verified_at,
            "failing_since": contact.failing_since,
        }


@tells(
    "sign_ins",
    _l("Where I was signed in"),
    {
        "at": AT,
        "device": _l("Device"),
        "browser": _l("What the browser said"),
        "until": _l("Signed in until"),
    },
)
def sign_ins(person: Person) -> Iterator[dict[str, Any]]:
    """Every sign-in that is still kept."""
    rows = select(SignIn).where(SignIn.person_id == person.id).order_by(SignIn.id)
    for row in db.session.scalars(rows):
        yield {
            "at": row.created_at,
            "device": row.device,
            "browser": row.user_agent,
            "until": row.revoked_at or row.expires_at,
        }


@tells(
    "passkeys",
    _l("My passkeys"),
    {"name": _l("Name"), "made_at": _l("Made"), "used_at": _l("Last used"), "site": _l("For this site")},
)
def own_passkeys(person: Person) -> Iterator[dict[str, Any]]:
    """What each is called and when it was used; its keys are of no use to anybody but the board and his device."""
    for row in Passkey.of(person):
        yield {"name": row.name, "made_at": row.created_at, "used_at": row.used_at, "site": row.rp_id}


@tells("recovery_codes", _l("My recovery codes"), {"left": _l("How many are left")})
def recovery_codes(person: Person) -> Iterator[dict[str, Any]]:
    """How many of them may still be used; the codes themselves nobody knows but who wrote them down."""
    left = recovery.left(person)
    if left:
        yield {"left": left}


@tells("known_devices", _l("Browsers the board knows again"), {"seen_at": _l("Last seen")})
def known_devices(person: Person) -> Iterator[dict[str, Any]]:
    """When he last signed in on each. The board knows no more of them: neither what they are nor where."""
    rows = select(KnownDevice).where(KnownDevice.person_id == person.id).order_by(KnownDevice.id)
    for row in db.session.scalars(rows):
        yield {"seen_at": row.seen_at}


@tells("consents", _l("What I agreed to"), {"version": _l("Version"), "at": AT, "place": _l("Where")})
def consents(person: Person) -> Iterator[dict[str, Any]]:
    """Each version of the privacy page."""
    for row in Consent.of(person):
        yield {"version": row.version, "at": row.at, "place": row.place}


@tells("copies", _l("Copies I asked for"), {"at": AT, "ready_at": _l("Ready"), "fetched_at": _l("Fetched")})
def copies(person: Person) -> Iterator[dict[str, Any]]:
    """This one, and those before it that are still kept."""
    for row in db.session.scalars(select(Export).where(Export.person_id == person.id).order_by(Export.id)):
        yield {"at": row.asked_at, "ready_at": row.ready_at, "fetched_at": row.fetched_at}
