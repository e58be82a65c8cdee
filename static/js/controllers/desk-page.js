// Links and forms of the desk work in place: the next page is fetched and its columns are swapped.
import { speak, visit, words } from "../deskpage.js";

export function connect() {
  function onClick(event) {
    const link = event.target.closest?.('a[href^="/desk?"], a[href="/desk"]');
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    visit(link.getAttribute("href")).catch(() => location.assign(link.href));
    link.closest(".toast")?.remove();
  }

  function onSubmit(event) {
    const form = event.target;
    if (event.defaultPrevented || !form.closest(".desk-frame") || form.hasAttribute("data-native")) return;
    event.preventDefault();
    const sender = event.submitter;
    const body = new FormData(form);
    if (sender?.name) body.append(sender.name, sender.value);
    const url = sender?.getAttribute("formaction") || form.getAttribute("action") || "/desk";
    const get = form.method === "get";
    const toast = form.closest(".toast");
    visit(get ? `${url}?${new URLSearchParams(body)}` : url, get ? {} : { method: "POST", body })
      .then(() => toast?.remove())
      .catch(() => {
        speak(words("failed"));
        form.dispatchEvent(new CustomEvent("submit:failed"));
      });
  }

  const onPop = () => visit(location.href, { back: true }).catch(() => location.reload());
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  window.addEventListener("popstate", onPop);
  return () => {
    document.removeEventListener("click", onClick);
    document.removeEventListener("submit", onSubmit);
    window.removeEventListener("popstate", onPop);
  };
}
