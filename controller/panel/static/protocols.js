// @ts-check
/** The picker: which protocols this bench can deliver, where they were published, what they would do. */
import { fill, h, setAttr, setText, show } from "./dom.js";
import { bound, duration, label, num } from "./format.js";
import { dress, energyWords, failed, pairs, table, timeWords, zoneWords } from "./library.js";
import { zonePicture } from "./zone.js";

const POLL_MS = 400;

/** @param {any} root @param {import("./library.js").Page} page @param {string[]} path @returns {() => void} */
export function mount(root, page, path) {
  dress();
  const view = new Picker(root, page, path[0] ?? "");
  view.load();
  return () => view.leave();
}

class Picker {
  /** @param {any} root @param {import("./library.js").Page} page @param {string} wanted */
  constructor(root, page, wanted) {
    this.root = root;
    this.page = page;
    this.wanted = wanted;
    this.left = false;
    /** @type {any[]} */
    this.protocols = [];
    this.shown = "";
    /** @type {string | null} */
    this.job = null;
  }

  leave() {
    this.left = true;
    if (this.job) this.page.ask(`dry-runs/${this.job}/cancel`, { body: {} }).catch(() => {});
  }

  async load() {
    fill(this.root, h("p", { class: "note", text: "reading the protocols …" }));
    try {
      this.told = await this.page.ask("protocols");
      if (!this.left) this._frame();
    } catch (error) {
      if (!this.left) failed(this.root, error, () => this.load());
    }
  }

  _frame() {
    const { told } = this;
    this.find = h("input", { type: "search", id: "find-protocol", placeholder: "name, law, source …", autocomplete: "off", on: { input: () => this._list() } });
    this.fitting = h("input", { type: "checkbox", id: "fitting", checked: true, on: { change: () => this._list() } });
    this.found = h("p", { class: "found", role: "status" });
    this.list = h("ul", { class: "protocols" });
    this.detail = h("div", { class: "scroll detail", tabindex: 0, role: "region", "aria-label": "The protocol" });
    const unreadable = told.unreadable.length ? h("details", { class: "why" }, h("summary", { text: `${told.unreadable.length} of your own cannot be used` }), ...told.unreadable.map((/** @type {string} */ text) => h("p", { text }))) : null;
    fill(this.root, h("div", { class: "library picker-view" },
      h("div", { class: "row bar" }, h("h2", { text: "Protocols" }), h("label", { for: "find-protocol", text: "Find" }), this.find,
        h("label", { class: "check", for: "fitting" }, this.fitting, `only what ${told.bench} can deliver`), this.found),
      h("div", { class: "sides" }, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "List of protocols" }, this.list, unreadable), this.detail)));
    const first = told.protocols.find((/** @type {any} */ row) => row.name === this.wanted) ?? told.protocols.find((/** @type {any} */ row) => row.name === this.page.live().status?.protocol) ?? told.protocols.find((/** @type {any} */ row) => row.fits);
    if (first && !first.fits) this.fitting.checked = false;
    this._list();
    if (first) this.choose(first.name);
  }

  _list() {
    const words = this.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = this.told.protocols.filter((/** @type {any} */ row) => (row.fits || !this.fitting.checked)
      && words.every((/** @type {string} */ word) => `${row.name} ${row.law} ${row.source} ${row.modality} ${row.mounts}`.toLowerCase().includes(word)));
    setText(this.found, `${rows.length} of ${this.told.protocols.length}`);
    fill(this.list, ...rows.map((/** @type {any} */ row) => h("li", {},
      h("button", { type: "button", class: "entry", data: { protocol: row.name }, "aria-pressed": String(row.name === this.shown), on: { click: () => this.choose(row.name) } },
        h("b", { text: row.name }), row.origin === "own" ? h("span", { class: "tag", text: "own" }) : null, row.fits ? null : h("span", { class: "tag", text: "does not fit" }),
        h("span", { class: "why", text: `${row.modality === "rf" ? "RF" : "microwave"}, ${row.law}, up to ${num(row.power_w, 0)} W, ${duration(row.duration_s)}` })))));
    if (!rows.length) fill(this.list, h("li", { class: "note", text: "Nothing has all of these words." }));
  }

  /** @param {string} name */
  async choose(name) {
    this.shown = name;
    for (const button of this.list.querySelectorAll("button.entry")) setAttr(button, "aria-pressed", String(button.dataset.protocol === name));
    try {
      const told = await this.page.ask(`protocols/${encodeURIComponent(name)}`);
      if (!this.left && this.shown === name) this._show(told);
    } catch (error) {
      if (!this.left) failed(this.detail, error, () => this.choose(name));
    }
  }

  /** @param {any} told */
  _show(told) {
    const row = told.protocol;
    this.promise = h("div", { class: "promise", role: "status" });
    this.tissue = h("input", { id: "tissue", type: "text", placeholder: "the bench's", size: 16, maxlength: 60, pattern: "[A-Za-z0-9_.\\-]+", autocomplete: "off" });
    this.run = h("button", { type: "button", text: "Dry run", on: { click: () => this._run(row.name) } });
    this.cancel = h("button", { type: "button", class: "quiet", text: "Cancel", hidden: true, on: { click: () => this._cancel() } });
    const use = h("button", { type: "button", text: "Use this", disabled: !row.fits, on: { click: () => this.page.choose(row.use) } });
    const limits = told.limits.map((/** @type {any} */ limit) => [label(limit.name), bound(limit.name, limit.value), limit.layer, h("span", { class: "why", text: place(limit.where), title: limit.where || null })]);
    fill(this.detail,
      h("div", { class: "row bar" }, h("h3", { text: row.name }), h("span", { class: "gap" }), use),
      row.fits ? null : h("div", { class: "card", role: "note" }, h("p", { text: "This bench cannot deliver it:" }), h("ul", {}, ...row.problems.map((/** @type {string} */ text) => h("li", { text })))),
      h("p", { class: "source", text: row.source }),
      h("div", { class: "row" }, this.run, this.cancel, h("label", { for: "tissue", text: "in tissue" }), this.tissue,
        h("span", { class: "why", text: "computed in simulated tissue; nothing on the bench moves" })),
      this.promise,
      h("div", { class: "columns" },
        h("section", {}, h("h4", { text: `Law ${row.law}` }), pairs(told.numbers), h("h4", { text: "Applicator" }), pairs(told.applicator), told.cooling.length ? h("h4", { text: "Cooling" }) : null, told.cooling.length ? pairs(told.cooling) : null),
        h("section", {}, h("h4", { text: "Limits in force, and who sets them" }), table("Limits", ["Limit", "Value", "Set by", "Where"], limits))),
      h("details", {}, h("summary", { text: "The file" }), h("p", { class: "why", text: told.file }), h("pre", { text: told.text })));
    show(this.run, this.told.predicts && row.fits);
    if (!this.told.predicts) setText(this.promise, "Nothing predicts here: no predictor is installed.");
  }

  /** @param {string} name */
  async _run(name) {
    if (!this.tissue.checkValidity()) {
      setText(this.promise, "A tissue is named by letters, digits, _ . -");
      return;
    }
    this.run.disabled = true;
    try {
      let told = await this.page.ask(`protocols/${encodeURIComponent(name)}/dry-run`, { body: this.tissue.value ? { tissue: this.tissue.value } : {} });
      this.job = told.job;
      while (told.state === "running" && !this.left && this.shown === name) {
        show(this.cancel, true);
        setText(this.promise, `computing for ${num(told.elapsed_s, 0)} s …`);
        await new Promise((done) => setTimeout(done, POLL_MS));
        told = await this.page.ask(`dry-runs/${told.job}`);
      }
      if (told.state === "running") await this.page.ask(`dry-runs/${told.job}/cancel`, { body: {} }); // another protocol was chosen
      else if (!this.left && this.shown === name) this._promise(told);
    } catch (error) {
      if (!this.left && this.shown === name) setText(this.promise, error instanceof Error ? error.message : String(error));
    } finally {
      this.job = null;
      this.run.disabled = false;
      show(this.cancel, false);
    }
  }

  async _cancel() {
    if (this.job) await this.page.ask(`dry-runs/${this.job}/cancel`, { body: {} }).catch((/** @type {any} */ error) => setText(this.promise, error.message));
  }

  /** @param {any} told */
  _promise(told) {
    const found = told.predicted;
    if (!found) {
      setText(this.promise, told.state === "cancelled" ? "Cancelled." : `No prediction: ${told.error}`);
      return;
    }
    const facts = [["duration", timeWords(found.duration_s) + (found.stopped ? `, ended early: ${found.stopped}` : "")], ["energy", `${energyWords(found.energy_j)}, ${num(found.mean_w, 0)} W on average`],
      ["roll-offs", String(found.rolloffs)], ["zone", zoneWords(found.zone)], ["tissue", found.tissue], ["model", found.model]];
    fill(this.promise, h("div", { class: "columns" }, h("section", {}, h("h4", { text: "Prediction" }), pairs(/** @type {any} */ (facts))),
      found.picture ? zonePicture(found.picture, found.zone, "Zone, predicted") : null));
  }
}

/** Of a path the end: its file and line. @param {string} where */
const place = (where) => where.split("/").at(-1) ?? "";
