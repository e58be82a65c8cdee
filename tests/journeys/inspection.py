"""What every page is held to: axe, no sideways scrolling, large targets, one heading, nothing hidden under bars."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.conftest import AXE

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Visible controls smaller than `least` CSS pixels; links inside a sentence are exempt.
SMALL = """(least) => [...document.querySelectorAll("a[href],button,input:not([type=hidden]),select,textarea,summary,label.choice")]
  .filter((node) => {
    const box = node.getBoundingClientRect(), look = getComputedStyle(node);
    if (!box.width || look.visibility === "hidden" || node.closest(".visually-hidden,.skip,[data-ready]")) return false;
    if (node.tagName !== "LABEL" && node.closest("label")) return false;
    if (node.tagName === "A" && look.display === "inline") return false;
    return box.height < least - 0.5 || box.width < least - 0.5;
  }).map((node) => `${node.tagName}.${node.className} ${node.textContent.trim().slice(0, 20)}
    ${Math.round(node.getBoundingClientRect().width)}×${Math.round(node.getBoundingClientRect().height)}`)"""

FACTS = """() => ({
  wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  headings: document.querySelectorAll("h1").length,
  title: document.title,
  first: document.querySelector("a[href],button,input:not([type=hidden]),select,textarea,summary")?.className,
})"""

# Controls that get the focus and then lie under a fixed bar (2.4.11).
COVERED = """() => {
  const covered = [];
  for (const node of document.querySelectorAll("main a[href],main button,main input:not([type=hidden]),main select,main textarea,main summary")) {
    if (!node.getClientRects().length || node.disabled || node.closest(".visually-hidden")) continue;
    node.focus({ focusVisible: true });
    if (document.activeElement !== node) continue;
    const box = node.getBoundingClientRect();
    const x = box.left + box.width / 2, y = Math.max(box.top + 2, 1);
    const above = y < innerHeight ? document.elementFromPoint(x, y) : null;
    const barred = above && above.closest(".tabbar,.action-bar,.topbar");
    if (y >= innerHeight || (barred && !barred.contains(node))) covered.push(node.outerHTML.slice(0, 80));
  }
  return covered;
}"""

# Text spaced as WCAG 1.4.12 asks for: what is cut off then, vertically or sideways.
CLIPPED = """() => {
  document.documentElement.style.setProperty("line-height", "1.5");
  for (const node of document.querySelectorAll("body, body *")) {
    node.style.setProperty("letter-spacing", ".12em");
    node.style.setProperty("word-spacing", ".16em");
    if (node.tagName === "P") node.style.setProperty("margin-bottom", "2em");
  }
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth ? ["scrolls sideways"] : [];
  return wide.concat([...document.querySelectorAll("main *")].filter((node) => {
    const look = getComputedStyle(node);
    return look.overflow === "hidden" && !node.closest(".visually-hidden") && node.scrollHeight > node.clientHeight + 4
      && node.textContent.trim() && !look.webkitLineClamp.match(/\\d/);
  }).map((node) => `clipped ${node.className} ${node.textContent.trim().slice(0, 30)}`));
}"""


def faults(page: Page, name: str, *, least: int = 0, axe: bool = True) -> list[str]:
    """What is wrong with the page that is open, each fault as one line; `least`: CSS pixels of the smallest target."""
    found = []
    # What is being fetched anew is dimmed for a moment.
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    facts = page.evaluate(FACTS)
    if facts["wide"]:
        found.append(f"{name}: scrolls sideways")
    if facts["headings"] != 1:
        found.append(f"{name}: {facts['headings']} h1")
    if facts["first"] != "skip":
        found.append(f"{name}: the skip link is not first")
    if least:
        found += [f"{name}: small {each}" for each in page.evaluate(SMALL, least)]
        found += [f"{name}: covered {each}" for each in page.evaluate(COVERED)]
    if axe:
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE.read_text(encoding="utf-8"))
        report = page.evaluate(
            "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
        )
        assert report["passes"], "axe looked at nothing"
        for fault in report["violations"]:
            found += [
                f"{name}: {fault['id']} {node['target']} {node['html'][:120]}" for node in fault["nodes"][:3]
            ]
    return found
