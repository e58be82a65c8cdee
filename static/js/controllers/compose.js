// The compose form: how many characters are left, a word when there is no connection, and whether similar matters were seen.
import { words } from "../words.js";

export function connect(form) {
  document.querySelectorAll("[data-needs-script]").forEach((note) => (note.hidden = false));

  for (const area of form.querySelectorAll("textarea[data-limit]")) {
    const note = document.createElement("p");
    area.after(note);
    const show = () => {
      const left = area.dataset.limit - [...area.value].length;
      note.className = left < 0 ? "field__error" : "field__hint";
      note.textContent = area.dataset[left < 0 ? "over" : "left"].replace("{n}", Math.abs(left).toLocaleString("en"));
    };
    area.addEventListener("input", show);
    show();
  }

  const box = form.querySelector(".similar");
  if (box) {
    new MutationObserver(() => {
      if (box.firstElementChild) form.elements.similar_seen.value = "1";
    }).observe(box, { childList: true });
  }

  // Before the form's own listeners: what cannot be sent must not say that it is being sent.
  const stop = (event) => {
    if (event.target !== form || navigator.onLine) return;
    event.preventDefault();
    const place = document.getElementById(form.dataset.offlinePlace);
    if (place) place.textContent = words("offline");
    place?.scrollIntoView({ block: "center" });
  };
  document.addEventListener("submit", stop, true);
  return () => document.removeEventListener("submit", stop, true);
}
