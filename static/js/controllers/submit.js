// A form is sent once: the pressed button says so and stays enabled, a second press is ignored. The server has the
// once-token all the same.
import { words } from "../words.js";

export function connect(form) {
  let sent = false;
  let restore = () => {};

  function onSubmit(event) {
    if (event.defaultPrevented) return;
    if (sent) {
      event.preventDefault();
      return;
    }
    sent = true;
    const button = event.submitter || form.querySelector("button:not([type=button])");
    const place = button?.querySelector("[data-submit-word]") || button;
    if (place) {
      const was = place.textContent;
      // After the browser has read the pressed button's own name and value.
      setTimeout(() => (place.textContent = words("submitting")), 0);
      restore = () => (place.textContent = was);
    }
  }

  // A script sent it in place and it did not arrive.
  function onFailed() {
    sent = false;
    restore();
  }

  function onShow(event) {
    if (!event.persisted) return; // back from the next page: the form is to be used again
    onFailed();
  }

  form.addEventListener("submit", onSubmit);
  form.addEventListener("submit:failed", onFailed);
  window.addEventListener("pageshow", onShow);
  return () => {
    form.removeEventListener("submit", onSubmit);
    form.removeEventListener("submit:failed", onFailed);
    window.removeEventListener("pageshow", onShow);
  };
}
