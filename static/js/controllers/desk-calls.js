// What calls at the desk, or calls this officer himself: every few seconds what came meanwhile pops up and rings once,
// however much it is.
import { ask, cards, numbers, put } from "../deskcards.js";
import { speak, words } from "../deskpage.js";

const CALM = 3000;

export function connect(link) {
  const department = link.dataset.department;
  const waiting = new Map(); // number: whether it has still to ring
  let unknown = false; // a stream begins anew: what came in between is not known by number
  let timer = 0;
  let last = 0;

  const soon = () => (timer ||= setTimeout(show, Math.max(200, last + CALM - Date.now())));

  async function show() {
    const shown = cards().flatMap(numbers);
    const all = unknown;
    const fresh = new Map(all ? [] : waiting);
    timer = 0;
    unknown = false;
    for (const number of fresh.keys()) waiting.delete(number);
    if (all || fresh.size) last = Date.now();
    let loud = [...fresh.values()].includes(true);
    try {
      const asked = all ? null : [...new Set([...fresh.keys(), ...shown])];
      const drawn = all || asked.length ? await ask(asked) : [];
      const news = drawn.flatMap(numbers);
      loud = news.some((number) => fresh.get(number) || (all && !shown.includes(number)));
      put(drawn, asked || news);
    } catch {
      // Nothing is dropped; what has rung by now does not ring again.
      for (const number of fresh.keys()) if (!waiting.has(number)) waiting.set(number, false);
      unknown ||= all;
      last = Date.now();
    }
    if (unknown || waiting.size) soon();
    if (!loud) return;
    speak(words("new"));
    document.dispatchEvent(new CustomEvent("desk:new"));
  }

  function onHint({ detail }) {
    const own = detail.stream.startsWith("person:");
    if (!own && detail.stream !== department) return;
    if (detail.kind === "reset") unknown = true;
    else if (own ? detail.kind === "page" : detail.calls) waiting.set(detail.case, true);
    else if (!cards().some((card) => numbers(card).includes(detail.case))) return;
    if (own) document.dispatchEvent(new CustomEvent("desk:settle"));
    soon();
  }

  document.addEventListener("hint", onHint);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("hint", onHint);
  };
}
