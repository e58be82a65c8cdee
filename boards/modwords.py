"""What stands in the moderators' queue and in the public list of their acts, in the reader's language."""

from __future__ import annotations

from board.i18n import _
from boards.modqueue import Item


def hold_words() -> dict[str, str]:
    """The closed list of reasons; criticism of a unit, an officer or the government is none."""
    return {
        "private_data": _("Private data"),
        "danger": _("Danger to a person"),
        "unlawful": _("Unlawful content by a named article"),
        "advert": _("Advert"),
        "duplicate_flood": _("Many copies of one post"),
    }


def reason_words() -> dict[str, str]:
    """The reasons of every act: those to hold, and those of what is only put elsewhere."""
    return {**hold_words(), "wrong_section": _("Wrong section"), "duplicate": _("The same matter twice")}


def act_words(kind: str) -> str:
    """An act in words."""
    return {
        "hold": _("Post taken from the public"),
        "hide": _("Reply hidden"),
        "cover": _("Words covered"),
        "release": _("Post given back to the public"),
        "show": _("Reply shown again"),
        "move": _("Moved to another section"),
        "propose_move": _("Another section proposed to the command desk"),
        "propose_merge": _("Merging proposed to the command desk"),
        "release_contacts": _("Contact in a reply released"),
    }.get(kind, kind)


def about_me_words() -> dict[str, str]:
    """What a report says is about somebody."""
    return {
        "name": _("A name"),
        "face": _("A face"),
        "address": _("An address"),
        "phone": _("A telephone number"),
        "organisation": _("An organisation"),
        "other": _("Something else"),
    }


def report_words() -> dict[str, str]:
    """Every kind of report, as the moderators and the reporter read it."""
    return {
        **about_me_words(),
        "others_data": _("Private data of somebody else"),
        "danger": _("Danger to a person"),
        "unlawful": _("Unlawful content"),
        "advert": _("Advert"),
        "section": _("Wrong section"),
        "duplicate": _("The same matter twice"),
    }


def decision_words(decision: str | None) -> str:
    """What became of a report, as its reporter reads it."""
    return {
        None: _("Nobody has decided yet."),
        "covered": _("The words were covered; the matter stays."),
        "held": _("The post was taken from the public."),
        "hidden": _("The reply was hidden."),
        "moved": _("It was moved to the right section."),
        "proposed": _("It was proposed to the command desk, which decides about cases."),
        "dismissed": _(
            "A moderator looked at it and left it as it is. Criticism stays; organisations and officials may answer in their own words."
        ),
    }.get(decision, _("A moderator has looked at it."))


def why_words(item: Item) -> list[str]:
    """Why something stands in the queue, one word a reason."""
    marks = {
        "watched": _("Watched word"),
        "repeat": _("The same words in many threads"),
        "links": _("Many links"),
        "first_post": _("First post of a new member"),
    }
    if item.source == "report":
        return [report_words().get(each, each) for each in item.why]
    if item.source == "text":
        return [marks.get(each, each) for each in item.why]
    if item.source == "appeal":
        return [act_words(each) for each in item.why]
    return [hold_words().get(each, each) for each in item.why if each]
