// @ts-check
/**
 * Strips: one chart a quantity, one under the other over the same time. Wraps uPlot, a classic script that the page loads.
 *
 * Series are told apart by dash and by a label at their end, then by colour. Limits are lines; one that lies outside of the
 * scale is an arrow with its number above the strip, so that nobody takes "not in sight" for "not there".
 */
import { Ink } from "./chart_ink.js";
import { h } from "./dom.js";
import { isNumber, num } from "./format.js";

/**
 * @typedef {{key: string, label: string, colour: string, dash?: number[], width?: number, faint?: boolean}} Series
 *   `colour`: a custom property of the style sheet (`--series-1`) or a colour.
 * @typedef {{value: number, label: string, side: "high" | "low"}} Limit
 * @typedef {{label: string, unit: string, digits: number, series: Series[], limits?: Limit[], from?: number, to?: number,
 *   weight?: number, least?: number}} Band  `from`, `to`: within the scale at least; `least`: the smallest span of the scale.
 * @typedef {{t_s: number, text: string, kind?: string}} Mark
 * @typedef {Record<string, (number | null)[]>} Columns  with `t_s`, ascending
 */

const AXIS_PX = 46;
const LABEL_PX = 104;
const FOOT_PX = 22;
const HEAD_PX = 16;

export class Strips {
  /**
   * @param {any} root an element with a size; it is filled
   * @param {Band[]} bands from top to bottom
   * @param {{time?: (t_s: number) => string, onCursor?: (index: number | null) => void, name?: string}} [options]
   */
  constructor(root, bands, options = {}) {
    this.root = root;
    this.bands = bands;
    this.options = options;
    /** @type {any[]} */
    this.plots = [];
    /** @type {Columns} */
    this.columns = { t_s: [] };
    /** @type {[number, number]} */
    this.window = [0, 60];
    /** @type {Mark[]} */
    this.marks = [];
    this.origin_s = 0;
    this._key = `strips-${Math.random().toString(36).slice(2)}`;
    this._observer = new ResizeObserver(() => this._fit());
    this._observer.observe(root);
    this._build();
  }

  /** Other bands, series or limits. Nothing is drawn anew that did not change. @param {Band[]} bands */
  setBands(bands) {
    const shape = (/** @type {Band[]} */ all) =>
      JSON.stringify(all.map(({ limits: _limits, ...rest }) => rest));
    const same = shape(bands) === shape(this.bands);
    const limits = JSON.stringify(bands.map((band) => band.limits)) === JSON.stringify(this.bands.map((band) => band.limits));
    if (same && limits) return;
    this.bands = bands;
    if (!same) this._build();
    else this._draw();
  }

  /**
   * What is shown, and from when to when; one drawing.
   * @param {Columns} columns @param {[number, number]} window @param {Mark[]} [marks] @param {number} [origin_s] ticks count from here
   */
  show(columns, window, marks = this.marks, origin_s = this.origin_s) {
    this.columns = columns;
    this.origin_s = origin_s;
    this.window = window;
    this.marks = marks;
    this._draw();
  }

  /** Colours have changed. */
  refresh() {
    this._build();
  }

  destroy() {
    this._observer.disconnect();
    this._clear();
  }

  _clear() {
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
    this.root.replaceChildren();
  }

  _build() {
    this._clear();
    const uPlot = /** @type {any} */ (globalThis).uPlot;
    if (uPlot === undefined) {
      this.root.append(h("p", { class: "note", text: "The chart could not be loaded; the numbers are complete without it." }));
      return;
    }
    this.ink = new Ink(this.root);
    this.bands.forEach((band, index) => {
      const place = h("div", { class: "strip" });
      this.root.append(place);
      this.plots.push(new uPlot(this._wishes(band, index), [[], ...band.series.map(() => [])], place));
    });
    this._fit();
  }

  /** @param {Band} band @param {number} index */
  _wishes(band, index) {
    const ink = /** @type {Ink} */ (this.ink);
    const last = index === this.bands.length - 1;
    const ticks = { stroke: ink.grid, width: 1, size: 4 };
    const axis = { stroke: ink.soft, font: ink.font, grid: { stroke: ink.grid, width: 1 }, ticks };
    const told = this.options.time;
    return {
      width: 300,
      height: 80,
      legend: { show: false },
      cursor: { sync: { key: this._key }, drag: { x: false, y: false, setScale: false }, points: { size: 6 }, y: false },
      select: { show: false },
      padding: [HEAD_PX, LABEL_PX, last ? 0 : 4, 0],
      scales: {
        x: { time: false, range: () => this.window },
        y: { range: (/** @type {any} */ _plot, /** @type {any} */ low, /** @type {any} */ high) => this._span(index, low, high) },
      },
      axes: [
        {
          ...axis, // an axis that is not shown would end the drawing of the others
          size: last ? FOOT_PX : 0,
          ticks: { ...ticks, show: last },
          gap: 2,
          space: 70,
          splits: (/** @type {any} */ _plot, /** @type {number} */ _axis, /** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ step) => this._splits(from, to, step),
          values: (/** @type {any} */ _plot, /** @type {number[]} */ at) => at.map((t_s) => (last ? (told?.(t_s) ?? String(t_s)) : "")),
          incrs: [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600],
        },
        { ...axis, size: AXIS_PX, gap: 3, space: 20, values: (/** @type {any} */ _plot, /** @type {number[]} */ at) => at.map((v) => num(v, fine(at))) },
      ],
      series: [
        {},
        ...band.series.map((series) => ({
          label: series.label,
          stroke: ink.colour(series.colour),
          width: series.width ?? 2,
          dash: series.dash,
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: {
        drawAxes: [(/** @type {any} */ plot) => ink.under(plot, this, this.bands[index])],
        draw: [(/** @type {any} */ plot) => ink.over(plot, this, this.bands[index])],
        setCursor: [(/** @type {any} */ plot) => index === 0 && this._pointed(plot)],
      },
    };
  }

  /** Ticks at whole steps from the origin. @param {number} from @param {number} to @param {number} step */
  _splits(from, to, step) {
    const found = [];
    for (let k = Math.ceil((from - this.origin_s) / step); this.origin_s + k * step <= to + 1e-6; k++) found.push(this.origin_s + k * step);
    return found;
  }

  /** @param {any} plot */
  _pointed(plot) {
    const at = plot.cursor.left >= 0 && isNumber(plot.cursor.idx) ? plot.cursor.idx : null;
    this.options.onCursor?.(at === null ? null : (this._first ?? 0) + at);
  }

  /** Scale of a band: its values, and the limits that are near to them. @param {number} index @param {number | null} low @param {number | null} high */
  _span(index, low, high) {
    const band = this.bands[index];
    const limits = (band.limits ?? []).map((limit) => limit.value);
    const empty = !isNumber(low) || !isNumber(high);
    let least = empty ? Math.min(band.from ?? Infinity, ...limits, limits.length ? Infinity : 0) : /** @type {number} */ (low);
    let most = empty ? Math.max(least + (band.least ?? 1), ...limits) : /** @type {number} */ (high);
    if (band.to !== undefined) most = Math.max(most, band.to);
    if (band.from !== undefined) least = Math.min(least, band.from);
    const reach = Math.max(most - least, band.least ?? 0);
    for (const limit of band.limits ?? []) {
      if (limit.value > most && limit.value - most <= 0.6 * reach) most = limit.value;
      if (limit.value < least && least - limit.value <= 0.6 * reach) least = limit.value;
    }
    if (most - least < (band.least ?? 0)) {
      const more = ((band.least ?? 0) - (most - least)) / 2;
      most += band.from !== undefined && least <= band.from ? 2 * more : more;
      if (!(band.from !== undefined && least <= band.from)) least -= more;
    }
    const air = 0.08 * (most - least || 1);
    return [band.from !== undefined && least >= band.from ? least : least - air, most + air];
  }

  _fit() {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (!width || !height || !this.plots.length) return;
    const weights = this.bands.map((band) => band.weight ?? 1);
    const share = (height - FOOT_PX) / weights.reduce((a, b) => a + b, 0);
    this.plots.forEach((plot, index) => {
      const own = Math.floor(share * weights[index]) + (index === this.plots.length - 1 ? FOOT_PX : 0);
      plot.setSize({ width, height: Math.max(own, 40) });
    });
    this._draw();
  }

  /** Only what the window shows is handed over. */
  _draw() {
    const t_s = /** @type {number[]} */ (this.columns.t_s ?? []);
    const first = Math.max(0, lower(t_s, this.window[0]) - 1);
    const end = Math.min(t_s.length, lower(t_s, this.window[1]) + 1);
    this._first = first;
    const time = t_s.slice(first, end);
    this.plots.forEach((plot, index) => {
      const values = this.bands[index].series.map((series) => {
        const column = this.columns[series.key];
        return column ? column.slice(first, end) : time.map(() => null);
      });
      plot.setData([time, ...values], true);
    });
  }
}

/** Index of the first time that is not before `at`. @param {ArrayLike<number>} times @param {number} at */
export function lower(times, at) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Decimals that tell the ticks apart. @param {number[]} ticks */
function fine(ticks) {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1;
  return step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
}
