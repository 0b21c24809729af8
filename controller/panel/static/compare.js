// @ts-check
/** Two sessions or more over one another, aligned at FIRE; and what differs between them. */
import { Strips } from "./chart.js";
import { fill, h, show } from "./dom.js";
import { isNumber, num } from "./format.js";
import { dress, failed, origin, resultWord, table, whenWords } from "./library.js";

const POINTS = 1200;
const MOST = 6;
const DASHES = [[], [8, 4], [2, 3], [12, 3, 2, 3], [5, 2], [1, 2]];
const COLOURS = ["--series-1", "--series-3", "--series-4", "--series-2", "--series-5", "--series-6"];
/** @type {[string, string, string, object][]} series, words, unit, wishes of the strip */
const BANDS = [
  ["power_w", "Power", "W", { from: 0, least: 10, weight: 1.1 }],
  ["impedance_ohm", "Impedance", "\u03a9", { least: 20 }],
  ["", "Temperature", "\u00b0C", { least: 20, weight: 1.3 }],
  ["flow_ml_min", "Flow", "mL/min", { from: 0, least: 20, weight: 0.7 }],
];

/** @param {any} root @param {import("./library.js").Page} page @param {string[]} sessions @returns {() => void} */
export function mount(root, page, sessions) {
  dress();
  const view = new Compare(root, page, sessions.slice(0, MOST));
  view.load();
  return () => view.leave();
}

class Compare {
  /** @param {any} root @param {import("./library.js").Page} page @param {string[]} sessions */
  constructor(root, page, sessions) {
    this.root = root;
    this.page = page;
    this.sessions = sessions;
    this.left = false;
    /** @type {any[]} */
    this.told = [];
    /** @type {Record<string, (number | null)[]>[]} */
    this.courses = [];
    this.warm = "";
  }

  leave() {
    this.left = true;
    this.strips?.destroy();
  }

  async load() {
    if (this.sessions.length < 2) {
      fill(this.root, h("p", { class: "note" }, "Choose two sessions or more in the ", h("a", { href: "#sessions", text: "list" }), "."));
      return;
    }
    fill(this.root, h("p", { class: "note", text: "reading the sessions …" }));
    try {
      for (const session of this.sessions) {
        this.told.push(await this.page.ask(`sessions/${session}`, { timeout_ms: 200_000 }));
        const course = await this.page.ask(`sessions/${session}/samples?points=${POINTS}`, { timeout_ms: 200_000 });
        this.courses.push(course.columns);
        if (this.left) return;
      }
      this._show();
    } catch (error) {
      if (!this.left) failed(this.root, error, () => location.reload());
    }
  }

  _show() {
    const letters = this.told.map((_, i) => String.fromCharCode(65 + i));
    const warm = [...new Set(this.told.flatMap((told) => told.series.filter((/** @type {any} */ s) => s.group === "temperature").map((/** @type {any} */ s) => s.name)))];
    this.warm = warm.find((name) => name.startsWith("tissue")) ?? warm[0] ?? "";
    const names = Object.fromEntries(this.told.flatMap((told) => told.series.map((/** @type {any} */ s) => [s.name, s.label])));
    this.chooser = h("select", { id: "warm", on: { change: () => this._choose(this.chooser.value) } }, ...warm.map((name) => h("option", { value: name, text: names[name] ?? name })));
    this.chooser.value = this.warm;
    this.plot = h("div", { class: "course-plot", role: "img", "aria-label": "Courses of the sessions over one another; what differs is told in words beside it" });
    const key = h("ol", { class: "sessions-key", "aria-label": "Sessions" }, ...this.told.map((told, i) => h("li", {},
      h("b", { text: letters[i] }), " ", h("a", { href: `#sessions/${this.sessions[i]}`, text: told.session.protocol ?? told.title }), " ",
      resultWord(told.session.result), h("span", { class: "why", text: ` ${[whenWords(told.session.utc), told.session.bench, origin(told.session.simulated)].filter(Boolean).join(" · ")}` }))));
    const note = this.told.some((told) => !told.fired) ? h("p", { class: "why", text: "A session without FIRE begins at its own beginning." }) : null;
    const facts = h("div", { class: "scroll facts", tabindex: 0, role: "region", "aria-label": "What differs" },
      key, note, differences("What happened differs in", letters, this.told.map((told) => told.happened)), differences("What was asked differs in", letters, this.told.map((told) => told.asked)));
    fill(this.root, h("div", { class: "library session-view" },
      h("div", { class: "row bar" }, h("a", { href: "#sessions", text: "Sessions" }), h("span", { "aria-hidden": "true", text: "\u203a" }), h("h2", { text: letters.join(" against ") }),
        h("span", { class: "why", text: "aligned at FIRE" }), h("span", { class: "gap" }), h("label", { for: "warm", text: "Temperature" }), this.chooser),
      h("div", { class: "two" }, h("section", { class: "chart", "aria-label": "Courses" }, this.plot), facts)));
    show(this.chooser, warm.length > 1);
    this._draw(letters);
  }

  /** @param {string} name */
  _choose(name) {
    this.warm = name;
    this._draw(this.told.map((_, i) => String.fromCharCode(65 + i)));
  }

  /** @param {string[]} letters */
  _draw(letters) {
    const wanted = BANDS.map(([series]) => series || this.warm);
    const columns = together(this.courses, this.told.map((told) => told.zero_s), wanted, letters);
    const bands = BANDS.map(([series, label, unit, wishes], i) => ({
      label, unit, digits: 0, ...wishes,
      series: letters.map((letter, k) => ({ key: `${letter} ${wanted[i]}`, label: letter, colour: COLOURS[k], dash: DASHES[k], width: 2 })).filter(({ key }) => key in columns),
    })).filter((band) => band.series.length);
    this.strips?.destroy();
    this.strips = new Strips(this.plot, bands, { time: (t_s) => `${num(t_s, 0)} s` });
    const windows = this.told.map((told) => told.window_s.map((/** @type {number} */ t_s) => t_s - told.zero_s));
    const marks = this.told.flatMap((told, k) => told.marks.filter((/** @type {any} */ mark) => mark.bad).map((/** @type {any} */ mark) => ({ t_s: mark.t_s - told.zero_s, text: `${letters[k]} ${mark.text}`, kind: "trip" })));
    const fire = { t_s: 0, text: "FIRE", kind: "state" };
    this.strips.show(columns, [Math.min(...windows.map(([from_s]) => from_s)), Math.max(...windows.map(([, to_s]) => to_s))], [fire, ...marks]);
  }
}

/**
 * All on one time axis, which has every moment of each; between its own moments, and only there, a session keeps its last value.
 * @param {Record<string, (number | null)[]>[]} courses @param {number[]} zeros_s @param {string[]} wanted @param {string[]} letters
 */
export function together(courses, zeros_s, wanted, letters) {
  const own = courses.map((course, k) => course.t_s.map((t_s) => Number(t_s) - zeros_s[k]));
  const t_s = [...new Set(own.flat())].sort((a, b) => a - b);
  /** @type {Record<string, (number | null)[]>} */
  const columns = { t_s };
  courses.forEach((course, k) => {
    const last = own[k].length - 1;
    let at = -1;
    const places = t_s.map((moment) => {
      while (at < last && own[k][at + 1] <= moment) at++;
      return at >= 0 && moment <= own[k][last] ? at : -1;
    });
    for (const name of wanted) if (course[name]?.some(isNumber)) columns[`${letters[k]} ${name}`] = places.map((place) => (place < 0 ? null : course[name][place]));
  });
  return columns;
}

/** @param {string} title @param {string[]} letters @param {[string, string][][]} told */
function differences(title, letters, told) {
  const each = told.map((pairs) => new Map(pairs));
  const names = [...new Set(each.flatMap((pairs) => [...pairs.keys()]))];
  const differ = names.filter((name) => new Set(each.map((pairs) => pairs.get(name))).size > 1);
  const rows = differ.map((name) => [name, ...each.map((pairs) => pairs.get(name) ?? "--")]);
  const same = h("p", { class: "why", text: `The same in all: ${names.length - differ.length} more.` });
  return h("section", {}, h("h3", { text: title }), differ.length ? table(title, ["~Quantity", ...letters], rows) : h("p", { text: "Nothing." }), same);
}
