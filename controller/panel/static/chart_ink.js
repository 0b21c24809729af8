// @ts-check
/** What is drawn around the lines of a chart: limits, event marks, names at the ends of the lines. */
import { isNumber, num } from "./format.js";

/** @typedef {import("./chart.js").Band} Band @typedef {import("./chart.js").Limit} Limit @typedef {import("./chart.js").Mark} Mark */

const LINE_PX = 12;
const GAP_PX = 6;

/** The colours and the type of a chart, as the style sheet has them now. */
export class Ink {
  /** @param {any} root */
  constructor(root) {
    this.style = getComputedStyle(root);
    this.ink = this.colour("--ink");
    this.soft = this.colour("--ink-soft");
    this.grid = this.colour("--grid");
    this.font = `${this.style.getPropertyValue("--chart-size") || "11px"} ${this.style.fontFamily}`;
  }

  /** A custom property of the style sheet, or a colour. @param {string} told */
  colour(told) {
    return told.startsWith("--") ? this.style.getPropertyValue(told).trim() || "gray" : told;
  }

  /** Limits and event marks, under the lines. @param {any} plot @param {any} strips @param {Band} band */
  under(plot, strips, band) {
    const { ctx, bbox } = plot;
    const px = devicePixelRatio || 1;
    ctx.save();
    ctx.font = scaled(this.font, px);
    ctx.lineWidth = px;
    for (const mark of strips.marks) {
      if (mark.t_s < strips.window[0] || mark.t_s > strips.window[1]) continue;
      const x = Math.round(plot.valToPos(mark.t_s, "x", true)) + 0.5;
      ctx.strokeStyle = mark.kind === "trip" ? this.colour("--high") : this.soft;
      ctx.setLineDash(mark.kind === "trip" ? [] : [px, 3 * px]);
      line(ctx, x, bbox.top, x, bbox.top + bbox.height);
    }
    ctx.strokeStyle = ctx.fillStyle = this.soft;
    ctx.textAlign = "left";
    for (const limit of band.limits ?? []) {
      if (!inSight(plot, limit)) continue;
      const y = Math.round(plot.valToPos(limit.value, "y", true)) + 0.5;
      ctx.setLineDash([8 * px, 3 * px, 2 * px, 3 * px]);
      line(ctx, bbox.left, y, bbox.left + bbox.width, y);
      const above = y - bbox.top > LINE_PX * px;
      ctx.textBaseline = above ? "bottom" : "top";
      ctx.fillText(limitWords(limit), bbox.left + 4 * px, y + (above ? -1 : 2) * px);
    }
    ctx.restore();
  }

  /** Names at the ends of the lines, band name, words of the marks, over them. @param {any} plot @param {any} strips @param {Band} band */
  over(plot, strips, band) {
    const { ctx, bbox } = plot;
    const px = devicePixelRatio || 1;
    ctx.save();
    ctx.font = scaled(this.font, px);
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    const right = bbox.left + bbox.width;
    const labels = band.series
      .map((series, at) => ({ series, y: lastY(plot, at + 1) }))
      .filter((told) => told.y !== null)
      .sort((a, b) => /** @type {number} */ (a.y) - /** @type {number} */ (b.y));
    apart(labels, bbox.top + (LINE_PX / 2) * px, bbox.top + bbox.height - (LINE_PX / 2) * px, LINE_PX * px);
    for (const { series, y } of labels) {
      ctx.strokeStyle = this.colour(series.colour);
      ctx.lineWidth = (series.width ?? 2) * px;
      ctx.setLineDash((series.dash ?? []).map((d) => d * px));
      line(ctx, right + 4 * px, y, right + 20 * px, y);
      ctx.fillStyle = this.ink;
      ctx.fillText(series.label, right + 24 * px, y);
    }
    const title = `${band.label}, ${band.unit}`;
    ctx.fillStyle = this.ink;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.font = `600 ${scaled(this.font, px)}`;
    ctx.fillText(title, bbox.left, bbox.top - 2 * px);
    const x = bbox.left + ctx.measureText(`${title}   `).width;
    ctx.fillStyle = this.soft;
    ctx.font = scaled(this.font, px);
    const hidden = (band.limits ?? []).filter((limit) => !inSight(plot, limit));
    ctx.fillText(hidden.map((limit) => `${limit.value > plot.scales.y.max ? "\u25b2" : "\u25bc"} ${limitWords(limit)}`).join("   "), x, bbox.top - 2 * px, Math.max(right - x, 1));
    if (band === strips.bands[0]) markWords(plot, strips, ctx, px, this);
    ctx.restore();
  }
}

/** @param {any} plot @param {Limit} limit */
const inSight = (plot, limit) => limit.value >= plot.scales.y.min && limit.value <= plot.scales.y.max;

/** Words of the marks, the most telling first; one that would cover another is left out.
 * @param {any} plot @param {any} strips @param {any} ctx @param {number} px @param {Ink} ink */
function markWords(plot, strips, ctx, px, ink) {
  const { bbox } = plot;
  ctx.font = scaled(ink.font, px);
  ctx.fillStyle = ink.soft;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  /** @type {[number, number][]} */
  const taken = [];
  for (const mark of [...strips.marks].sort((one, other) => rank(other) - rank(one) || (one.kind === "trip" ? one.t_s - other.t_s : other.t_s - one.t_s))) {
    if (mark.t_s < strips.window[0] || mark.t_s > strips.window[1]) continue;
    const x = plot.valToPos(mark.t_s, "x", true) + 3 * px;
    const end = x + ctx.measureText(mark.text).width;
    if (end > bbox.left + bbox.width || taken.some(([from, to]) => x < to && end + GAP_PX * px > from)) continue;
    ctx.fillText(mark.text, x, bbox.top + bbox.height - px);
    taken.push([x, end + GAP_PX * px]);
  }
}

/** Which of two words that would cover each other is written. @param {Mark} mark */
const rank = (mark) => (mark.kind === "trip" ? 2 : mark.text === "FIRING" ? 1 : 0);

/** @param {Limit} limit */
const limitWords = (limit) => `${limit.label} ${num(limit.value, Number.isInteger(limit.value) ? 0 : 1)}`;

/** @param {string} font @param {number} px */
const scaled = (font, px) => font.replace(/([\d.]+)px/, (_, size) => `${Number(size) * px}px`);

/** @param {any} ctx @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function line(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

/** Where the last value of a series is, in canvas pixels. @param {any} plot @param {number} at @returns {number | null} */
function lastY(plot, at) {
  const values = plot.data[at];
  for (let i = values.length - 1; i >= 0; i--) {
    if (isNumber(values[i])) return plot.valToPos(values[i], "y", true);
  }
  return null;
}

/** Move labels apart until none covers another. @param {any[]} labels @param {number} top @param {number} bottom @param {number} gap */
function apart(labels, top, bottom, gap) {
  let free = top;
  for (const told of labels) {
    told.y = Math.max(told.y, free);
    free = told.y + gap;
  }
  let most = bottom;
  for (const told of [...labels].reverse()) {
    told.y = Math.min(told.y, most);
    most = told.y - gap;
  }
}
