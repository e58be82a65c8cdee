"""What the poster of a case may do now, and whether it is his turn.

The rules of `policy.py` and the verbs themselves decide; here the answer is put together for a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from board.i18n import _
from board.permissions import may
from boards.models.holder import Poster, posted_by
from boards.models.rating import Rating
from boards.models.status import Outcome, Status
from boards.sentences import QUOTED, first_sentence, newest

if TYPE_CHECKING:
    from boards.models.case import Case


@dataclass(frozen=True)
class Turn:
    """It is the poster's turn: what to do in one sentence, its link on the page, and the link's words."""

    words: str
    url: str
    label: str
    icon: str


# What a poster can do; the page offers no more than the verbs would take.
POSTERS = ("rate", "reopen", "nudge", "withdraw", "follow_up", "unmerge", "supplement")


def acts(case: Case, person: Poster | None) -> set[str]:
    """Which of POSTERS `person` may do and could do at this moment."""
    if person is None or person.is_staff:
        return set()
    return {verb for verb in POSTERS if may(person, f"case.{verb}", case) and case.can(verb, person)}


def ratings_of(case: Case, person: Poster) -> list[Rating]:
    """The versions of this person's rating of the round, oldest first."""
    return [each for each in case.ratings if each.round == case.round and each.given_by(person)]


def awaits_rating(case: Case, person: Poster) -> bool:
    """Whether the newest answer still waits for this person's rating."""
    given = ratings_of(case, person)
    return case.status == Status.RESOLVED and (not given or given[-1].answer < case.answers_given())


def turn(case: Case, person: Poster | None, open_acts: set[str]) -> Turn | None:
    """The one thing the board waits for from this person; None when it is not his turn."""
    if not posted_by(case.thread, person):
        return None
    if "supplement" in open_acts and case.status == Status.WAITING_POSTER:
        quote = newest([case], QUOTED[Status.WAITING_POSTER]).get(case.id)
        question = first_sentence(quote.words, 120) if quote else ""
        return Turn(
            _("The department asks: %(question)s", question=question),
            "#reply",
            _("Answer"),
            "message-square-plus",
        )
    if "follow_up" in open_acts:
        words = (
            _("The planned date has come. Is it done?")
            if case.outcome == Outcome.PLANNED
            else _("It was passed outside. Has anybody called you?")
        )
        return Turn(words, "#follow-up", _("Say how it is"), "circle-check")
    if person is not None and "rate" in open_acts and awaits_rating(case, person):
        return Turn(_("How was this handled?"), "#rate", _("Rate it"), "star")
    return None


__all__ = ["POSTERS", "Turn", "acts", "awaits_rating", "ratings_of", "turn"]
