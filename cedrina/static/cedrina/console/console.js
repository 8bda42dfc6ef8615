// The console. Figures are read every few seconds, soon after something happened, and more slowly when nobody looks.
// Events and incidents arrive by sockets; without them they are read with the figures.

import { get } from "./api.js";
import { find } from "./dom.js";
import * as events from "./events.js";
import * as incidents from "./incidents.js";
import * as keyboard from "./keyboard.js";
import { Feed } from "./live.js";
import * as panels from "./panels.js";
import { onPlace, place } from "./place.js";
import { rights, text, urls } from "./settings.js";

const SOON_MS = 4000; // between two looks at the figures while things happen: 50 consoles of one address stay within its limit
const KEPT_MS = 1200; // the server keeps a figure for a second: a look any sooner could show what was before
const CALM_MS = 10000;
const POLL_MS = 5000; // without sockets
const HIDDEN_MS = 30000;
const PAINT_MS = 250; // at most four paints a second

let isPaused = false;
let isOver = false;
let lastLook = 0;
let looking = 0;
let timer = 0;
let painting = 0;
let isReachable = true;

const feeds = [];
if (rights.events) feeds.push(new Feed("/ws/security-events/", { onFrame: onEvent, onOpen: () => events.load({ isQuiet: true }), onChange: showConnection }));
if (rights.incidents) feeds.push(new Feed("/ws/incidents/", { onFrame: onIncident, onOpen: () => lookSoon(), onChange: showConnection }));
const isLive = () => feeds.length > 0 && feeds.every((feed) => feed.isOpen);

function onEvent(frame) {
  if (frame.type !== "event") return;
  events.take(frame.event);
  paintSoon();
  lookSoon();
}

function onIncident(frame) {
  if (frame.type !== "incident") return;
  incidents.take(frame.incident);
  paintSoon();
  lookSoon();
}

function paintSoon() {
  if (painting || isPaused) return;
  painting = setTimeout(() => {
    painting = 0;
    requestAnimationFrame(paint);
  }, PAINT_MS);
}

function paint() {
  if (isPaused) return;
  events.paint();
  incidents.paint();
}

function lookSoon() {
  schedule(Math.max(KEPT_MS, (document.hidden ? HIDDEN_MS : SOON_MS) - (Date.now() - lastLook)));
}

// An earlier look that is planned stays.
let plannedAt = Infinity;
let notBefore = 0; // as the server has asked
function schedule(ms) {
  if (isOver) return;
  const at = Math.max(Date.now() + ms, notBefore);
  if (at >= plannedAt) return;
  clearTimeout(timer);
  plannedAt = at;
  timer = setTimeout(look, at - Date.now());
}

async function look() {
  plannedAt = Infinity;
  lastLook = Date.now();
  const own = (looking += 1);
  let wait = 0;
  try {
    const figures = await get(urls.figures);
    if (own !== looking) return;
    isReachable = true;
    if (!isPaused) {
      panels.show(figures);
      incidents.paint();
    }
    if (!isLive() && !isPaused) events.load({ isQuiet: true });
  } catch (error) {
    isReachable = false;
    wait = 1000 * (error.wait ?? 0);
    if (error.status === 401 || error.status === 403) end();
  }
  showConnection();
  notBefore = Date.now() + wait;
  schedule(document.hidden ? HIDDEN_MS : isLive() ? CALM_MS : POLL_MS);
}

function end() {
  isOver = true;
  clearTimeout(timer);
  for (const feed of feeds) feed.stop();
  const link = document.createElement("a");
  link.href = urls.signIn;
  link.textContent = text("signInAgain");
  find("notice").replaceChildren(text("signedOut"), " ", link);
}

function showConnection() {
  const box = find("connection");
  const state = isOver ? "signedOut" : isPaused ? "paused" : !isReachable ? "offline" : isLive() ? "live" : "polling";
  if (box.dataset.state === state) return;
  box.dataset.state = state;
  box.textContent = text(state);
  box.className = `badge badge-${{ live: "good", polling: "warn", paused: "warn", offline: "bad", signedOut: "bad" }[state]}`;
}

function pause() {
  isPaused = !isPaused;
  const button = find("pause");
  button.setAttribute("aria-pressed", String(isPaused));
  button.textContent = text(isPaused ? "goOn" : "pause");
  showConnection();
  if (!isPaused) {
    paint();
    look();
  }
}

const FILTERS = ["severity", "type", "outcome", "ip", "about"];

function go(next, before) {
  if (FILTERS.some((name) => next[name] !== before[name])) {
    events.fillForm();
    events.load();
  }
  if (next.incident && next.incident !== before.incident) incidents.open(next.incident);
  if (next.event && next.event !== before.event) events.open(next.event);
}

find("pause").addEventListener("click", pause);
document.addEventListener("visibilitychange", () => !document.hidden && lookSoon());
keyboard.start({ pause });
incidents.start(lookSoon);
events.start();
onPlace(go);
look();
events.load();
for (const feed of feeds) feed.open();
go(place(), { ...place(), incident: "", event: "" });
