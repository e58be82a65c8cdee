// Counts a deadline down: every 30 s in public, every second on the desk under 15 minutes. Far deadlines keep their words.
import { serverNow } from "../servertime.js";
import { words } from "../words.js";

const MINUTE = 60000;
const ICONS = { soon: "timer", over: "circle-alert", normal: "clock" };

function spoken(left, exact) {
  if (left < 0) {
    const over = Math.floor(-left / MINUTE);
    return over < 60 ? words("overMinutes", over) : words("overHours", Math.floor(over / 60));
  }
  if (exact) return words("leftClock", figures(left));
  return words("leftMinutes", Math.max(1, Math.ceil(left / MINUTE)));
}

function figures(left) {
  const seconds = Math.max(0, Math.floor(left / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function connect(element) {
  const time = element.querySelector("time");
  const due = Date.parse(time?.dateTime || "");
  if (!due) return undefined;
  const desk = element.hasAttribute("data-clock-desk");
  const soonAt = Date.parse(element.dataset.soon || "") || due - 15 * MINUTE;
  let timer = 0;

  function show() {
    const now = serverNow();
    const left = due - now;
    if (left < 60 * MINUTE && (!desk || (left >= 0 && left < 15 * MINUTE))) {
      time.textContent = desk ? figures(left) : spoken(left, false);
    }
    const state = left < 0 ? "over" : now >= soonAt ? "soon" : element.dataset.state;
    if (state !== element.dataset.state) {
      element.dataset.state = state;
      const use = element.querySelector("use");
      if (use && !desk) use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${ICONS[state]}`));
      element.dispatchEvent(new CustomEvent("clock:state", { bubbles: true, detail: { state } }));
    }
    timer = setTimeout(show, desk && left < 15 * MINUTE && left > 0 ? 1000 : 30000);
  }
  show();
  return () => clearTimeout(timer);
}
