// The live connection. The page says where its streams stand (data-cursors); every change arrives as a "hint" event on
// document, whose detail is {stream, seq, kind, …}: absolute state, or "reset" (read everything anew) or "refused".
// A "connection" event tells how it goes: "live", "polling" or "lost". Without a socket GET /live is asked instead; while
// nobody looks at the page only where it says so (data-covered), because somebody may listen to it.
import { Cursors } from "./cursors.js";

const BEAT = 60_000; // cursors are sent again, by every page
const POLL = 10_000; // where a socket was to be had and is not
const COVERED = 20_000; // the same behind another tab or window
const PATIENCE = 3_000; // for a socket, before HTTP is asked

export function start(body) {
  const cursors = new Cursors(JSON.parse(body.dataset.cursors || "{}"));
  const visitor = body.dataset.live === "poll";
  const heard = "covered" in body.dataset;
  let socket, timer, asking, again, said, over;
  let woken = 0;

  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

  function say(state) {
    if (state === said) return;
    body.dataset.connection = said = state;
    tell("connection", state);
  }

  function caughtUp(answer) {
    for (const hint of cursors.catchUp(answer)) tell("hint", hint);
    if (answer.signed_out || !Object.keys(cursors.at).length) stop();
  }

  function onHint(hint) {
    const meaning = hint.reset ? "gap" : cursors.take(hint);
    if (meaning === "new") tell("hint", hint);
    else if (meaning === "gap") ask();
  }

  // One question at a time; what came up meanwhile is asked afterwards.
  async function ask() {
    if (asking) return void (again = true);
    asking = true;
    do {
      again = false;
      const since = Object.entries(cursors.at).map(([name, seq]) => ["since", `${name}:${seq}`]);
      try {
        const answer = await fetch(`/live?${new URLSearchParams(since)}`, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(answer.status);
        caughtUp(await answer.json());
        if (!socket?.connected) say("polling");
      } catch {
        if (!socket?.connected) say("lost");
      }
    } while (again && !over);
    asking = false;
  }

  function hello() {
    socket.timeout(8000).emit("hello", cursors.at, (error, answer) => (error ? ask() : caughtUp(answer)));
  }

  function beat() {
    if (over) return;
    if (socket?.connected) hello();
    else if (heard || !document.hidden) ask();
    if (socket && !socket.active) socket.connect(); // refused, or closed by the board
    soon(visitor || socket?.connected || (document.hidden && !heard) ? BEAT : document.hidden ? COVERED : POLL);
  }

  function soon(wait) {
    clearTimeout(timer);
    timer = setTimeout(beat, wait * (0.9 + Math.random() / 5));
  }

  // At once, whatever the pause between two attempts was.
  function wake() {
    if (over || document.hidden || Date.now() - woken < 1000) return;
    woken = Date.now();
    if (socket && !socket.connected) socket.disconnect().connect();
    if (visitor || socket) beat();
  }

  function failed(why) {
    if (why === "io client disconnect" || (said && said !== "live")) return; // our own doing, or known
    say("lost");
    soon(PATIENCE);
  }

  async function open() {
    const { io } = await import("../vendor/socket.io.esm.min.js");
    if (over) return;
    socket = io({ transports: ["websocket"], reconnectionDelay: 500, reconnectionDelayMax: 10_000 });
    socket.on("hint", onHint);
    socket.on("connect", () => {
      say("live");
      beat();
      if (body.dataset.looking) onLooking();
    });
    socket.on("connect_error", failed);
    socket.on("disconnect", failed);
  }

  // A controller that shows one more stream (a case opened at the desk) tells its cursor: {"case:…": 12}.
  function onWatch({ detail }) {
    for (const [name, seq] of Object.entries(detail)) cursors.at[name] ??= seq;
    if (socket?.connected) hello();
  }

  // What this reader has open: said anew with every connection, forgotten by the server with its end.
  function onLooking() {
    if (socket?.connected) socket.emit("looking", body.dataset.looking || null);
  }

  function onHide() {
    socket?.disconnect(); // a page with an open socket is not kept for the way back
  }

  function stop() {
    over = true;
    clearTimeout(timer);
    socket?.disconnect();
    for (const [target, name, act] of listeners) target.removeEventListener(name, act);
  }

  const listeners = [
    [document, "watch", onWatch],
    [document, "looking", onLooking],
    [document, "visibilitychange", wake],
    [window, "focus", wake],
    [window, "online", wake],
    [window, "pageshow", (event) => event.persisted && wake()],
    [window, "pagehide", onHide],
  ];
  for (const [target, name, act] of listeners) target.addEventListener(name, act);
  soon(visitor ? BEAT : PATIENCE);
  if (!visitor) open().catch(beat);
  return stop;
}
