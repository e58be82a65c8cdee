"""The algorithm of static/js/cursors.js in Python, so that it can be tried in thousands of disorders.

tests/journeys/test_live_cursors.py holds the two against each other in a real browser.
"""

from __future__ import annotations

from typing import Any


class Cursors:
    """Where each stream of one page stands."""

    def __init__(self, at: dict[str, int]) -> None:
        self.at = dict(at)

    def take(self, hint: dict[str, Any]) -> str:
        """`new`: apply it; `old`: known already, or not ours; `gap`: something before it is missing."""
        last = self.at.get(hint["stream"])
        if last is None or hint["seq"] <= last:
            return "old"
        if hint["seq"] > last + 1:
            return "gap"
        self.at[hint["stream"]] = hint["seq"]
        return "new"

    def catch_up(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        """What the server says came after our cursors; gives the hints to apply, in order."""
        news = [entry for entry in answer.get("entries", []) if self.take(entry) == "new"]
        for each in answer.get("reset", []):
            name, seq = each["stream"], each["seq"]
            if name not in self.at or self.at[name] == seq:
                continue
            self.at[name] = seq
            news.append({"stream": name, "seq": seq, "kind": "reset"})
        for name in answer.get("refused", []):
            if name in self.at:
                del self.at[name]
                news.append({"stream": name, "kind": "refused"})
        return news
