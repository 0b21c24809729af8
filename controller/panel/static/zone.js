// @ts-check
/** The section that was kept with a session, or that a dry run promises: drawn as the live view draws it. */
import { CrossSection } from "./cross_section.js";
import { h } from "./dom.js";

/** @param {any} picture arrays [r][z] @param {any} zone @param {string} title @returns {any} an element */
export function zonePicture(picture, zone, title) {
  const root = h("div", { class: "tissue" });
  const section = new CrossSection(root);
  root.querySelector("h2")?.replaceWith(h("h4", { text: title }));
  const whole = { ...picture, damage: picture.damage ?? picture.temperature_c.map((/** @type {number[]} */ row) => row.map(() => 0)) };
  section.take({ picture: whole, zone });
  new ResizeObserver(() => section.draw()).observe(section.canvas);
  return root;
}
