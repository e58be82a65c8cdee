// Marks any stretch of the text to be covered, also half a word; the boxes of the words do the same without scripts.
export function connect(form) {
  const text = form.querySelector(".pieces");
  const button = form.querySelector("[data-cover-mark]");
  const marked = form.querySelector("[data-cover-marked]");
  const status = form.querySelector("[data-cover-status]");
  form.querySelectorAll("[data-needs-script]").forEach((note) => (note.hidden = false));
  button.hidden = false;

  // A place in the page as a place in the text, counted in characters as the server counts them.
  function place(node, offset, last) {
    const piece = (node.nodeType === 1 ? node : node.parentElement)?.closest("[data-at]");
    if (piece) {
      const all = [...piece.textContent].length;
      const within = node.nodeType === 3 ? [...node.data.slice(0, offset)].length : offset ? all : 0;
      return Number(piece.dataset.at) + within;
    }
    const near = [...text.querySelectorAll("[data-at]")].filter(
      (each) => (node.childNodes[offset] || node).compareDocumentPosition(each) & (last ? 2 : 4),
    );
    const each = last ? near.pop() : near[0];
    return each ? Number(each.dataset.at) + (last ? [...each.textContent].length : 0) : -1;
  }

  function mark() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return;
    const range = selection.getRangeAt(0);
    if (!text.contains(range.commonAncestorContainer)) return;
    const from = place(range.startContainer, range.startOffset, false);
    const to = place(range.endContainer, range.endOffset, true);
    if (from < 0 || to <= from) return;
    const item = document.createElement("li");
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "spans", value: `${from}-${to}` });
    const remove = document.createElement("button");
    Object.assign(remove, { type: "button", className: "btn btn--small", textContent: `“${selection}” · ${button.dataset.remove}` });
    remove.addEventListener("click", () => item.remove());
    item.append(field, remove);
    marked.append(item);
    status.textContent = `“${selection}”`;
    selection.removeAllRanges();
  }

  button.addEventListener("mousedown", (event) => event.preventDefault()); // keep the selection
  button.addEventListener("click", mark);
  text.addEventListener("click", (event) => {
    if (!getSelection().isCollapsed) event.preventDefault(); // a drag over a word does not tick it
  });
}
