// Shows that nobody is called any more: the board itself is asked, because a pager that is down sends no hint.
const EVERY = 30_000;

export function connect(element) {
  async function look() {
    if (document.hidden) return;
    const answer = await fetch("/readyz", { headers: { Accept: "application/json" } }).catch(() => null);
    const said = answer && (await answer.json().catch(() => null));
    if (said?.checks?.pager) element.hidden = said.checks.pager === "ok";
  }

  const timer = setInterval(look, EVERY);
  return () => clearInterval(timer);
}
