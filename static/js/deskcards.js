// The cards that pop up at the desk. The server draws them: a few cases have one each, very many one together.
const MOST = 200; // cases in one question; of the others it only says how many they are

export const cards = () => [...document.querySelectorAll("[data-toasts] .toast")];
export const numbers = (card) => card.dataset.cases.split(" ").filter(Boolean);

// The cards for those of these cases that are new here; without cases, for all that nobody here has seen.
export async function ask(cases) {
  const query = new URLSearchParams(location.search);
  if (cases) query.set("cases", cases.slice(0, MOST));
  if (cases?.length > MOST) query.set("more", cases.length - MOST);
  const answer = await fetch(`/desk/toasts?${query}`, { headers: { "X-Fragment": "1", Accept: "text/html" } });
  if (answer.status >= 500) throw new Error(answer.status);
  const page = new DOMParser().parseFromString(answer.status === 200 ? await answer.text() : "", "text/html");
  return [...page.querySelectorAll(".toast")];
}

// Shows these in place of those that were asked about. A card that says the same stays the one it is, and so does one
// that an officer is on.
export function put(drawn, asked) {
  const kept = new Set();
  for (const card of cards()) {
    const same = drawn.some((each) => each.dataset.cases === card.dataset.cases);
    if (same || card.contains(document.activeElement)) kept.add(card.dataset.cases);
    else if (numbers(card).every((number) => asked.includes(number))) card.remove();
  }
  document.querySelector("[data-toasts]").prepend(...drawn.filter((card) => !kept.has(card.dataset.cases)));
}
