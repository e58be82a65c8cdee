// The number of unread messages, in its badge and before the page's title.
let titled;

async function asked() {
  const answer = await fetch("/inbox/unread", { headers: { Accept: "application/json" } });
  return answer.ok ? (await answer.json()).unread : null;
}

export function connect(element) {
  const number = element.querySelector("[data-number]");
  titled ??= element; // one badge of several speaks for the title

  function show(unread) {
    element.hidden = !unread;
    number.textContent = unread > 99 ? "99+" : unread;
    if (titled !== element || document.body.classList.contains("desk")) return;
    document.title = (unread ? `(${number.textContent}) ` : "") + document.title.replace(/^\(\d+\+?\) /, "");
  }

  async function onHint({ detail }) {
    if (!detail.stream.startsWith("person:")) return;
    if (detail.kind === "inbox") show(detail.unread);
    if (detail.kind !== "reset") return;
    const unread = await asked().catch(() => null);
    if (unread !== null) show(unread);
  }

  show(Number(element.dataset.count));
  document.addEventListener("hint", onHint);
  return () => {
    if (titled === element) titled = undefined;
    document.removeEventListener("hint", onHint);
  };
}
