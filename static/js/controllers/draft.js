// Keeps what is typed on this device until it is sent: <form data-controller="draft" data-draft="compose:traffic">.
// The page that confirms it was received forgets it: <div data-controller="draft" data-draft-sent="compose:traffic">.
// Staff pages leave the controller out: their computers are shared.
import { words } from "../words.js";

const KEPT = 30 * 24 * 3600 * 1000;
const PREFIX = "draft:";
const store = (() => {
  try {
    localStorage.setItem("draft?", "1");
    localStorage.removeItem("draft?");
    return localStorage;
  } catch {
    return null; // private windows and some web views keep nothing
  }
})();

function sweep() {
  for (const key of Object.keys(store)) {
    if (!key.startsWith(PREFIX)) continue;
    try {
      if (Date.now() - JSON.parse(store.getItem(key)).at < KEPT) continue;
    } catch {
      /* not ours to read: remove it below */
    }
    store.removeItem(key);
  }
}

const kept = (field) =>
  field.name && !["hidden", "file", "password", "radio", "checkbox", "submit", "button", "search"].includes(field.type) &&
  !/^(csrf|once)/.test(field.name) && !/one-time-code|tel|password/.test(field.autocomplete || "");

export function connect(element) {
  if (!store) return undefined;
  sweep();
  if (element.dataset.draftSent) {
    element.dataset.draftSent.split(" ").forEach((name) => store.removeItem(PREFIX + name));
    return undefined;
  }
  const key = PREFIX + element.dataset.draft;
  if (document.cookie.includes(`draft_sent=${element.dataset.draft}`)) {
    store.removeItem(key); // a reply leads back to the page of its own form
    document.cookie = "draft_sent=; path=/; max-age=0";
  }
  const fields = () => [...element.elements].filter(kept);
  let timer = 0;

  const saved = JSON.parse(store.getItem(key) || "null");
  if (saved) {
    const empty = fields().filter((field) => field.value === "" && saved.values[field.name]);
    for (const field of empty) {
      field.value = saved.values[field.name];
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const place = element.querySelector("[data-draft-status]");
    if (empty.length && place) place.textContent = words("draft");
  }

  function save() {
    clearTimeout(timer);
    const values = Object.fromEntries(fields().map((field) => [field.name, field.value]));
    try {
      if (Object.values(values).some((value) => value.trim())) store.setItem(key, JSON.stringify({ at: Date.now(), values }));
      else store.removeItem(key);
    } catch {
      /* full: the form still sends */
    }
  }
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(save, 400);
  };
  element.addEventListener("input", later);
  element.addEventListener("submit", save);
  window.addEventListener("pagehide", save);
  return () => {
    clearTimeout(timer);
    element.removeEventListener("input", later);
    element.removeEventListener("submit", save);
    window.removeEventListener("pagehide", save);
  };
}
