"""What was looked for, marked in the text as it was written; the text is escaped first, always."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from markupsafe import Markup, escape

from search.query import Need, Query, Word
from search.segmenter import fold, units_of

WIDTH = 80  # characters of an excerpt
LEAD = 20  # characters shown before the first hit
STOPS = "，。！？；：,.!?;:\n"

Span = tuple[int, int]
Stretch = tuple[
    int, str, int, list[Span]
]  # how many needs are met in it, its text, its beginning, all hits there


@lru_cache(maxsize=8192)
def _fold_one(cluster: str) -> str:
    return fold(cluster)


def _folded(text: str) -> tuple[str, list[int]]:
    """The fold of `text`, and for each of its characters (and its end) the offset in `text` where it begins."""
    pieces: list[str] = []
    offsets: list[int] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        piece = _fold_one(text[start:end])
        pieces.append(piece)
        offsets.extend([start] * len(piece))
        start = end
    offsets.append(len(text))
    return "".join(pieces), offsets


def _as_units(need: Need) -> tuple[str, ...]:
    return tuple(need.text) if isinstance(need, Word) else need.units


def spans(text: str, needs: Iterable[Need]) -> dict[Need, list[Span]]:
    """Where each need is met in `text`: (start, end) offsets in the text as written, in order."""
    folded, offsets = _folded(text)
    places: dict[str, dict[int, Span]] = {}
    for unit in units_of(folded):
        places.setdefault(unit.text, {})[unit.position] = (unit.start, unit.end)
    found: dict[Need, list[Span]] = {}
    for need in needs:
        row = _as_units(need)
        for position, (start, end) in places.get(row[0], {}).items():
            for step, unit_text in enumerate(row[1:], 1):
                following = places.get(unit_text, {}).get(position + step)
                if following is None:
                    break
                end = following[1]
            else:
                # A folded character may stand for several written ones: take the whole of the last.
                found.setdefault(need, []).append((offsets[start], _end(offsets, end)))
    return found


def _end(offsets: list[int], end: int) -> int:
    while end < len(offsets) - 1 and offsets[end] == offsets[end - 1]:
        end += 1
    return offsets[end]


def _joined(hits: list[Span]) -> list[Span]:
    """Hits that touch or overlap as one."""
    rows: list[Span] = []
    for low, high in sorted(hits):
        if rows and low <= rows[-1][1]:
            rows[-1] = (rows[-1][0], max(rows[-1][1], high))
        else:
            rows.append((low, high))
    return rows


def _marked(text: str, hits: list[Span], start: int, end: int) -> Markup:
    """`text[start:end]`, escaped, with the hits in it marked."""
    out = Markup("")
    at = start
    for low, high in _joined(hits):
        low, high = max(low, at), min(high, end)
        if low < high:
            out += escape(text[at:low]) + Markup("<mark>") + escape(text[low:high]) + Markup("</mark>")
            at = high
    return out + escape(text[at:end])


def marked(text: str, query: Query) -> Markup:
    """The whole of `text` as HTML with every hit in `<mark>`."""
    hits = [span for row in spans(text, query.wanted).values() for span in row]
    return _marked(text, hits, 0, len(text))


def excerpt(texts: Iterable[str], query: Query, width: int = WIDTH) -> Markup:
    """The stretch of about `width` characters in which most of the query is found, as HTML with marks.

    The first of equally good texts is taken; without any hit it is the beginning of the first text.
    """
    best: Stretch = (-1, "", 0, [])
    most = len(set(query.wanted))
    for stretch in _stretches(texts, query, width):
        if stretch[0] > best[0]:
            best = stretch
        if best[0] == most:
            break  # nothing later shows more
    _, text, low, hits = best
    if not text:
        return Markup("")
    start = _beginning(text, low)
    end = min(len(text), start + width)
    html = _marked(text, hits, start, end)
    return Markup("{}{}{}").format("…" if start else "", html, "…" if end < len(text) else "")


def _stretches(texts: Iterable[str], query: Query, width: int) -> Iterator[Stretch]:
    """Every place where an excerpt may begin, with how much of the query is found there; each text read when its turn comes."""
    for text in filter(None, texts):
        found = spans(text, query.wanted)
        hits = sorted(span for row in found.values() for span in row)
        for low in [0] if not hits else dict.fromkeys(span[0] for span in hits):
            inside = sum(any(low <= span[0] < low + width - LEAD for span in row) for row in found.values())
            yield inside, text, low, hits


def _beginning(text: str, hit: int) -> int:
    """Where an excerpt begins that shows the hit: after a stop when one is near, else some characters before."""
    if hit <= LEAD:
        return 0
    for at in range(hit - 1, hit - LEAD - 1, -1):
        if text[at] in STOPS:
            return at + 1
    return hit - LEAD
