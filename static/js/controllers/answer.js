// The officer's box: a phrase goes to where the cursor stands; the text stays when the tab changes.
export function connect(form) {
  const text = form.querySelector("textarea");
  form.querySelectorAll("[data-phrase]").forEach((item) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "linkish";
    button.textContent = item.querySelector("b").textContent;
    item.querySelector("b").replaceChildren(button);
    button.addEventListener("click", () => {
      text.setRangeText(item.querySelector("span").textContent, text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
      item.closest("details").open = false;
      text.focus();
    });
  });
}
