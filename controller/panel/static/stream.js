// @ts-check
/**
 * The wire between this page and the panel's server: REST for acts, one WebSocket for what happens.
 *
 * Nothing here invents a value. Before the first snapshot there is none; how old the newest one is follows from the daemon's
 * own clock, so that statuses which were held up on the way look as old as they are.
 */

const ROOT = "/api/v1";
const STORED = "openablate-token";
const STALE_MS = 500;
const LOST_MS = 4000; // without a word for so long, the connection is made anew
const KEEP = 40_000; // samples kept; beyond them the older half is thinned
const DRIFT = 5e-4; // two computers' clocks may drift apart by so much: the most by which one is slewed

/** The token of the address, once; it is kept for this tab and leaves the address. */
export function token() {
  const found = /[#&]token=([^&]+)/.exec(location.hash);
  if (found) {
    sessionStorage.setItem(STORED, decodeURIComponent(found[1]));
    history.replaceState(null, "", location.pathname + location.search + "#live");
  }
  return sessionStorage.getItem(STORED) ?? "";
}

/** Who this tab is, to the server and to the other pages. */
export const client = (() => {
  const made = sessionStorage.getItem("openablate-client") ?? crypto.randomUUID();
  sessionStorage.setItem("openablate-client", made);
  return made;
})();

/** An answer that is none: the server's sentence, or why there was none. */
export class Refused extends Error {
  /** @param {string} text @param {number} status @param {any} [answer] */
  constructor(text, status, answer = {}) {
    super(text);
    this.status = status;
    this.answer = answer;
  }
}

/**
 * Ask the server.
 * @param {string} path below /api/v1/
 * @param {{body?: object, timeout_ms?: number}} [how] with a body it is a POST
 * @returns {Promise<any>}
 * @throws {Refused}
 */
export async function ask(path, { body, timeout_ms = 15_000 } = {}) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), timeout_ms);
  try {
    const response = await fetch(`${ROOT}/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        Authorization: `Bearer ${token()}`,
        "X-Client": client,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: giveUp.signal,
      cache: "no-store",
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok || answer.ok === false) throw new Refused(sentence(answer, response.status), response.status, answer);
    return answer;
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused("the panel's server does not answer; is `ablate serve` still running?", 0);
  } finally {
    clearTimeout(timer);
  }
}

/** @param {any} answer @param {number} status */
function sentence(answer, status) {
  const why = Array.isArray(answer.blocked_by) && answer.blocked_by.length ? `: ${answer.blocked_by.join("; ")}` : "";
  const said = String(answer.error ?? `the server answered ${status}`);
  const whole = why && !said.includes(String(answer.blocked_by[0])) ? said + why : said;
  return answer.remedy ? `${whole}. ${answer.remedy}` : whole;
}

/** Series of one status, by name: `tissue_c[0]` and so on. @param {any} status @returns {Record<string, number | null>} */
export function row(status) {
  /** @type {Record<string, number | null>} */
  const found = { setpoint_w: status.setpoint_w ?? null, permit_w: status.permit_w ?? null, energy_j: status.energy_j ?? null };
  for (const [name, value] of Object.entries(status.values ?? {})) {
    if (Array.isArray(value)) value.forEach((each, i) => (found[`${name}[${i}]`] = each ?? null));
    else found[name] = /** @type {number | null} */ (value ?? null);
  }
  for (const [name, told] of Object.entries(status.evidence ?? {})) {
    const { age_s, oldest_s } = /** @type {any} */ (told);
    if (oldest_s !== null && (age_s === null || age_s > Math.max(1, 4 * oldest_s))) found[name] = null; // long gone: no line is drawn on
  }
  return found;
}

/**
 * What the server tells of one bench, or of one playback; listeners are called at every message.
 */
export class Stream {
  /** @param {string} path of the WebSocket below /api/v1/ @param {(kind: string) => void} heard */
  constructor(path, heard) {
    this.path = path;
    this.heard = heard;
    this.clear();
    /** @type {"connecting" | "live" | "gone" | "refused"} */
    this.phase = "connecting";
    this.why = "";
    this.you = "viewer";
    /** @type {string | null} */
    this.controller = null;
    this._tries = 0;
    this._closed = false;
    this._spoke_ms = performance.now();
    this._connect();
    this._watch = setInterval(() => this._lost(), 500);
  }

  /** Nothing is known. */
  clear() {
    /** @type {any} */
    this.status = null;
    /** @type {any} */
    this.bench = null;
    /** @type {any} */
    this.playback = null;
    /** @type {any[]} */
    this.events = [];
    /** @type {import("./chart.js").Columns} */
    this.columns = { t_s: [] };
    this.arrived_ms = -Infinity;
    this._ahead_ms = Infinity;
  }

  /** Age of the newest status, ms; Infinity before the first. */
  age_ms() {
    if (!this.status) return Infinity;
    return performance.now() - this.arrived_ms + this._late_ms;
  }

  /** Older than this it says nothing of now: half a second, on a bench that ticks slowly two ticks and a half. */
  get stale_ms() {
    return Math.max(STALE_MS, 2500 / (this.bench?.tick_hz ?? Infinity));
  }

  /** There is a status, it is young, and its daemon answers. */
  get fresh() {
    return this.phase === "live" && this.age_ms() <= this.stale_ms;
  }

  /** Send a message; false: there is no connection. @param {object} message */
  send(message) {
    if (this._socket?.readyState !== WebSocket.OPEN) return false;
    this._socket.send(JSON.stringify(message));
    return true;
  }

  close() {
    this._closed = true;
    clearInterval(this._watch);
    clearTimeout(this._again);
    this._socket?.close();
  }

  _connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${ROOT}/${this.path}`);
    this._socket = socket;
    this._spoke_ms = performance.now();
    socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "hello", token: token(), client })));
    socket.addEventListener("message", (event) => socket === this._socket && this._hear(event.data));
    socket.addEventListener("close", (event) => socket === this._socket && this._hangUp(event));
  }

  /** @param {string} data */
  _hear(data) {
    const message = JSON.parse(data);
    this._spoke_ms = performance.now();
    if (message.playback) this.playback = message.playback;
    switch (message.type) {
      case "snapshot":
        this.clear();
        if (message.playback) this.playback = message.playback;
        this.phase = "live";
        this._tries = 0;
        this.bench = message.bench;
        this.events = [...(message.events ?? [])];
        this.you = message.you?.role ?? "viewer";
        this.controller = message.controller ?? null;
        this._remember(message.history ?? { t_s: [] });
        if (message.status) this._take(message);
        break;
      case "status":
        if (this.bench) {
          this.phase = "live";
          this._take(message);
        }
        break;
      case "events":
        this.events.push(...message.events);
        break;
      case "control":
        this.controller = message.controller ?? null;
        if (message.you?.role) this.you = message.you.role;
        else if (this.you !== "viewer") this.you = this.controller === client ? "controller" : "may_control";
        break;
      case "gone":
        this.phase = "gone";
        this.why = String(message.text ?? "the daemon cannot be reached");
        break;
      case "refused":
        this.why = String(message.text ?? "");
        break;
      default:
        break;
    }
    this.heard(message.type);
  }

  /** @param {any} message */
  _take(message) {
    const now_ms = performance.now();
    const before = this.status;
    const since_ms = before ? now_ms - this.arrived_ms : 0;
    this.status = message.status;
    if (message.rows !== undefined && this.status.record) this.status.record.rows = message.rows;
    this.seq = message.seq;
    this.arrived_ms = now_ms;
    const t_s = this._time(message, now_ms);
    const ahead_ms = now_ms - 1000 * t_s;
    const other = before && (before.pids?.daemon !== message.status.pids?.daemon || t_s < before.t_s);
    if (this.playback || other) this._ahead_ms = Infinity; // another clock
    this._ahead_ms = Math.min(this._ahead_ms + DRIFT * since_ms, ahead_ms);
    this._late_ms = this.playback ? 0 : Math.max(0, ahead_ms - this._ahead_ms - 20);
    this._add(t_s, row(message.status));
  }

  /** Of the record's clock. @param {any} message @param {number} now_ms */
  _time(message, now_ms) {
    const told = message.status.t_s ?? message.t_s;
    if (typeof told === "number") return told;
    const last = this.columns.t_s.at(-1) ?? 0;
    const step_s = this._stepped_ms === undefined ? 0 : (now_ms - this._stepped_ms) / 1000;
    this._stepped_ms = now_ms;
    return /** @type {number} */ (last) + Math.max(step_s, 1e-3);
  }

  /** @param {any} history */
  _remember(history) {
    this.columns = { t_s: [...(history.t_s ?? [])] };
    for (const [name, values] of Object.entries(history)) {
      if (name === "t_s" || !Array.isArray(values)) continue;
      if (Array.isArray(values[0])) {
        const width = Math.max(...values.map((each) => each.length));
        for (let i = 0; i < width; i++) this.columns[`${name}[${i}]`] = values.map((each) => each[i] ?? null);
      } else this.columns[name] = [...values];
    }
  }

  /** @param {number} t_s @param {Record<string, number | null>} values */
  _add(t_s, values) {
    const times = this.columns.t_s;
    const last = times.at(-1);
    if (typeof last === "number" && t_s < last - 1) this.columns = { t_s: [] }; // another session, or a playback that went back
    else if (typeof last === "number" && t_s <= last) return;
    const length = this.columns.t_s.length;
    for (const name of Object.keys(values)) this.columns[name] ??= new Array(length).fill(null);
    for (const name of Object.keys(this.columns)) this.columns[name].push(name === "t_s" ? t_s : (values[name] ?? null));
    if (length > KEEP) this._thin();
  }

  /** Every second sample of the older half goes: the whole application stays in sight, the newest minutes whole. */
  _thin() {
    const half = this.columns.t_s.length >> 1;
    for (const name of Object.keys(this.columns)) {
      this.columns[name] = this.columns[name].filter((_, i) => i >= half || i % 2 === 0);
    }
  }

  /** @param {CloseEvent} event */
  _hangUp(event) {
    if (this._closed) return;
    this.phase = event.code === 4401 ? "refused" : "connecting";
    this.why = event.reason || (this.phase === "refused" ? "the token is not (or no longer) valid" : "no connection to the panel's server");
    this.heard("closed");
    const wait_ms = this.phase === "refused" ? 5000 : Math.min(250 * 2 ** this._tries, 3000);
    this._tries++;
    this._again = setTimeout(() => this._connect(), wait_ms);
  }

  /** A server that says nothing at all is asked; one that does not answer is left. */
  _lost() {
    const silent_ms = performance.now() - this._spoke_ms;
    if (silent_ms > LOST_MS && this._socket?.readyState === WebSocket.OPEN) {
      this._spoke_ms = performance.now();
      this._socket.close(4000, "silent");
    } else if (silent_ms > LOST_MS / 2) this.send({ type: "ping", id: Math.round(performance.now()) });
  }
}
