// The answer box: the sentence citizens will read and what is to be said against the words, asked of the server while
// typing; the fields of an outcome only when it is chosen; Ctrl+Enter presses the first button that can be seen.
import { fragment } from "../deskpage.js";

const IDLE = 700;

export function connect(form) {
  const text = form.querySelector("textarea");
  const outcome = form.querySelector("[name=outcome]");
  const preview = form.parentElement.querySelector("[data-preview]");
  let timer;
  let asked = 0;

  const internal = () => form.elements.audience?.value === "internal";

  async function look() {
    if (!preview || internal()) return;
    const body = new FormData();
    for (const name of ["csrf_token", "text", "outcome", "desk"]) {
      if (form.elements[name]) body.append(name, form.elements[name].value);
    }
    const mine = (asked += 1);
    const page = await fragment(preview.dataset.preview, { method: "POST", body }).catch(() => null);
    if (page && mine === asked) preview.replaceChildren(...page.body.childNodes);
  }

  function onInput() {
    clearTimeout(timer);
    timer = setTimeout(look, IDLE);
  }

  function choose() {
    form.querySelectorAll("[data-for]").forEach((field) => (field.hidden = field.dataset.for !== outcome.value));
    onInput();
  }

  function onChange(event) {
    if (preview) preview.hidden = internal();
    if (event.target === outcome) choose();
  }

  function onKey(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const act = [...form.querySelectorAll("button[formaction]")].find((button) => button.offsetParent);
    if (!act) return;
    event.preventDefault();
    act.click();
  }

  text.addEventListener("input", onInput);
  form.addEventListener("change", onChange);
  form.addEventListener("keydown", onKey);
  if (outcome) choose();
  return () => clearTimeout(timer);
}
