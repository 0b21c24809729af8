// @ts-check
/** What every view has on top: state in words, what it means now, banner, proof of recording, age of the data. */
import { byId, fill, setAttr, setText, show, svg } from "./dom.js";
import { age, count, countdown, duration, isNumber, num } from "./format.js";
import { client } from "./stream.js";

const QUIET = 4; // times the age at which data are stale: for so long without any, a state is no longer told as if it held

/** Outline of each state beside its word: shapes, not colours. @type {Record<string, string>} */
const SHAPES = {
  BOOT: "M12 3a9 9 0 1 0 9 9",
  SAFE: "M12 3a9 9 0 1 0 .01 0z",
  PRECHECK: "M12 3a9 9 0 1 0 .01 0zM12 7v5l4 3",
  READY: "M12 2l10 10-10 10L2 12z",
  ARMED: "M12 2l10 10-10 10L2 12zM12 8v8M8 12h8",
  FIRING: "M13 2L5 14h6l-1 8 9-13h-6z",
  STOPPING: "M4 4h16v16H4z",
  COOLDOWN: "M12 2v20M3.3 7l17.4 10M20.7 7L3.3 17",
  TRIPPED: "M8 2h8l6 6v8l-6 6H8l-6-6V8zM8 8l8 8M16 8l-8 8",
  LOCKOUT: "M5 11h14v10H5zM8 11V7a4 4 0 0 1 8 0v4",
  "": "M5 5l14 14M19 5L5 19",
};

/** @param {any} store */
export function powerWords(store) {
  return store.status?.alarms?.activation || "";
}

/** The word of the state that is true now. @param {any} store */
export function stateWord(store) {
  if (!store.status || store.phase === "gone" || store.phase === "refused" || store.age_ms() > QUIET * store.stale_ms) return "NOT LIVE";
  return String(store.status.state);
}

/** What it means, and what ends it; how old that is, where it is old. @param {any} store */
export function stateMore(store) {
  const old = store.status && store.phase === "live" && store.age_ms() > store.stale_ms && store.age_ms() <= QUIET * store.stale_ms;
  return `${old ? `${age(store.age_ms())} old: ` : ""}${meaning(store)}`;
}

/** @param {any} store */
function meaning(store) {
  const status = store.status;
  if (store.phase === "refused") return /ablate panel/.test(store.why) ? store.why : `${store.why}: open the link that \`ablate panel\` prints`;
  if (!status) return store.phase === "gone" ? store.why : store.why || "waiting for the bench";
  const said = `last word: ${status.state}, ${age(store.age_ms())} ago`;
  if (store.phase === "gone") return `${store.why} (${said})`;
  if (store.age_ms() > QUIET * store.stale_ms) return said;
  if (store.playback && status.state !== "FIRING") return "as it was recorded";
  const left = countdown(status.left_s);
  switch (status.state) {
    case "BOOT":
      return "proving that the generator is off";
    case "SAFE":
      return status.waits ? `waits for ${status.waits}` : "no energy is permitted; choose a protocol and prepare";
    case "PRECHECK":
      return `checks for at most ${left} more`;
    case "READY":
      return status.prompt ? "hands are asked for, see below" : `may be armed for ${left} more`;
    case "ARMED":
      return `disarms itself in ${left}`;
    case "FIRING":
      return firing(store);
    case "STOPPING":
      return powerWords(store) ? "was told to turn off, and power still flows" : "was told to turn off; waiting for proof";
    case "COOLDOWN":
      return `coolant runs on, ${left} at most${status.waits ? `; waits for ${status.waits}` : ""}`;
    case "TRIPPED":
      return "an interlock fired; see below";
    case "LOCKOUT":
      return powerWords(store) ? "POWER FLOWS: use the E-stop or the mains switch" : "locked; only a person at the bench can end it";
    default:
      return "";
  }
}

/** @param {any} store */
function firing(store) {
  const { status } = store;
  const end_s = duration_s(store);
  const time = `${duration(status.elapsed_s)}${end_s ? ` of ${duration(end_s)}` : ""}`;
  const ends_s = status.attended?.ends_in_s;
  if (isNumber(ends_s)) return `still there? Answer below, or energy ends in ${countdown(ends_s)}`;
  const phase = status.law?.phase ? `, ${String(status.law.phase).toLowerCase()}` : "";
  return `${time}${phase}; ${status.rolloffs ? count(status.rolloffs, "roll-off") : ""}`.replace(/; $/, "");
}

/** How long the application that runs is meant to last, s; null: nobody said. @param {any} store */
export function duration_s(store) {
  for (let i = store.events.length - 1; i >= 0; i--) {
    const { kind, data } = store.events[i];
    if (kind === "application") return isNumber(data?.law?.duration_s) ? data.law.duration_s : null;
  }
  return null;
}

export class Header {
  constructor() {
    this.nodes = Object.fromEntries(
      ["banner", "bench", "what", "state", "state-shape", "state-word", "state-power", "state-more", "proof-record", "proof-data", "proof-control"].map(
        (id) => [id, byId(id)],
      ),
    );
    this.path = svg("path", { d: "", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linejoin": "round", "stroke-linecap": "round" });
    fill(this.nodes["state-shape"], svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, this.path));
  }

  /**
   * @param {any} store what is shown: the bench, or a playback of a record
   * @param {any} live the bench
   */
  render(store, live) {
    const { nodes } = this;
    const status = store.status;
    const root = document.documentElement;
    const word = stateWord(store);
    const known = word !== "NOT LIVE";
    setAttr(root, "data-live", !known ? "no" : store.age_ms() > store.stale_ms ? "stale" : "yes");
    setAttr(root, "data-state", known ? word : "");
    const power = known ? powerWords(store) : "";
    setAttr(root, "data-power", power ? "on" : "off");
    const shown = store.playback ? `REPLAY: ${word}` : word;
    setText(nodes["state-word"], shown);
    setText(nodes["state-power"], power);
    setText(nodes["state-more"], stateMore(store));
    setAttr(this.path, "d", SHAPES[known ? word : ""] ?? SHAPES[""]);
    setText(nodes.bench, status?.bench ?? store.bench?.name ?? "Openablate");
    setText(nodes.what, [status?.protocol, status?.applicator].filter(Boolean).join(" · "));
    const title = `${shown}${power ? `, ${power}` : ""} - ${status?.bench ?? "Openablate"}`;
    if (document.title !== title) document.title = title;
    this._banner(store, live);
    this._proof(store, live);
  }

  /** Nothing could be told of it: a state that stands still must not look alive. */
  unknown() {
    setAttr(document.documentElement, "data-live", "no");
    setAttr(document.documentElement, "data-state", "");
    setText(this.nodes["state-word"], "NOT LIVE");
    setText(this.nodes["state-power"], "");
    setText(this.nodes["state-more"], "what the bench says cannot be shown");
  }

  /** @param {any} store @param {any} live */
  _banner(store, live) {
    const { banner } = this.nodes;
    const replay = store.playback;
    const told = replay
      ? `REPLAY of session ${replay.session}: ${duration(replay.t_s)} of ${duration(replay.duration_s)}, ${num(replay.speed, 0)}x. ` +
        `The bench itself now: ${stateWord(live)}${powerWords(live) ? `, ${powerWords(live)}` : ""}`
      : String(store.status?.banner || store.bench?.banner || "");
    const more = !replay && told === "SIMULATED" ? `${told}: emulated devices and tissue; nothing real is driven` : told;
    show(banner, Boolean(told));
    setAttr(banner, "data-kind", replay ? "replay" : "simulated");
    if (banner.firstChild?.textContent !== more) fill(banner, spanOf(more));
  }

  /** @param {any} store @param {any} live */
  _proof(store, live) {
    const { nodes } = this;
    const record = store.status?.record;
    const rows = isNumber(record?.rows) ? `${num(record.rows, 0)} rows, ` : "";
    const healthy = record ? record.healthy !== false : null;
    const told = !record || store.phase !== "live"
      ? "--"
      : healthy ? `${rows}written ${age(1000 * record.age_s + store.age_ms())} ago` : `NOT RECORDING: ${record.text || "no reason told"}`;
    setText(nodes["proof-record"], store.playback ? "read back from its file" : told);
    setAttr(nodes["proof-record"], "data-bad", healthy === false ? "yes" : null);
    setText(nodes["proof-data"], store.status ? `${age(store.age_ms())} old` : "none yet");
    setAttr(nodes["proof-data"], "data-bad", store.status && !store.fresh ? "yes" : null);
    setText(nodes["proof-control"], controlWords(live));
  }
}

/** @param {string} text */
function spanOf(text) {
  const node = document.createElement("span");
  node.textContent = text;
  return node;
}

/** Who controls, in words. @param {any} live */
export function controlWords(live) {
  if (!live.status) return "--";
  if (live.controller === client) return "this page";
  return live.controller ? `another page (${String(live.controller).slice(0, 4)})` : "nobody";
}
