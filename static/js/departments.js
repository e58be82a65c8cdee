// Departments for the picker: read from the page's radio list, asked of the server, drawn from the page's templates.
export function units(plain) {
  return [...plain.querySelectorAll("label.choice")]
    .map((label) => ({
      key: label.querySelector("input").value,
      name: label.querySelector("b")?.textContent || "",
      area: label.querySelector(".choice__hint")?.textContent || "",
      duty: label.querySelector(".choice__on")?.textContent || "",
      checked: label.querySelector("input").checked,
    }))
    .filter((unit) => unit.key);
}

export async function ask(source, text, near) {
  try {
    const answer = await fetch(`${source}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
    if (answer.ok) return await answer.json();
  } catch {
    /* offline: what the page knows is better than nothing */
  }
  return near.filter((unit) => unit.name.includes(text));
}

const copy = (rich, name) => rich.querySelector(`[data-mention-${name}]`).content.firstElementChild.cloneNode(true);

export function option(rich, unit, id, onPick) {
  const row = copy(rich, "option");
  row.id = id;
  row.querySelector("b").textContent = unit.name;
  row.querySelector(".choice__hint").textContent = [unit.area, unit.usual].filter(Boolean).join(" · ");
  row.querySelector(".choice__on").textContent = unit.duty || "";
  row.addEventListener("mousedown", (event) => event.preventDefault()); // keep the focus in the input
  row.addEventListener("click", onPick);
  return row;
}

export function chip(rich, unit, name, onDrop) {
  const button = copy(rich, "chip");
  button.querySelector("span").textContent = `@${unit.name}`;
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name, value: unit.key });
  button.append(field);
  button.addEventListener("click", onDrop);
  return button;
}
