// Reminders at the on-duty switch: once it is pressed this browser offers to be told while the page is closed, and where it
// is told already it offers to stop. Which of the two is true the board says; nothing is asked before the switch is on.
const DUTY = "desk.duty";
const LATER = "desk.remind.later";

export function connect(element) {
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !window.isSecureContext) return;
  const offer = element.querySelector("[data-remind-offer]");
  const stop = element.querySelector("[data-remind-stop]");

  async function known() {
    const registration = await navigator.serviceWorker.getRegistration("/");
    const subscription = await registration?.pushManager.getSubscription();
    if (!subscription) return {};
    const body = new FormData();
    body.append("csrf_token", stop.elements.csrf_token.value);
    body.append("address", JSON.stringify(subscription));
    const answer = await fetch("/contacts/device", { method: "POST", body, headers: { Accept: "application/json" } });
    return answer.ok ? answer.json() : {};
  }

  async function show() {
    if (localStorage.getItem(DUTY) !== "1") {
      element.hidden = true;
      return;
    }
    const { contact, counts } = await known();
    offer.hidden = Boolean(contact) || localStorage.getItem(LATER) === "1" || Notification.permission === "denied";
    stop.hidden = !contact;
    if (contact) {
      const say = stop.querySelector("[role=status]");
      stop.action = `/contacts/${contact}/removal`;
      say.textContent = counts ? say.dataset.counts : say.dataset.waits;
    }
    element.hidden = offer.hidden && stop.hidden;
  }

  // At the document: the switch itself has noted by then which way it was pressed.
  function onClick({ target }) {
    if (!target.closest?.("[data-sound-duty]")) return;
    localStorage.removeItem(LATER); // pressed anew: offered anew
    show().catch(() => {});
  }

  function onLater() {
    localStorage.setItem(LATER, "1");
    show().catch(() => {});
    document.querySelector("[data-sound-duty]")?.focus();
  }

  // The desk was walked on since it was loaded: the answer leads back to where it stands now.
  const onSubmit = ({ target }) => (target.elements.back.value = location.pathname + location.search);

  offer.querySelector("[data-remind-later]").addEventListener("click", onLater);
  element.addEventListener("submit", onSubmit, { capture: true });
  document.addEventListener("click", onClick);
  show().catch(() => {});
  return () => document.removeEventListener("click", onClick);
}
