// @ts-check
/** Recorded sessions: the list (#sessions), one session (#sessions/ID), several over one another (#sessions/compare/ID,ID). */
import { mount as mountCompare } from "./compare.js";
import { fill, h, setText, show } from "./dom.js";
import { count, isNumber, num } from "./format.js";
import { dress, energyWords, failed, origin, resultWord, table, timeWords, verdictWord, whenWords, worker, zoneWords } from "./library.js";
import { startPlay } from "./playback.js";
import { mount as mountSession } from "./session.js";

const PAGE = 50;
const FIND_MS = 250;
const MOST_COMPARED = 6;

/** @param {any} root @param {import("./library.js").Page} page @param {string[]} path @returns {(() => void) | void} */
export function mount(root, page, path) {
  dress();
  if (path[0] === "compare") return mountCompare(root, page, (path[1] ?? "").split(",").filter(Boolean));
  if (path[0]) return mountSession(root, page, path[0]);
  const list = new List(root, page);
  return () => list.leave();
}

class List {
  /** @param {any} root @param {import("./library.js").Page} page */
  constructor(root, page) {
    this.page = page;
    this.offset = 0;
    this.asked = 0;
    /** @type {Map<string, any>} */
    this.chosen = new Map();
    /** @type {any[]} */
    this.rows = [];
    this.find = h("input", {
      type: "search", id: "find", placeholder: "protocol, result, note, date …", autocomplete: "off", maxlength: 200,
      on: { input: () => this._typed() },
    });
    this.found = h("p", { class: "found", role: "status" });
    this.compare = h("button", { type: "button", text: "Compare", disabled: true, on: { click: () => (location.hash = `#sessions/compare/${[...this.chosen.keys()].join(",")}`) } });
    const check = worker("Check those shown", "checking …", () => this._verify(), (error) => setText(this.found, error.message));
    this.before = h("button", { type: "button", class: "quiet", text: "Newer", on: { click: () => this._turn(-PAGE) } });
    this.after = h("button", { type: "button", class: "quiet", text: "Older", on: { click: () => this._turn(PAGE) } });
    this.body = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Sessions, the newest first" });
    fill(root, h("div", { class: "library list-view" },
      h("div", { class: "row bar" }, h("h2", { text: "Sessions" }), h("label", { for: "find", text: "Find" }), this.find, this.found,
        h("span", { class: "gap" }), check, this.compare, this.before, this.after),
      this.body));
    fill(this.body, h("p", { class: "note", text: "reading the sessions …" }));
    show(this.before, false);
    show(this.after, false);
    this.load();
  }

  leave() {
    clearTimeout(this.timer);
    this.asked = -1;
  }

  _typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.offset = 0;
      this.load();
    }, FIND_MS);
  }

  /** @param {number} by */
  _turn(by) {
    this.offset = Math.max(0, this.offset + by);
    this.load();
    this.body.scrollTop = 0;
  }

  async load() {
    const mine = ++this.asked;
    const query = new URLSearchParams({ limit: String(PAGE), offset: String(this.offset), find: this.find.value.trim() });
    try {
      const told = await this.page.ask(`sessions?${query}`);
      if (mine === this.asked) this._show(told);
    } catch (error) {
      if (mine === this.asked) failed(this.body, error, () => this.load());
    }
  }

  /** @param {any} told */
  _show(told) {
    this.rows = told.sessions;
    const words = told.matching === told.files ? count(told.files, "session") : `${num(told.matching, 0)} of ${count(told.files, "session")}`;
    setText(this.found, told.complete ? words : `${words}; still looking`);
    show(this.before, this.offset > 0);
    show(this.after, this.offset + PAGE < told.matching);
    if (!told.complete) this.timer = setTimeout(() => this.load(), FIND_MS);
    if (!told.files) {
      fill(this.body, h("p", { class: "note", text: `No session in ${told.folder} yet. Every start of a bench records one.` }));
      return;
    }
    if (!told.sessions.length) {
      fill(this.body, h("p", { class: "note", text: "Nothing has all of these words." }));
      return;
    }
    const head = ["~Compare", "Began", "Protocol", "Result", "Energy on", "Energy", "Zone", "Bench", "Origin", "Record", "~Play"];
    fill(this.body, table("Sessions", head, told.sessions.map((/** @type {any} */ row) => this._cells(row)), (node, at) => this._dress(node, told.sessions[at])));
  }

  /** @param {any} row */
  _cells(row) {
    if (row.problem) {
      const why = h("span", { class: "why" }, row.problem, row.remedy ? `; ${row.remedy}` : "");
      return ["", row.file, why, resultWord(row.result), "--", "--", "--", "", "", "", ""];
    }
    const named = `${row.protocol ?? "session"}, ${whenWords(row.utc)}`;
    const choose = h("input", { type: "checkbox", "aria-label": `compare ${named}`, checked: this.chosen.has(row.id), on: { change: (/** @type {any} */ event) => this._choose(row, event.target.checked) } });
    const result = h("span", {}, resultWord(row.being_written ? "being recorded" : row.result), row.result_text ? h("span", { class: "why", text: ` ${row.result_text}`, title: row.result_text }) : null);
    const play = h("button", { type: "button", class: "quiet small", text: "Play", "aria-label": `play ${named}`, on: { click: () => startPlay(this.page, row.id) } });
    return [
      choose, h("a", { href: `#sessions/${row.id}`, text: whenWords(row.utc) }), row.protocol ?? "--", result, timeWords(row.duration_s),
      energyWords(row.energy_j), zoneWords(row.zone), row.bench, origin(row.simulated), verdictWord(row.integrity), play,
    ];
  }

  /** @param {any} node @param {any} row */
  _dress(node, row) {
    node.dataset.session = row.id;
    if (row.problem) {
      node.className = "bad";
      node.children[2].colSpan = 1;
    }
  }

  /** @param {any} row @param {boolean} wanted */
  _choose(row, wanted) {
    if (wanted) this.chosen.set(row.id, row);
    else this.chosen.delete(row.id);
    const many = this.chosen.size;
    this.compare.disabled = many < 2 || many > MOST_COMPARED;
    setText(this.compare, many ? `Compare ${many}` : "Compare");
    this.compare.title = many > MOST_COMPARED ? `${MOST_COMPARED} at most` : many < 2 ? "choose two or more" : "";
  }

  async _verify() {
    const mine = this.asked;
    for (const row of this.rows) {
      if (row.problem || !isNumber(mine) || mine !== this.asked) continue;
      const told = await this.page.ask(`sessions/${row.id}/verify`, { timeout_ms: 200_000 });
      const node = this.body.querySelector(`tr[data-session="${row.id}"] .verdict`);
      node?.replaceWith(verdictWord(told.integrity));
    }
  }
}
