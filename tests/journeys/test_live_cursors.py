"""The cursors of the browser and those of the proof are one algorithm: a real Chromium plays the same disorders."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.cursors import Cursors

SCRIPT = Path(__file__).resolve().parents[2] / "static" / "js" / "cursors.js"
STREAMS = ("person:a", "case:b", "department:c")

PLAY = """(games) => games.map(({ at, acts }) => {
  const cursors = new Cursors(at);
  const said = acts.map(([act, what]) => (act === "take" ? cursors.take(what) : cursors.catchUp(what)));
  return { said, at: cursors.at };
})"""


def game(seed: int) -> dict[str, Any]:
    """Cursors and what happens to them: hints in any order, answers late and early, resets and refusals."""
    dice = random.Random(seed)
    at = {name: dice.randint(0, 3) for name in STREAMS[: dice.randint(1, 3)]}
    acts: list[tuple[str, dict[str, Any]]] = []
    for _ in range(dice.randint(1, 12)):
        if dice.random() < 0.6:
            acts.append(("take", {"stream": dice.choice(STREAMS), "seq": dice.randint(0, 8)}))
            continue
        answer: dict[str, Any] = {}
        if dice.random() < 0.8:
            name, first = dice.choice(STREAMS), dice.randint(1, 5)
            answer["entries"] = [
                {"stream": name, "seq": first + place, "kind": "n"} for place in range(dice.randint(0, 4))
            ]
        if dice.random() < 0.3:
            answer["reset"] = [{"stream": dice.choice(STREAMS), "seq": dice.randint(0, 9)}]
        if dice.random() < 0.2:
            answer["refused"] = [dice.choice(STREAMS)]
        acts.append(("catch_up", answer))
    return {"at": at, "acts": acts}


@pytest.mark.browser
def test_the_browser_counts_as_the_proof_does(browser):
    games = [game(seed) for seed in range(500)]
    page = browser.new_page()
    source = SCRIPT.read_text(encoding="utf-8")
    page.add_script_tag(type="module", content=f"{source}\nwindow.Cursors = Cursors;")
    page.wait_for_function("() => Boolean(window.Cursors)")
    played = page.evaluate(PLAY, games)
    page.close()
    for each, browsers in zip(games, played, strict=True):
        cursors = Cursors(each["at"])
        said = [cursors.take(what) if act == "take" else cursors.catch_up(what) for act, what in each["acts"]]
        assert browsers == {"said": said, "at": cursors.at}
