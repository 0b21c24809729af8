// @ts-check
/** The live page: numbers, alarms, chart, interlocks, tissue, events, acts. The same for a bench and for a playback. */
import { Acts } from "./acts.js";
import { Strips } from "./chart.js";
import { CrossSection } from "./cross_section.js";
import { fill, h, setAttr, setText, show } from "./dom.js";
import { duration, isNumber, label, num, quantity } from "./format.js";
import { Interlocks } from "./interlocks.js";
import { limitOf, Tiles } from "./tiles.js";
import { TripCard } from "./trip.js";

const WINDOWS = /** @type {const} */ ([["60", "60 s"], ["600", "10 min"], ["all", "All"], ["trip", "Trip"]]);
const CHART_MS = 45;
const SLOW_CHART_MS = 500; // of a window in which a tenth of a second is no pixel
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [1, 2]];
const EVENTS = 40;
const MARK_LENGTH = 24;

/** Which strips a bench needs, with its limits. @param {any} store @returns {import("./chart.js").Band[]} */
export function bandsOf(store) {
  const roles = store.bench?.roles ?? {};
  const limits = store.status?.limits ?? store.bench?.limits ?? {};
  const values = store.status?.values ?? {};
  const has = (/** @type {string} */ name) => isNumber(values[name]) || (store.columns[name] ?? []).some(isNumber);
  /** @param {string} name @param {string} words @param {"high" | "low"} side */
  const line = (name, words, side) => {
    const value = limitOf(limits, name);
    return value === null ? [] : [{ value, label: words, side }];
  };
  /** @type {import("./chart.js").Band[]} */
  const bands = [
    {
      label: "Power", unit: "W", digits: 0, from: 0, to: limitOf(limits, "power_w") ?? 10, least: 10, weight: 1.1, limits: line("power_w", "cap", "high"),
      series: [
        { key: "setpoint_w", label: "asked", colour: "--series-1", dash: [2, 3], width: 1.5 },
        { key: "power_w", label: "measured", colour: "--series-1", width: 2 },
      ],
    },
  ];
  if (roles.impedance || has("impedance_ohm")) {
    bands.push({
      label: "Impedance", unit: "Ω", digits: 0, least: 20, limits: [...line("impedance_high_ohm", "trip", "high"), ...line("impedance_low_ohm", "trip", "low")],
      series: [{ key: "impedance_ohm", label: "impedance", colour: "--series-2", width: 2 }],
    });
  }
  const warm = temperatures(store, roles, has);
  const trips = [["tissue_c", /^(tissue|tine)/], ["tip_c", /^tip/], ["shaft_c", /^shaft/]].flatMap(([name, which]) =>
    warm.some((series) => /** @type {RegExp} */ (which).test(series.key)) ? line(/** @type {string} */ (name), `${label(/** @type {string} */ (name)).toLowerCase()} trip`, "high") : []);
  if (warm.length) bands.push({ label: "Temperature", unit: "°C", digits: 0, least: 20, weight: 1.3, limits: trips, series: warm });
  if (roles.flow || has("flow_ml_min")) {
    bands.push({
      label: "Flow", unit: "mL/min", digits: 0, from: 0, least: 20, weight: 0.7, limits: line("flow_min_ml_min", "least", "low"),
      series: [{ key: "flow_ml_min", label: "flow", colour: "--series-5", width: 2, dash: DASHES[3] }],
    });
  }
  return bands;
}

/** @param {any} store @param {any} roles @param {(name: string) => boolean} has */
function temperatures(store, roles, has) {
  const names = [];
  for (const name of ["tip_c", "shaft_c", "coolant_c"]) if (roles[name.slice(0, -2)] || has(name)) names.push(name);
  for (const name of Object.keys(store.columns)) if (/^(tissue|tine)_c\[/.test(name)) names.push(name);
  const colours = ["--series-3", "--series-4", "--series-2", "--series-1", "--series-5", "--series-6"];
  return names.map((key, i) => ({ key, label: label(key).toLowerCase(), colour: colours[i % colours.length], dash: DASHES[i % DASHES.length], width: 2 }));
}

/** Events worth a mark, in a word. @param {any[]} events @returns {import("./chart.js").Mark[]} */
export function marksOf(events) {
  /** @type {import("./chart.js").Mark[]} */
  const found = [];
  for (const { kind, t_s, data } of events) {
    if (kind === "state" && data?.to !== "STOPPING") found.push({ t_s, text: String(data?.to ?? ""), kind: "state" });
    else if (kind === "trip") found.push({ t_s, text: `trip ${data?.hazard ?? ""}`, kind: "trip" });
    else if (kind === "mark") found.push({ t_s: data?.at_s ?? t_s, text: short(String(data?.text ?? "")), kind });
    else if (["prompt", "confirmed", "electrodes"].includes(kind)) found.push({ t_s, text: kind, kind });
  }
  return found;
}

/** @param {string} text */
const short = (text) => (text.length > MARK_LENGTH ? `${text.slice(0, MARK_LENGTH - 1)}\u2026` : text);

/** An event in one line. @param {any} event */
export function eventWords({ kind, t_s, data }) {
  const by = data?.who ? ` (${String(data.who).replace(/ ?\(uid \d+ pid \d+\)$/, "")})` : "";
  switch (kind) {
    case "state":
      return `${data.from} → ${data.to}${data.reason ? `: ${data.reason}` : ""}${by}`;
    case "trip":
      return `TRIP ${data.hazard}: ${data.text}`;
    case "protocol":
      return `protocol ${data.name}${by}`;
    case "alarms":
      return data.list?.length ? `alarms: ${data.list.length}` : "no alarm any more";
    case "refused":
      return `${data.verb ?? "act"} refused: ${(data.blocked_by ?? []).join(", ")}`;
    case "application":
      return `application ${data.number} begins`;
    case "application_end":
      return `application ${data.number}: ${data.result}, ${num(data.energy_j / 1000, 2)} kJ`;
    case "bag":
      return `${data.new ? "a new saline bag hangs" : data.low ? "the saline bag is LOW" : "saline bag"}${isNumber(data.left_ml) ? `, ${num(data.left_ml, 0)} mL left` : ""}${by}`;
    case "mark":
      return `marked: ${data.text}${t_s - data.at_s >= 1 ? `, seen ${num(t_s - data.at_s, 0)} s before` : ""}${by}`;
    case "electrodes":
      if (data.connected) return data.connected.length ? `connected: electrode ${data.connected.join(", ")}` : "no electrode is connected";
      return `changing to electrode ${(data.to ?? []).join(", ") || "none"}`;
    case "prompt":
      return `asked: ${data.text}`;
    default:
      return data?.text ? `${kind}: ${data.text}` : `${kind}${data?.reason ? `: ${data.reason}` : ""}${by}`;
  }
}

const SHOWN_EVENTS = new Set(["start", "end", "stop", "state", "trip", "protocol", "refused", "application", "application_end", "prompt", "confirmed", "prompt_withdrawn", "silence", "ack", "reset", "reading", "alarm", "crash", "bag", "electrodes", "precheck_failed", "mark"]);

export class Live {
  /** @param {any} root @param {any} always seen in every view @param {any} page see main.js */
  constructor(root, always, page) {
    this.page = page;
    const part = (/** @type {string} */ name, /** @type {string} */ title, ...more) => h("section", { class: name, "aria-label": title }, ...more);
    const tiles = h("dl", { class: "tiles" });
    const alarms = h("div", { class: "alarms" });
    this.windows = h("div", { class: "windows", role: "group", "aria-label": "Time shown" },
      ...WINDOWS.map(([key, text]) => h("button", { type: "button", class: "quiet", text, data: { window: key }, on: { click: () => this.choose(key) } })));
    this.pointed = h("p", { class: "pointed" });
    this.blank = h("p", { class: "blank", text: "NOT LIVE" });
    this.blankLocks = h("p", { class: "blank", text: "NOT LIVE" });
    this.plot = h("div", { class: "plot", role: "img", "aria-label": "Chart of power, impedance, temperatures and flow; the numbers are above" });
    const locks = h("ul", { class: "locks", tabindex: 0, "aria-label": "Interlocks" });
    const tissue = h("div", { class: "tissue" });
    this.events = h("ol", { class: "events", tabindex: 0, "aria-label": "Events, newest first" });
    this.actsRoot = part("acts", "Acts");
    fill(always, part("values", "Values", h("h2", { class: "hidden-title", text: "Values" }), tiles), alarms);
    fill(root,
      h("div", { class: "middle" },
        part("chart", "Chart", h("div", { class: "row" }, h("h2", { text: "Course" }), this.windows, this.pointed), this.blank, this.plot),
        part("interlocks", "Interlocks", h("h2", { text: "Interlocks" }), this.blankLocks, locks),
        part("side", "Tissue and events", tissue, h("h2", { text: "Events" }), this.events)),
      this.actsRoot);
    this.tiles = new Tiles(tiles);
    this.locks = new Interlocks(locks);
    this.section = new CrossSection(tissue);
    this.acts = new Acts(this.actsRoot, page);
    this.trip = new TripCard(alarms, { act: page.act, say: page.say, may: () => this.acts.may, showTrip: () => this.choose("trip", true) });
    this.chosen = "60";
    this.drawn_ms = -Infinity;
    this.shownEvents = -1;
  }

  /** @param {string} key of WINDOWS @param {boolean} [go] to the live view, from another one */
  choose(key, go = false) {
    if (go) location.hash = "#live";
    this.chosen = key;
    this.drawn_ms = -Infinity;
  }

  /** The look has changed: colours, or the room that there is. */
  refresh() {
    this.strips?.refresh();
    this.section.draw();
    this.drawn_ms = -Infinity;
  }

  /** A new connection: what is on the server may be another bench. */
  forget() {
    this.section.forget();
    this.shownEvents = -1;
  }

  /** Numbers and alarms, which every view has. @param {any} store */
  renderAlways(store) {
    this.tiles.render(store);
    this.trip.render(store);
  }

  /** All else, part by part: none needs another one. @param {any} store @param {any} live the bench itself @param {number} now_ms @returns {(() => void)[]} */
  parts(store, live, now_ms) {
    const moving = ["FIRING", "STOPPING", "COOLDOWN"].includes(store.status?.state);
    show(this.actsRoot, !store.playback);
    for (const [blank, full] of [[this.blank, this.plot], [this.blankLocks, this.locks.root]]) {
      show(blank, !store.status);
      show(full, Boolean(store.status));
    }
    return [
      () => this.acts.render(live),
      () => this.locks.render(store),
      () => this._follow(store),
      () => this._events(store),
      () => this._course(store, now_ms),
      () => this.section.follow(store, now_ms, moving),
    ];
  }

  /** @param {any} store @param {number} now_ms */
  _course(store, now_ms) {
    if (!store.status || now_ms - this.drawn_ms < (this.chosen === "600" || this.chosen === "all" ? SLOW_CHART_MS : CHART_MS)) return;
    this.drawn_ms = now_ms;
    this._chart(store);
  }

  /** A trip is pinned: it must not roll off the chart. @param {any} store */
  _follow(store) {
    const at = store.status?.trip?.t_s ?? null;
    if (at !== null && at !== this.trip_s) this.chosen = "trip";
    if (at === null && this.chosen === "trip") this.chosen = "60";
    this.trip_s = at;
    for (const button of this.windows.children) {
      setAttr(button, "aria-pressed", button.dataset.window === this.chosen ? "true" : "false");
      if (button.dataset.window === "trip") show(button, at !== null);
    }
  }

  /** @param {any} store */
  _chart(store) {
    const bands = bandsOf(store);
    this.strips ??= new Strips(this.plot, bands, { time: (t_s) => this._time(t_s), onCursor: (index) => (this.at = index) });
    this.strips.setBands(bands);
    const times = store.columns.t_s;
    const now_s = times.at(-1) ?? 0;
    const first_s = times[0] ?? now_s;
    this.origin_s = now_s;
    /** @type {[number, number]} */
    let window = [now_s - 60, now_s];
    if (this.chosen === "600") window = [now_s - 600, now_s];
    else if (this.chosen === "all") window = [first_s, Math.max(now_s, first_s + 10)];
    else if (this.chosen === "trip") {
      this.origin_s = this.trip_s;
      window = [this.trip_s - 10, this.trip_s + 5];
    }
    this.strips.show(store.columns, window, marksOf(store.events), this.chosen === "all" ? first_s : (this.origin_s ?? now_s));
    this._pointer(store);
  }

  /** @param {number} t_s */
  _time(t_s) {
    const at = t_s - (this.chosen === "all" ? (this.page.shown().columns.t_s[0] ?? 0) : (this.origin_s ?? 0));
    if (this.chosen === "all") return duration(at);
    return Math.abs(at) < 0.05 ? (this.chosen === "trip" ? "trip" : "now") : Math.abs(at) >= 120 ? `${at < 0 ? "\u2212" : "+"}${duration(Math.abs(at))}` : `${at > 0 ? "+" : ""}${num(at, 0)} s`;
  }

  /** @param {any} store */
  _pointer(store) {
    const i = this.at;
    const t_s = i === null || i === undefined ? undefined : store.columns.t_s[i];
    if (t_s === undefined) {
      setText(this.pointed, "");
      return;
    }
    const names = (this.strips?.bands ?? []).flatMap((band) => band.series.map((series) => series.key));
    setText(this.pointed, `${this._time(t_s)}: ${names.map((name) => `${label(name).toLowerCase()} ${quantity(name, store.columns[name]?.[i])}`).join(", ")}`);
  }

  /** @param {any} store */
  _events(store) {
    if (store.events.length === this.shownEvents && store.events === this.eventsOf) return;
    this.shownEvents = store.events.length;
    this.eventsOf = store.events;
    const shown = store.events.filter((/** @type {any} */ event) => SHOWN_EVENTS.has(event.kind)).slice(-EVENTS).reverse();
    fill(this.events, ...shown.map((/** @type {any} */ event) => h("li", {}, h("time", { text: event.utc ? new Date(event.utc).toLocaleTimeString("en-GB") : duration(event.t_s) }), " ", eventWords(event))));
  }
}
