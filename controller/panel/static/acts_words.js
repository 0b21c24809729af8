// @ts-check
/** What the operator is told where nothing can be chosen: what goes on, why power ended, what the application before gave. */
import { duration, isNumber, label, num, quantity } from "./format.js";
import { ITEM_WORDS } from "./interlocks.js";

/** What is going on where nothing can be chosen. @param {any} store @param {string} state */
export function words(store, state) {
  const { status } = store;
  if (!state) return store.status ? "The bench does not answer. Look at the generator itself." : "Nothing is known of the bench yet.";
  const missing = (status.blocked_by ?? []).map((/** @type {string} */ item) => ITEM_WORDS[item] ?? item).join("; ");
  if (state === "BOOT") return "The bench has only begun: it asks its devices, and proves that the generator is off.";
  if (state === "PRECHECK") return `Checking ${status.protocol ?? ""}: ${missing || "all there"}. STOP cancels.`;
  if (state === "COOLDOWN" || state === "STOPPING") return [ended(store), status.waits && `Waits for ${status.waits}.`, readings(status), "Coolant runs on."].filter(Boolean).join(" ");
  if (state === "TRIPPED") return `Not met: ${missing || "nothing any more"}.`;
  return state === "LOCKOUT" ? "Ended only by a person at the bench: ablate reset REASON --lockout." : "";
}

/** Why power ended. @param {any} store */
function ended(store) {
  const found = store.events.findLast((/** @type {any} */ event) => event.kind === "state" && event.data?.from === "FIRING");
  return found ? `Ended: ${found.data.reason}.` : "";
}

/** @param {any} status */
function readings(status) {
  const one = (/** @type {any} */ each) =>
    [["tip_c", each.tip_c], ...(each.tine_c ?? []).map((/** @type {any} */ v, /** @type {number} */ i) => [`tine_c[${i}]`, v]), ...(each.tissue_c ?? []).map((/** @type {any} */ v, /** @type {number} */ i) => [`tissue_c[${i}]`, v])]
      .filter(([, value]) => isNumber(value)).map(([name, value]) => `${label(name).toLowerCase()} ${quantity(name, value)}`).join(", ");
  return (status.readings ?? []).map((/** @type {any} */ each) => `${num(each.after_s, 0)} s after power: ${one(each)}.`).join(" ");
}

/** The application before, in one line. @param {any} result */
export function lastWords(result) {
  if (!result) return "";
  const zone = result.zone ? `, zone ${num(result.zone.long_axis_mm, 1)} × ${num(result.zone.short_axis_mm, 1)} mm` : "";
  const advice = result.advice ? `; ${result.advice.advice}: ${result.advice.reason}` : "";
  return `Last application: ${result.result}${result.reason ? ` (${result.reason})` : ""}, ${num(result.energy_j / 1000, 2)} kJ in ${duration(result.duration_s)}, roll-offs ${result.rolloffs ?? 0}${zone}${advice}.`;
}
