// Shows how the live connection goes: a lamp with its word at the desk, a quiet bar on public pages (data-only="lost").
// Words: data-live, data-polling, data-lost on the element; a short break is nobody's business.
const PATIENCE = 4000;

export function connect(element) {
  const word = element.querySelector("[data-connection-word]") || element;
  const lamp = element.querySelector(".lamp");
  let timer;

  function show(state) {
    element.dataset.state = state;
    if (element.dataset[state]) word.textContent = element.dataset[state];
    lamp?.classList.toggle("lamp--out", state === "lost");
    element.hidden = Boolean(element.dataset.only) && element.dataset.only !== state;
  }

  function onChange({ detail }) {
    clearTimeout(timer);
    if (detail === "lost") timer = setTimeout(show, PATIENCE, detail);
    else show(detail);
  }

  document.addEventListener("connection", onChange);
  if (document.body.dataset.connection) onChange({ detail: document.body.dataset.connection });
  return () => {
    clearTimeout(timer);
    document.removeEventListener("connection", onChange);
  };
}
