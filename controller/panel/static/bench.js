// @ts-check
/** The bench: devices, ports, who they say they are, how their links do, channels with age and quality, limits with their layers. */
import { fill, h, setText } from "./dom.js";
import { age, bound, isNumber, label, num } from "./format.js";
import { dress, failed, pairs, table } from "./library.js";

const EVERY_MS = 1000;
/** @type {Record<string, [string, string]>} */
const HEALTH = { ok: ["\u25cf", "ok"], bad: ["\u25b2", "bad readings"], silent: ["\u2715", "silent"], none: ["\u25cb", "not read"], unknown: ["\u25cb", "not known"] };
const QUALITY = ["good", "bad", "uncertain"];

/** @param {any} root @param {import("./library.js").Page} page @returns {() => void} */
export function mount(root, page) {
  dress();
  const view = new Bench(root, page);
  view.follow();
  return () => view.leave();
}

class Bench {
  /** @param {any} root @param {import("./library.js").Page} page */
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.left = false;
    this.shape = "";
    /** @type {Map<string, any>} */
    this.cells = new Map();
  }

  leave() {
    this.left = true;
    clearTimeout(this.timer);
  }

  async follow() {
    try {
      const told = await this.page.ask("bench");
      if (this.left) return;
      this._show(told);
    } catch (error) {
      if (this.left) return;
      if (this.shape) setText(this.said, error instanceof Error ? error.message : String(error));
      else failed(this.root, error);
    }
    this.timer = setTimeout(() => this.follow(), EVERY_MS);
  }

  /** @param {any} told */
  _show(told) {
    const shape = JSON.stringify([told.bench, told.devices.map((/** @type {any} */ d) => d.name), told.channels.map((/** @type {any} */ c) => c.name), told.limits]);
    if (shape !== this.shape) this._frame(told);
    this.shape = shape;
    setText(this.said, told.record_trouble || (told.session ? "" : "No session is recorded now: what devices said is not known."));
    for (const device of told.devices) {
      const health = told.session ? device.link.health : "unknown";
      const [shape, word] = HEALTH[health] ?? HEALTH.unknown;
      this._put(`health ${device.name}`, `${shape} ${word}`, health);
      this._put(`age ${device.name}`, isNumber(device.link.age_s) ? age(1000 * device.link.age_s) : "--");
    }
    for (const channel of told.channels) {
      const quality = channel.quality === null ? "never read" : (QUALITY[channel.quality] ?? "bad");
      this._put(`value ${channel.name}`, isNumber(channel.value) ? `${num(channel.value, digits(channel.unit))} ${unit(channel.unit)}`.trim() : "--");
      this._put(`quality ${channel.name}`, quality, quality);
      this._put(`old ${channel.name}`, isNumber(channel.age_s) ? age(1000 * channel.age_s) : "--");
    }
  }

  /** @param {string} name @param {string} text @param {string} [kind] */
  _put(name, text, kind) {
    const cell = this.cells.get(name);
    if (!cell) return;
    setText(cell, text);
    if (kind !== undefined && cell.dataset.kind !== kind) cell.dataset.kind = kind;
  }

  /** @param {string} name */
  _cell(name) {
    const cell = h("span", { class: "live-cell" });
    this.cells.set(name, cell);
    return cell;
  }

  /** @param {any} told */
  _frame(told) {
    this.cells.clear();
    this.said = h("p", { class: "why", role: "status" });
    const applicator = told.applicator ?? {};
    const facts = [["modality", told.modality === "rf" ? "RF" : told.modality], ["control", `${num(told.tick_hz, 0)} Hz`], ...Object.entries(applicator).map(([name, value]) => [`applicator, ${label(name).toLowerCase()}`, isNumber(value) ? bound(name, value) : String(value)])];
    const versions = Object.entries(told.versions ?? {}).map(([name, value]) => [name, String(value)]);
    const devices = told.devices.map((/** @type {any} */ d) => [
      h("b", { text: d.name }), d.roles.join(", ") || "--", [d.model, d.serial && `s/n ${d.serial}`, d.firmware && `fw ${d.firmware}`].filter(Boolean).join(", ") || "not known",
      h("span", {}, d.driver, " ", h("code", { text: d.port ?? "" })), this._cell(`health ${d.name}`), this._cell(`age ${d.name}`),
    ]);
    const channels = told.channels.map((/** @type {any} */ c) => [h("code", { text: c.name }), this._cell(`value ${c.name}`), this._cell(`quality ${c.name}`), this._cell(`old ${c.name}`), range(c), isNumber(c.period_s) ? age(1000 * c.period_s) : "--"]);
    const limits = Object.entries(told.limits ?? {}).map(([name, limit]) => [label(name), bound(name, limit.value), limit.layer]);
    const part = (/** @type {string} */ title, /** @type {any[]} */ ...children) => h("section", {}, h("h3", { text: title }), ...children);
    fill(this.root, h("div", { class: "library bench-view" },
      h("div", { class: "row bar" }, h("h2", { text: told.bench }), h("span", { class: "why", text: applicator.name ?? "" }), this.said),
      h("div", { class: "two" },
        h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Devices and channels" },
          part("Devices", table("Devices", ["Device", "Role", "Says it is", "Driver and port", "Link", "Newest"], devices)),
          part("Channels", table("Channels", ["Channel", "Newest", "Quality", "Age", "Range", "Period"], channels))),
        h("div", { class: "scroll facts", tabindex: 0, role: "region", "aria-label": "Limits and facts" },
          part("Limits in force, and who sets them", table("Limits", ["Limit", "Value", "Set by"], limits), h("p", { class: "why", text: "A protocol can only tighten them; its own are shown with it." })),
          part("Bench", pairs(/** @type {any} */ (facts))), part("Software", pairs(/** @type {any} */ (versions)))))));
  }
}

/** @param {string} told */
const unit = (told) => ({ degC: "\u00b0C", ohm: "\u03a9", 1: "", "ml/min": "mL/min" })[told] ?? told;

/** @param {string} told */
const digits = (told) => (told === "1" || told === "" ? 0 : told === "ohm" || told === "ml/min" ? 0 : 1);

/** @param {any} channel */
function range({ low, high, unit: told }) {
  if (!isNumber(low) && !isNumber(high)) return "--";
  return `${isNumber(low) ? num(low, 0) : "\u2212\u221e"} … ${isNumber(high) ? num(high, 0) : "\u221e"} ${unit(told)}`.trim();
}
