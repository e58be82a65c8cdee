// Marks what the board will cover while it is being typed: asks after 800 ms of rest, and only when there is something
// that could be private. The server looks at the words and forgets them. Without it the check page says the same.
const FIELDS = ["title", "body", "place"];
const PERHAPS = /\d[\d\s.\-]{4}|[\d０-９]{3}|[①-⑳⓪〇零一二三四五六七八九幺两壹贰]{3}|[@＠]|https?:|www|\.c|qq|扣扣|微信|v信|vx|wx|加我|室|房/i;

export function connect(box) {
  const form = box.closest("form");
  if (!form) return undefined;
  let timer = 0;
  let asked = "";

  function seen() {
    if (form.querySelector("[data-coach-seen]")) return;
    const mark = document.createElement("input");
    Object.assign(mark, { type: "hidden", name: "seen", value: "private" });
    mark.dataset.coachSeen = "";
    form.append(mark);
  }

  async function ask() {
    const typed = FIELDS.map((name) => [name, form.elements[name]?.value || ""]);
    const text = typed.map(([, value]) => value).join("\n");
    if (text === asked) return;
    asked = text;
    if (!PERHAPS.test(text)) return box.replaceChildren();
    const body = new URLSearchParams(typed);
    body.set("csrf_token", form.elements.csrf_token?.value || "");
    if (box.dataset.reply) body.set("reply", "1");
    try {
      const answer = await fetch(box.dataset.source, { method: "POST", body, headers: { Accept: "text/html" } });
      if (!answer.ok || asked !== text) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      box.replaceChildren(...page.body.childNodes);
      if (box.querySelector("[data-coach-cover]")) seen();
    } catch {
      /* offline: the check page says it before anything is sent */
    }
  }

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 800);
  };
  function cover(event) {
    const button = event.target.closest("[data-coach-cover]");
    if (!button) return;
    for (const name of FIELDS) {
      const field = form.elements[name];
      if (!field || button.dataset[name] === undefined) continue;
      field.value = button.dataset[name];
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    box.replaceChildren();
    form.elements.body?.focus();
  }
  form.addEventListener("input", later);
  box.addEventListener("click", cover);
  if (FIELDS.some((name) => form.elements[name]?.value)) later();
  return () => {
    clearTimeout(timer);
    form.removeEventListener("input", later);
    box.removeEventListener("click", cover);
  };
}
