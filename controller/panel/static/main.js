// @ts-check
/**
 * The page: one stream, one header with STOP, four views.
 *
 * A view is a module with `mount(root, page, path)`; `path` are the parts of the address behind the view's name
 * (`#sessions/ID` -> ["ID"]). It fills `root` and may return a function that is called when the view is left. `page` is
 * {@link Page}: what views may use of it.
 */
import { byId, dialog, fill, h, setAttr, setText, show } from "./dom.js";
import { Header } from "./header.js";
import { Live } from "./live.js";
import { Sounds } from "./sounds.js";
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

const key = token();
const header = new Header();
const sounds = new Sounds();
const live = new Stream("stream", (kind) => heard(kind));
/** @type {Stream | null} */
let playback = null;
/** @type {(() => void) | null} */
let leave = null;
let dirty = true;

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
  const now_ms = performance.now();
  const store = page.shown();
  header.render(store, live);
  view.renderAlways(store);
  if (!liveRoot.hidden) view.render(store, live, now_ms);
  sounds.follow(live.phase === "live" ? live.status?.alarms?.sound : null, now_ms);
  stop.follow(now_ms);
  tellSound();
  show(endReplay, playback !== null);
  setAttr(document.documentElement, "data-replay", store.playback ? "yes" : null);
}

setInterval(() => (dirty = true), LOOK_MS); // ages and countdowns go on without messages
requestAnimationFrame(function every() {
  if (dirty) frame();
  requestAnimationFrame(every);
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
    ["Esc", "STOP: RF off, from anywhere on this page, also from dialogs and inputs"],
    ["Space", "STOP while power flows; it never starts anything"],
    ["hold A", "arm, for 1.5 s; let go earlier and nothing happens"],
    ["Enter", "on a hold button: hold; elsewhere as usual"],
    ["Tab", "to the next control"],
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
  if (!on) sounds.forbid();
  else if (!(await sounds.allow(heard))) say("The browser does not let this page sound.");
  localStorage.setItem(SOUND, sounds.allowed ? "on" : "off");
}
soundButton.addEventListener("click", () => sound(!sounds.allowed));
if (localStorage.getItem(SOUND) === "on") {
  const again = () => !sounds.allowed && sound(true, false); // the first touch of a page that was reloaded
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, again, { once: true });
}

/** An alarm that this page keeps to itself is shown at the button. */
function tellSound() {
  const wanted = live.status?.alarms?.list?.length > 0 && !sounds.allowed;
  setAttr(soundButton, "aria-pressed", String(sounds.allowed));
  setAttr(soundButton, "data-wanted", wanted ? "yes" : null);
  setText(soundButton, sounds.allowed ? "Sound: on" : wanted ? "Sound: off, alarms are silent here" : "Sound: off");
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
