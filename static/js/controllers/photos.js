// Previews of the chosen photos, each with a button that leaves it out; choosing again adds. The pictures go with the form.
export function connect(box) {
  const input = box.querySelector("input[type=file]");
  const template = box.querySelector("template");
  if (!input || !template) return;
  const most = Number(box.dataset.max) || 9;
  let chosen = [];
  box.dataset.ready = ""; // previews say what was chosen, so the browser's own words may go

  function keep() {
    try {
      const files = new DataTransfer();
      chosen.forEach((each) => files.items.add(each.file));
      input.files = files.files;
      return true;
    } catch {
      return false; // old web views: what the input holds is what goes
    }
  }

  function drop(item) {
    chosen = chosen.filter((each) => each !== item);
    keep();
    item.view.remove();
    URL.revokeObjectURL(item.url);
    input.focus();
  }

  function show(file) {
    const view = template.content.firstElementChild.cloneNode(true);
    const item = { file, view, url: URL.createObjectURL(file) };
    const image = view.querySelector("img");
    image.alt = file.name;
    image.src = item.url;
    image.addEventListener("error", () => image.replaceWith(file.name)); // e.g. HEIC: the server can read it
    view.querySelector("button").addEventListener("click", () => drop(item));
    box.insertBefore(view, template);
    return item;
  }

  input.addEventListener("change", () => {
    const fresh = [...input.files];
    const before = chosen;
    chosen = [...before, ...fresh.map(show)].slice(0, most);
    if (!keep()) {
      before.forEach((each) => each.view.remove());
      chosen = chosen.slice(before.length);
    }
    box.querySelectorAll(".photos__new").forEach((view) => chosen.some((each) => each.view === view) || view.remove());
  });
}
