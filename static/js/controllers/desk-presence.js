// Who else has a case open: said in its row and over the open case, to officers only. What this officer has open goes by
// the socket (live.js); without one it is posted every 15 s. A page that is not in sight looks at nothing.
const AGAIN = 15_000;

export function connect(link) {
  const body = document.body;
  let waiting;
  let told = "";

  const pane = () => document.querySelector("[data-pane]");
  const polling = () => ["polling", "lost"].includes(body.dataset.connection);

  function look() {
    const open = document.hidden ? null : pane();
    const stream = open?.dataset.stream || "";
    if (stream !== (body.dataset.looking || "")) {
      body.dataset.looking = stream;
      document.dispatchEvent(new CustomEvent("looking"));
    }
    if (polling()) post(open?.dataset.pane || "");
  }

  function post(number) {
    const token = document.querySelector("[name=csrf_token]")?.value;
    if (!token || (!number && !told)) return;
    told = number;
    const sent = new URLSearchParams({ csrf_token: token, case: number });
    fetch(`/desk/looking${location.search}`, { method: "POST", body: sent, keepalive: true }).catch(() => {});
  }

  function show(place, words) {
    const line = place.querySelector("[data-watching]");
    if (!line) return;
    line.hidden = !words;
    line.querySelector("[data-watching-word]").textContent = words || "";
  }

  async function read() {
    const places = [...document.querySelectorAll("[data-pane], .queue__row")];
    const number = (place) => place.dataset.pane || place.dataset.case;
    const asked = new URLSearchParams(location.search);
    asked.delete("case");
    for (const each of new Set(places.map(number))) asked.append("case", each);
    const answer = await fetch(`/desk/presence?${asked}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const seen = await answer.json();
    for (const place of places) show(place, seen[number(place)]);
  }

  // Many desks hear of it at once: they ask one after the other.
  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(() => read().catch(() => {}), 100 + Math.random() * 300);
  }

  const onHint = ({ detail }) => detail.stream === link.dataset.presence && later();
  // Whoever died without a word is forgotten by the server; nobody tells of that.
  const again = setInterval(() => {
    look();
    if (document.querySelector("[data-watching]:not([hidden])") || polling()) later();
  }, AGAIN);

  const listeners = [
    ["hint", onHint],
    ["desk:opened", look],
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
