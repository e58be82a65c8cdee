"""The words of complaints: reasons, conclusions, measures and tasks, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from board.i18n import _, is_english
from boards.models import Section


def reasons(section: Section) -> dict[str, str]:
    """The section's closed list of reasons, by key."""
    return {
        each["key"]: each["name_en"] if each.get("name_en") and is_english() else each["name"]
        for each in section.settings.get("reasons", ())
    }


def reason_word(section: Section, key: str) -> str:
    """A reason by its key."""
    return reasons(section).get(key) or _("Other reasons")


def conclusion_word(key: str | None) -> str:
    """属实, 部分属实, 不属实 or 无法查实."""
    return {
        "true": _("True"),
        "partly": _("Partly true"),
        "untrue": _("Not true"),
        "unverifiable": _("Cannot be verified"),
    }.get(key or "", "")


def measure_word(key: str) -> str:
    """What follows from a conclusion."""
    return {
        "apology": _("An apology to the poster"),
        "redone": _("The matter is handled anew"),
        "admonished": _("Criticism and instruction"),
        "disciplined": _("A disciplinary procedure"),
        "referred": _("Handed to the authority in charge"),
        "rules": _("The unit changes how it works"),
        "none": _("Nothing follows"),
    }[key]


def measure_words(keys: Iterable[str]) -> str:
    """Measures in one line."""
    return _(", ").join(measure_word(key) for key in keys)


def task_word(kind: str) -> str:
    """Which of the two tasks it is."""
    return {"inspectorate": _("Inspectorate's inquiry"), "discipline": _("Discipline's inquiry")}[kind]


def state_word(state: str) -> str:
    """Where a task stands."""
    return {
        "open": _("Not taken on yet"),
        "accepted": _("Taken on, waits for the second look"),
        "reviewed": _("Being looked into"),
        "proposed": _("Conclusion waits for confirmation"),
        "concluded": _("Concluded"),
        "dropped": _("Ended with the case"),
    }[state]


def ground_words(key: str) -> str:
    """The legal ground of a sealing, with the act and the article that name it."""
    return {
        "secret": _("State secrets (Regulations on Open Government Information, article 14)"),
        "investigation": _(
            "A case under investigation (Provisions on Openness in Police Law Enforcement, article 5)"
        ),
        "privacy": _("Personal privacy (Regulations on Open Government Information, article 15)"),
        "minor": _("A minor (Law on the Protection of Minors, article 103)"),
        "trade": _("Trade secrets (Regulations on Open Government Information, article 15)"),
    }[key]


def referral_word(kind: str) -> str:
    """What the poster puts to the inspectors, as he reads it."""
    return {
        "declined": _("That it was not taken on"),
        "sealed": _("That it is kept from the public"),
        "closed": _("That it was closed and is not solved, after two times of handling it again"),
        "dissatisfied": _("That the second answer did not content either"),
    }[kind]


def decision_word(decision: str | None, kind: str) -> str:
    """What the inspectors found of it."""
    if decision == "upheld":
        return _("It stays so")
    if decision == "overturned":
        return _("It is public again") if kind == "sealed" else _("It is handled again")
    return _("Settled otherwise") if decision == "dropped" else ""


def after_word(after: str) -> str:
    """After which step somebody was asked whether he was pressed."""
    return {"withdrawn": _("I took the case back"), "rating": _("I changed my rating")}[after]


def published_state_word(state: str) -> str:
    """A complaint's state in the monthly list; of merged lines, that they are merged."""
    return {
        "open": _("Being looked into"),
        "concluded": _("Concluded"),
        "withdrawn": _("Taken back by the poster"),
        "merged": _("All states"),
    }[state]
