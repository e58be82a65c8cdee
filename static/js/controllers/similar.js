// Shows matters like the title being typed: after 6 characters and 400 ms of rest.
export function connect(box) {
  const title = box.closest("form")?.querySelector("[name=title]");
  if (!title) return undefined;
  let timer = 0;
  let asked = "";

  async function ask() {
    const text = title.value.trim();
    if ([...text].length < 6 || text === asked) return;
    asked = text;
    try {
      const answer = await fetch(`${box.dataset.source}?title=${encodeURIComponent(text)}`, { headers: { Accept: "text/html" } });
      if (!answer.ok || asked !== text) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      box.replaceChildren(...page.body.childNodes);
    } catch {
      /* offline: the check page shows them before anything is sent */
    }
  }
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  };
  title.addEventListener("input", later);
  return () => {
    clearTimeout(timer);
    title.removeEventListener("input", later);
  };
}
