// A press on the number copies it; selecting by hand works without.
export function connect(element) {
  element.addEventListener("click", () => {
    navigator.clipboard?.writeText(element.textContent.trim()).catch(() => {});
  });
}
