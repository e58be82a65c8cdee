// Gives the error summary the focus when the page comes with one.
export function connect(element) {
  element.focus();
}
