// @ts-check
/** Numbers and words as people read them. A number that is not there is "--", never 0. */

export const MISSING = "--";
const THIN = "\u202f"; // narrow no-break space

/** @type {[string, string, number][]} suffix of a name, unit, decimals */
const SUFFIXES = [
  ["_ml_min", "mL/min", 0],
  ["_w_per_min", "W/min", 0],
  ["_c_per_s", "°C/s", 1],
  ["_cem43_s", "s at 43 °C", 0],
  ["_ohm", "Ω", 0],
  ["_a2s", "A²s", 1],
  ["_kpa", "kPa", 0],
  ["_share", "%", 0],
  ["_ml", "mL", 0],
  ["_mm", "mm", 1],
  ["_ms", "ms", 0],
  ["_hz", "Hz", 0],
  ["_w", "W", 1],
  ["_c", "°C", 1],
  ["_j", "J", 0],
  ["_s", "s", 1],
  ["_v", "V", 1],
  ["_a", "A", 2],
];

/** Names as the bench writes them, in words. */
const WORDS = {
  power_w: "Power",
  forward_w: "Forward power",
  setpoint_w: "Set-point",
  permit_w: "Permitted",
  impedance_ohm: "Impedance",
  tip_c: "Tip",
  tissue_c: "Tissue",
  tine_c: "Tine",
  shaft_c: "Shaft",
  coolant_c: "Coolant",
  flow_ml_min: "Flow",
  energy_j: "Energy",
  on_time_s: "Time",
  impedance_low_ohm: "Impedance, least",
  impedance_high_ohm: "Impedance, most",
  flow_min_ml_min: "Flow, least",
  critical_c: "Critical place",
  critical_cem43_s: "Critical place, dose",
  cable_c: "Cable",
  reflected_share: "Reflected share",
  reflected_least_share: "Reflected share, least",
  reflected_w: "Reflected",
  pad_a2s: "Pad, I²t",
};

/** `tissue_c[1]` -> `tissue_c` and 1; without an index -1. @param {string} name @returns {[string, number]} */
export function split(name) {
  const found = /^(.*)\[(\d+)\]$/.exec(name);
  return found ? [found[1], Number(found[2])] : [name, -1];
}

/** The unit that a name carries. @param {string} name */
export function unitOf(name) {
  const bare = split(name)[0];
  return SUFFIXES.find(([suffix]) => bare.endsWith(suffix))?.[1] ?? "";
}

/** Decimals of a name: power and temperature 1, impedance and flow 0. @param {string} name */
export function digitsOf(name) {
  const bare = split(name)[0];
  return SUFFIXES.find(([suffix]) => bare.endsWith(suffix))?.[2] ?? 1;
}

/** A name in words: `tissue_c[1]` is `Tissue 2`. @param {string} name */
export function label(name) {
  const [bare, index] = split(name);
  const words = WORDS[/** @type {keyof typeof WORDS} */ (bare)] ?? spoken(bare);
  return index < 0 ? words : `${words} ${index + 1}`;
}

/** `some_name_w` without its unit, as words. @param {string} name */
function spoken(name) {
  const suffix = SUFFIXES.find(([told]) => name.endsWith(told))?.[0] ?? "";
  const words = name.slice(0, name.length - suffix.length).replace(/[_.]/g, " ").trim();
  return words ? words[0].toUpperCase() + words.slice(1) : name;
}

/** @param {unknown} value @returns {value is number} */
export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** A number with its decimals and grouped thousands; "--" where there is none. @param {unknown} value @param {number} [digits] */
export function num(value, digits = 1) {
  if (!isNumber(value)) return MISSING;
  const [whole, part] = Math.abs(value).toFixed(digits).split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  const sign = value < 0 && Number(value.toFixed(digits)) !== 0 ? "\u2212" : "";
  return sign + grouped + (part ? `.${part}` : "");
}

/** The value of the quantity `name`, with its unit. @param {string} name @param {unknown} value */
export function quantity(name, value) {
  const unit = unitOf(name);
  const shown = unit === "%" && isNumber(value) ? num(100 * value, 0) : num(value, digitsOf(name));
  return unit ? `${shown}${THIN}${unit}` : shown;
}

/** A limit as it was written: no decimals that nobody gave. @param {string} name @param {unknown} value */
export function bound(name, value) {
  if (!isNumber(value)) return MISSING;
  const unit = unitOf(name);
  const told = unit === "%" ? 100 * value : value;
  const shown = num(told, Number.isInteger(told) ? 0 : Math.abs(told) < 10 ? 2 : 1);
  return unit ? `${shown}${THIN}${unit}` : shown;
}

/** An age or a delay: 40 ms, 1.3 s, 4:05. @param {unknown} ms */
export function age(ms) {
  if (!isNumber(ms)) return MISSING;
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}${THIN}ms`;
  if (ms < 100_000) return `${(ms / 1000).toFixed(1)}${THIN}s`;
  return duration(ms / 1000);
}

/** Minutes and seconds: 0:07, 12:00, 1:02:03. @param {unknown} s */
export function duration(s) {
  if (!isNumber(s)) return MISSING;
  const whole = Math.max(0, Math.floor(s));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const seconds = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** What is left of a countdown, in whole seconds, never less than 0. @param {unknown} s */
export function countdown(s) {
  return isNumber(s) ? `${Math.max(0, Math.ceil(s))}${THIN}s` : MISSING;
}

/** Time of day of an ISO text or of epoch milliseconds. @param {unknown} when */
export function clock(when) {
  const date = when === null || when === undefined ? NaN : new Date(/** @type {any} */ (when)).getTime();
  return Number.isFinite(date) ? new Date(date).toLocaleTimeString("en-GB") : MISSING;
}

/** Date and time of day of an ISO text. @param {unknown} when */
export function moment(when) {
  const date = new Date(/** @type {any} */ (when));
  if (when === null || when === undefined || Number.isNaN(date.getTime())) return MISSING;
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(date.getTime())}`;
}

/** `1 row`, `2 rows`. @param {number} count @param {string} one @param {string} [many] */
export function count(count, one, many = `${one}s`) {
  return `${num(count, 0)} ${count === 1 ? one : many}`;
}
