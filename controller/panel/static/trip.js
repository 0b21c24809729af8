// @ts-check
/** Alarms: the first cause pinned on top with what, where, value, limit, likely causes and what to do; the others below it. */
import { dialog, fill, h, setAttr, setText, show } from "./dom.js";
import { bound, countdown, isNumber, moment, num, unitOf } from "./format.js";

const SYMBOLS = { high: "!!!", medium: "!!", low: "!" };
const OTHERS = 3;

/** A report as text, for a mail or an issue. @param {any} store */
export function report(store) {
  const { status, bench } = store;
  const lines = [
    `Openablate: ${status.bench}, ${moment(Date.now())}${status.banner ? `, ${status.banner}` : ""}`,
    `state ${status.state}, protocol ${status.protocol ?? "none"}, applicator ${status.applicator}`,
    `session ${status.session_file ?? "--"}, t = ${num(status.t_s, 2)} s`,
  ];
  if (status.trip) {
    const { trip } = status;
    lines.push(`trip ${trip.hazard} ${trip.monitor} at t = ${num(trip.t_s, 3)} s: ${trip.text}`);
    lines.push(`  ${trip.channel || trip.device}: value ${trip.value ?? "--"}, limit ${trip.limit ?? "--"}, age ${trip.age_s ?? "--"} s`, `  check: ${trip.check}`);
  }
  for (const alarm of status.alarms?.list ?? []) {
    lines.push(`alarm ${alarm.priority} +${num(alarm.after_s, 2)} s ${alarm.where}: ${alarm.text}; likely: ${alarm.causes || "--"}; do: ${alarm.do}`);
  }
  lines.push(`blocked by: ${(status.blocked_by ?? []).join(", ") || "nothing"}`, `values: ${JSON.stringify(status.values)}`);
  const begin = (status.trip?.t_s ?? status.t_s) - 10;
  lines.push("events:", ...store.events.filter((/** @type {any} */ event) => event.t_s >= begin).map((/** @type {any} */ event) => `  ${num(event.t_s, 3)} ${event.kind} ${JSON.stringify(event.data)}`.slice(0, 400)));
  lines.push(`software: ${JSON.stringify(bench?.versions ?? {})}`);
  return lines.join("\n");
}

/** Into the clipboard, or shown for copying by hand. @param {string} text @param {(said: string) => void} say */
async function copy(text, say) {
  try {
    await navigator.clipboard.writeText(text);
    say("The report is in the clipboard.");
  } catch {
    const box = h("textarea", { rows: 14, cols: 80, readonly: true, "aria-label": "Report" });
    box.value = text;
    dialog("Report", box);
    box.select();
  }
}

export class TripCard {
  /**
   * @param {any} root
   * @param {{act: (verb: string, body?: object) => Promise<any>, say: (text: string) => void, may: () => boolean, showTrip: () => void}} acts
   */
  constructor(root, acts) {
    this.root = root;
    this.acts = acts;
    this.store = null;
    this.symbol = h("span", { class: "symbol", "aria-hidden": "true" });
    this.what = h("strong", { class: "what" });
    this.where = h("p", { class: "where" });
    this.causes = h("p", {});
    this.todo = h("p", {});
    this.others = h("ol", { class: "others", "aria-label": "Later alarms" });
    this.paused = h("span", { class: "paused" });
    const button = (/** @type {string} */ text, /** @type {() => void} */ click) => h("button", { type: "button", text, on: { click } });
    this.silence = button("Pause sound 120 s", () => this.acts.act("silence"));
    this.ack = button("Acknowledge", () => this.acts.act("ack"));
    this.copy = button("Copy report", () => copy(report(this.store), this.acts.say));
    this.look = button("Show on chart", () => this.acts.showTrip());
    this.reason = h("input", { type: "text", size: 22, maxlength: 200, autocomplete: "off", placeholder: "what was found and done", "aria-label": "Reason of the reset" });
    this.reset = h("form", { class: "reset", on: { submit: (/** @type {Event} */ event) => this._reset(event) } }, this.reason, h("button", { type: "submit", text: "Reset" }));
    this.card = h(
      "section", { class: "trip", "aria-label": "Alarms" },
      h("div", { class: "head" }, this.symbol, this.what, this.paused),
      h("div", { class: "facts" }, this.where, this.causes, this.todo),
      this.others,
      h("div", { class: "row" }, this.silence, this.ack, this.reset, this.look, this.copy),
    );
    this.none = h("p", { class: "none", text: "No alarm." });
    fill(root, this.none, this.card);
    show(this.card, false);
  }

  /** @param {Event} event */
  async _reset(event) {
    event.preventDefault();
    const reason = this.reason.value.trim();
    if (!reason) {
      this.acts.say("A reset needs a reason; it is kept in the record.");
      this.reason.focus();
      return;
    }
    if (await this.acts.act("reset", { reason })) this.reason.value = "";
  }

  /** @param {any} store */
  render(store) {
    this.store = store;
    const list = store.status?.alarms?.list ?? [];
    show(this.card, list.length > 0);
    show(this.none, list.length === 0);
    setText(this.none, store.fresh ? "No alarm." : "Whether there is an alarm is not known: NOT LIVE.");
    if (!list.length) return;
    const [first, ...later] = list;
    const status = store.status;
    setAttr(this.card, "data-priority", first.priority);
    setAttr(this.card, "data-seen", first.acknowledged ? "yes" : null);
    setText(this.symbol, SYMBOLS[/** @type {keyof typeof SYMBOLS} */ (first.priority)] ?? "!");
    setText(this.what, `${status.trip && first.priority === "high" ? `TRIP ${status.trip.hazard}: ` : ""}${first.text}`);
    setText(this.where, place(first));
    show(this.where, this.where.textContent !== "");
    setText(this.causes, first.causes ? `Likely: ${first.causes}` : "");
    setText(this.todo, `Do: ${first.do}${next(status)}`);
    setText(this.paused, status.alarms.paused_s ? `AUDIO PAUSED ${countdown(status.alarms.paused_s)}` : "");
    const lines = later.slice(0, OTHERS).map((/** @type {any} */ alarm) => `${SYMBOLS[/** @type {keyof typeof SYMBOLS} */ (alarm.priority)]} ${alarm.after_s < 0 ? "" : "+"}${num(alarm.after_s, 1)} s${alarm.where ? ` ${alarm.where}` : ""}: ${alarm.text}${alarm.present ? "" : " (gone)"}`);
    if (later.length > OTHERS) lines.push(`and ${later.length - OTHERS} more, see the report`);
    if (lines.join("|") !== this.lines) {
      this.lines = lines.join("|");
      fill(this.others, ...lines.map((/** @type {string} */ text) => h("li", { text })));
    }
    const live = !store.playback;
    const may = live && this.acts.may();
    show(this.silence, may && !status.alarms.paused_s);
    show(this.ack, may && !list.every((/** @type {any} */ alarm) => alarm.acknowledged));
    show(this.reset, may && status.state === "TRIPPED");
    show(this.look, Boolean(status.trip));
  }
}

/** @param {any} alarm */
function place(alarm) {
  const unit = unitOf(alarm.where) || /_(c|w|ohm|ml_min)$/.exec(alarm.where)?.[0] || "";
  const name = unit ? alarm.where : "";
  const value = isNumber(alarm.value) ? `value ${name ? bound(name, Math.round(10 * alarm.value) / 10) : num(alarm.value, 2)}` : "";
  const limit = isNumber(alarm.limit) ? `limit ${name ? bound(name, alarm.limit) : num(alarm.limit, 2)}` : "";
  return [alarm.where && `At ${alarm.where}`, value, limit, alarm.present ? "" : "its condition is over"].filter(Boolean).join(", ");
}

/** @param {any} status */
function next(status) {
  if (status.state === "LOCKOUT") return ". Then, at the bench: ablate reset REASON --lockout";
  if (status.state !== "TRIPPED") return "";
  const left = (status.blocked_by ?? []).filter((/** @type {string} */ item) => item !== "ack");
  if (left.length) return `. Reset must wait: ${left.join(", ")}`;
  return (status.blocked_by ?? []).includes("ack") ? ". Then acknowledge, and reset with a reason" : ". Then reset with a reason";
}
