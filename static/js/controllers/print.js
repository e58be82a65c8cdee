// A button that prints the page; without scripts it stays hidden, and the browser's own menu prints.
export function connect(element) {
  element.hidden = false;
  const print = () => window.print();
  element.addEventListener("click", print);
  return () => element.removeEventListener("click", print);
}
