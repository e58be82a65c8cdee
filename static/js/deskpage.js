// The desk without leaving it: another page of it is fetched whole and its columns are put in place of those shown.
// What the server says is always the whole truth; nothing is built here.
const COLUMNS = [".queues", ".queue", "#pane"];
const say = () => document.querySelector("[data-desk-say]");
export const words = (name) => document.getElementById("desk-words")?.dataset[name] || "";

export function speak(text) {
  if (say()) say().textContent = text;
}

export async function fragment(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { "X-Fragment": "1", Accept: "text/html", ...options.headers } });
  if (!answer.ok || answer.status === 204) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Fetches a page of the desk and shows it. What is not the desk is gone to; after a POST it is shown in the pane.
export async function visit(url, options = {}) {
  const pane = document.getElementById("pane");
  const waiting = setTimeout(() => pane.setAttribute("aria-busy", "true"), 300);
  try {
    const answer = await fetch(url, { ...options, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const moved = !options.method || answer.redirected;
    if (page.getElementById("pane")) {
      put(page, moved && !options.back && new URL(answer.url));
      if (url.endsWith?.("#answer")) document.getElementById("f-text")?.focus();
    } else if (moved) location.assign(answer.url);
    else pane.replaceChildren(...page.querySelector("main").childNodes);
  } finally {
    clearTimeout(waiting);
    pane.removeAttribute("aria-busy");
  }
}

function put(page, at) {
  const toasts = document.querySelector("[data-toasts]");
  const scrolled = document.querySelector(".queue").scrollTop;
  for (const name of COLUMNS) {
    const next = page.querySelector(name);
    const shown = document.querySelector(name);
    if (next && shown) shown.replaceChildren(...next.childNodes);
  }
  if (toasts) document.querySelector("[data-toasts]").replaceWith(toasts);
  document.getElementById("main").toggleAttribute("data-open", page.getElementById("main").hasAttribute("data-open"));
  document.querySelector(".queue").scrollTop = scrolled;
  document.title = page.title;
  if (at) history.pushState(null, "", at.pathname + at.search);
  const flash = document.querySelector(".queue .flash p");
  if (flash) speak(flash.textContent);
  opened();
}

// A case was put into the pane: it is followed live, and reading begins at its top.
export function opened() {
  const pane = document.getElementById("pane");
  const open = pane.querySelector("[data-pane]");
  pane.scrollTop = 0;
  document.dispatchEvent(new CustomEvent("desk:opened"));
  if (!open) return;
  const watch = { [open.dataset.stream]: Number(open.dataset.seq) };
  document.dispatchEvent(new CustomEvent("watch", { detail: watch }));
  if (open.querySelector("[role=alert]")) return;
  const form = open.querySelector(".pane__verb[open]");
  if (form) form.scrollIntoView({ block: "nearest" });
  const field = form?.querySelector("input:not([type=hidden]), textarea, select");
  (field || open.querySelector(".pane__title")).focus({ preventScroll: innerWidth >= 960 });
}
