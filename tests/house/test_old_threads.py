"""Files of old threads as they are found in life, which no test of the house may hold: named with --old-threads FOLDER."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from board.db import db
from board.errors import Invalid
from boards import importing
from boards.models import Thread
from tests.builders import Cast


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a file of the folder."""
    folder = metafunc.config.getoption("--old-threads")
    files = sorted(folder.glob("*.csv")) if folder else []
    if folder and not files:
        raise pytest.UsageError(f"--old-threads: there is no CSV file in {folder}")
    metafunc.parametrize("file", files, ids=lambda path: path.name)


def taken_in() -> set[str]:
    """The ids of the rows that hang on the board."""
    sources = db.session.scalars(select(Thread.source).where(Thread.source.like("import:traffic:%")))
    found = {str(source).removeprefix("import:traffic:") for source in sources}
    db.session.rollback()
    return found


def read(file: Path) -> tuple[list[importing.Row], str]:
    """The rows of a file, or why it is none of old threads."""
    try:
        return importing.read(file), ""
    except Invalid as error:
        return [], str(error)


@pytest.mark.old_threads
@pytest.mark.timeout(1800)
def test_every_row_is_in_or_in_the_report(app: Flask, cast: Cast, tmp_path: Path, file: Path) -> None:
    report = tmp_path / "not-taken.csv"

    def bring_in() -> tuple[int, str]:
        words = ["import", "threads", str(file), "--section", "traffic", "--report", str(report)]
        answer = app.test_cli_runner().invoke(args=words)
        return answer.exit_code, answer.output

    code, said = bring_in()
    print(said.strip().splitlines()[-1])
    rows, refused = read(file)
    if refused:
        assert (code, taken_in()) == (1, set())
        assert refused in said
        return

    assert code == 0, said
    with report.open(encoding="utf-8", newline="") as lines:
        refused_rows = {(row["line"], row["id"]): row["reason"] for row in csv.DictReader(lines)}
    inside = taken_in()
    assert rows
    for row in rows:
        reason = refused_rows.get((str(row.line), row.id))
        assert row.id.strip() in inside or reason, (row.line, row.id)
    print(Counter(refused_rows.values()).most_common())

    assert bring_in()[0] == 0
    assert taken_in() == inside
