// Puts newly read rows in place of those shown. While the pointer or the focus is on a row nothing above it moves:
// known rows change where they stand, new ones wait at the end, and the order is put right when it is left.
let held = null;

const key = (row) => row.dataset.case;
const busy = (list) => list.querySelector(".queue__row:hover, .queue__row:focus-within");

export function merge(page) {
  counts(page);
  shiftChange(page);
  const shown = document.querySelector("[data-desk-list]");
  const next = page.querySelector("[data-desk-list]");
  if (!shown || !next) return;
  document.title = next.dataset.title;
  shown.dataset.urgent = next.dataset.urgent;
  const list = shown.querySelector(".queue__rows");
  const fresh = next.querySelector(".queue__rows");
  if (!list || !fresh) {
    shown.replaceChildren(...next.childNodes);
    mark(shown, new Set());
    return;
  }
  const known = new Set([...list.children].map(key));
  const row = busy(list);
  if (!row) {
    list.replaceChildren(...fresh.children);
    mark(list, known);
    return;
  }
  settle(list, fresh, row);
  mark(list, known);
}

// The box at the change of shift: it comes with the first news after the change, and goes when somebody took over.
function shiftChange(page) {
  const shown = document.querySelector("[data-shift-change]");
  const next = page.querySelector("[data-shift-change]");
  if (shown && next && !shown.contains(document.activeElement)) shown.replaceChildren(...next.childNodes);
}

function settle(list, fresh, row) {
  const coming = new Map([...fresh.children].map((each) => [key(each), each]));
  for (const each of [...list.children]) {
    const next = coming.get(key(each));
    coming.delete(key(each));
    if (each === row) continue;
    if (next) each.replaceWith(next);
    else each.setAttribute("aria-disabled", "true"); // it left the queue; its place stays until the pointer is gone
  }
  list.append(...coming.values());
  if (held) return;
  held = () => {
    if (busy(list)) return;
    document.removeEventListener("pointermove", held);
    document.removeEventListener("focusin", held);
    held = null;
    document.dispatchEvent(new CustomEvent("desk:settle"));
  };
  document.addEventListener("pointermove", held);
  document.addEventListener("focusin", held);
}

function mark(place, known) {
  for (const row of place.querySelectorAll(".queue__row")) {
    if (known.size && !known.has(key(row))) row.setAttribute("data-fresh", "");
  }
}

function counts(page) {
  const shown = document.querySelector(".queues");
  const next = page.querySelector(".queues");
  if (!shown || !next) return;
  if (!shown.contains(document.activeElement)) {
    shown.replaceChildren(...next.childNodes);
    return;
  }
  for (const link of shown.querySelectorAll(".queues__list a")) {
    const other = [...next.querySelectorAll(".queues__list a")].find((each) => each.href === link.href);
    if (other) link.querySelector(".count").replaceWith(other.querySelector(".count"));
  }
}
