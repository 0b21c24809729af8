// @ts-check
/** The numbers: each a value with its unit, an analogue bar with its limits, and the limits in words. */
import { h, setAttr, setStyle, setText, show } from "./dom.js";
import { MISSING, age, bound, digitsOf, duration, isNumber, label, num, unitOf } from "./format.js";
import { duration_s } from "./header.js";

/**
 * @typedef {{name: string, limit?: string, low?: string, high?: string, from: number, to: number, mark?: number | null,
 *   value: number | null, why: string, log?: boolean, more?: string, unit?: string, text?: string, title?: string}} Reading
 */

const BLANK = ["power_w", "impedance_ohm", "tip_c", "tissue_c", "flow_ml_min", "energy_j"].map((name) => ({ name, value: null, why: "not live", from: 0, to: 1 }));

/** What there is to show of a status. @param {any} store @returns {Reading[]} */
export function readings(store) {
  const { status, bench } = store;
  if (!status) return BLANK;
  const limits = status.limits ?? bench?.limits ?? {};
  const most = (/** @type {string} */ name) => limitOf(limits, name);
  const roles = bench?.roles ?? {};
  const values = status.values ?? {};
  const cap_w = most("power_w");
  /** @type {Reading[]} */
  const found = [
    {
      ...plain(status, "power_w", values.power_w),
      from: 0, to: (cap_w ?? 100) * 1.05, high: "power_w", mark: status.setpoint_w,
      more: `set ${num(status.setpoint_w, 0)} · cap ${bound("power_w", cap_w)}`,
    },
  ];
  if (roles.impedance || isNumber(values.impedance_ohm)) {
    const low = most("impedance_low_ohm") ?? 10;
    const high = most("impedance_high_ohm") ?? 1000;
    found.push({
      ...plain(status, "impedance_ohm", values.impedance_ohm), ...impedance(status), from: low / 1.6, to: high * 1.6, log: true,
      low: "impedance_low_ohm", high: "impedance_high_ohm", more: `trip ${num(low, 0)} … ${bound("impedance_ohm", high)}`,
    });
  }
  const warm = (/** @type {string} */ name, /** @type {string} */ limit) => {
    const trip = most(limit);
    return { from: 0, to: (trip ?? 100) * 1.1, high: limit, more: trip === null ? "" : `trip ${bound(limit, trip)}` };
  };
  if (roles.tip || isNumber(values.tip_c)) found.push({ ...plain(status, "tip_c", values.tip_c), ...warm("tip_c", "tip_c") });
  for (const [name, list] of [["tine_c", values.tine_c ?? []], ["tissue_c", values.tissue_c ?? []]]) {
    if (list.length <= 2) list.forEach((/** @type {any} */ value, /** @type {number} */ i) => found.push({ ...plain(status, `${name}[${i}]`, value), ...warm(name, "tissue_c") }));
    else found.push({ ...hottest(status, name, list), ...warm(name, "tissue_c") });
  }
  if (roles.shaft || isNumber(values.shaft_c)) found.push({ ...plain(status, "shaft_c", values.shaft_c), ...warm("shaft_c", "shaft_c") });
  if (roles.flow || isNumber(values.flow_ml_min)) {
    const least = most("flow_min_ml_min");
    const wish = status.coolant?.wish_ml_min;
    found.push({
      ...plain(status, "flow_ml_min", values.flow_ml_min), from: 0, to: Math.max(2 * (least ?? 0), 1.25 * (wish ?? 0), 100), low: "flow_min_ml_min",
      mark: wish, more: `${wish ? `asked ${num(wish, 0)} · ` : ""}${least === null ? "" : `least ${num(least, 0)}`}`,
    });
  }
  if ((roles.coolant || isNumber(values.coolant_c)) && found.length < 8) found.push({ ...plain(status, "coolant_c", values.coolant_c), ...warm("coolant_c", "coolant_c") });
  found.push(spent(store, most));
  return found;
}

/** Energy and time, which only grow. @param {any} store @param {(name: string) => number | null} most @returns {Reading} */
function spent(store, most) {
  const { status } = store;
  const energy_j = most("energy_j");
  const end_s = duration_s(store);
  const begun = !["PRECHECK", "READY", "ARMED"].includes(status.state); // then time is still that of the application before
  const time = begun ? `${duration(status.elapsed_s)}${end_s ? `/${duration(end_s)}` : ""} · ` : "";
  return {
    name: "energy_j", value: status.energy_j ?? null, why: "nothing was delivered yet", from: 0, to: (energy_j ?? 1000) * 1.05, high: "energy_j",
    text: num(isNumber(status.energy_j) ? status.energy_j / 1000 : null, 2), unit: "kJ",
    more: `${time}max ${bound("energy_j", isNumber(energy_j) ? Math.round(energy_j / 100) / 10 : null).replace("J", "kJ")}`,
  };
}

/** @param {any} status @param {string} name @param {any} value */
function plain(status, name, value) {
  return { name, value: isNumber(value) ? value : null, why: why(status, name) };
}

/** The hottest of many, with its number. @param {any} status @param {string} name @param {any[]} list */
function hottest(status, name, list) {
  const at = list.reduce((best, value, i) => (isNumber(value) && (best < 0 || value > list[best]) ? i : best), -1);
  const told = plain(status, `${name}[${Math.max(at, 0)}]`, at < 0 ? null : list[at]);
  const missing = list.filter((value) => !isNumber(value)).length;
  return { ...told, title: `${label(told.name)}, hottest of ${list.length - missing}${missing ? `, ${missing} UNKNOWN` : ""}` };
}

/** Impedance is what the generator says under power; its last word is none when power is off. @param {any} status */
function impedance(status) {
  const told = status.evidence?.impedance_ohm;
  const old = told && (told.age_s === null || told.age_s > (told.oldest_s ?? Infinity));
  return old && !status.alarms?.activation ? { value: null, why: "known only while power flows" } : {};
}

/** Why there is no number. @param {any} status @param {string} name */
function why(status, name) {
  const told = status.evidence?.[name];
  if (!told) return name === "impedance_ohm" ? "impedance is known only while power flows" : "this bench does not measure it, or said nothing yet";
  if (told.age_s === null) return `${told.channel} was never read`;
  if (told.good === false) return `${told.channel} says that its reading is not valid`;
  return `${told.channel}, read ${age(1000 * told.age_s)} ago`;
}

/** Value of an effective limit, or null. @param {any} limits @param {string} name @returns {number | null} */
export function limitOf(limits, name) {
  const told = limits?.[name];
  const value = told !== null && typeof told === "object" ? told.value : told;
  return isNumber(value) ? value : null;
}

export class Tiles {
  /** @param {any} root */
  constructor(root) {
    this.root = root;
    /** @type {Map<string, any>} */
    this.tiles = new Map();
    this.order = "";
  }

  /** @param {any} store */
  render(store) {
    const all = readings(store);
    const order = all.map((reading, i) => keyOf(reading, i)).join();
    if (order !== this.order) this._lay(all, order);
    all.forEach((reading, i) => this._fill(this.tiles.get(keyOf(reading, i)), reading, store));
  }

  /** @param {Reading[]} all @param {string} order */
  _lay(all, order) {
    this.order = order;
    this.tiles.clear();
    this.root.replaceChildren(
      ...all.map((reading, i) => {
        const tile = tileOf();
        this.tiles.set(keyOf(reading, i), tile);
        return tile.node;
      }),
    );
  }

  /** @param {any} tile @param {Reading} reading @param {any} store */
  _fill(tile, reading, store) {
    const limits = store.status?.limits ?? store.bench?.limits ?? {};
    const low = reading.low ? limitOf(limits, reading.low) : null;
    const high = reading.high ? limitOf(limits, reading.high) : null;
    const value = reading.value;
    const stale = value === null || !store.status ? null : evidenceOld(store.status, reading.name);
    const out = value !== null && ((high !== null && value > high) || (low !== null && value < low && judged(store.status, reading)));
    setText(tile.name, reading.title ?? label(reading.name));
    setText(tile.value, value === null ? MISSING : (reading.text ?? num(value, digitsOf(reading.name))));
    setText(tile.unit, reading.unit ?? unitOf(reading.name));
    setText(tile.more, stale ?? reading.more ?? "");
    setAttr(tile.node, "title", value === null || stale ? `${MISSING}: ${reading.why}` : layers(limits, reading));
    setAttr(tile.node, "data-out", out ? "yes" : null);
    setAttr(tile.node, "data-stale", stale ? "yes" : null);
    const at = (/** @type {number} */ told) => place(told, reading);
    setStyle(tile.band, "left", `${low === null ? 0 : at(low)}%`);
    setStyle(tile.band, "right", `${high === null ? 0 : 100 - at(high)}%`);
    setStyle(tile.bar, "width", value === null ? "0" : `${at(value)}%`);
    edge(tile.low, low, at);
    edge(tile.high, high, at);
    edge(tile.mark, isNumber(reading.mark) && reading.mark > 0 ? reading.mark : null, at);
  }
}

/** @param {Reading} reading @param {number} i */
const keyOf = (reading, i) => (/^(tine|tissue)_c/.test(reading.name) ? `${reading.name.slice(0, 5)}${i}` : reading.name);

/** A low flow while the pump is meant to stand, and impedance without power, break nothing. @param {any} status @param {Reading} reading */
function judged(status, reading) {
  return reading.name === "flow_ml_min" ? Boolean(status.pump_on) && status.state !== "PRECHECK" : Boolean(status.alarms?.activation);
}

/** @param {any} status @param {string} name */
function evidenceOld(status, name) {
  const told = status.evidence?.[name];
  if (!told || told.age_s === null || told.oldest_s === null || told.age_s <= told.oldest_s) return null;
  return `STALE: read ${age(1000 * told.age_s)} ago`;
}

/** @param {any} limits @param {Reading} reading */
function layers(limits, reading) {
  const told = [reading.low, reading.high].filter((name) => name && limits[name]);
  const words = told.map((name) => `${bound(/** @type {string} */ (name), limitOf(limits, /** @type {string} */ (name)))} (${limits[/** @type {string} */ (name)].layer ?? "bench"})`);
  return words.length ? `${label(reading.name)}: limits ${words.join(", ")}` : label(reading.name);
}

/** Percent along the bar. @param {number} value @param {Reading} reading */
function place(value, reading) {
  const scale = reading.log ? Math.log : (/** @type {number} */ v) => v;
  const [from, to] = [scale(reading.from), scale(reading.to)];
  const at = (scale(Math.max(value, reading.log ? reading.from : -Infinity)) - from) / (to - from || 1);
  return Math.round(1000 * Math.min(1, Math.max(0, at))) / 10;
}

/** @param {any} node @param {number | null} value @param {(v: number) => number} at */
function edge(node, value, at) {
  show(node, value !== null);
  if (value !== null) setStyle(node, "left", `${at(value)}%`);
}

function tileOf() {
  const name = h("dt");
  const value = h("span", { class: "value" });
  const unit = h("span", { class: "unit" });
  const more = h("dd", { class: "more" });
  const [band, bar, low, high, mark] = ["band", "bar", "edge", "edge", "mark"].map((kind) => h("i", { class: kind }));
  const gauge = h("dd", { class: "gauge", "aria-hidden": "true" }, band, bar, low, high, mark);
  const node = h("div", { class: "tile" }, name, h("dd", { class: "number" }, value, unit), gauge, more);
  return { node, name, value, unit, more, band, bar, low, high, mark };
}
