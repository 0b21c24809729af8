// @ts-check
/** What may stand in the way of energy, each with a shape, a word and a reason. What nobody looks at is told so: never OK. */
import { fill, h, setAttr, setText, svg } from "./dom.js";
import { age, bound, isNumber, label, num, quantity } from "./format.js";
import { limitOf } from "./tiles.js";

/** @typedef {"ok" | "bad" | "stale" | "wait" | "none"} Kind */
/** @typedef {{key: string, name: string, kind: Kind, word: string, reason: string}} Row */

/** Which row a permit item belongs to. @type {Record<string, string>} */
const ITEMS = {
  estop: "estop", footswitch: "footswitch", hold: "footswitch", enable: "enable", line: "enable", watchdog: "watchdog", record: "record",
  stale: "sensors", range: "sensors", rate: "sensors", frozen: "sensors", agree: "sensors", heating: "sensors",
  flow: "flow", air: "flow", prime: "flow", cool: "tissue", temperature: "tissue", impedance: "load", pads: "load", reflected: "load", frequency: "load",
  power: "source", readback: "source", off: "source", budget: "source", flags: "flags", config: "host", clock: "host", daemon: "host",
  lockout: "latch", ack: "latch", clear: "latch",
};

/** Permit items in words. @type {Record<string, string>} */
export const ITEM_WORDS = {
  clock: "the daemon's clock has a gap", daemon: "a task of the daemon has ended", watchdog: "the watchdog is not ready", enable: "the enable line does not follow",
  estop: "an E-stop contact is open", config: "files were edited since the check", record: "the record is not written", stale: "a reading is too old",
  range: "a reading is out of its range", flags: "a device reports a fault, or the door is open", footswitch: "the footswitch contacts disagree, or it is pressed",
  rate: "a reading jumped", frozen: "a reading does not move", power: "power is not as asked", readback: "the set-point read back is another one",
  flow: "coolant flow is below its least", air: "air in the coolant", temperature: "a temperature is above its limit", agree: "sensors disagree",
  frequency: "frequency is out of band", reflected: "too much power is reflected", impedance: "impedance is out of its band", pads: "a return electrode carries too much",
  heating: "a sensor does not warm as it must", budget: "energy or time is used up", lockout: "LOCKOUT", ack: "not acknowledged", off: "off is not proven yet",
  clear: "the cause has not been gone for 2 s", cool: "the applicator is not cold yet", prime: "coolant is priming", hold: "nobody holds", line: "the enable line is not read back closed",
};

/** All of them. @param {any} store @returns {Row[]} */
export function rows(store) {
  const { status } = store;
  if (!status) return [];
  const found = [...contacts(status), ...guards(status), ...process(status, store)];
  const blocked = new Map();
  for (const item of status.blocked_by ?? []) {
    const key = ITEMS[item] ?? item;
    blocked.set(key, [...(blocked.get(key) ?? []), ITEM_WORDS[item] ?? item]);
  }
  for (const [key, reasons] of blocked) {
    if (key === "latch") continue; // what a trip waits for is told with the trip
    if (key === "flags" && found.some((row) => row.key === "door" && row.kind === "bad")) continue; // that is the flag
    let at = found.findIndex((row) => row.key === key);
    if (at < 0) at = found.push({ key, name: NAMES[key] ?? key, kind: "ok", word: "", reason: "" }) - 1;
    if (found[at].kind === "ok" || found[at].kind === "none") {
      const passing = ["prime", "off", "cool", "hold", "line"].some((item) => ITEMS[item] === key && status.blocked_by.includes(item));
      found[at] = { ...found[at], kind: passing ? "wait" : "bad", word: passing ? "WAIT" : "NOT MET", reason: reasons.join("; ") };
    }
  }
  if (status.trip) {
    const at = found.findIndex((row) => row.key === rowOf(status, status.trip.channel));
    if (at >= 0) found.unshift({ ...found.splice(at, 1)[0], kind: "bad", word: "TRIPPED", reason: status.trip.text }); // in sight whatever the room
  }
  return found;
}

/** @type {Record<string, string>} */
const NAMES = { source: "Generator", flags: "Device flags", host: "Daemon, files", load: "Load", tissue: "Temperatures", flow: "Coolant flow" };

/** @param {any} status @param {string} where */
function rowOf(status, where) {
  for (const [key, list] of Object.entries(status.contacts ?? {})) {
    if (/** @type {any[]} */ (list).some((each) => each.channel === where)) return key;
  }
  const role = Object.entries(status.evidence ?? {}).find(([, told]) => /** @type {any} */ (told).channel === where)?.[0] ?? "";
  if (role.startsWith("flow")) return "flow";
  if (role.startsWith("impedance")) return "load";
  return role.endsWith("_w") ? "source" : role ? "tissue" : "";
}

/** @param {any} status @returns {Row[]} */
function contacts(status) {
  const told = status.contacts ?? {};
  /** @type {Row[]} */
  const found = [];
  /** @param {string} key @param {string} name @param {(closed: boolean[]) => [Kind, string, string]} judge */
  const add = (key, name, judge) => {
    const list = told[key];
    if (!list) return;
    const old = list.find((/** @type {any} */ each) => each.age_s === null || (each.oldest_s !== null && each.age_s > each.oldest_s));
    const unknown = list.find((/** @type {any} */ each) => each.closed === null);
    if (unknown || old) {
      const which = unknown ?? old;
      found.push({ key, name, kind: "stale", word: unknown ? "UNKNOWN" : "STALE", reason: which.age_s === null ? `${which.channel} was never read` : `${which.channel}, ${age(1000 * which.age_s)} old` });
      return;
    }
    const [kind, word, reason] = judge(list.map((/** @type {any} */ each) => each.closed));
    found.push({ key, name, kind, word, reason });
  };
  add("estop", "E-stop", (closed) => (closed.every(Boolean) ? ["ok", "CLOSED", "both contacts"] : ["bad", "OPEN", closed.some(Boolean) ? "the contacts disagree" : "pressed, or a wire is off"]));
  add("door", "Door", ([closed]) => (closed ? ["ok", "CLOSED", ""] : ["bad", "OPEN", "close the door"]));
  add("footswitch", "Footswitch", ([open, closed]) =>
    open === closed ? ["bad", "DISAGREE", "its two contacts say different things"] : open ? ["ok", "PRESSED", "held"] : ["ok", "RELEASED", ""],
  );
  add("pad", "Return pads", ([closed]) => (closed ? ["ok", "CLOSED", "no alarm of the monitor"] : ["bad", "OPEN", "the monitor of the return pads alarms"]));
  add("leak", "Leak, smoke", (closed) => (closed.every(Boolean) ? ["ok", "CLOSED", ""] : ["bad", "OPEN", "leak, smoke or fire"]));
  return found;
}

/** @param {any} status @returns {Row[]} */
function guards(status) {
  /** @type {Row[]} */
  const found = [];
  const dog = status.watchdog;
  if (dog) {
    const late = dog.age_s > 0.2;
    found.push({ key: "watchdog", name: "Watchdog", kind: late ? "stale" : dog.ready ? "ok" : "wait", word: late ? "STALE" : dog.ready ? "READY" : "NOT READY", reason: `${age(1000 * dog.age_s)} ago` });
    if (dog.enable_closed !== null) {
      const agree = dog.enable_closed === dog.enable_commanded;
      found.push({ key: "enable", name: "Enable line", kind: agree ? "ok" : "wait", word: dog.enable_closed ? "CLOSED" : "OPEN", reason: agree ? "as asked" : `asked to be ${dog.enable_commanded ? "closed" : "open"}` });
    }
  } else if ("watchdog" in status) found.push({ key: "watchdog", name: "Watchdog", kind: "stale", word: "SILENT", reason: "nothing heard of it" });
  const record = status.record;
  if (record) found.push({ key: "record", name: "Record", kind: record.healthy ? "ok" : "bad", word: record.healthy ? "WRITTEN" : "FAILED", reason: record.text || `${age(1000 * record.age_s)} ago` });
  return found;
}

/** @param {any} status @param {any} store @returns {Row[]} */
function process(status, store) {
  const limits = status.limits ?? store.bench?.limits ?? {};
  const values = status.values ?? {};
  /** @type {Row[]} */
  const found = [];
  const evidence = Object.entries(status.evidence ?? {});
  if (evidence.length) {
    const needed = evidence.filter(([name]) => name !== "impedance_ohm" || status.alarms?.activation);
    const worst = needed.filter(([, told]) => /** @type {any} */ (told).age_s === null || /** @type {any} */ (told).age_s > (/** @type {any} */ (told).oldest_s ?? Infinity) || /** @type {any} */ (told).good === false);
    const oldest = Math.max(...needed.map(([, told]) => /** @type {any} */ (told).age_s ?? 0));
    found.push(worst.length
      ? { key: "sensors", name: "Readings", kind: "stale", word: "STALE", reason: worst.map(([name]) => label(name)).join(", ") }
      : { key: "sensors", name: "Readings", kind: "ok", word: "FRESH", reason: `oldest ${age(1000 * oldest)}` });
  }
  const least = limitOf(limits, "flow_min_ml_min");
  if (isNumber(values.flow_ml_min) && least !== null) {
    const low = values.flow_ml_min < least;
    found.push(!status.pump_on
      ? { key: "flow", name: "Coolant flow", kind: "none", word: "PUMP OFF", reason: "" }
      : { key: "flow", name: "Coolant flow", kind: low ? (status.state === "PRECHECK" ? "wait" : "bad") : "ok", word: low ? "LOW" : "OK", reason: `${num(values.flow_ml_min, 0)} \u2265 ${bound("flow_ml_min", least)}`.replace("\u2265", low ? "<" : "\u2265") });
  }
  const warm = [["tip_c", values.tip_c, "tip_c"], ...(values.tissue_c ?? []).map((/** @type {any} */ v, /** @type {number} */ i) => [`tissue_c[${i}]`, v, "tissue_c"]), ...(values.tine_c ?? []).map((/** @type {any} */ v, /** @type {number} */ i) => [`tine_c[${i}]`, v, "tissue_c"]), ["shaft_c", values.shaft_c, "shaft_c"], ["coolant_c", values.coolant_c, "coolant_c"]]
    .filter(([, value]) => isNumber(value));
  if (warm.length) {
    const hot = warm.filter(([, value, name]) => value > (limitOf(limits, name) ?? Infinity));
    const nearest = warm.reduce((best, each) => (room(each, limits) < room(best, limits) ? each : best));
    found.push(hot.length
      ? { key: "tissue", name: "Temperatures", kind: "bad", word: "HOT", reason: hot.map(([name, value]) => `${label(name)} ${quantity(name, value)}`).join(", ") }
      : { key: "tissue", name: "Temperatures", kind: "ok", word: "OK", reason: `${label(nearest[0])} ${num(nearest[1], 0)} of ${bound(nearest[2], limitOf(limits, nearest[2]))}` });
  }
  if (isNumber(values.impedance_ohm) && limitOf(limits, "impedance_high_ohm") !== null) {
    const [low, high] = [limitOf(limits, "impedance_low_ohm") ?? 0, limitOf(limits, "impedance_high_ohm") ?? Infinity];
    const out = values.impedance_ohm < low || values.impedance_ohm > high;
    const flows = Boolean(status.alarms?.activation);
    found.push({ key: "load", name: "Impedance", kind: !flows ? "none" : out ? "bad" : "ok", word: !flows ? "NOT JUDGED" : out ? "OUT" : "OK", reason: !flows ? "" : `${num(low, 0)} … ${bound("impedance_ohm", high)}` });
  }
  return found;
}

/** @param {any[]} each @param {any} limits */
const room = ([, value, name], limits) => (limitOf(limits, name) ?? Infinity) - value;

/** Shapes: a ring with a tick, a filled square with a cross, a triangle with a bar, an open ring, a dash. @type {Record<Kind, any[]>} */
const SHAPES = {
  ok: [["circle", { cx: 8, cy: 8, r: 6.5 }], ["path", { d: "M5 8l2.2 2.4L11 6" }]],
  bad: [["rect", { x: 1, y: 1, width: 14, height: 14, class: "solid" }], ["path", { d: "M5 5l6 6M11 5l-6 6", class: "cut" }]],
  stale: [["path", { d: "M8 1.5L15 14H1z" }], ["path", { d: "M8 6v4M8 11.5v1" }]],
  wait: [["circle", { cx: 8, cy: 8, r: 6.5, "stroke-dasharray": "3 2" }], ["path", { d: "M8 4.5V8l2.5 1.5" }]],
  none: [["path", { d: "M3 8h10" }]],
};

/** @param {Kind} kind */
export function shape(kind) {
  return svg("svg", { viewBox: "0 0 16 16", class: `shape ${kind}`, "aria-hidden": "true" }, ...SHAPES[kind].map(([tag, props]) => svg(tag, props)));
}

export class Interlocks {
  /** @param {any} root a list */
  constructor(root) {
    this.root = root;
    /** @type {Map<string, any>} */
    this.items = new Map();
  }

  /** @param {any} store */
  render(store) {
    const all = rows(store);
    const keys = all.map((row) => row.key).join();
    if (keys !== this.keys) {
      this.keys = keys;
      this.items = new Map(all.map((row) => [row.key, itemOf()]));
      fill(this.root, ...all.map((row) => this.items.get(row.key).node));
    }
    for (const row of all) {
      const item = this.items.get(row.key);
      if (item.node.dataset.kind !== row.kind) {
        item.node.dataset.kind = row.kind;
        fill(item.shape, shape(row.kind));
      }
      setText(item.name, row.name);
      setText(item.word, row.word);
      setText(item.reason, row.reason);
      setAttr(item.node, "title", `${row.name}: ${row.word}${row.reason ? `, ${row.reason}` : ""}`);
    }
  }
}

function itemOf() {
  const [shape_, name, word, reason] = ["at", "name", "word", "reason"].map((kind) => h("span", { class: kind }));
  return { node: h("li", {}, shape_, name, word, reason), shape: shape_, name, word, reason };
}
