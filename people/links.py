"""Two doors without a code: one-time links from the console, and the cast of a demo city."""

from __future__ import annotations

import json
from typing import Any

from flask import current_app

from board.clock import now
from board.db import transaction
from board.errors import NotFound
from board.facts import facts
from board.facts import put as put_facts
from board.i18n import _l, is_english
from people import vault
from people.models import Person, SignInLink

CAST_NAME = "cast_name"


def link_for(person: Person) -> str:
    """A new one-time link's token for `person`, inside the open transaction: `/sign-in/link/<token>`, five minutes."""
    return SignInLink.make(person)


def open_link(token: str) -> Person:
    """The person of a one-time link, which is used up by this. NotFound when it is old, used or never was."""
    with transaction():
        link = SignInLink.by_token(token, for_change=True)
        if link is None:
            raise NotFound(_l("This link was used already, or it is older than five minutes."))
        link.used_at = now()
        return link.person


def offer_cast(entries: list[dict[str, Any]]) -> None:
    """Inside the open transaction: let the sign-in page of a demo city offer these persons.

    Each entry is `{"person": public id, "name": {"zh", "en"}, "about": {"zh", "en"}}`. The names of members lie in the
    vault: they post.
    """
    kept = []
    for entry in entries:
        if not Person.by_public_id(entry["person"]).is_staff:
            vault.put(f"person:{entry['person']}", CAST_NAME, json.dumps(entry["name"]))
            entry = {**entry, "name": None}
        kept.append(entry)
    put_facts({"cast": kept})


def cast() -> list[dict[str, str]]:
    """Whom the sign-in page offers, `{"person", "name", "about"}` in the reader's language; nobody outside a demo."""
    if not current_app.config["SETTINGS"].demo:
        return []
    side = "en" if is_english() else "zh"
    return [
        {
            "person": entry["person"],
            "name": _name(entry)[side],
            "about": entry.get("about", {}).get(side, ""),
        }
        for entry in facts().get("cast") or []
    ]


def _name(entry: dict[str, Any]) -> dict[str, str]:
    if entry["name"] is not None:
        return dict(entry["name"])
    return dict(json.loads(vault.get(f"person:{entry['person']}", CAST_NAME) or '{"zh": "", "en": ""}'))


def play(public_id: str) -> Person:
    """One of the cast, for one press in a demo city; NotFound elsewhere and for everybody else."""
    if all(entry["person"] != public_id for entry in cast()):
        raise NotFound
    return Person.by_public_id(public_id)
