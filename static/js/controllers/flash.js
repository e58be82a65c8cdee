// Lets a message be closed; without scripts it is gone on the next page anyway.
export function connect(element) {
  const button = element.querySelector("[data-flash-close]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    element.remove();
    document.getElementById("main")?.focus({ preventScroll: true });
  });
}
