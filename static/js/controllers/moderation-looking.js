// Which colleague has something of the moderators' queue open: said in its row and over what is open. What this
// moderator has open goes by the socket (live.js); a page that is not in sight looks at nothing.
const AGAIN = 15_000;

export function connect(list) {
  const pane = document.querySelector("[data-thing]");
  let waiting;

  function look() {
    const thing = document.hidden ? "" : pane?.dataset.thing || "";
    if (thing === (document.body.dataset.looking || "")) return;
    document.body.dataset.looking = thing;
    document.dispatchEvent(new CustomEvent("looking"));
  }

  const places = () => [...list.querySelectorAll("[data-thread]"), ...(pane ? [pane] : [])];
  const thread = (place) => place.dataset.thread || place.dataset.pane;

  function show(place, words) {
    const line = place.querySelector("[data-watching]");
    line.hidden = !words;
    line.querySelector("[data-watching-word]").textContent = words || "";
  }

  async function read() {
    const asked = new URLSearchParams();
    for (const each of new Set(places().map(thread))) asked.append("thread", each);
    const answer = await fetch(`/moderation/presence?${asked}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const seen = await answer.json();
    for (const place of places()) show(place, seen[thread(place)]);
  }

  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(() => read().catch(() => {}), 100 + Math.random() * 300);
  }

  const onHint = ({ detail }) => detail.stream === list.dataset.hint && later();
  const again = setInterval(() => {
    look();
    if (document.querySelector("[data-watching]:not([hidden])")) later();
  }, AGAIN);
  const listeners = [
    ["hint", onHint],
    ["visibilitychange", look],
    ["connection", look],
  ];
  for (const [name, act] of listeners) document.addEventListener(name, act);
  look();
  return () => {
    clearTimeout(waiting);
    clearInterval(again);
    for (const [name, act] of listeners) document.removeEventListener(name, act);
  };
}
