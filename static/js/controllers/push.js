// One tap: this browser is asked for its permission, subscribes, and the form carries its address to the board.
function bytes(text) {
  const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

export function connect(form) {
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !window.isSecureContext) return;
  const say = form.querySelector("[data-push-say]");
  form.hidden = false;

  async function subscribe() {
    if ((await Notification.requestPermission()) !== "granted") throw new Error("blocked");
    await navigator.serviceWorker.register("/service-worker.js");
    const worker = await navigator.serviceWorker.ready;
    const options = { userVisibleOnly: true, applicationServerKey: bytes(form.dataset.key) };
    const old = await worker.pushManager.getSubscription();
    try {
      return await worker.pushManager.subscribe(options);
    } catch (error) {
      if (!old) throw error; // an older key of this board stands in the way
      await old.unsubscribe();
      return worker.pushManager.subscribe(options);
    }
  }

  async function onSubmit(event) {
    if (form.elements.address.value) return;
    event.preventDefault();
    say.textContent = "";
    try {
      form.elements.address.value = JSON.stringify(await subscribe());
      form.submit();
    } catch {
      say.textContent = form.dataset.blocked;
    }
  }

  form.addEventListener("submit", onSubmit);
  return () => form.removeEventListener("submit", onSubmit);
}
