// The steps of the live path, for the administrator's page: each gives what it found and how long it took.
const PATIENCE = 8000;

export const soon = (ms = PATIENCE) => new Promise((_done, fail) => setTimeout(() => fail(new Error("late")), ms));

async function timed(act) {
  const began = performance.now();
  const found = await act();
  return { found, ms: Math.round(performance.now() - began) };
}

export const page = () =>
  timed(async () => {
    const answer = await fetch("/live", { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
  });

// A socket of its own, in the room of `stream`; "hint" events are for the caller.
export async function socket(stream, onHint) {
  const { io } = await import("../vendor/socket.io.esm.min.js");
  const opened = io({ transports: ["websocket"], reconnection: false, forceNew: true });
  opened.on("hint", onHint);
  const answer = await timed(() =>
    Promise.race([
      soon(),
      new Promise((done, fail) => {
        opened.on("connect", done);
        opened.on("connect_error", fail);
      }),
    ]),
  ).catch((error) => {
    opened.disconnect();
    throw error;
  });
  await opened.timeout(PATIENCE).emitWithAck("hello", { [stream]: 0 }).catch(() => {});
  return { found: opened, ms: answer.ms };
}

// The door says over HTTP why it opens no socket: a name of a sentence.
export async function why() {
  const answer = await fetch("/socket.io/?EIO=4&transport=websocket", { cache: "no-store" }).catch(() => null);
  if (answer?.status === 503) return "full";
  return (await answer?.text())?.includes("origin") ? "origin" : "blocked";
}

export async function write(token) {
  const body = new URLSearchParams({ csrf_token: token });
  const answer = await fetch("/admin/doctor/hint", { method: "POST", body });
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

export const poll = ({ stream, before, nonce }) =>
  timed(async () => {
    const answer = await fetch(`/live?${new URLSearchParams({ since: `${stream}:${before}` })}`, { cache: "no-store" });
    return (await answer.json()).entries.some((entry) => entry.nonce === nonce);
  });
