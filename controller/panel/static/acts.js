// @ts-check
/** What an operator does here: choose and prepare, hold to arm, hold to fire where hands are simulated, answer prompts, take control. */
import { lastWords, words } from "./acts_words.js";
import { fill, h, setAttr, setStyle, setText, show } from "./dom.js";
import { bound, countdown, isNumber, label, num, quantity } from "./format.js";
import { controlWords } from "./header.js";
import { Marks } from "./marks.js";
import { ask } from "./stream.js";

const ARM_MS = 1500;
const FOOT_MS = 100;
const AGAIN_MS = 3000;
const REMEMBERED = "openablate-protocol";
/** Limits that are told before arming, and the roles of which one must be there for them to mean anything. @type {[string, string[]][]} */
const ARMED = [
  ["power_w", []], ["energy_j", []], ["on_time_s", []], ["tip_c", ["tip"]], ["tissue_c", ["tissue", "tines"]], ["shaft_c", ["shaft"]],
  ["impedance_low_ohm", ["impedance"]], ["impedance_high_ohm", ["impedance"]], ["reflected_share", ["reverse"]], ["flow_min_ml_min", ["flow"]],
];

export class Acts {
  /** @param {any} root @param {{live: () => any, say: (text: string) => void, act: (verb: string, body?: object) => Promise<any>}} page */
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.armed_ms = null;
    this.pressed = false;
    this._build();
    document.addEventListener("visibilitychange", () => document.hidden && this.letGo("the page was hidden"));
    addEventListener("blur", () => this.cancelArm());
    addEventListener("pagehide", () => this.letGo(""));
  }

  _build() {
    this.protocol = h("select", { id: "protocol", on: { change: () => this._chosen() } }, h("option", { value: "", text: "choose a protocol" }));
    this.prepare = h("button", { type: "button", text: "Prepare", disabled: true, on: { click: () => this.page.act("prepare", { protocol: this.protocol.value, resume: this.resume.checked }) } });
    this.resume = h("input", { type: "checkbox", id: "resume" });
    this.last = h("p", { class: "said" });
    this.safe = h("div", { class: "group" },
      h("div", { class: "row" }, h("label", { for: "protocol", text: "Protocol" }), this.protocol, this.prepare,
        h("label", { class: "check", title: "Go on with the newest unfinished application of this protocol" }, this.resume, "resume"),
        h("a", { href: "#protocols", text: "what it would do" })),
      this.last);

    this.armBar = h("i", { "aria-hidden": "true" });
    this.armWord = h("span", {}, "Hold to ARM", h("small", { text: "1.5 s, or key A" }));
    this.arm = h("button", { type: "button", class: "hold", "aria-keyshortcuts": "A" }, this.armBar, this.armWord);
    this.arming = h("dl", { class: "limits" });
    this.ready = h("div", { class: "group" }, h("div", { class: "row" }, this.arm, h("div", { class: "side" }, h("p", { class: "note", text: "Arming permits at most:" }), this.arming)));
    holds(this.arm, () => this.beginArm(), () => this.cancelArm());

    this.fireWord = h("span", { text: "Hold to FIRE" });
    this.fire = h("button", { type: "button", class: "hold" }, this.fireWord);
    this.keep = h("input", { type: "checkbox", id: "keep", on: { change: () => !this.keep.checked && this.letGo("no longer kept pressed") } });
    this.keepLabel = h("label", { class: "check" }, this.keep, "keep pressed while this page is in sight");
    this.fireSaid = h("p", { class: "said" });
    this.firing = h("div", { class: "group" }, h("div", { class: "row" }, this.fire, h("div", { class: "side" }, this.fireSaid, this.keepLabel)));
    holds(this.fire, () => this.press(), () => !this.keep.checked && this.letGo("let go"));

    this.text = h("p", { class: "said big" });
    this.prompt = h("form", { class: "prompt", on: { submit: (/** @type {Event} */ event) => this._confirm(event) } });
    this.who = h("p", { class: "who" });
    this.take = h("button", { type: "button", text: "Take control", on: { click: () => this.page.act("control/take", {}) } });
    this.bag = h("button", { type: "button", class: "quiet", text: "New saline bag hangs", on: { click: () => this.page.act("bag", {}) } });
    this.marks = new Marks({ act: this.page.act, say: this.page.say, may: () => this.may, held: () => this.pressed && !this.keep.checked });
    this.said = h("p", { class: "answer", role: "status" });
    fill(this.root, h("h2", { class: "hidden-title", text: "Acts" }), this.prompt, this.safe, this.ready, this.firing, this.text,
      h("div", { class: "control" }, this.who, this.take, this.bag, this.marks.button, this.said));
    show(this.prompt, false);
  }

  /** The protocols that this bench can deliver. */
  async load() {
    const told = await ask("protocols");
    const fit = told.protocols.filter((/** @type {any} */ each) => each.fits !== false);
    const before = this.protocol.value || localStorage.getItem(REMEMBERED) || "";
    fill(this.protocol, h("option", { value: "", text: "choose a protocol" }),
      ...fit.map((/** @type {any} */ each) => h("option", { value: each.use ?? each.name, text: each.name, title: each.source ?? null })));
    this.protocol.value = [...this.protocol.options].some((option) => option.value === before) ? before : "";
    this._chosen();
    this.loaded = true;
  }

  /** Until there is one: a server that was busy is asked again. */
  async _load() {
    this.loading = true;
    try {
      await this.load();
    } catch (error) {
      this.page.say(`No list of protocols: ${error instanceof Error ? error.message : error}`);
      await new Promise((later) => setTimeout(later, AGAIN_MS));
    }
    this.loading = false;
  }

  _chosen() {
    this.prepare.disabled = !this.protocol.value;
    if (this.protocol.value) localStorage.setItem(REMEMBERED, this.protocol.value);
  }

  /** @param {string} name chosen elsewhere */
  choose(name) {
    if (![...this.protocol.options].some((option) => option.value === name)) this.protocol.append(h("option", { value: name, text: name }));
    this.protocol.value = name;
    this._chosen();
  }

  get _store() {
    return this.page.live();
  }

  get may() {
    return this._store.you === "controller" && this._store.fresh;
  }

  // ---- arm

  beginArm() {
    if (this.armed_ms !== null || !this.may || this._store.status?.state !== "READY" || this._store.status.prompt) return;
    this.armed_ms = performance.now();
    const step = () => {
      if (this.armed_ms === null) return;
      if (this._store.status?.state !== "READY" || !this.may) {
        this.cancelArm();
        return;
      }
      const share = (performance.now() - this.armed_ms) / ARM_MS;
      setStyle(this.armBar, "width", `${Math.min(100, 100 * share)}%`);
      if (share < 1) {
        requestAnimationFrame(step);
        return;
      }
      this.cancelArm();
      this.page.act("arm", {});
    };
    requestAnimationFrame(step);
  }

  cancelArm() {
    this.armed_ms = null;
    setStyle(this.armBar, "width", "0%");
  }

  // ---- fire, where hands are simulated

  press() {
    const state = this._store.status?.state;
    if (this.pressed && this.keep.checked) {
      this.letGo("let go");
      return;
    }
    if (this.pressed || !this.may || state !== "ARMED") return;
    this.pressed = true;
    const say = () => {
      const now = this._store.status?.state;
      if (!this.pressed) return;
      if ((now !== "ARMED" && now !== "FIRING") || this._store.phase !== "live" || this._store.you !== "controller") this.letGo("");
      else this._store.send({ type: "foot", pressed: true });
    };
    say();
    this._beat = setInterval(say, FOOT_MS);
  }

  /** @param {string} why */
  letGo(why) {
    clearInterval(this._beat);
    if (!this.pressed) return;
    this.pressed = false;
    this._store.send({ type: "foot", pressed: false });
    if (why && this._store.status?.state === "FIRING") this.page.say(`The application ends: ${why}.`);
  }

  // ---- prompts

  /** @param {Event} event */
  _confirm(event) {
    event.preventDefault();
    const box = this.prompt.querySelector("input");
    const value = box ? Number(box.value) : undefined;
    this.page.act("confirm", { prompt: this.asked.id, ...(value === undefined ? {} : { value }) });
  }

  /** @param {any} prompt @param {boolean} may */
  _ask(prompt, may) {
    show(this.prompt, Boolean(prompt));
    if (prompt?.id === this.asked?.id) {
      this.prompt.querySelector("button")?.toggleAttribute("disabled", !may);
      return;
    }
    this.asked = prompt;
    if (!prompt) return;
    const length = isNumber(prompt.value) ? h("label", {}, "reached ", h("input", { type: "number", min: 0, max: 1000, step: "any", value: String(prompt.value), size: 6 }), ` ${prompt.unit}`) : null;
    const attend = prompt.kind === "attend";
    fill(this.prompt, h("strong", { text: attend ? "Still there?" : `Please: ${prompt.text}` }), length, h("button", { type: "submit", text: attend ? "I am here" : "Done", disabled: !may }),
      h("span", { class: "note", text: attend ? "Without an answer energy ends; the time stands on top." : "Your word about your hands; it permits nothing." }));
  }

  // ---- show

  /** @param {any} store the bench; in a playback nothing can be done */
  render(store) {
    const { status } = store;
    const state = store.phase === "live" ? (status?.state ?? "") : "";
    const may = this.may;
    if (!this.loaded && state && !this.loading) this._load();
    const firing = state === "ARMED" || state === "FIRING";
    show(this.safe, state === "SAFE" && !status.prompt);
    show(this.ready, state === "READY");
    show(this.firing, firing);
    show(this.text, !["SAFE", "READY", "ARMED", "FIRING"].includes(state));
    this.prepare.disabled = !may || !this.protocol.value;
    this.protocol.disabled = this.resume.disabled = !may;
    setAttr(this.arm, "aria-disabled", may && !status?.prompt ? null : "true");
    this._control(store);
    this._ask(status?.prompt ?? null, may);
    if (state === "SAFE") setText(this.last, lastWords(status.result));
    else if (state === "READY") this._limits(status);
    else if (firing) this._fire(store, state, may);
    else setText(this.text, words(store, state));
    if (this.pressed && !firing) this.letGo("");
  }

  /** @param {any} status */
  _limits(status) {
    const roles = this._store.bench?.roles ?? {};
    const there = (/** @type {string} */ role) => (Array.isArray(roles[role]) ? roles[role].length > 0 : Boolean(roles[role]));
    const shown = ARMED.filter(([name, of]) => status.limits?.[name] && (!of.length || of.some(there))).map(([name]) => name);
    const told = shown.map((name) => `${name}${status.limits[name].value}`).join();
    setText(this.armWord.lastChild, status.prompt ? "answer the prompt first" : "1.5 s, or key A");
    if (told === this.told) return;
    this.told = told;
    fill(this.arming, ...shown.map((name) => h("div", { title: `set by: ${status.limits[name].layer}` }, h("dt", { text: label(name) }), h("dd", { text: bound(name, status.limits[name].value) }))));
  }

  /** @param {any} store @param {string} state @param {boolean} may */
  _fire(store, state, may) {
    const here = Boolean(store.bench?.foot);
    const held = this.pressed;
    show(this.fire, here && (may || held) && (state === "ARMED" || held));
    show(this.keepLabel, here && may && (state === "ARMED" || held));
    setAttr(this.fire, "data-held", held ? "yes" : null);
    setText(this.fireWord, held ? (this.keep.checked ? "Kept pressed: press again to let go" : "Firing while you hold") : this.keep.checked ? "Press to FIRE" : "Hold to FIRE");
    const real = "Press and hold the footswitch, or run `ablate start` in a terminal.";
    const sim = may ? "The simulated footswitch: let go, and power is off." : `Whoever controls may fire (${controlWords(store)}).`;
    const status = store.status;
    const left = status.limits?.energy_j ? `; ${quantity("energy_j", Math.max(0, status.limits.energy_j.value - status.energy_j))} left` : "";
    const flow = `${num(status.setpoint_w, 0)} W asked, at most ${bound("power_w", status.permit_w)} (${(status.limited_by ?? []).join(", ") || "no limit told"})${left}`;
    setText(this.fireSaid, state === "ARMED" ? `${here ? sim : real} Disarms itself in ${countdown(status.left_s)}.` : flow);
  }

  /** @param {any} store */
  _control(store) {
    const may = store.you !== "viewer";
    setText(this.who, store.you === "controller" ? "This page controls the bench." : !store.status ? "" : may ? `You are looking on. In control: ${controlWords(store)}.` : "This link may look and STOP.");
    show(this.take, may && store.you !== "controller" && store.phase === "live");
    const bag = store.status?.coolant?.bag;
    show(this.bag, Boolean(bag) && this.may);
    show(this.marks.button, this.may);
    if (bag && isNumber(bag.left_ml)) setText(this.bag, `New saline bag hangs (${num(bag.left_ml, 0)} mL left)`);
  }
}

/** Pointer, or Enter; Space starts nothing. @param {any} button @param {() => void} begin @param {() => void} end */
function holds(button, begin, end) {
  button.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    begin();
  });
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(kind, end);
  button.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault());
  button.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && !event.repeat) begin();
    if (event.key === "Enter" || event.key === " ") event.preventDefault();
  });
  button.addEventListener("keyup", (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && end());
}
