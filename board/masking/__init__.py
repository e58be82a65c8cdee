"""What belongs to one person is covered before a text leaves for the public.

Covered are resident identity numbers (GB 11643), mobile and landline numbers, bank cards, number plates, rooms and
units of homes, passports and travel permits, mail addresses and chat ids; in members' replies links as well. They are
found also when they are written full-width, in Chinese or circled digits, with spaces, dots, dashes or commas, or with
hidden characters in between. Hotlines, published numbers, case numbers, dates, times, amounts, roads, bus lines and
articles of law stay readable; so do building and road, by which an officer finds the place.

One idea a file: `view` sees through spellings, `covered` knows what this package writes, each kind has a file that
finds it. `mask(mask(x)) == mask(x)` holds because a text is read again until nothing more is found: each reading
leaves fewer letters and digits than there were, so it ends, and nearly always the second finds nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from board.masking import accounts, covered, numbers, papers, plates, rooms
from board.masking.findings import CONTACTS, KINDS, OFFICE, Finding, Hit, Kind, Masked, Taken
from board.masking.numbers import HOTLINES
from board.masking.view import View, digits_of, view

__all__ = [
    "CONTACTS",
    "HOTLINES",
    "KINDS",
    "LINK",
    "MASK_VERSION",
    "OFFICE",
    "Finding",
    "Kind",
    "Masked",
    "mask",
]

# Goes up whenever `mask` covers more or less than before; `flask texts remask` masks stored texts of a lower one again.
MASK_VERSION = 2

# Links are nobody's number: only where members reply do they wait for a moderator.
LINK: frozenset[Kind] = frozenset({"link"})

_READINGS = 8  # none of the texts that tests could think of needs more than three


def mask(
    text: str, *, allow: Collection[str] = (), leave: Collection[Kind] = LINK, own: Collection[str] = ()
) -> Masked:
    """Cover what is personal in a text; numbers in `allow` (published ones), hotlines and the kinds in `leave` stay.

    `allow` holds numbers in any writing; only their digits count. `own` are hosts to which links may lead. Time is
    linear in the length of the text.
    """
    allowed = numbers.allowed(map(digits_of, allow))
    findings: list[Finding] = []
    current = text
    for _reading in range(_READINGS):
        seen = view(current)
        hits = [
            Finding(hit.kind, *seen.span(hit.start, hit.end), seen.whole(hit))
            for hit in _hits(seen, allowed, frozenset(leave), own)
        ]
        if not hits:
            break
        current, findings = _put(current, findings, hits)
    return Masked(current, tuple(findings))


def _hits(seen: View, allowed: Collection[str], leave: frozenset[Kind], own: Collection[str]) -> list[Hit]:
    taken = Taken(len(seen.words))
    covered.set_aside(seen, taken)
    hits: list[Hit] = []

    def add(found: Iterable[Hit]) -> None:
        for hit in found:
            if hit.kind in leave or taken.any(hit.start, hit.end):
                continue
            taken.add(hit.start, hit.end)
            hits.append(hit)

    add(accounts.mails(seen))
    if "link" not in leave:
        add(accounts.links(seen, own))
    if seen.has_digits:
        add(plates.find(seen))
        add(papers.find(seen))
        add(numbers.find(seen, taken, allowed))
        add(rooms.find(seen))
    add(accounts.chat_ids(seen))
    return sorted(hits, key=lambda hit: hit.start)


def _put(current: str, before: list[Finding], hits: list[Finding]) -> tuple[str, list[Finding]]:
    """Put the covers of one reading in place, and say of all covers so far where in the first text they stand.

    `before` are the findings of earlier readings, with spans of the first text; `hits` have spans of `current`.
    """
    marks: list[tuple[int, int, Finding, bool]] = []
    shift = 0
    for old in before:
        start = old.start + shift
        marks.append((start, start + len(old.replacement), old, True))
        shift += len(old.replacement) - (old.end - old.start)
    marks += [(hit.start, hit.end, hit, False) for hit in hits]
    marks.sort(key=lambda mark: mark[:2])

    findings: list[Finding] = []
    pieces: list[str] = []
    last = shift = index = 0
    while index < len(marks):
        start, end, first, _old = marks[index]
        inner, at, grown = [], start, 0
        while index < len(marks) and (marks[index][0] < end or marks[index][2] is first):
            mark_start, mark_end, found, old_one = marks[index]
            if old_one:
                grown += len(found.replacement) - (found.end - found.start)
            else:
                inner += [current[at:mark_start], found.replacement]
                at = mark_end
            end = max(end, mark_end)
            index += 1
        inner.append(current[at:end])
        replacement = "".join(inner)
        findings.append(Finding(first.kind, start - shift, end - shift - grown, replacement))
        pieces += [current[last:start], replacement]
        last, shift = end, shift + grown
    pieces.append(current[last:])
    return "".join(pieces), findings
