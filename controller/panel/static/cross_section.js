// @ts-check
/** A section through the simulated tissue: temperature, the edge of damage, the applicator, a bar of 10 mm. */
import { fill, h, setText, show } from "./dom.js";
import { num } from "./format.js";
import { ask } from "./stream.js";

const EVERY_MS = 2000;
const METAL_MM = 1.5; // nearer to the axis is metal and what touches it: no edge of damage there
const SHOWN_MM = { across: 26, below: 22, above: 46 };
const LOW_C = 20;
const HIGH_C = 110;
/** Where nobody says what applicator it is: its axis. */
const ALONE = [{ bare: true, radius_mm: 0.6, path_mm: [[0, 0], [0, 200]] }];
/** Inferno at ten equal steps: ordered in grey as well. */
const INFERNO = [
  [0, 0, 4], [27, 12, 65], [74, 12, 107], [120, 28, 109], [165, 44, 96], [207, 68, 70], [237, 105, 37], [251, 155, 6], [247, 209, 61], [252, 255, 164],
];

/** @param {number} share 0 to 1 @returns {number[]} */
function inferno(share) {
  const at = Math.min(0.9999, Math.max(0, share)) * (INFERNO.length - 1);
  const i = Math.floor(at);
  return INFERNO[i].map((low, k) => low + (at - i) * (INFERNO[i + 1][k] - low));
}

/** Two neighbours of `at` on a rising axis, and the share of the upper one. @param {number[]} axis @param {number} at @returns {[number, number]} */
function between(axis, at) {
  let low = 0;
  let high = axis.length - 1;
  if (at <= axis[0]) return [0, 0];
  if (at >= axis[high]) return [high - 1, 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (axis[middle] <= at) low = middle;
    else high = middle;
  }
  return [low, (at - axis[low]) / (axis[high] - axis[low])];
}

/** @param {number[][]} field @param {[number, number]} r @param {[number, number]} z */
function mix(field, [i, u], [j, v]) {
  const low = field[i][j] * (1 - v) + field[i][j + 1] * v;
  return low * (1 - u) + (field[i + 1][j] * (1 - v) + field[i + 1][j + 1] * v) * u;
}

export class CrossSection {
  /** @param {any} root */
  constructor(root) {
    this.canvas = h("canvas", { role: "img", "aria-label": "Section through the simulated tissue: not known yet" });
    this.zone = h("p", { class: "zone" });
    this.root = root;
    const key = h("ul", { class: "key", "aria-label": "Key" },
      h("li", {}, h("i", { class: "ramp" }), `${LOW_C}–${HIGH_C} °C`),
      h("li", {}, h("i", { class: "edge" }), "white zone"),
      h("li", {}, h("i", { class: "dashed" }), "+ border"));
    fill(root, h("h2", { text: "Tissue, simulated: section and zone" }), this.canvas, this.zone, key);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.known = true;
    this.asked_ms = -Infinity;
    show(root, false);
  }

  /** Ask again when it is time; `moving`: something can have changed. @param {any} store @param {number} now_ms @param {boolean} moving */
  follow(store, now_ms, moving) {
    if (store.playback || !store.status) {
      show(this.root, false);
      return;
    }
    const every_ms = moving ? EVERY_MS : 4 * EVERY_MS;
    if (!this.known || this.asking || now_ms - this.asked_ms < every_ms) return;
    this.asked_ms = now_ms;
    this.asking = ask("specimen")
      .then((told) => this.take(told))
      .catch((error) => {
        this.known = error.status !== 404 || this.seen === true;
        if (!this.seen) show(this.root, false);
      })
      .finally(() => (this.asking = null));
  }

  /** Another bench, or a new connection: ask anew. */
  forget() {
    this.known = true;
    this.asked_ms = -Infinity;
  }

  /** @param {any} told */
  take(told) {
    const picture = told.picture ?? told.specimen?.picture;
    const zone = told.zone ?? told.specimen?.zone;
    if (!picture?.temperature_c) return;
    this.seen = true;
    this.picture = picture;
    this.metal = told.metal ?? ALONE;
    show(this.root, true);
    const size = zone?.volume_ml > 0 ? `${num(zone.long_axis_mm, 1)} × ${num(zone.short_axis_mm, 1)} mm, ${num(zone.volume_ml, 2)} mL` : "no zone yet";
    setText(this.zone, size);
    this.canvas.setAttribute("aria-label", `Section through the simulated tissue: zone ${size}`);
    this.draw();
  }

  draw() {
    const { picture, canvas } = this;
    if (!picture) return;
    const px = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * px);
    const height = Math.round(canvas.clientHeight * px);
    if (width < 20 || height < 20) return;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const ctx = canvas.getContext("2d");
    // The axis lies flat: the handle to the right, because a page is wider than high.
    const scale = Math.min(height / (2 * SHOWN_MM.across), width / (SHOWN_MM.above + SHOWN_MM.below));
    const spanZ = width / scale;
    const z0 = (SHOWN_MM.above - SHOWN_MM.below) / 2 - spanZ / 2;
    const image = ctx.createImageData(width, height);
    const dead = new Uint8Array(width * height);
    const columns = Array.from({ length: width }, (_, x) => between(picture.z_mm, z0 + (x + 0.5) / scale));
    const mirrored = picture.r_mm[0] >= 0;
    for (let y = 0; y < height; y++) {
      const across = (height / 2 - (y + 0.5)) / scale;
      const r = between(picture.r_mm, mirrored ? Math.abs(across) : across);
      const outside = mirrored ? between(picture.r_mm, Math.max(Math.abs(across), METAL_MM)) : r;
      for (let x = 0; x < width; x++) {
        const at = y * width + x;
        const [red, green, blue] = inferno((mix(picture.temperature_c, r, columns[x]) - LOW_C) / (HIGH_C - LOW_C));
        image.data.set([red, green, blue, 255], 4 * at);
        dead[at] = (mix(picture.damage, outside, columns[x]) >= 1 ? 1 : 0) + (picture.necrosis && mix(picture.necrosis, outside, columns[x]) >= 1 ? 2 : 0);
      }
    }
    outline(image, dead, width, height, 1, [86, 180, 233], 0, px);
    outline(image, dead, width, height, 2, [255, 255, 255], 4 * px, px);
    ctx.putImageData(image, 0, 0);
    this._applicator(ctx, z0, scale, height, px);
  }

  /** Shafts dark, bare metal light, and a bar of 10 mm. @param {any} ctx @param {number} z0 @param {number} scale @param {number} height @param {number} px */
  _applicator(ctx, z0, scale, height, px) {
    for (const { bare, radius_mm, path_mm } of this.metal) {
      ctx.strokeStyle = bare ? "#d0d0d0" : "#808080";
      ctx.lineWidth = Math.max(1.5 * px, 2 * radius_mm * scale);
      ctx.beginPath();
      for (const [r, z] of path_mm) ctx.lineTo((z - z0) * scale, height / 2 - r * scale);
      ctx.stroke();
    }
    ctx.strokeStyle = ctx.fillStyle = "#ffffff";
    ctx.lineWidth = 2 * px;
    const left = 8 * px;
    const foot = height - 7 * px;
    ctx.beginPath();
    ctx.moveTo(left, foot);
    ctx.lineTo(left + 10 * scale, foot);
    ctx.stroke();
    ctx.font = `${11 * px}px sans-serif`;
    ctx.textBaseline = "bottom";
    ctx.fillText("10 mm", left, foot - 2 * px);
  }
}

/** Pixels at the edge of where `bit` is set take `colour`; `dash` 0 is a whole line.
 * @param {ImageData} image @param {Uint8Array} dead @param {number} width @param {number} height @param {number} bit @param {number[]} colour @param {number} dash @param {number} px */
function outline(image, dead, width, height, bit, colour, dash, px) {
  const thick = Math.max(1, Math.round(px));
  for (let y = thick; y < height - thick; y++) {
    for (let x = thick; x < width - thick; x++) {
      const at = y * width + x;
      if (!(dead[at] & bit) || (dash && (x + y) % (2 * dash) >= dash)) continue;
      const inside = dead[at - thick] & dead[at + thick] & dead[at - thick * width] & dead[at + thick * width] & bit;
      if (!inside) image.data.set([...colour, 255], 4 * at);
    }
  }
}
