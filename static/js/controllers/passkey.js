// Asks this device for a passkey and sends its answer along with the form; a browser that knows none never shows it.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

async function asked(address) {
  const reply = await fetch(address, { headers: { Accept: "application/json" } });
  if (reply.status === 403) location.reload(); // the ten minutes are over: the page asks again who it is
  if (!reply.ok) throw new Error(reply.status);
  const options = await reply.json();
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const key of [...(options.allowCredentials || []), ...(options.excludeCredentials || [])]) key.id = bytes(key.id);
  return { publicKey: options };
}

function answered(key) {
  const response = { transports: key.response.getTransports?.() };
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (key.response[name]) response[name] = text(key.response[name]);
  }
  return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response });
}

export function connect(form) {
  if (!window.PublicKeyCredential || !window.isSecureContext) return;
  const say = form.querySelector("[data-passkey-say]");
  form.hidden = false;
  form.parentElement.querySelector("[data-passkey-without]")?.remove();

  async function onSubmit(event) {
    event.preventDefault();
    say.textContent = "";
    try {
      const options = await asked(form.dataset.options);
      const act = "make" in form.dataset ? "create" : "get";
      form.elements.passkey.value = answered(await navigator.credentials[act](options));
      form.submit();
    } catch (error) {
      say.textContent = error.name === "InvalidStateError" ? form.dataset.known : form.dataset.failed;
    }
  }

  form.addEventListener("submit", onSubmit);
  return () => form.removeEventListener("submit", onSubmit);
}
