// The sentences scripts show stand in the page, in its language: <template id="words" data-…>.
export function words(name, n) {
  const text = document.getElementById("words")?.dataset[name] || "";
  return text.replace("{n}", n);
}
