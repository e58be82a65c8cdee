"""One sample thread walked through, step by step, as the case's real verbs would take it.

The walk is static: it knows who serves where and which state a verb needs, not the clock or the masks. After a
mistake it goes on as if the step had been right, so that one mistake is told once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from board.i18n import _l
from board.spans import Span
from boards.cityfile.directory import Directory
from boards.cityfile.entries import ON_DUTY, SectionEntry, Step, ThreadEntry
from boards.cityfile.lines import Path
from boards.cityfile.problems import Message, Mistake, instead_of
from boards.cityfile.verbs import COMMON, OUTCOME_NEEDS, VERBS, VerbShape, Who
from boards.models.status import ANSWERABLE, BAD, RESOLVABLE, Solved, Status
from boards.scenes import SCENES

_WHO: dict[Who, Message] = {
    "duty": _l('Write by = "duty": only who is on duty then may, and rosters begin at loading'),
    "desk_duty": _l('Write by = "duty": only who is on duty then may, and rosters begin at loading'),
    "lead": _l("Only somebody who serves in the department that leads the case then"),
    "handler": _l("Only the handler; before there is one, somebody of the leading department"),
    "working": _l("Only the handler, or somebody of an assisting department"),
    "assistant": _l("Only somebody of a department that was asked to assist and has not answered"),
    "target": _l("Only somebody of the department the case is offered to"),
    "leader": _l("Only a leader of the leading department, or of one above it"),
    "desk": _l("Only somebody of the dispatch desk"),
    "lifter": _l("Only a moderator, or for a restricted post somebody of the dispatch desk"),
    "moderator": _l("Only a moderator"),
    "poster": _l("Only the poster; leave “by” out"),
    "parting": _l("Only the poster or somebody of the dispatch desk"),
    "reader": _l("Only a member who is not the poster"),
    "speaker": _l("Only members, the departments that work on it, and experts where the section has them"),
    "nobody": _l("The board does this by itself; leave “by” out"),
}


@dataclass
class CaseWalk:
    """The state of one thread and its case while its steps are followed."""

    directory: Directory
    thread: ThreadEntry
    section: SectionEntry
    rating: Span | None
    mistakes: list[Mistake] = field(default_factory=list)
    status: Status | None = Status.PENDING
    lead: str | None = None
    handler: str | None = None
    offered: str | None = None
    assisting: dict[str, bool] = field(default_factory=dict)
    proposed: Step | None = None
    held: bool = False
    acknowledged: bool = False
    resolved_at: int | None = None
    rated_badly: bool = False
    rectified: bool = False
    once: set[str] = field(default_factory=set)
    reopened: int = 0
    seen: set[tuple[str, str]] = field(default_factory=set)

    def follow(self) -> list[Mistake]:
        """Every step in order; returns what is wrong with them."""
        if self.thread.kind != "post":
            self.status = None
        self.lead = self.directory.first_lead(self.thread)
        base = self.thread.at.minute() if self.thread.at is not None else None
        latest = base
        for step in self.thread.steps:
            moment = self._moment(step, base, latest)
            if moment is not None:
                latest = moment
            if step.verb is None:
                continue
            shape = VERBS[step.verb]
            self._fields(step, shape)
            if self._state(step, shape):
                self._actor(step, shape)
            self._apply(step, moment)
        return self.mistakes

    # --- what every step must keep ----------------------------------------------------------------

    def _wrong(self, path: Path, message: Message, remedy: Message) -> None:
        self.mistakes.append(Mistake(path, message, remedy))

    def _moment(self, step: Step, base: int | None, latest: int | None) -> int | None:
        """Minutes from a midnight loading; also: not before the step above, never after loading."""
        if step.at is None or base is None or latest is None:
            return None
        path = (*step.path, "at")
        clocked = self.thread.at.clock is not None
        moment = step.at.minute(base, clocked=clocked)
        if moment is None:
            self._wrong(
                path,
                _l("A post that begins minutes before loading cannot have steps at a time of day"),
                _l("Write “+12m”, or give the post a time of day too"),
            )
            return None
        if moment < latest:
            self._wrong(
                path, _l("This step lies before the one above it"), _l("Put the steps in their order")
            )
        elif moment > 0 or (moment == 0 and not clocked):
            self._wrong(
                path,
                _l("This step would lie in the future when the city is loaded early in the day"),
                _l("Let the post begin earlier, or the step come sooner"),
            )
        if step.until is not None:
            until = step.until.minute(base, clocked=clocked)
            if until is not None and until <= moment:
                self._wrong(
                    (*step.path, "until"),
                    _l("“until” lies before the step itself"),
                    _l("Count it from the post, like “at”, and put it later"),
                )
        return moment

    def _fields(self, step: Step, shape: VerbShape) -> None:
        given = {
            name
            for name, value in vars(step).items()
            if name != "path" and value not in ("", None, False, ())
        }
        if step.approve is False:
            given.add("approve")
        needs = set(shape.needs) | set(OUTCOME_NEEDS.get(step.outcome or "", ()))
        for name in sorted(needs - given):
            self._wrong(
                step.path,
                _l("“%(verb)s” needs “%(key)s”", verb=step.verb, key=name),
                _l("Add it to this step"),
            )
        for name in sorted(given - needs - set(shape.may) - set(COMMON)):
            self._wrong(
                (*step.path, name),
                _l("“%(verb)s” takes no “%(key)s”", verb=step.verb, key=name),
                _l("Take it out of this step"),
            )
        for scene in step.photos:
            if scene not in SCENES:
                self._unknown_value((*step.path, "photos"), scene, SCENES)
        if step.to:
            to_person = step.verb in ("assign", "instruct")
            known = self.directory.people() if to_person else self.directory.departments
            if step.to not in known:
                self._unknown(step, "to", known)

    def _unknown(self, step: Step, name: str, known: Any) -> None:
        self._unknown_value((*step.path, name), str(getattr(step, name)), known)

    def _unknown_value(self, path: Path, value: str, known: Any) -> None:
        self._wrong(path, _l("“%(key)s” is not known here", key=value), instead_of(value, known))

    def _state(self, step: Step, shape: VerbShape) -> bool:
        """Whether the case is in a state the verb starts from."""
        path = (*step.path, "verb")
        if shape.any_thread:
            return True
        if self.status is None:
            self._wrong(
                path,
                _l("“%(verb)s” needs a case, and a notice or guide has none", verb=step.verb),
                _l("Use reply, watch, hold, release or pin, or make the thread a post"),
            )
            return False
        if self.status not in shape.states:
            self._wrong(
                path,
                _l(
                    "“%(verb)s” cannot happen while the case is “%(status)s”",
                    verb=step.verb,
                    status=self.status,
                ),
                _l(
                    "It starts from: %(states)s. Put the step that leads there before it",
                    states=", ".join(shape.states),
                ),
            )
            return False
        if problem := self._blocked(step):
            self._wrong(path, *problem)
            return False
        return True

    def _blocked(self, step: Step) -> tuple[Message, Message] | None:
        """What else keeps a verb from happening now."""
        waiting = self._open_tasks()
        rules: dict[str, tuple[bool, Message, Message]] = {
            "acknowledge": (
                self.acknowledged,
                _l("It has been acknowledged already"),
                _l("Take this step out"),
            ),
            "take": (not self.offered, _l("Nothing is offered"), _l("Put an “offer” before it")),
            "return": (not self.offered, _l("Nothing is offered"), _l("Put an “offer” before it")),
            "offer": (
                bool(self.offered),
                _l("The case is offered already"),
                _l("Put “take” or “return” before it"),
            ),
            "resolve": (
                bool(waiting),
                _l("Assisting departments have not answered: %(names)s", names=", ".join(waiting)),
                _l("Put “assist_answer” or “assist_waive” before it"),
            ),
            "decide": (
                self.proposed is None,
                _l("There is nothing to decide"),
                _l("Put “decline” or “suspend” before it"),
            ),
            "rectify": (
                not self.rated_badly,
                _l("Nobody has rated it badly"),
                _l("Put a bad rating before it"),
            ),
            "reopen": (
                self.reopened >= 2,
                _l("A poster reopens twice alone"),
                _l("Take this step out"),
            ),
            "extend": ("extend" in self.once, _l("Once a round is all"), _l("Take this step out")),
            "suspend": ("suspend" in self.once, _l("Once a round is all"), _l("Take this step out")),
            "assist_waive": (
                bool(step.to) and not self.assisting.get(step.to, False),
                _l("That department has no open task"),
                _l("Put “assist” before it"),
            ),
            "unmerge": (
                "merge" not in self.once,
                _l("The case is not merged"),
                _l("Put “merge” before it"),
            ),
            "rate": (
                self.status == Status.CLOSED and self.resolved_at is None,
                _l("There is no answer to rate"),
                _l("Put “resolve” before it"),
            ),
        }
        if step.verb in ("decline", "suspend") and self.proposed is not None:
            return _l("Another proposal is waiting for its decision"), _l("Put “decide” before it")
        if step.verb == "rate" and self.rated_badly and not self.rectified:
            return _l("A bad rating waits for another officer's answer"), _l("Put “rectify” before it")
        broken, message, remedy = rules.get(step.verb, (False, "", ""))
        return (message, remedy) if broken else None

    def _actor(self, step: Step, shape: VerbShape) -> None:
        path = (*step.path, "by") if step.by else step.path
        who = step.by or self.thread.by
        duty = step.by == ON_DUTY and shape.who in ("duty", "desk_duty")
        if step.by and not duty and step.by not in self.directory.people():
            self._unknown(step, "by", self.directory.people())
            return
        if not step.by and shape.who not in ("poster", "parting", "nobody"):
            self._wrong(step.path, _l("“%(verb)s” needs “by”", verb=step.verb), _WHO[shape.who])
        elif not self._may(step, who, shape.who):
            self._wrong(path, _l("“%(who)s” cannot do this", who=who), _WHO[shape.who])
        elif step.verb == "rectify" and self.handler in (who, ON_DUTY):
            self._wrong(
                path,
                _l("The officer who was rated badly cannot answer again"),
                _l("Name another officer of that department"),
            )
        elif step.verb == "ask" and "ask" in self.once and not self.directory.leads(who, self.lead):
            self._wrong(path, _l("A second question in a round needs a leader"), _WHO["leader"])
        elif step.verb == "assign" and step.to and not self.directory.serves(step.to, self.lead):
            self._wrong((*step.path, "to"), _l("“%(who)s” cannot do this", who=step.to), _WHO["lead"])

    def _may(self, step: Step, who: str, kind: Who) -> bool:
        here = self.directory
        desk = any(here.serves(who, each) for each in here.desks)
        lead = here.serves(who, self.lead)
        handler = who == self.handler or here.leads(who, self.lead) if self.handler else lead
        helping = [key for key in self._open_tasks() if here.serves(who, key)]
        poster = who == self.thread.by
        allowed: dict[Who, bool] = {
            "duty": who == ON_DUTY or who in here.leaders(self.lead),
            "desk_duty": who == ON_DUTY,
            "lead": lead,
            "handler": handler,
            "working": handler or bool(helping),
            "assistant": bool(helping),
            "target": here.serves(who, self.offered),
            "leader": here.leads(who, self.lead),
            "desk": desk,
            "lifter": here.has_role(who, "moderator") if self.held else self.thread.restricted and desk,
            "moderator": here.has_role(who, "moderator"),
            "poster": poster,
            "parting": poster or desk,
            "reader": not poster and who in here.members,
            "nobody": not step.by,
            "speaker": self._speaks(who),
        }
        return allowed[kind]

    def _speaks(self, who: str) -> bool:
        """Whether `who` may reply: nobody does under a case that is merged, which points to the main one."""
        here = self.directory
        if "merge" in self.once:
            return False
        if who in here.members:
            return True
        if self.section.experts and here.has_role(who, "expert"):
            return True
        offices = (
            [self.section.default_department] if self.status is None else [self.lead, *self._open_tasks()]
        )
        return any(here.serves(who, each) for each in offices)

    def _open_tasks(self) -> list[str]:
        return [key for key, is_open in self.assisting.items() if is_open]

    # --- what a step does -------------------------------------------------------------------------

    def _apply(self, step: Step, moment: int | None) -> None:
        who = step.by or self.thread.by
        match step.verb:
            case "route" | "take":
                target = step.to if step.verb == "route" else self.offered
                if target in self.directory.departments:
                    self.lead = target
                self.offered, self.handler, self.acknowledged = None, None, False
            case "acknowledge":
                self.acknowledged = True
            case "accept":
                self.status, self.acknowledged = Status.ACCEPTED, True
            case "claim" | "assign":
                self.status = Status.IN_PROGRESS
                self.handler = step.to if step.verb == "assign" else who
            case "ask":
                self.status, self.handler = Status.WAITING_POSTER, self.handler or who
                self.once.add("ask")
            case "supplement" | "resume":
                self.status = Status.IN_PROGRESS
            case "suspend" | "decline":
                self.proposed = step
            case "decide":
                self._decided(step)
            case "offer":
                self.offered = step.to
            case "return":
                self.offered = None
            case "assist":
                self.assisting[step.to] = True
            case "assist_answer":
                for key in self.assisting:
                    if self.directory.serves(who, key):
                        self.assisting[key] = False
            case "assist_waive":
                self.assisting[step.to] = False
            case "extend":
                self.once.add("extend")
            case "merge":
                self.status = Status.CLOSED
                self.once.add("merge")
                self._merged(step)
            case "unmerge":
                self.status = Status.PENDING
                self.once.discard("merge")
            case "answer" | "resolve":
                self._resolved(step, who, moment)
            case "rate":
                self._rated(step)
            case "silence":
                self._silent(step, moment)
            case "rectify":
                self.rectified, self.resolved_at = True, moment
            case "reopen":
                self.status, self.handler, self.rated_badly, self.rectified = (
                    Status.ACCEPTED,
                    None,
                    False,
                    False,
                )
                self.once -= {"ask", "extend", "suspend"}
                self.reopened += 1
            case "withdraw":
                self.status = Status.CLOSED
            case "reply":
                if who == self.thread.by and self.status == Status.WAITING_POSTER:
                    self.status = Status.IN_PROGRESS
            case "watch" | "affected":
                self._again(step, who)
            case "hold" | "release":
                self._held(step)

    def _decided(self, step: Step) -> None:
        if self.proposed is not None and step.approve:
            declined = self.proposed.verb == "decline"
            self.status = Status.CLOSED if declined else Status.SUSPENDED
            self.once.add(self.proposed.verb)
        self.proposed = None

    def _resolved(self, step: Step, who: str, moment: int | None) -> None:
        chosen = ANSWERABLE if step.verb == "answer" else RESOLVABLE
        if step.outcome is not None and step.outcome not in chosen:
            self._wrong(
                (*step.path, "outcome"),
                _l("“%(verb)s” cannot end as “%(outcome)s”", verb=step.verb, outcome=step.outcome),
                _l("Use one of: %(names)s", names=", ".join(chosen)),
            )
        self.status, self.resolved_at, self.acknowledged = Status.RESOLVED, moment, True
        self.handler = who if step.verb == "answer" or self.handler is None else self.handler

    def _rated(self, step: Step) -> None:
        bad = step.solved == Solved.NO or step.satisfaction in BAD
        if bad:
            self.rated_badly, self.rectified = True, False
        else:
            self.status = Status.CLOSED

    def _silent(self, step: Step, moment: int | None) -> None:
        window = self.rating.amount if self.rating is not None else None
        if (
            isinstance(window, timedelta)
            and moment is not None
            and self.resolved_at is not None
            and moment - self.resolved_at < window // timedelta(minutes=1)
        ):
            self._wrong(
                (*step.path, "at"),
                _l("The poster may rate until %(window)s after the answer", window=str(self.rating)),
                _l("Put the step later"),
            )
        self.status = Status.CLOSED

    def _merged(self, step: Step) -> None:
        path = (*step.path, "into")
        parent = self.directory.threads.get(step.into)
        if not step.into:
            return
        if parent is None:
            self._unknown(step, "into", self.directory.threads)
        elif parent.key == self.thread.key:
            self._wrong(path, _l("A case cannot be merged into itself"), _l("Name the other thread"))
        elif parent.kind != "post" or any(each.verb == "merge" for each in parent.steps):
            self._wrong(
                path,
                _l("“%(key)s” cannot take another case in", key=step.into),
                _l("Name a post that is not merged itself"),
            )

    def _again(self, step: Step, who: str) -> None:
        if (step.verb, who) in self.seen:
            self._wrong(
                (*step.path, "by"),
                _l("“%(who)s” has done this already", who=who),
                _l("Take this step out"),
            )
        self.seen.add((step.verb, who))

    def _held(self, step: Step) -> None:
        holding = step.verb == "hold"
        if holding == self.held and (holding or not self.thread.restricted):
            message = _l("The thread is held already") if holding else _l("The thread is not held")
            self._wrong((*step.path, "verb"), message, _l("Take this step out"))
        self.held = holding
