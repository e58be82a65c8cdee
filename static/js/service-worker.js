// Shows what is pushed, tells the board that it was shown, and opens the page it leads to. It keeps nothing and answers no
// request: a page of a signed-in reader must never lie in a cache.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

function read(data) {
  try {
    return data.json();
  } catch {
    return {};
  }
}

const here = (path) => new URL(typeof path === "string" ? path : "/", self.location.origin);
const own = (path) => here(path).origin === self.location.origin;

self.addEventListener("push", (event) => {
  const note = event.data ? read(event.data) : {};
  const shown = self.registration.showNotification(note.title || "24", {
    body: note.body || "",
    tag: note.tag || "station",
    data: { url: own(note.url) ? here(note.url).href : "/" },
    requireInteraction: Boolean(note.urgent),
  });
  // Without cookies: the receipt itself says which message was shown.
  const receipt = () => note.receipt && own(note.receipt) && fetch(here(note.receipt), { method: "POST", credentials: "omit" });
  event.waitUntil(shown.then(receipt).catch(() => {}));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data.url));
});
