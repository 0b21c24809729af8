// @ts-check
/** Elements without markup: every text that a device, a file or a person wrote ends as a text node, never as HTML. */

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, any>} [props] `class`, `text`, `hidden`, `on` ({event: listener}), `data`, any attribute;
 *   null, undefined and false are left out, true is the empty attribute.
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  dress(node, props);
  node.append(...children.filter(isChild).map(asNode));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an SVG element; as {@link h}.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {any}
 */
export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  dress(node, props);
  node.append(...children.filter(isChild).map(asNode));
  return node;
}

/** @param {any} node @param {Record<string, any>} props */
function dress(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = String(value);
    else if (name === "on") for (const [kind, heard] of Object.entries(value)) node.addEventListener(kind, heard);
    else if (name === "data") for (const [key, told] of Object.entries(value)) node.dataset[key] = String(told);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {any} child */
const isChild = (child) => child !== null && child !== undefined && child !== false;

/** @param {any} child */
const asNode = (child) => (child instanceof Node ? child : document.createTextNode(String(child)));

/**
 * Replace what is in `node`.
 * @param {Element} node
 * @param {...(Node | string | number | null | undefined | false)} children
 */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter(isChild).map(asNode));
}

/** Write a text only where it changed: nothing is laid out, and nothing is read aloud, twice. @param {Element} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Write an attribute only where it changed; null takes it away. @param {Element} node @param {string} name @param {string | null} value */
export function setAttr(node, name, value) {
  if (value === null) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** Show or hide. @param {any} node @param {boolean} shown */
export function show(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

/** A style through the CSS object model, which the page's policy allows. @param {any} node @param {string} name @param {string} value */
export function setStyle(node, name, value) {
  if (node.style.getPropertyValue(name) !== value) node.style.setProperty(name, value);
}

/** The element with this id, which the page has. @param {string} id @returns {any} */
export function byId(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`the page has no element ${id}`);
  return node;
}

/**
 * A modal dialog with a heading and a close button; Esc closes it too (and is STOP, as everywhere).
 * @param {string} title
 * @param {...any} children
 * @returns {any} shown; `close()` removes it
 */
export function dialog(title, ...children) {
  const close = h("button", { class: "quiet", type: "button", text: "Close", on: { click: () => box.close() } });
  const box = h("dialog", { "aria-label": title }, h("h2", { text: title }), ...children, h("p", { class: "row" }, close));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}
