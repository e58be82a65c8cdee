// Says that there is something new (`有 N 条新进展，点这里显示`) and shows it when asked: nothing moves by itself.
// data-stream: what is counted; data-step: the newest step on the page (none in a list); data-one, data-many: the words.
const SILENT = ["changed", "sign_ins", "offices", "check", "queue", "refused", "page"];

export function connect(element) {
  const link = element.querySelector("a");
  const { stream, step, one, many } = element.dataset;
  const plain = link.textContent;
  let count = 0;

  function onHint({ detail }) {
    if (detail.stream !== stream || SILENT.includes(detail.kind)) return;
    if (detail.kind === "inbox" && !detail.item) return;
    count += 1;
    element.hidden = false;
    element.dataset.new = count;
    element.classList.add("note");
    link.textContent = detail.kind === "reset" ? plain || one : (count === 1 ? one : many).replace("{n}", count);
    if (step) link.hash = `e${Number(step) + 1}`;
  }

  function onClick(event) {
    if (!count) return;
    event.preventDefault(); // the address differs by its mark only, which would load nothing
    history.replaceState(null, "", link.href);
    location.reload();
  }

  document.addEventListener("hint", onHint);
  link.addEventListener("click", onClick);
  return () => {
    document.removeEventListener("hint", onHint);
    link.removeEventListener("click", onClick);
  };
}
