// @ts-check
/** One session: its course, what was asked, what happened, its zone, its events, its record; report, export, playback. */
import { Strips } from "./chart.js";
import { fill, h, setAttr, setText, show } from "./dom.js";
import { bound, duration, isNumber, label, num, quantity } from "./format.js";
import { dress, energyWords, failed, liveLimits, origin, pairs, resultWord, timeWords, verdictWord, whenWords, worker, zoneWords } from "./library.js";
import { bandsOf, eventWords } from "./live.js";
import { startPlay } from "./playback.js";
import { zonePicture } from "./zone.js";

const POINTS = 1600;
const EVENTS = 200;
const AIR = 0.02;

/** @param {any} root @param {import("./library.js").Page} page @param {string} session @returns {() => void} */
export function mount(root, page, session) {
  dress();
  const view = new Session(root, page, session);
  view.load();
  return () => view.leave();
}

class Session {
  /** @param {any} root @param {import("./library.js").Page} page @param {string} session */
  constructor(root, page, session) {
    this.root = root;
    this.page = page;
    this.session = session;
    this.left = false;
    this.offset = 0;
  }

  leave() {
    this.left = true;
    this.strips?.destroy();
  }

  async load() {
    fill(this.root, h("p", { class: "note", text: "reading the session …" }));
    try {
      const told = await this.page.ask(`sessions/${this.session}`, { timeout_ms: 200_000 });
      if (this.left) return;
      this._show(told);
      const course = await this.page.ask(`sessions/${this.session}/samples?points=${POINTS}`, { timeout_ms: 200_000 });
      if (!this.left) this._course(course);
      await this._events();
    } catch (error) {
      if (!this.left) failed(this.root, error, () => this.load());
    }
  }

  /** @param {any} told */
  _show(told) {
    this.told = told;
    const row = told.session;
    this.verdict = h("span", {}, verdictWord(row.integrity));
    this.verified = h("p", { class: "why", text: row.integrity.text });
    this.said = h("p", { class: "why", role: "status" });
    const check = worker("Check the record", "checking …", () => this._verify(), (error) => setText(this.said, error.message));
    const links = told.links ?? {};
    const link = (/** @type {string} */ to, /** @type {string} */ text, /** @type {object} */ more) => (to ? h("a", { class: "button", href: to, text, ...more }) : null);
    const head = h("div", { class: "row bar" },
      h("a", { href: "#sessions", text: "Sessions" }), h("span", { "aria-hidden": "true", text: "\u203a" }),
      h("h2", { text: row.protocol ?? told.title }), resultWord(row.being_written ? "being recorded" : row.result),
      h("span", { class: "why", text: [whenWords(row.utc), row.bench, origin(row.simulated)].filter(Boolean).join(" · ") }),
      h("span", { class: "gap" }),
      h("button", { type: "button", text: "Play", on: { click: () => startPlay(this.page, this.session) } }),
      link(links.report, "Report", { target: "_blank", rel: "noopener" }),
      link(links.csv, "CSV", { download: "" }), link(links.xlsx, "XLSX", { download: "" }), link(links.file, "Session file", { download: "" }), check);
    this.windows = h("div", { class: "windows", role: "group", "aria-label": "Time shown" },
      ...[["energy", "Energy"], ["all", "All"]].map(([key, text]) => h("button", { type: "button", class: "quiet", text, data: { window: key }, on: { click: () => this._window(key) } })));
    this.pointed = h("p", { class: "pointed" });
    this.plot = h("div", { class: "course-plot", role: "img", "aria-label": "Course of power, impedance, temperatures and flow; the report has it in words" });
    this.events = h("ol", { class: "events", "aria-label": "Events" });
    this.more = h("button", { type: "button", class: "quiet", text: "More", hidden: true, on: { click: () => this._events() } });
    const facts = h("div", { class: "scroll facts", tabindex: 0, role: "region", "aria-label": "Facts of the session" },
      this.said,
      told.trip ? tripCard(told) : null,
      h("h3", { text: "What happened" }),
      pairs([["result", resultWord(row.result)], ["energy on", timeWords(row.duration_s)], ["energy", energyWords(row.energy_j)], ["zone", zoneWords(row.zone)],
        ...told.happened.filter((/** @type {any} */ [name]) => !/^(result|duration|energy|zone|rolloffs)/.test(name)), ["record", this.verdict], ["id", row.id]]),
      this.verified,
      told.picture ? zonePicture(told.picture, row.zone, "Zone at the end of energy") : null,
      told.treatment ? targets(told.treatment) : null,
      h("h3", { text: "Events" }), this.events, this.more,
      h("h3", { text: "What was asked" }), pairs(told.asked),
      ...notes(told));
    fill(this.root, h("div", { class: "library session-view" }, head,
      h("div", { class: "two" }, h("section", { class: "chart", "aria-label": "Course" }, h("div", { class: "row" }, h("h3", { text: "Course" }), this.windows, this.pointed), this.plot), facts)));
  }

  /** @param {any} course */
  _course(course) {
    const told = this.told;
    const zero_s = course.zero_s;
    this.columns = { ...course.columns, t_s: course.columns.t_s.map((/** @type {number} */ t_s) => t_s - zero_s) };
    const store = { bench: { roles: {}, limits: {} }, status: { limits: liveLimits(told.limits), values: {} }, columns: this.columns };
    this.marks = told.marks.map((/** @type {any} */ mark) => ({ t_s: mark.t_s - zero_s, text: mark.text, kind: mark.bad ? "trip" : "state" }));
    this.spans = { energy: told.window_s.map((/** @type {number} */ t_s) => t_s - zero_s), all: [this.columns.t_s[0] ?? 0, this.columns.t_s.at(-1) ?? 1] };
    this.strips = new Strips(this.plot, bandsOf(store), { time: (t_s) => `${num(t_s, 0)} s`, onCursor: (at) => this._point(at) });
    this._window(told.fired ? "energy" : "all");
    if (course.decimated) setText(this.pointed, `${num(course.ticks, 0)} ticks; each pixel shows the least and the greatest value`);
  }

  /** @param {"energy" | "all"} which */
  _window(which) {
    if (!this.strips || !this.columns.t_s.length) return;
    for (const button of this.windows.children) setAttr(button, "aria-pressed", String(button.dataset.window === which));
    const [from_s, to_s] = this.spans[which];
    this.strips.show(this.columns, [from_s, to_s + AIR * (to_s - from_s)], this.marks);
  }

  /** @param {number | null} at */
  _point(at) {
    const t_s = at === null ? undefined : this.columns?.t_s[at];
    if (!isNumber(t_s)) return;
    const names = (this.strips?.bands ?? []).flatMap((band) => band.series.map((series) => series.key));
    setText(this.pointed, `${signed(t_s)}: ${names.map((name) => `${label(name).toLowerCase()} ${quantity(name, this.columns[name]?.[at])}`).join(", ")}`);
  }

  async _events() {
    const told = await this.page.ask(`sessions/${this.session}/events?limit=${EVENTS}&offset=${this.offset}`);
    if (this.left) return;
    this.offset += told.events.length;
    this.events.append(...told.events.map((/** @type {any} */ event) => h("li", { class: event.kind === "trip" ? "bad" : null }, h("time", { text: signed(event.t_s - told.zero_s) }), " ", eventWords(event))));
    show(this.more, this.offset < told.total);
    if (!told.total) fill(this.events, h("li", { text: "nothing happened" }));
  }

  async _verify() {
    const told = await this.page.ask(`sessions/${this.session}/verify`, { timeout_ms: 200_000 });
    fill(this.verdict, verdictWord(told.integrity));
    setText(this.verified, [told.integrity.text, ...told.problems.slice(1), ...told.notes].join("; "));
  }
}

/** Time since FIRE. @param {number} s */
function signed(s) {
  const tenths = Math.abs(s) < 10 ? `${num(Math.abs(s), 1)} s` : duration(Math.abs(s));
  return `${s < -0.05 ? "\u2212" : "+"}${tenths}`;
}

/** @param {any} told */
function tripCard(told) {
  const { trip } = told;
  const name = String(trip.channel || trip.device || "");
  const value = (/** @type {any} */ number) => (isNumber(number) ? bound(name, number) : "--");
  return h("section", { class: "card", "aria-label": "Trip" },
    h("h3", { text: `TRIP ${trip.hazard ?? ""}: ${trip.text ?? ""}` }),
    pairs([["where", name || "--"], ["value", value(trip.value)], ["limit", value(trip.limit)], ["when", isNumber(trip.t_s) ? signed(since(trip.t_s, told)) : "--"], ["check", trip.check ?? "--"]]));
}

/** A trip's time is the bench's clock in an event, and counts from FIRE in a result. @param {number} t_s @param {any} told */
const since = (t_s, told) => (t_s >= told.start_s ? t_s - told.zero_s : t_s);

/** @param {any} treatment */
function targets(treatment) {
  return h("section", {}, h("h3", { text: `Plan ${treatment.plan ?? ""}` }),
    h("ul", {}, ...(treatment.targets ?? []).map((/** @type {any} */ target) => {
      const covered = target.coverage?.covered_share ?? target.covered_share;
      return h("li", { text: `${target.target}: ${target.planned} planned${isNumber(covered) ? `, ${num(100 * covered, 0)} % covered` : ""}` });
    })));
}

/** What was said of it later. @param {any} told */
function notes(told) {
  if (!told.annotations.length) return [];
  return [h("h3", { text: "Notes" }), h("ul", {}, ...told.annotations.map((/** @type {any} */ note) => h("li", { text: `${whenWords(note.utc)} ${note.who}: ${note.key} = ${typeof note.value === "string" ? note.value : JSON.stringify(note.value)}` })))];
}
