"""The seam for inspectors: a part above may deny a verb, of a person and a case or of a department, and never allow one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest

from board import seams
from board.errors import NotAllowed, WrongState
from board.seams import veto
from boards.models import Case
from people.models import Department
from tests.builders import Cast
from tests.domain.test_case_verbs import accepted, does, kinds

Reported = Callable[[], Case]
ANSWER = "控制器已更换，灯已恢复。"


@pytest.fixture(autouse=True)
def own_vetoes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test vetoes holds for that test alone."""
    kept = defaultdict(list, {verb: list(asked) for verb, asked in seams._vetoes.items()})
    monkeypatch.setattr(seams, "_vetoes", kept)


def refused(
    reported: Reported, cast: Cast, who: str, verb: str, error: type[Exception], **words: object
) -> str:
    """What somebody is told who tries in vain; nothing happened."""
    before = kinds(reported())
    with pytest.raises(error) as found:
        does(reported, cast, who, verb, **words)
    assert kinds(reported()) == before
    return str(found.value)


def test_an_open_supervision_order_bars_the_final_answer_and_says_so(cast: Cast, reported: Reported) -> None:
    number = accepted(reported, cast).number

    @veto("case.resolve")
    def ordered(person: object, case: Case) -> bool:
        return case.number == number

    words = {"answer": ANSWER, "outcome": "solved"}
    assert "督办" in refused(reported, cast, "otto", "resolve", WrongState, **words)
    assert "resolve" not in reported().open_verbs(cast.otto), "and no button offers it"
    assert "progress" in reported().open_verbs(cast.otto), "the work goes on"


def test_whoever_has_a_conflict_of_interest_does_not_take_it_on_and_a_colleague_does(
    cast: Cast, reported: Reported
) -> None:
    related = cast.ids["otto"]

    @veto("case.accept")
    def conflict(person: object, case: Case) -> bool:
        return getattr(person, "id", None) == related

    for verb in ("accept", "answer"):
        said = refused(reported, cast, "otto", verb, NotAllowed, answer=ANSWER)
        assert said == str(NotAllowed.default)
        assert verb not in reported().open_verbs(cast.otto)
    assert "accept" in reported().open_verbs(cast.lena)
    assert accepted_by(reported, cast, "lena") == "accepted"


def accepted_by(reported: Reported, cast: Cast, who: str) -> str:
    return str(does(reported, cast, who, "accept", answer="已收到，两名民警正赶往路口。").status)


def test_it_is_not_offered_to_the_department_it_is_about(cast: Cast, reported: Reported) -> None:
    @veto("case.offer", "case.route", "case.assist")
    def accused(department: Department, case: Case) -> bool:
        return department.key == "household-police"

    there, elsewhere = (Department.by_key(key) for key in ("household-police", "kunhe"))
    said = refused(reported, cast, "otto", "offer", WrongState, to=there, reason="请你们办理。")
    assert said == refused(reported, cast, "otto", "assist", WrongState, department=there, words="请核对。")
    assert said != str(WrongState.default), "it says what is wrong"
    does(reported, cast, "otto", "offer", to=elsewhere, reason="请你们办理。")
    assert "case.offered" in kinds(reported())


def test_a_veto_allows_nothing(cast: Cast, reported: Reported) -> None:
    @veto("case.accept")
    def nobody(person: object, case: Case) -> bool:
        return False

    for who in ("vera", "hugo", "ines"):
        with pytest.raises(NotAllowed):
            does(reported, cast, who, "accept")
