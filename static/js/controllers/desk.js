// The duty desk, live: rows and the open case are read again when a hint comes.
import { fragment, opened } from "../deskpage.js";
import { merge } from "../deskrows.js";

export function connect(link) {
  const department = link.dataset.department;
  let waiting = 0;
  let last = 0;
  let asked = 0;

  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
  const query = () => new URLSearchParams(location.search);
  const read = (path) => fragment(`${path}?${query()}`).catch(() => null);

  async function readRows() {
    waiting = 0;
    last = Date.now();
    const page = await read("/desk/rows");
    if (page) merge(page);
  }

  // Soon, and in a flood of news every two seconds.
  const later = () => (waiting ||= setTimeout(readRows, Math.max(250, last + 2000 - Date.now())));

  // Nothing is taken from under an officer's hands: where he reads or writes, the pane only says that it is old.
  function inUse(open) {
    const typed = [...open.querySelectorAll("textarea, input:not([type=hidden], [type=radio])")].some(
      (field) => field.value !== field.defaultValue,
    );
    const found = typed || open.contains(document.activeElement);
    if (found) open.querySelector("[data-pane-stale]").hidden = false;
    return found;
  }

  async function readPane(open) {
    if (inUse(open)) return;
    const mine = (asked += 1);
    const page = await read(`/desk/case/${open.dataset.pane}`);
    // Meanwhile a later hint may have asked again, another case was opened, or he has begun to write.
    if (page && mine === asked && open.isConnected && !inUse(open)) open.replaceWith(page.querySelector("[data-pane]"));
  }

  function onHint({ detail }) {
    const open = document.querySelector("[data-pane]");
    if (open && detail.stream === open.dataset.stream) readPane(open);
    if (detail.stream !== department && detail.kind !== "queue") return; // of a complaint each is told for himself
    later();
    // Its row need not stand in the queue that is shown.
    if (detail.kind === "case.overdue") tell("clock:state", { state: "over" });
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
