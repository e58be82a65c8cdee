// The department picker as a combobox; without scripts the radio list does it.
import { ask, chip, option, units } from "../departments.js";

export function connect(root) {
  const plain = root.querySelector("[data-mention-plain]");
  const rich = root.querySelector("[data-mention-rich]");
  const input = rich.querySelector("[role=combobox]");
  const list = rich.querySelector("[role=listbox]");
  const status = rich.querySelector("[role=status]");
  const limit = Number(root.dataset.limit) || 3;
  const near = units(plain);
  const typed = () => input.value.replace(/^[@＠]/, "").trim();
  const picked = new Map();
  let shown = [];
  let active = -1;
  let timer;

  function draw(found) {
    shown = found.filter((unit) => !picked.has(unit.key)).slice(0, 8);
    active = -1;
    list.replaceChildren(...shown.map((unit, index) => option(rich, unit, `${list.id}-${index}`, () => pick(unit))));
    input.setAttribute("aria-expanded", String(shown.length > 0));
    input.removeAttribute("aria-activedescendant");
    status.textContent = shown.length || !input.value ? "" : status.dataset.none;
  }

  function mark(index) {
    if (!shown.length) return;
    active = (index + shown.length) % shown.length;
    [...list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === active)));
    input.setAttribute("aria-activedescendant", list.children[active].id);
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  function pick(unit) {
    if (picked.size >= limit || picked.has(unit.key)) return;
    picked.set(unit.key, chip(rich, unit, root.dataset.name, () => drop(unit.key)));
    rich.querySelector("[data-mention-picked]").append(picked.get(unit.key));
    input.value = "";
    input.disabled = picked.size >= limit;
    draw([]);
  }

  function drop(key) {
    picked.get(key).remove();
    picked.delete(key);
    input.disabled = false;
    input.focus();
  }

  async function search() {
    const text = typed();
    const found = text ? await ask(root.dataset.source, text, near) : near;
    if (text === typed() && input.matches(":focus")) draw(found);
  }

  input.addEventListener("focus", search);
  input.addEventListener("blur", () => draw([]));
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 150);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // Enter that ends pinyin is not a choice
    if (event.key === "ArrowDown") mark(active + 1);
    else if (event.key === "ArrowUp") mark(active < 0 ? -1 : active - 1);
    else if (event.key === "Enter") shown.length && pick(shown[Math.max(active, 0)]);
    else if (event.key === "Escape" && shown.length) draw([]);
    else if (event.key === "Backspace" && !input.value && picked.size) drop([...picked.keys()].pop());
    else return;
    event.preventDefault();
  });
  plain.querySelectorAll("input").forEach((field) => (field.disabled = true));
  plain.hidden = true;
  rich.hidden = false;
  near.filter((unit) => unit.checked).forEach(pick);
}
