// The time by the server's clock in milliseconds: the phone's own clock may be wrong by hours.
const began = Date.parse(document.documentElement.dataset.now || "") || Date.now();
const entry = performance.getEntriesByType("navigation")[0];
const answered = entry ? entry.responseStart : 0;

export const serverNow = () => began + performance.now() - answered;
