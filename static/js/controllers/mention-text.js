// @ in the text opens the list of departments: arrows, Enter, Escape. Words that an input method is still making are left alone.
import { ask, option, units } from "../departments.js";

const CALL = /(?:^|[^A-Za-z0-9._-])[@＠]([^\s@＠，。！？、；：,.!?;:]{0,12})$/;

export function connect(area) {
  const root = area.form?.querySelector("[data-controller~=mention]");
  const list = document.getElementById(area.getAttribute("aria-controls") || "");
  if (!root || !list) return undefined;
  const rich = root.querySelector("[data-mention-rich]");
  const near = units(root.querySelector("[data-mention-plain]"));
  const called = () => CALL.exec(area.value.slice(0, area.selectionStart))?.[1];
  let shown = [];
  let active = -1;
  let timer = 0;

  function draw(found) {
    shown = found.slice(0, 6);
    active = -1;
    list.replaceChildren(...shown.map((unit, index) => option(rich, unit, `${list.id}-${index}`, () => pick(unit))));
    list.hidden = !shown.length;
    area.removeAttribute("aria-activedescendant");
  }

  function mark(index) {
    active = (index + shown.length) % shown.length;
    [...list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === active)));
    area.setAttribute("aria-activedescendant", list.children[active].id);
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  function pick(unit) {
    const end = area.selectionStart;
    area.setRangeText(`${unit.name} `, end - (called() || "").length, end, "end");
    draw([]);
    area.focus();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async function look() {
    const text = called();
    if (text === undefined) return draw([]);
    const found = text ? await ask(root.dataset.source, text, near) : near;
    if (called() === text && area.matches(":focus")) draw(found);
  }

  const later = (event) => {
    if (event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(look, 150);
  };
  area.addEventListener("input", later);
  area.addEventListener("compositionend", () => later({}));
  area.addEventListener("blur", () => draw([]));
  area.addEventListener("keydown", (event) => {
    if (event.isComposing || !shown.length) return;
    if (event.key === "ArrowDown") mark(active + 1);
    else if (event.key === "ArrowUp") mark(active < 0 ? -1 : active - 1);
    else if (event.key === "Enter" && active >= 0) pick(shown[active]);
    else if (event.key === "Escape") draw([]);
    else return;
    event.preventDefault();
  });
  return () => clearTimeout(timer);
}
