"""What is written about the house is true: links lead somewhere, commands exist, and it speaks of itself alone."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from flask import Flask

from board import create_app
from tests.conftest import settings

HOUSE = Path(__file__).resolve().parents[2]
# The files of the house: what git would hand to somebody, or, outside a clone, everything that was not installed.
LEFT_OUT = (
    "node_modules",
    ".venv",
    "instance",
    "static/vendor",
    ".git",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
)


def files() -> list[Path]:
    answer = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=HOUSE, capture_output=True, text=True, check=False
    )  # fmt: skip
    if answer.returncode == 0:
        found = [HOUSE / name for name in answer.stdout.splitlines()]
    else:
        found = [path for path in HOUSE.rglob("*") if not str(path.relative_to(HOUSE)).startswith(LEFT_OUT)]
    return [path for path in found if path.is_file() and path.name not in ("package-lock.json", "LICENSE")]


def words(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


PAGES = sorted([*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md")])


def anchor(heading: str) -> str:
    """The address of a heading inside its page, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_every_link_of_a_page_leads_to_something(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", words(page)):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _hash, fragment = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists():
            broken.append(target)
        elif fragment and found.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", words(found), re.MULTILINE)
            if fragment not in map(anchor, headings):
                broken.append(target)

    assert broken == []


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(settings(tmp_path_factory.mktemp("docs")))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_every_command_that_a_page_names_exists(page: Path, app: Flask) -> None:
    text = words(page)
    scripts = set(re.findall(r"(?<![\w/.])((?:bin|\.ci|bench)/[\w.-]+)", text))
    missing = [name for name in scripts if not (HOUSE / name).is_file() and not (HOUSE / name).is_dir()]
    for line in re.findall(r"flask ((?:[a-z][\w-]*)(?: [a-z][\w-]*)?)", text):
        first, _space, second = line.partition(" ")
        command = app.cli.commands.get(first)
        if command is None and first not in ("run", "shell", "routes", "db"):
            missing.append(f"flask {first}")
        group = getattr(command, "commands", None)
        if group is not None and second and second not in group:
            missing.append(f"flask {line}")

    assert missing == []


OURS = ("board", "people", "boards", "complaints", "notifications", "search", "templates", "static", "translations", "city", "migrations",
        "tests", "bin", "docs", "bench")  # fmt: skip


def test_every_file_and_folder_that_a_page_names_is_there() -> None:
    missing = [
        f"{page.name}: {name}"
        for page in PAGES
        for name in re.findall(r"`([\w./-]+/[\w./-]*\w(?:\.\w+)?/?)`", words(page))
        if name.split("/")[0] in OURS and not (HOUSE / name).exists()
    ]

    assert missing == []


def test_every_setting_that_a_page_names_is_read_somewhere() -> None:
    code = "".join(words(path) for path in files() if path.suffix in (".py", "") and "docs" not in path.parts)
    named = {name for page in PAGES for name in re.findall(r"\b((?:BOARD|TEST)_[A-Z_]+)\b", words(page))}

    assert [name for name in sorted(named) if name not in code] == []


def test_decisions_are_numbered_without_a_gap_and_each_says_what_was_chosen_and_why() -> None:
    found = sorted((HOUSE / "docs" / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in found]

    assert numbers == list(range(1, len(found) + 1))
    for number, path in zip(numbers, found, strict=True):
        text = words(path)
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
        assert text.startswith(f"# {number}. "), path.name
        assert re.search(r"\*\*Chosen\*\*|^## Decision", text, re.MULTILINE), path.name
        assert re.search(r"\*\*(Why|Instead of)\*\*|^## (Context|Why|Consequences)", text, re.MULTILINE), (
            path.name
        )


def test_the_version_is_named_in_the_list_of_changes() -> None:
    version = tomllib.loads(words(HOUSE / "pyproject.toml"))["project"]["version"]
    headings = re.findall(r"^## (.+)$", words(HOUSE / "CHANGELOG.md"), re.MULTILINE)

    assert any(version in each for each in headings) or headings[0] == "Unreleased"


# --- what the house does not speak of --------------------------------------------------------------------

SPOKEN = [
    path
    for path in files()
    if path.suffix in (".py", ".md", ".html", ".js", ".css", ".toml", ".po", ".ini", ".in", ".mako", "")
]
# Written so that this file does not hold them itself.
FOREIGN = {
    "a place of one machine": re.compile(r"(?<![\w/.*\\}\])])/(?:work|root|home/\w+)/[\w.]"),
    "a folder that only one machine has": re.compile(r"(?<![\w.])/tm" + r"p/"),
    "the number of a ticket": re.compile(r"(?<![\w&#/\"'(={])#\d{1,4}\b(?![-\w;]|\"|')"),
    "those who wrote it": re.compile(r"\b(?:chat" + r"gpt|clau" + r"de|anth" + r"ropic|open" + r"ai|copi" + r"lot|L" + r"LM|sub" + r"agent)\b", re.IGNORECASE),
    "the day's work": re.compile(r"\b(?:this|our|my|the (?:last|next|previous|current)) (?:ses" + r"sion|is" + r"sue|bri" + r"ef|sprint)\b", re.IGNORECASE),
    "work that was left": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(FOREIGN))
def test_no_file_speaks_of(what: str) -> None:
    found = []
    for path in SPOKEN:
        for number, line in enumerate(words(path).splitlines(), 1):
            if FOREIGN[what].search(line) and not (path.suffix == ".css" and "#" in line):
                found.append(f"{path.relative_to(HOUSE)}:{number}: {line.strip()[:100]}")

    assert found == []


# Not addresses that a browser would fetch: names of namespaces, and the two places a text may point to.
NAMES_ONLY = re.compile(r"https?://(?:www\.w3\.org/|localhost|127\.0\.0\.1|example\.(?:com|net|org)|\{|%|…)")


def test_pages_and_scripts_fetch_nothing_from_strangers() -> None:
    found = []
    for folder in ("templates", "static"):
        for path in sorted((HOUSE / folder).rglob("*")):
            if not path.is_file() or "vendor" in path.parts:
                continue
            text = re.sub(r"<!--.*?-->|\{#.*?#\}|/\*.*?\*/", "", words(path), flags=re.DOTALL)
            addresses = re.findall(r"""(?:https?:)?//[\w-]+(?:\.[\w-]+)+[^\s"'<>)]*""", text)
            found += [
                f"{path.relative_to(HOUSE)}: {each[:80]}"
                for each in addresses
                if not NAMES_ONLY.match(each if each.startswith("http") else f"http:{each}")
            ]

    assert found == []


def markup_of() -> list[tuple[str, str]]:
    """Every template without its comments."""
    return [
        (str(path.relative_to(HOUSE)), re.sub(r"\{#.*?#\}", "", words(path), flags=re.DOTALL))
        for path in sorted((HOUSE / "templates").rglob("*.html"))
    ]


def test_templates_hold_no_script_no_style_and_no_handler() -> None:
    wrong = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b")

    assert [f"{name}: {each}" for name, text in markup_of() for each in wrong.findall(text)] == []


def test_what_readers_see_stands_in_the_catalogues_in_both_languages() -> None:
    """No Chinese sentence in a template: only the name of the language itself."""
    found = [
        f"{name}: {line.strip()[:60]}"
        for name, text in markup_of()
        for line in text.replace('"中文"', "").splitlines()
        if re.search(r"[\u4e00-\u9fff]{2,}", line)
    ]

    assert found == []
