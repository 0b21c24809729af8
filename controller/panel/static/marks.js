// @ts-check
/** A mark: what a person sees, in his words, with the moment in which he began to say so. */
import { dialog, h } from "./dom.js";

const LENGTH = 200;
const NO_WORDS = "seen while firing; no words";

export class Marks {
  /** @param {{act: (verb: string, body?: object) => Promise<any>, say: (text: string) => void, may: () => boolean, held: () => boolean}} page
   *   `held`: a hand holds power on, and must not be asked to type */
  constructor(page) {
    this.page = page;
    this.button = h("button", { type: "button", class: "quiet", "aria-keyshortcuts": "E", on: { click: () => this.begin() } }, "Mark what you see ", h("kbd", { text: "E" }));
  }

  /** The moment is now; words may follow. */
  begin() {
    if (!this.page.may()) this.page.say("Take control first; then E keeps what you see in the record.");
    else if (this.page.held()) this._keep(NO_WORDS, performance.now());
    else if (!document.querySelector("dialog[open]")) this._ask(performance.now());
  }

  /** @param {number} seen_ms */
  _ask(seen_ms) {
    const text = h("input", { type: "text", id: "mark-text", size: 44, maxlength: LENGTH, autocomplete: "off" });
    const box = dialog("Mark what you see",
      h("form", { class: "row", on: { submit: (/** @type {Event} */ event) => {
        event.preventDefault();
        if (!text.value.trim()) return text.focus();
        this._keep(text.value.trim(), seen_ms);
        box.close();
      } } }, h("label", { for: "mark-text", text: "What you see" }), text, h("button", { type: "submit", text: "Mark" })),
      h("p", { class: "note", text: "It is kept with the moment in which you began, and changes nothing that the bench does. Esc is STOP here as everywhere; Close leaves no mark." }));
    text.focus();
  }

  /** @param {string} text @param {number} seen_ms */
  async _keep(text, seen_ms) {
    const ago_s = Math.min((performance.now() - seen_ms) / 1000, 600);
    const answer = await this.page.act("mark", { text, ago_s: Math.round(1000 * ago_s) / 1000 });
    if (answer) this.page.say(`Marked: ${text}`);
  }
}
