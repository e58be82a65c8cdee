"""The verbs a sample thread may be told in: who does each, what it needs said, and when it can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from boards.models.status import NEXT, OPEN, Status

Who = Literal[
    "duty",  # whoever is on duty in the leading department, or its leader
    "desk_duty",  # whoever is on duty at the dispatch desk
    "lead",  # serves in the department that leads the case, or leads one above it
    "handler",  # the named handler; before there is one, like `lead`
    "working",  # the handler, or somebody of a department asked to assist
    "assistant",  # serves in a department with an open assisting task
    "target",  # serves in the department the case is offered to
    "leader",  # leads the department of the case, or one above it
    "desk",  # serves at the dispatch desk
    "lifter",  # the moderator who holds, or for a restricted post the desk
    "moderator",
    "poster",
    "parting",  # the poster, or the desk
    "reader",  # any member but the poster
    "speaker",  # any member; of the staff those who work on it, and experts where the section has them
    "nobody",  # the board itself
]


@dataclass(frozen=True)
class VerbShape:
    """What a verb takes. `needs` and `may` name fields of `Step`; `states` are empty for acts on any thread."""

    who: Who
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    states: tuple[Status, ...] = ()
    any_thread: bool = False


VERBS: dict[str, VerbShape] = {
    "route": VerbShape("desk", ("to",), ("text",), NEXT["route"]),
    "acknowledge": VerbShape("duty", (), (), NEXT["acknowledge"]),
    "accept": VerbShape("lead", ("text",), ("photos",), NEXT["accept"]),
    "answer": VerbShape("duty", ("text", "outcome"), (), NEXT["answer"]),
    "assign": VerbShape("leader", ("to",), (), NEXT["assign"]),
    "claim": VerbShape("lead", (), (), NEXT["claim"]),
    "progress": VerbShape("working", ("text",), ("until", "photos"), NEXT["progress"]),
    "note": VerbShape("working", ("text",), (), NEXT["note"]),
    "ask": VerbShape("handler", ("text",), (), NEXT["ask"]),
    "supplement": VerbShape("poster", ("text",), (), NEXT["supplement"]),
    "suspend": VerbShape("handler", ("text", "until"), ("legal",), NEXT["suspend"]),
    "resume": VerbShape("lead", (), (), NEXT["resume"]),
    "offer": VerbShape("lead", ("to", "text"), (), NEXT["offer"]),
    "take": VerbShape("target", (), (), NEXT["take"]),
    "return": VerbShape("target", ("text",), (), NEXT["return"]),
    "assist": VerbShape("lead", ("to", "text"), (), NEXT["assist"]),
    "assist_answer": VerbShape("assistant", ("text",), (), NEXT["assist_answer"]),
    "assist_waive": VerbShape("leader", ("to",), (), NEXT["assist_waive"]),
    "instruct": VerbShape("leader", ("text", "until"), ("to", "internal"), NEXT["instruct"]),
    "relay": VerbShape("desk_duty", ("number",), (), NEXT["relay"]),
    "extend": VerbShape("leader", ("text", "until"), (), NEXT["extend"]),
    "decline": VerbShape("lead", ("text", "instead"), (), NEXT["decline"]),
    "decide": VerbShape("leader", ("approve",), ("text",), OPEN),
    "merge": VerbShape("desk", ("into",), (), NEXT["merge"]),
    "unmerge": VerbShape("parting", (), (), NEXT["unmerge"]),
    "resolve": VerbShape(
        "handler", ("text", "outcome"), ("until", "number", "contact", "photos"), NEXT["resolve"]
    ),
    "rate": VerbShape("poster", ("solved", "satisfaction"), ("text",), NEXT["rate"]),
    "silence": VerbShape("nobody", (), (), (Status.RESOLVED,)),
    "rectify": VerbShape("lead", ("text",), (), NEXT["rectify"]),
    "reopen": VerbShape("poster", ("text",), (), NEXT["reopen"]),
    "nudge": VerbShape("poster", (), (), NEXT["nudge"]),
    "withdraw": VerbShape("poster", (), (), NEXT["withdraw"]),
    "watch": VerbShape("reader", any_thread=True),
    "affected": VerbShape("reader", (), (), OPEN),
    "reply": VerbShape("speaker", ("text",), any_thread=True),
    "hold": VerbShape("moderator", ("reason",), any_thread=True),
    "release": VerbShape("lifter", any_thread=True),
    "pin": VerbShape("moderator", any_thread=True),
}

# The fields every step has; what else it has depends on its verb.
COMMON = ("at", "verb", "by")

# Outcomes that must say more than the answer's text.
OUTCOME_NEEDS = {"planned": ("until",), "transferred": ("number", "contact")}
