// @ts-check
/** Controls of a playback: play and pause, where, how fast. The live view shows what is played; STOP stays the bench's. */
import { h, setAttr, setText } from "./dom.js";
import { duration, num } from "./format.js";
import { dress } from "./library.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64];
const LOOK_MS = 100;
const STEP_S = 5;

/** Play a session in the live view, with controls under it. @param {import("./library.js").Page} page @param {string} session @param {number} [speed] */
export function startPlay(page, session, speed = 1) {
  dress();
  page.play(session, speed);
  new Controls(page, session);
}

class Controls {
  /** @param {import("./library.js").Page} page @param {string} session */
  constructor(page, session) {
    this.page = page;
    this.session = session;
    this.store = page.shown();
    this.dragging = false;
    document.getElementById("playback")?.remove();
    this.toggle = h("button", { type: "button", text: "Pause", on: { click: () => this._toggle() } });
    this.slider = h("input", {
      type: "range", min: 0, max: 1, step: 0.05, value: 0, "aria-label": "Time in the session",
      on: { input: () => this._drag(), change: () => this._seek(Number(this.slider.value)) },
    });
    this.time = h("output", { class: "time" });
    this.speed = h("select", { id: "speed", on: { change: () => this.store.send({ type: "speed", speed: Number(this.speed.value) }) } },
      ...SPEEDS.map((each) => h("option", { value: String(each), text: `${each}\u00d7` })));
    const jump = (/** @type {string} */ text, /** @type {string} */ words, /** @type {() => number} */ to) => h("button", { type: "button", class: "quiet", text, "aria-label": words, on: { click: () => this._seek(to()) } });
    this.said = h("span", { class: "why", role: "status" });
    this.bar = h("section", { id: "playback", class: "playback", "aria-label": "Playback" },
      this.toggle,
      jump("\u2212 5 s", "back 5 seconds", () => this._at() - STEP_S),
      jump("+ 5 s", "on 5 seconds", () => this._at() + STEP_S),
      jump("FIRE", "to FIRE", () => this._fire()),
      this.slider, this.time, h("label", { for: "speed", text: "Speed" }), this.speed, this.said,
      h("a", { href: `#sessions/${session}`, text: "its page" }));
    (document.querySelector("section.live") ?? document.body).append(this.bar);
    this.timer = setInterval(() => this._look(), LOOK_MS);
    this._look();
  }

  _at() {
    return this.store.playback?.t_s ?? 0;
  }

  _fire() {
    const told = this.store.playback;
    return told ? Math.max(0, told.zero_s - told.start_s - 1) : 0;
  }

  _toggle() {
    const told = this.store.playback;
    this.store.send({ type: told?.paused || told?.ended ? "play" : "pause" });
  }

  _drag() {
    this.dragging = true;
    setText(this.time, `${duration(Number(this.slider.value))} / ${duration(this.store.playback?.duration_s)}`);
  }

  /** @param {number} t_s */
  _seek(t_s) {
    this.dragging = false;
    this.store.send({ type: "seek", t_s });
  }

  _look() {
    if (this.page.shown() !== this.store) {
      clearInterval(this.timer);
      this.bar.remove();
      return;
    }
    const told = this.store.playback;
    setText(this.said, this.store.phase === "live" ? "" : this.store.phase === "gone" ? this.store.why : "reading the session …");
    if (!told) return;
    setText(this.toggle, told.ended ? "Again" : told.paused ? "Play" : "Pause");
    if (document.activeElement !== this.speed && this.speed.value !== String(told.speed)) this.speed.value = String(told.speed);
    if (this.dragging) return;
    setAttr(this.slider, "max", String(told.duration_s));
    this.slider.value = String(told.t_s);
    setAttr(this.slider, "aria-valuetext", `${num(told.t_s, 0)} of ${num(told.duration_s, 0)} seconds`);
    setText(this.time, `${duration(told.t_s)} / ${duration(told.duration_s)}`);
  }
}
