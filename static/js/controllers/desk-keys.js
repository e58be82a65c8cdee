// The desk's keys: J K S A R T ?. Off while typing, and for good when switched off (kept on this device).
const KEPT = "desk.keys";
const TYPING = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";

export function connect(help) {
  const opener = document.querySelector("[data-keys-help]");
  const switcher = help.querySelector("[data-keys-switch]");
  const said = document.getElementById("desk-words").dataset;
  let on = localStorage.getItem(KEPT) !== "off";

  const rows = () => [...document.querySelectorAll(".queue__row")];
  const here = () =>
    document.activeElement.closest?.(".queue__row") || document.querySelector(".queue__row[aria-current=true]");

  function move(step) {
    const all = rows();
    const at = all.indexOf(here());
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    next?.querySelector(".queue__title a").focus();
  }

  function press(ending) {
    (here() || rows()[0])?.querySelector(ending)?.click();
  }

  // The moderators' queue names what each key presses in its open pane; another row is opened first.
  function inPane(key) {
    const target = document.querySelector(`.pane [data-key=${key}]`);
    if (!target) return;
    const row = document.activeElement.closest?.(".queue__row:not([aria-current])");
    if (row) row.querySelector(".queue__title a").click();
    else if (target.matches("textarea")) target.focus();
    else target.click();
  }

  function toggle(open) {
    help.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    (open ? switcher : opener).focus();
  }

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    s: () => press('[formaction$="/acknowledgement"]'),
    a: () => press('[formaction$="/acceptance"]'),
    t: () => press('a[href*="form=offer"]'),
    r: () => document.getElementById("f-text")?.focus(),
  };

  function onKey(event) {
    if (event.key === "Escape" && !help.hidden) toggle(false);
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest?.(TYPING)) return;
    if (event.key === "?") return void toggle(help.hidden);
    const act = on && acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
    inPane(event.key.toLowerCase());
  }

  function show() {
    switcher.textContent = on ? said.keysOn : said.keysOff;
  }

  switcher.addEventListener("click", () => {
    on = !on;
    localStorage.setItem(KEPT, on ? "on" : "off");
    show();
  });
  help.querySelector("[data-keys-close]").addEventListener("click", () => toggle(false));
  opener.addEventListener("click", () => toggle(help.hidden));
  opener.hidden = false;
  show();
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
