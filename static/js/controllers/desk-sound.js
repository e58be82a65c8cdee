// The sound of the desk: off until the on-duty switch is pressed (browsers want that gesture). One chime for a new case, a
// lower tone for an overdue one; present danger rings again every 30 s until somebody acknowledges it.
const DUTY = "desk.duty";
const MUTED = "desk.muted";
const TONES = { new: [880, 1175], overdue: [440, 330] };

export function connect(element) {
  const mute = element.querySelector("[data-sound-mute]");
  const duty = element.querySelector("[data-sound-duty]");
  const word = element.querySelector("[data-sound-word]");
  const icon = mute.querySelector("use");
  let context = null;
  let muted = localStorage.getItem(MUTED) === "1";
  let on = localStorage.getItem(DUTY) === "1";

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

  function ring(kind) {
    if (!heard()) return;
    TONES[kind].forEach((pitch, place) => {
      const at = context.currentTime + place * 0.22;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.3, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.4);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.42);
    });
    element.dataset.rang = Number(element.dataset.rang || 0) + 1;
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

  const onNew = () => ring("new");
  const onState = ({ detail }) => detail.state === "over" && ring("overdue");
  document.addEventListener("desk:new", onNew);
  document.addEventListener("clock:state", onState);
  const again = setInterval(() => document.querySelector("[data-danger][data-unseen]") && ring("new"), 30_000);
  element.hidden = false;
  if (on) wake();
  show();
  return () => {
    clearInterval(again);
    document.removeEventListener("desk:new", onNew);
    document.removeEventListener("clock:state", onState);
    context?.close();
  };
}
