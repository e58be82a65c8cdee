// The administrator's page tries the live path from this very browser: a page, a socket, a hint, and asking without one.
import * as path from "../livepath.js";

export function connect(element) {
  const words = element.dataset;
  const button = element.querySelector("[data-again]");
  const show = (step, ms) => {
    const text = ms === undefined ? words.no : ms === null ? "–" : words.ms.replace("{ms}", ms);
    element.querySelector(`[data-step="${step}"]`).textContent = text;
  };
  let open = null;

  // The name of the sentence that says what is wrong, and for a good one the milliseconds.
  async function walk() {
    for (const step of ["http", "socket", "hint", "poll"]) show(step, null);
    show("http", (await path.page()).ms);
    const heard = new Map();
    let ring = () => {};
    const onHint = (hint) => {
      heard.set(hint.nonce, performance.now());
      ring();
    };
    const socket = await path.socket(words.stream, onHint).catch(() => null);
    open = socket?.found;
    show("socket", socket?.ms);
    const began = performance.now();
    const hint = await path.write(element.querySelector("[name=csrf_token]").value);
    const come = new Promise((done) => (ring = () => heard.has(hint.nonce) && done()));
    ring();
    if (open) await Promise.race([path.soon(), come]).catch(() => {});
    const ms = heard.has(hint.nonce) ? Math.round(heard.get(hint.nonce) - began) : undefined;
    show("hint", ms);
    const asked = await path.poll(hint);
    show("poll", asked.found ? asked.ms : undefined);
    if (!asked.found) return ["lost"];
    if (!open) return [await path.why()];
    return ms === undefined ? ["silent"] : ["well", ms];
  }

  async function run() {
    const verdict = element.querySelector("[data-verdict]");
    button.disabled = true;
    verdict.textContent = words.asks;
    const [name, ms] = await walk().catch(() => ["unreached"]);
    open?.disconnect();
    element.dataset.verdict = name;
    verdict.classList.toggle("note--warn", name !== "well");
    verdict.textContent = words[name].replace("{ms}", ms);
    button.disabled = false;
  }

  element.parentElement.querySelector("[data-plain]").hidden = true;
  element.hidden = false;
  button.addEventListener("click", run);
  run();
  return () => open?.disconnect();
}
