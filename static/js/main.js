// Starts the small controllers named in data-controller. A controller is a module with connect(element), which may
// return a function that undoes it. Pages are complete without any of this.
const started = new WeakMap();

function start(element) {
  const running = started.get(element) || new Map();
  started.set(element, running);
  for (const name of element.dataset.controller.split(/\s+/)) {
    if (!/^[a-z][a-z-]*$/.test(name) || running.has(name)) continue;
    running.set(name, null);
    import(new URL(`./controllers/${name}.js`, import.meta.url).href)
      .then((module) => {
        if (element.isConnected) running.set(name, module.connect(element) || null);
      })
      .catch((error) => console.error(name, error));
  }
}

function stop(element) {
  for (const undo of (started.get(element) || new Map()).values()) if (undo) undo();
  started.delete(element);
}

function each(node, act) {
  if (node.nodeType !== 1) return;
  if (node.dataset.controller) act(node);
  node.querySelectorAll("[data-controller]").forEach(act);
}

each(document.documentElement, start);
new MutationObserver((changes) => {
  for (const change of changes) {
    // A node that was only moved is still in the page: stopping it would lose what it knows.
    change.removedNodes.forEach((node) => node.isConnected || each(node, stop));
    change.addedNodes.forEach((node) => each(node, start));
  }
}).observe(document.documentElement, { childList: true, subtree: true });
