// @ts-check
/**
 * STOP: sent at once on every way there is, from every view and in every state; never asked twice. What became of it is
 * told, and told loudly when nothing did.
 */
import { setAttr, setText } from "./dom.js";
import { ask, token } from "./stream.js";

const HEARD_MS = 400; // the socket's way takes a few ms; then the other one is tried as well
const PROOF_MS = 1500;
const RESTS = ["(RF off)", "(microwave off)"];
const POWERED = new Set(["FIRING", "ARMED", "READY", "PRECHECK"]);

export class Stop {
  /** @param {any} button @param {() => any} live @param {(text: string) => void} alarm */
  constructor(button, live, alarm) {
    this.button = button;
    this.live = live;
    this.alarm = alarm;
    this.small = button.querySelector("small");
    this.sent_ms = -Infinity;
    this.pending = false;
    button.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      event.preventDefault();
      this.press("button");
    });
    button.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if ((event.key === "Enter" || event.key === " ") && !event.repeat) {
        event.preventDefault();
        this.press("button");
      }
    });
    // A click without a pointer: a screen reader's, or a script's.
    button.addEventListener("click", (/** @type {MouseEvent} */ event) => event.detail === 0 && !this._justNow() && this.press("button"));
  }

  _justNow() {
    return performance.now() - this.sent_ms < 300;
  }

  /** @param {string} by */
  press(by) {
    const live = this.live();
    this.sent_ms = performance.now();
    this.pending = true;
    this.before = live.status?.t_s ?? -Infinity;
    this.proven = false;
    setAttr(this.button, "data-sent", "yes");
    setText(this.small, "sent …");
    const sent = live.send({ type: "stop", reason: `panel: ${by}` });
    if (!sent || !live.fresh) this._post(by);
    else this._second = setTimeout(() => this.pending && this._post(by), HEARD_MS);
  }

  /** The second way, which needs no socket. @param {string} by */
  async _post(by) {
    try {
      await ask("stop", { body: { reason: `panel: ${by}` }, timeout_ms: 2000 });
      this._done("taken");
    } catch (error) {
      if (!this.pending) return;
      this.pending = false;
      setText(this.small, "NOT DELIVERED");
      const why = token() ? (error instanceof Error ? error.message : String(error)) : "this page has no token";
      this.alarm(`STOP WAS NOT DELIVERED (${why}). Use the E-stop or the generator's own switch, now.`);
    }
  }

  /** @param {string} word */
  _done(word) {
    this.pending = false;
    clearTimeout(this._second);
    setText(this.small, word);
    this.alarm("");
  }

  /** Called with every drawing: has the daemon heard it, and is power gone? @param {number} now_ms */
  follow(now_ms) {
    const { status } = this.live();
    const since_ms = now_ms - this.sent_ms;
    if (since_ms > 3000 && this.button.hasAttribute("data-sent") && !this.pending) {
      setAttr(this.button, "data-sent", null);
      setText(this.small, "");
    }
    if (this.small.textContent === "" || RESTS.includes(this.small.textContent)) setText(this.small, RESTS[this.live().bench?.modality === "microwave" ? 1 : 0]);
    if (since_ms > 10_000 || !status) return;
    const newer = (status.t_s ?? 0) > (this.before ?? 0);
    const off = !POWERED.has(status.state) && !status.alarms?.activation;
    if (this.pending && newer && off) this._done("taken");
    if (since_ms > PROOF_MS && since_ms < 5000 && status.alarms?.activation && newer) {
      this.alarm("STOP was sent and power still flows. Use the E-stop or the generator's own switch, now.");
      this.warned = true;
    } else if (this.warned && off) {
      this.warned = false;
      this.alarm("");
    }
  }
}
