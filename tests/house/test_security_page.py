"""The threat model names what holds it, and what it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
PAGE = HOUSE / "docs" / "security.md"


def rows() -> list[list[str]]:
    """The cells of each threat."""
    table = PAGE.read_text("utf-8").partition("## Threats")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_threat_names_a_test_that_there_is() -> None:
    found = rows()
    assert len(found) >= 40
    for threat, _answer, held in found:
        named = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", held)
        assert named, threat
        tree = ast.parse((HOUSE / named[1]).read_text("utf-8"))
        tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert named[2] in tests, held


def test_no_threat_stands_twice() -> None:
    threats = [row[0] for row in rows()]
    assert len(threats) == len(set(threats))


def test_whoever_finds_a_hole_finds_where_to_say_it() -> None:
    assert "SECURITY.md" in (HOUSE / "CONTRIBUTING.md").read_text("utf-8")
    assert "docs/security.md" in (HOUSE / "SECURITY.md").read_text("utf-8")
