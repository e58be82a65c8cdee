// The duty desk, live: rows and the open case are read again when a hint comes, and a new case pops up.
import { fragment, opened, speak, words } from "../deskpage.js";
import { merge } from "../deskrows.js";

export function connect(link) {
  const department = link.dataset.department;
  let waiting;

  const query = () => new URLSearchParams(location.search);
  const read = (path) => fragment(`${path}?${query()}`).catch(() => null);

  async function readRows() {
    const page = await read("/desk/rows");
    if (page) merge(page);
  }

  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(readRows, 250);
  };

  async function readPane(open) {
    const typing = [...open.querySelectorAll("textarea, input:not([type=hidden], [type=radio])")].some(
      (field) => field.value !== field.defaultValue,
    );
    if (typing || open.contains(document.activeElement)) {
      open.querySelector("[data-pane-stale]").hidden = false;
      return;
    }
    const page = await read(`/desk/case/${open.dataset.pane}`);
    if (page) open.replaceWith(page.querySelector("[data-pane]"));
  }

  async function toast(number) {
    const page = await read(`/desk/toast/${number}`);
    const card = page?.querySelector(".toast");
    if (!card) return;
    const place = document.querySelector("[data-toasts]");
    card.dataset.case = number;
    place.querySelector(`[data-case="${number}"]`)?.remove();
    place.prepend(card);
  }

  function onHint({ detail }) {
    const open = document.querySelector("[data-pane]");
    if (open && detail.stream === open.dataset.stream) readPane(open);
    if (detail.stream !== department) return;
    later();
    if (detail.calls) {
      toast(detail.case);
      speak(words("new"));
      document.dispatchEvent(new CustomEvent("desk:new", { detail }));
    } else document.querySelector(`.toast[data-case="${detail.case}"]`)?.remove();
  }

  const lost = () => document.body.dataset.connection === "lost" && !document.hidden && readRows();
  const again = setInterval(lost, 30_000);
  document.addEventListener("hint", onHint);
  document.addEventListener("desk:settle", later);
  link.hidden = true;
  if (document.querySelector("[data-pane]")) opened();
  return () => {
    clearInterval(again);
    document.removeEventListener("hint", onHint);
    document.removeEventListener("desk:settle", later);
  };
}
