// What the desk sounds like, each tone once at a time however much there is to say. A ring is counted on the element.
const TONES = { new: [880, 1175], overdue: [440, 330] };
const CALM = 2000;

export class Tones {
  constructor(element) {
    this.element = element;
    this.last = {};
  }

  ring(context, kind) {
    if (Date.now() - (this.last[kind] || 0) < CALM) return;
    this.last[kind] = Date.now();
    TONES[kind].forEach((pitch, place) => {
      const at = context.currentTime + place * 0.22;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.3, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.4);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.42);
    });
    this.element.dataset.rang = Number(this.element.dataset.rang || 0) + 1;
  }
}
