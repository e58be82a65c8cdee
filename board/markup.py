"""Plain text becomes HTML: paragraphs, lists and links, and nothing else.

Everything is escaped first, our own few tags are put around it, and bleach is the last gate. Run it when a text is
written and store the result; it costs milliseconds.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import bleach
from markupsafe import Markup, escape

__all__ = ["BLACKOUT", "Chip", "Span", "plain_links", "render"]

BLACKOUT = "blackout"
# Always the same length: the bar must not tell how much it covers.
_BAR = "■■■■"

_TAGS = frozenset({"p", "br", "ul", "ol", "li", "a", "span"})
_ATTRIBUTES = {"a": ["href", "rel", "class"], "span": ["class", "role", "aria-label"], "li": ["value"]}
_PROTOCOLS = frozenset({"http", "https"})

# ASCII only: Chinese text and punctuation ends an address. A name with @ in front of the host is left alone, it only
# serves to look like another site.
_URL = re.compile(
    r"(?<![A-Za-z0-9])https?://(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?::[0-9]{1,5})?(?![A-Za-z0-9@])"
    r"(?:[/?#][!#-;=?-Z\[\]_a-z~%*]*)?",
    re.IGNORECASE,
)
_URL_END = ".,;:!?'*_~"
_HREF = re.compile(r"https?://[A-Za-z0-9]|/(?![/\\])", re.IGNORECASE)
_BULLET = re.compile(r"[ \u3000]{0,8}[-*•][ \u3000]+(?=\S)")
_NUMBER = re.compile(r"[ \u3000]{0,8}([0-9]{1,3})(?:[.．][ \u3000]+|、[ \u3000]*)(?=\S)")
_QUOTE = re.compile(r"^[ \t\u3000]*[>＞].*$", re.MULTILINE)
_CODE = re.compile(r"```[\s\S]*?(?:```|\Z)|`[^`\n]+`")


@dataclass(frozen=True, slots=True)
class Chip:
    """Something that stands in place of `text[start:end]`: a named department, or a bar over words taken back.

    `label` is what is read: the chip's own words, or, for a bar, what a screen reader says. `href` is a path of this
    site, an http(s) address, or None. Raises ValueError for any other address.
    """

    start: int
    end: int
    html_class: str
    href: str | None
    label: str

    def __post_init__(self) -> None:
        if self.href is not None and not _HREF.match(self.href):
            raise ValueError(f"a chip cannot lead to {self.href!r}")
        if not 0 <= self.start < self.end:
            raise ValueError("a chip covers at least one character")

    @classmethod
    def blackout(cls, start: int, end: int, label: str) -> Chip:
        """A black bar over `text[start:end]`; neither the words nor their number can be read from it."""
        return cls(start, end, BLACKOUT, None, label)


class Span(NamedTuple):
    """A stretch of text, `text[start:end]`, and what it is: `link`, `quote` or `code`."""

    start: int
    end: int
    kind: str


class _Line(NamedTuple):
    start: int
    end: int
    kind: str  # "text", "blank", "bullet", "number"
    value: int


def render(text: str, *, chips: Sequence[Chip] = ()) -> Markup:
    """The text as safe HTML.

    A blank line ends a paragraph, a single one is a `<br>`; lines that begin with `- `, `* `, `1. ` or `1、` are list
    items and keep their numbers; bare http(s) addresses are links. Chips may come in any order; where two overlap, a
    black bar wins, else the first; words under a bar are nowhere in the result, nor in the address of a link.
    """
    placed = _placed(chips, len(text))
    html: list[str] = []
    open_block = ""
    following = 0
    for line in _lines(text, placed):
        block = {"text": "p", "bullet": "ul", "number": "ol"}.get(line.kind, "")
        inline = _inline(text, line.start, line.end, placed) if block else ""
        if block != open_block:
            if open_block:
                html.append(f"</{open_block}>")
            if block:
                html.append(f"<{block}>")
            following = 1
        elif block == "p":
            html.append("<br>")
        open_block = block
        if block == "ul":
            html.append(f"<li>{inline}</li>")
        elif block == "ol":
            html.append(f'<li value="{line.value}">' if line.value != following else "<li>")
            html.append(f"{inline}</li>")
            following = line.value + 1
        else:
            html.append(inline)
    if open_block:
        html.append(f"</{open_block}>")
    return Markup(
        bleach.clean("".join(html), tags=_TAGS, attributes=_ATTRIBUTES, protocols=_PROTOCOLS, strip=False)
    )


def _placed(chips: Sequence[Chip], length: int) -> list[Chip]:
    """The chips that can be shown, in order and without overlap."""
    bars: list[Chip] = []
    for chip in sorted((chip for chip in chips if chip.html_class == BLACKOUT), key=lambda chip: chip.start):
        if bars and chip.start < bars[-1].end:
            longer = max(bars[-1].end, chip.end)
            bars[-1] = Chip.blackout(bars[-1].start, longer, bars[-1].label)
        elif chip.start < length:
            bars.append(chip)
    others: list[Chip] = []
    last = 0
    for chip in sorted(
        (chip for chip in chips if chip.html_class != BLACKOUT), key=lambda chip: (chip.start, chip.end)
    ):
        if last <= chip.start and chip.end <= length:
            others.append(chip)
            last = chip.end
    shown = [chip for chip in others if not _overlaps(chip, bars)]
    return sorted([*bars, *shown], key=lambda chip: chip.start)


def _overlaps(chip: Chip, bars: list[Chip]) -> bool:
    at = bisect_right(bars, chip.start, key=lambda bar: bar.end)
    return at < len(bars) and bars[at].start < chip.end


def _lines(text: str, chips: list[Chip]) -> Iterator[_Line]:
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        bullet = _BULLET.match(line)
        number = _NUMBER.match(line)
        if not line.strip():
            yield _Line(start, end, "blank", 0)
        elif bullet and not _covered(chips, start, start + bullet.end()):
            yield _Line(start + bullet.end(), end, "bullet", 0)
        elif number and not _covered(chips, start, start + number.end()):
            yield _Line(start + number.end(), end, "number", int(number[1]))
        else:
            yield _Line(start, end, "text", 0)
        start = end + 1


def _covered(chips: list[Chip], start: int, end: int) -> bool:
    at = bisect_right(chips, start, key=lambda chip: chip.end)
    return at < len(chips) and chips[at].start < end


def _inline(text: str, start: int, end: int, chips: list[Chip]) -> str:
    parts: list[str] = []
    at = start
    for index in range(bisect_right(chips, start, key=lambda chip: chip.end), len(chips)):
        chip = chips[index]
        if chip.start >= end:
            break
        parts.append(_linked(text[at : max(at, chip.start)]))
        # A bar over several lines is drawn on each of them, any other chip only where it begins.
        if chip.start >= start or chip.html_class == BLACKOUT:
            parts.append(_chip(chip))
        at = min(chip.end, end)
    parts.append(_linked(text[at:end]))
    return "".join(parts)


def _chip(chip: Chip) -> str:
    if chip.html_class == BLACKOUT:
        return f'<span class="{BLACKOUT}" role="img" aria-label="{escape(chip.label)}">{_BAR}</span>'
    if chip.href is None:
        return f'<span class="{escape(chip.html_class)}">{escape(chip.label)}</span>'
    rel = "" if chip.href.startswith("/") else ' rel="nofollow ugc noopener"'
    return f'<a class="{escape(chip.html_class)}" href="{escape(chip.href)}"{rel}>{escape(chip.label)}</a>'


def _linked(piece: str) -> str:
    parts: list[str] = []
    at = 0
    for start, end in _urls(piece):
        address = escape(piece[start:end])
        parts += [escape(piece[at:start]), f'<a href="{address}" rel="nofollow ugc noopener">{address}</a>']
        at = end
    parts.append(escape(piece[at:]))
    return "".join(parts)


def _urls(text: str) -> Iterator[tuple[int, int]]:
    for found in _URL.finditer(text):
        start, end = found.span()
        opened = text.count("(", start, end)
        closed = text.count(")", start, end)
        while text[end - 1] in _URL_END or (text[end - 1] == ")" and closed > opened):
            closed -= text[end - 1] == ")"
            end -= 1
        yield start, end


def plain_links(text: str) -> list[Span]:
    """What in a text is not the poster's own running words: links, quoted lines (`>` or `＞`), code in backticks.

    In the order of the text; a stretch inside a longer one is left out, others do not overlap.
    """
    spans = [Span(start, end, "link") for start, end in _urls(text)]
    spans += [Span(*found.span(), "quote") for found in _QUOTE.finditer(text)]
    spans += [Span(*found.span(), "code") for found in _CODE.finditer(text)]
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:
            kept.append(Span(kept[-1].end, span.end, span.kind))
    return kept
