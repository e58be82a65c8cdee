// Sends a small GET form when its choice changes and puts its button away.
export function connect(form) {
  const button = form.querySelector("button");
  if (button) button.hidden = true;
  form.addEventListener("change", () => form.submit());
}
