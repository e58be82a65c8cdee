// The sound of the desk: off until the on-duty switch is pressed (browsers want that gesture). One chime for a new case, a
// lower tone for an overdue one; while an urgent one waits in any queue (data-urgent at the rows) it rings every 30 s.
import { Tones } from "../tones.js";

const DUTY = "desk.duty";
const MUTED = "desk.muted";
const AGAIN = 30_000;

export function connect(element) {
  const mute = element.querySelector("[data-sound-mute]");
  const duty = element.querySelector("[data-sound-duty]");
  const word = element.querySelector("[data-sound-word]");
  const icon = mute.querySelector("use");
  let context = null;
  let muted = localStorage.getItem(MUTED) === "1";
  let on = localStorage.getItem(DUTY) === "1";
  let timer = setTimeout(again, AGAIN);
  const tones = new Tones(element);

  const heard = () => on && !muted && context?.state === "running";

  function wake() {
    if (!window.AudioContext) return;
    context ??= new AudioContext();
    context.onstatechange = show;
    context.resume().then(show, show);
  }

  function show() {
    const blocked = on && !muted && context?.state !== "running";
    duty.setAttribute("aria-pressed", String(on));
    mute.setAttribute("aria-pressed", String(on && !muted));
    word.textContent = blocked ? word.dataset.blocked : on && !muted ? word.dataset.on : word.dataset.off;
    icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, on && !muted ? "#volume-2" : "#volume-x"));
  }

  const ring = (kind) => heard() && tones.ring(context, kind);

  function onNew() {
    clearTimeout(timer);
    timer = setTimeout(again, AGAIN);
    ring("new");
  }

  // The rows are read anew as well: who was called from another desk is not told that somebody there has answered.
  function again() {
    timer = setTimeout(again, AGAIN);
    if (document.querySelector("[data-desk-list]").dataset.urgent === "0") return;
    ring("new");
    document.dispatchEvent(new CustomEvent("desk:settle"));
  }

  const keep = (name, value) => localStorage.setItem(name, value ? "1" : "0");
  duty.addEventListener("click", () => {
    keep(DUTY, (on = !on));
    if (on) wake();
    show();
  });
  mute.addEventListener("click", () => {
    if (on && !muted && context?.state !== "running") return wake(); // it was blocked: this is the gesture
    if (!on) return duty.click();
    keep(MUTED, (muted = !muted));
    if (!muted) wake();
    show();
  });

  const onState = ({ detail }) => detail.state === "over" && ring("overdue");
  document.addEventListener("desk:new", onNew);
  document.addEventListener("clock:state", onState);
  element.hidden = false;
  if (on) wake();
  show();
  return () => {
    clearTimeout(timer);
    document.removeEventListener("desk:new", onNew);
    document.removeEventListener("clock:state", onState);
    context?.close();
  };
}
