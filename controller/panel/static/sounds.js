// @ts-check
/** Alarms to be heard: the pattern that the status names, by WebAudio. A browser is silent until a person allows sound. */

/** Hz; pulse and pause in ms; after how many pulses a longer pause. */
const PATTERNS = {
  high: { hz: 880, pulse_ms: 150, pause_ms: 100, group: 5, between_ms: 500, gain: 0.5 },
  medium: { hz: 660, pulse_ms: 200, pause_ms: 200, group: 3, between_ms: 400, gain: 0.4 },
  low: { hz: 520, pulse_ms: 250, pause_ms: 250, group: 1, between_ms: 250, gain: 0.3 },
  activation: { hz: 440, pulse_ms: 120, pause_ms: 120, group: 1, between_ms: 120, gain: 0.15 },
  attend: { hz: 740, pulse_ms: 300, pause_ms: 150, group: 2, between_ms: 150, gain: 0.5 },
  test: { hz: 600, pulse_ms: 200, pause_ms: 200, group: 1, between_ms: 200, gain: 0.3 },
};

const PATIENCE_MS = 500;
export const ATTEND = "attend";
/** The question whether somebody is there is no alarm; it sounds as on a terminal. */
const ASKED = { name: ATTEND, pulses: 2, every_s: 3 };

/** A bench that has fallen silent in a state in which somebody relies on it. */
const LOST = { name: "medium", pulses: 3, every_s: 20, number: "lost" };
const RELIED_ON = new Set(["ARMED", "FIRING", "STOPPING", "COOLDOWN"]);

/** What is to be heard of a bench. @param {any} live @param {boolean} known its state is told as if it held @returns {any} null: nothing */
export function heardOf(live, known) {
  const { status } = live;
  if (!known) return status && (RELIED_ON.has(status.state) || status.alarms?.activation) ? LOST : null;
  if (status?.alarms?.sound && status.alarms.sound.name !== "activation") return status.alarms.sound;
  if (status?.prompt?.kind === ATTEND) return { ...ASKED, number: status.prompt.id };
  return status?.alarms?.sound ?? null;
}

export class Sounds {
  constructor() {
    /** @type {AudioContext | null} */
    this.audio = null;
    this.wanted = false;
    this.playing = "";
    this.began_ms = 0;
    /** @type {OscillatorNode[]} */
    this.voices = [];
  }

  /** It is wanted, and the browser plays: one that has changed its mind (or lost its device) does not. */
  get allowed() {
    return this.wanted && this.audio?.state === "running";
  }

  /** Called from a click or a key: only then does a browser let it sound. @param {boolean} [heard] with one pulse to hear that it does */
  async allow(heard = true) {
    this.wanted = true;
    this.audio ??= new AudioContext();
    // Where it may not play, the promise stays open for ever.
    await Promise.race([this.audio.resume(), new Promise((later) => setTimeout(later, PATIENCE_MS))]);
    if (this.allowed && heard) this._burst({ name: "test", pulses: 1 });
    return this.allowed;
  }

  forbid() {
    this.wanted = false;
    this._hush();
  }

  /** @param {any} sound of the status; null: silence @param {number} now_ms */
  follow(sound, now_ms) {
    const key = sound ? `${sound.name} ${sound.number}` : "";
    if (!sound || !this.allowed) {
      if (this.playing) this._hush();
      this.playing = "";
      return;
    }
    const again = sound.every_s !== null && now_ms - this.began_ms >= 1000 * sound.every_s;
    if (key === this.playing && !again) return;
    this.playing = key;
    this.began_ms = now_ms;
    this._hush();
    this._burst(sound);
  }

  /** @param {{name: string, pulses: number}} sound */
  _burst(sound) {
    if (!this.audio) return;
    const pattern = PATTERNS[/** @type {keyof typeof PATTERNS} */ (sound.name)] ?? PATTERNS.low;
    let at = this.audio.currentTime + 0.01;
    for (let i = 0; i < sound.pulses; i++) {
      this._pulse(pattern, at);
      const pause = (i + 1) % pattern.group === 0 ? pattern.between_ms : pattern.pause_ms;
      at += (pattern.pulse_ms + pause) / 1000;
    }
  }

  /** One pulse with soft edges and one harmonic, so that it carries without hurting. @param {any} pattern @param {number} at */
  _pulse(pattern, at) {
    const audio = /** @type {AudioContext} */ (this.audio);
    const gain = audio.createGain();
    const end = at + pattern.pulse_ms / 1000;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(pattern.gain, at + 0.02);
    gain.gain.setValueAtTime(pattern.gain, end - 0.02);
    gain.gain.linearRampToValueAtTime(0, end);
    gain.connect(audio.destination);
    for (const times of [1, 2]) {
      const voice = audio.createOscillator();
      voice.frequency.value = pattern.hz * times;
      const part = audio.createGain();
      part.gain.value = 1 / times;
      voice.connect(part).connect(gain);
      voice.start(at);
      voice.stop(end);
      this.voices.push(voice);
      voice.addEventListener("ended", () => this.voices.splice(this.voices.indexOf(voice), 1));
    }
  }

  _hush() {
    for (const voice of [...this.voices]) voice.stop();
  }
}
