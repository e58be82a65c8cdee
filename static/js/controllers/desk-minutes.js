// Speaks once, in the desk's one quiet place, when a case in sight has 10, 5 and 1 minute left.
import { speak, words } from "../deskpage.js";
import { serverNow } from "../servertime.js";

const MARKS = [1, 5, 10];

export function connect() {
  const spoken = new Set();

  function look() {
    for (const time of document.querySelectorAll(".queue__row time")) {
      const minutes = (Date.parse(time.dateTime) - serverNow()) / 60_000;
      const mark = minutes > 0 && MARKS.find((each) => minutes <= each);
      const row = time.closest(".queue__row");
      const key = `${row.dataset.case}:${mark}`;
      if (!mark || spoken.has(key)) continue;
      spoken.add(key);
      const title = row.querySelector(".queue__title").textContent.trim();
      if (minutes > mark - 1) speak(words("minutes").replace("{n}", mark).replace("{title}", title));
    }
  }

  const timer = setInterval(look, 10_000);
  look();
  return () => clearInterval(timer);
}
