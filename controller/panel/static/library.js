// @ts-check
/** What the views of the library share: tables, pairs, words for results, their style sheet. */
import { fill, h, setText } from "./dom.js";
import { duration, isNumber, moment, num } from "./format.js";

/** @typedef {import("./main.js").Page} Page */

const SHEET = "/static/library.css";

/** The library's style sheet, once. */
export function dress() {
  if (!document.querySelector(`link[href="${SHEET}"]`)) document.head.append(h("link", { rel: "stylesheet", href: SHEET }));
}

/** Result of a session: a shape and a word, so that it is told in grey as well. @type {Record<string, string>} */
const SHAPES = { completed: "\u25cf", tripped: "\u25b2", aborted: "\u25a0", "cut off": "\u25a7", "under way": "\u25cc", "not closed": "\u25cc", unfinished: "\u25cc", unreadable: "\u2715" };

/** @param {string} result */
export function resultWord(result) {
  return h("span", { class: "result", data: { result } }, h("span", { class: "glyph", "aria-hidden": "true", text: SHAPES[result] ?? "\u25cb" }), result);
}

/** What the hash chain says, in words. @type {Record<string, [string, string]>} */
const VERDICTS = {
  unchecked: ["\u25cb", "not checked"],
  recorded: ["\u2713", "as recorded"],
  unfinished: ["\u25cc", "unfinished"],
  changed: ["\u2715", "CHANGED"],
};

/** @param {{verdict: string, text: string}} integrity */
export function verdictWord({ verdict, text }) {
  const [shape, word] = VERDICTS[verdict] ?? VERDICTS.unchecked;
  return h("span", { class: "verdict", data: { verdict }, title: text || null }, h("span", { class: "glyph", "aria-hidden": "true", text: shape }), word);
}

/** Where it is from. @param {boolean | null} simulated */
export function origin(simulated) {
  return simulated === null ? "" : simulated ? "SIMULATED" : "real";
}

/** A zone in one line. @param {Record<string, number> | null} zone */
export function zoneWords(zone) {
  if (!zone) return "--";
  const axes = [zone.long_axis_mm, zone.short_axis_mm].map((mm) => num(mm, 1)).join(" \u00d7 ");
  return isNumber(zone.volume_ml) ? `${axes} mm, ${num(zone.volume_ml, 1)} mL` : `${axes} mm`;
}

/** @param {unknown} energy_j */
export const energyWords = (energy_j) => (isNumber(energy_j) ? `${num(energy_j / 1000, 2)}\u202fkJ` : "--");

/** @param {unknown} s */
export const timeWords = (s) => (isNumber(s) ? duration(s) : "--");

/** When a session began, of its ISO text. @param {string} utc */
export const whenWords = (utc) => (utc ? moment(utc) : "--");

/** Names and values. @param {[string, any][]} pairs @param {string} [label] */
export function pairs(pairs, label) {
  return h("dl", { class: "pairs", "aria-label": label ?? null }, ...pairs.map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", {}, value instanceof Node ? value : String(value)))));
}

/**
 * A table with a head; each cell a text or a node.
 * @param {string} caption read aloud, not shown; so are heads that begin with ~ @param {string[]} head @param {any[][]} rows @param {(row: any, at: number) => void} [each]
 */
export function table(caption, head, rows, each) {
  const body = rows.map((cells, at) => {
    const row = h("tr", {}, ...cells.map((cell) => h("td", {}, cell instanceof Node ? cell : String(cell ?? ""))));
    each?.(row, at);
    return row;
  });
  return h("table", { class: "list" },
    h("caption", { class: "hidden-title", text: caption }),
    h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text.startsWith("~") ? h("span", { class: "hidden-title", text: text.slice(1) }) : text)))),
    h("tbody", {}, ...body));
}

/** What went wrong, in the place of what was wanted. @param {Element} root @param {any} error @param {() => void} [again] */
export function failed(root, error, again) {
  fill(root, h("div", { class: "note failed", role: "alert" }, h("p", { text: error?.message ?? String(error) }),
    again ? h("button", { type: "button", class: "quiet", text: "Try again", on: { click: again } }) : null));
}

/** A button that says what it does while it does it. @param {string} text @param {string} busy @param {() => Promise<any>} work @param {(error: any) => void} wrong */
export function worker(text, busy, work, wrong) {
  const button = h("button", { type: "button", class: "quiet", text });
  button.addEventListener("click", async () => {
    button.disabled = true;
    setText(button, busy);
    try {
      await work();
    } catch (error) {
      wrong(error);
    } finally {
      button.disabled = false;
      setText(button, text);
    }
  });
  return button;
}

/** Limits as the live view has them. @param {Record<string, number>} limits */
export const liveLimits = (limits) => Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, { value, layer: "" }]));
