// The client's half of “never lost, never doubled”: where each stream of this page stands, and what a hint means for it.
// Hints carry absolute state, so one that comes again after a reset does no harm.
export class Cursors {
  constructor(at) {
    this.at = { ...at };
  }

  // "new": apply it · "old": known already, or not ours · "gap": something before it is missing, fetch it
  take({ stream, seq }) {
    const last = this.at[stream];
    if (last === undefined || seq <= last) return "old";
    if (seq > last + 1) return "gap";
    this.at[stream] = seq;
    return "new";
  }

  // What the server says came after our cursors; gives the hints to apply, in order.
  catchUp({ entries = [], reset = [], refused = [] }) {
    const news = entries.filter((entry) => this.take(entry) === "new");
    for (const { stream, seq } of reset) {
      if (this.at[stream] === undefined || this.at[stream] === seq) continue;
      this.at[stream] = seq;
      news.push({ stream, seq, kind: "reset" });
    }
    for (const stream of refused) {
      if (this.at[stream] === undefined) continue;
      delete this.at[stream];
      news.push({ stream, kind: "refused" });
    }
    return news;
  }
}
