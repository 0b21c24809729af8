// @ts-check
/**
 * The page: one stream, one header with STOP, four views.
 *
 * A view is a module with `mount(root, page, path)`; `path` are the parts of the address behind the view's name
 * (`#sessions/ID` -> ["ID"]). It fills `root` and may return a function that is called when the view is left. `page` is
 * {@link Page}: what views may use of it.
 */
import { byId, dialog, fill, h, setAttr, setText, show } from "./dom.js";
import { Header, stateWord } from "./header.js";
import { Live } from "./live.js";
import { ATTEND, Sounds, heardOf } from "./sounds.js";
import { Stop } from "./stop.js";
import { Refused, Stream, ask, token } from "./stream.js";

/**
 * @typedef {object} Page
 * @property {typeof ask} ask of the server: `ask("sessions?limit=20")`
 * @property {() => any} live the bench's stream: `status`, `bench`, `events`, `you`, `fresh`, ...
 * @property {() => any} shown what the live view shows: the bench, or a playback
 * @property {(text: string) => void} say a sentence for the operator
 * @property {(verb: string, body?: object) => Promise<any>} act an operator's act; null when it was refused (and said)
 * @property {(session: string, speed?: number) => void} play a record in the live view
 * @property {() => void} endPlay
 * @property {(protocol: string) => void} choose a protocol, and show the live view
 */

/** @type {Record<string, () => Promise<any>>} */
const VIEWS = {
  sessions: () => import("./sessions.js"),
  protocols: () => import("./protocols.js"),
  bench: () => import("./bench.js"),
};
const THEMES = ["auto", "light", "dark", "dim"];
const LOOK_MS = 100;
const FRAMELESS_MS = 1000;

const key = token();
const header = new Header();
const sounds = new Sounds();
const live = new Stream("stream", (kind) => heard(kind));
/** @type {Stream | null} */
let playback = null;
/** @type {(() => void) | null} */
let leave = null;
let dirty = true;
let broken = false;
let framed_ms = 0;

const stop = new Stop(byId("stop"), () => live, (text) => alertOf(text));

/** @type {Page} */
const page = {
  ask,
  live: () => live,
  shown: () => playback ?? live,
  say,
  act,
  play(session, speed = 1) {
    page.endPlay();
    playback = new Stream(`sessions/${encodeURIComponent(session)}/play?speed=${speed}`, (kind) => kind && (dirty = true));
    view.forget();
    location.hash = "#live";
  },
  endPlay() {
    playback?.close();
    playback = null;
    view.forget();
    dirty = true;
  },
  choose(protocol) {
    page.endPlay();
    view.acts.choose(protocol);
    location.hash = "#live";
  },
};
const liveRoot = h("section", { class: "live", "aria-label": "Live" });
const otherRoot = h("section", { class: "other", hidden: true });
const always = h("div", { class: "always" });
fill(byId("view"), always, liveRoot, otherRoot);
const view = new Live(liveRoot, always, page);
const endReplay = h("button", { type: "button", class: "quiet", text: "Back to the bench", on: { click: () => page.endPlay() } });
byId("heard").before(endReplay);

// ---- messages

/** @param {string} kind */
function heard(kind) {
  if (kind === "snapshot") view?.forget();
  dirty = true;
  if (document.hidden) frame(); // a page in the background gets no frames, but its alarms are to be heard
}

/** @param {string} text */
function say(text) {
  setText(byId("heard"), text);
  setText(view.acts.said, text);
}

/** Something that must not be overlooked. @param {string} text */
function alertOf(text) {
  const root = byId("alerts");
  if (root.textContent !== text) fill(root, ...(text ? [h("p", { text })] : []));
}

/** @param {string} verb @param {object} [body] */
async function act(verb, body = {}) {
  say(`${verb} …`);
  try {
    const answer = await ask(verb, { body, timeout_ms: 100_000 });
    say(answer.paused_s ? `Sound is paused for ${answer.paused_s} s.` : "");
    return answer;
  } catch (error) {
    say(error instanceof Refused ? error.message : String(error));
    return null;
  }
}

// ---- drawing

function frame() {
  dirty = false;
  const now_ms = (framed_ms = performance.now());
  const store = page.shown();
  drawn(() => header.render(store, live), () => header.unknown());
  drawn(() => view.renderAlways(store));
  if (!liveRoot.hidden) for (const part of view.parts(store, live, now_ms)) drawn(part);
  drawn(() => sounds.follow(heardOf(live, stateWord(live) !== "NOT LIVE"), now_ms));
  drawn(() => stop.follow(now_ms));
  tellSound();
  show(endReplay, playback !== null);
  setAttr(document.documentElement, "data-replay", store.playback ? "yes" : null);
}

/** A part that cannot be drawn (a daemon of another version, say) leaves the others going, and is said: what stands still
 * must not look alive. @param {() => unknown} part @param {() => void} [failed] */
function drawn(part, failed) {
  try {
    part();
  } catch (error) {
    failed?.();
    if (!broken) console.error(error);
    broken = true;
    if (!byId("alerts").textContent) alertOf(`Part of this page cannot be drawn (${error}). Do not rely on it: reload it. STOP works.`);
  }
}

setInterval(() => {
  dirty = true; // ages and countdowns go on without messages
  if (performance.now() - framed_ms > FRAMELESS_MS) frame(); // a window that gets no frames, covered say, must not stand still
}, LOOK_MS);
requestAnimationFrame(function every() {
  requestAnimationFrame(every);
  if (dirty) frame();
});

// ---- views

async function route() {
  const [name = "live", ...path] = location.hash.replace(/^#/, "").split("/").map(decodeURIComponent);
  leave?.();
  leave = null;
  const load = VIEWS[name];
  for (const link of document.querySelectorAll("nav a")) {
    setAttr(link, "aria-current", /** @type {HTMLElement} */ (link).dataset.view === (load ? name : "live") ? "page" : null);
  }
  show(liveRoot, !load);
  show(otherRoot, Boolean(load));
  dirty = true;
  if (!load) return;
  fill(otherRoot, h("p", { class: "note", text: "loading" }));
  try {
    const found = await load();
    fill(otherRoot);
    leave = found.mount(otherRoot, page, path) ?? null;
  } catch (error) {
    fill(otherRoot, h("p", { class: "note", text: `This view could not be shown: ${error instanceof Error ? error.message : error}` }));
  }
}
addEventListener("hashchange", () => {
  if (/token=/.test(location.hash)) location.reload();
  else route();
});

// ---- keys

/** @param {EventTarget | null} target */
const typing = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && /** @type {any} */ (target).type !== "checkbox";

addEventListener(
  "keydown",
  (event) => {
    if (event.key === "Escape") {
      if (!event.repeat) stop.press("Esc");
      return; // a dialog closes as well
    }
    if (event.key === " " && (live.status?.state === "FIRING" || live.status?.alarms?.activation)) {
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) stop.press("Space");
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "?") help();
    else if ((event.key === "e" || event.key === "E") && !event.repeat && !playback) {
      event.preventDefault(); // the letter is not for the text that follows
      view.acts.marks.begin();
    }
    else if ((event.key === "a" || event.key === "A") && !event.repeat && !liveRoot.hidden && !playback) view.acts.beginArm();
  },
  true,
);
addEventListener("keyup", (event) => {
  if (event.key === "a" || event.key === "A") view.acts.cancelArm();
}, true);

function help() {
  if (document.querySelector("dialog[open]")) return;
  const keys = [
    ["Esc", "STOP: power off, from anywhere on this page, also from dialogs and inputs"],
    ["Space", "STOP while power flows; it never starts anything"],
    ["hold A", "arm, for 1.5 s; let go earlier and nothing happens"],
    ["E", "mark what you see, at this moment; the words follow"],
    ["Enter", "on a hold button: hold; elsewhere as usual"],
    ["Tab", "to the next control; with Shift to the one before"],
    ["?", "this list"],
  ];
  dialog("Help",
    h("dl", { class: "keys" }, ...keys.map(([name, words]) => h("div", {}, h("dt", {}, h("kbd", { text: name })), h("dd", { text: words })))),
    h("p", { text: "STOP asks the daemon to take power away. It is software: the E-stop wired into the generator's interlock is the safety function." }),
    h("p", { text: "Numbers are grey with their age when they are older than half a second; -- is a reading that is not valid, its title says why. Bars show the band that the limits leave; the tick is what was asked for." }),
    h("p", { text: "From a terminal: ablate stop, ablate status, ablate panel." }));
}
byId("help").addEventListener("click", help);

// ---- sound and theme

const soundButton = byId("sound");
const SOUND = "openablate-sound";

/** @param {boolean} on @param {boolean} [heard] */
async function sound(on, heard = true) {
  if (on) {
    localStorage.setItem(SOUND, "on");
    if (!(await sounds.allow(heard)) && heard) say("The browser does not let this page sound.");
  } else {
    sounds.forbid();
    localStorage.setItem(SOUND, "off");
  }
  dirty = true;
}
soundButton.addEventListener("click", () => sound(!sounds.allowed));
// A page that was reloaded sounds again from the first touch on; what the browser takes for a touch is its own affair.
const again = (/** @type {Event} */ event) => event.target !== soundButton && !sounds.allowed && localStorage.getItem(SOUND) === "on" && sound(true, false);
for (const kind of ["pointerdown", "pointerup", "keydown", "click"]) addEventListener(kind, again);

/** Whether this page can be heard, at its button; and, where it keeps an alarm to itself, so that nobody overlooks it. */
function tellSound() {
  const wanted = live.phase === "live" && !sounds.allowed && (live.status?.alarms?.list?.length > 0 || live.status?.prompt?.kind === ATTEND);
  const waits = !sounds.allowed && localStorage.getItem(SOUND) === "on";
  setAttr(soundButton, "aria-pressed", String(sounds.allowed));
  setAttr(soundButton, "data-wanted", wanted || waits ? "yes" : null);
  const why = waits ? "Sound: blocked by the browser until you press here" : "Sound: off";
  setText(soundButton, sounds.allowed ? "Sound: on" : wanted ? `${why}; alarms are silent here` : why);
}

const theme = byId("theme");
/** @param {string} name */
function dress(name) {
  setAttr(document.documentElement, "data-theme", name);
  theme.value = name;
  view.refresh();
}
theme.addEventListener("change", () => {
  localStorage.setItem("openablate-theme", theme.value);
  dress(theme.value);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => view.refresh());
const remembered = localStorage.getItem("openablate-theme") ?? "";
dress(THEMES.includes(remembered) ? remembered : "auto");

if (!key) alertOf("This page has no token: open the link that `ablate panel` prints. STOP from a terminal: ablate stop");
route();
frame();
