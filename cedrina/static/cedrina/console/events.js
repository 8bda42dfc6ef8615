// The newest events that meet the conditions. There are never more than a hundred rows, and nothing moves under the
// eyes of a reader: while the list is scrolled or has the focus, new events wait behind a button.

import { get } from "./api.js";
import * as dialog from "./dialog.js";
import { badge, bdi, el, facts, find, renew } from "./dom.js";
import { place, setPlace } from "./place.js";
import { moment, nameOf, text, urls, urlOf, words } from "./settings.js";

const MOST_ROWS = 100;
const MOST_WAITING = 200;
const LEVELS = ["info", "low", "medium", "high", "critical"];
const MOST_NAMES = 500;

let events = []; // shown, the newest first
let waiting = []; // arrived and not shown yet, the newest last
let names = {};
let next = null;
let isOlder = false;
let loading = 0;
const seen = new Set();

const scroll = find("event-scroll");
const form = find("filters");

export const exists = scroll !== null;

export function start() {
  if (!exists) return;
  fillForm();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    setPlace(Object.fromEntries(new FormData(form)));
  });
  form.addEventListener("change", (event) => event.target.matches("select") && form.requestSubmit());
  form.addEventListener("reset", () => setPlace({ severity: "", type: "", outcome: "", ip: "", about: "" }));
  find("event-new").addEventListener("click", showNewest);
  find("event-more").addEventListener("click", loadOlder);
}

export function fillForm() {
  for (const name of ["severity", "type", "outcome", "ip", "about"]) if (form) form.elements[name].value = place()[name];
}

function conditions() {
  const { severity, type, outcome, ip, about } = place();
  return about ? { about } : Object.fromEntries(Object.entries({ severity, type, outcome, ip }).filter(([, value]) => value));
}

const address = (more) => `${urls.events}?${new URLSearchParams({ ...conditions(), ...more })}`;

// Reads the list anew, as after another filter or another connection.
export async function load({ isQuiet = false } = {}) {
  if (!exists || (isQuiet && isBusy())) return;
  const own = (loading += 1);
  const found = await get(address({ limit: MOST_ROWS })).catch((error) => {
    find("notice").textContent = error.code ? text("refusedBecause", { reason: error.message }) : text("offline");
    return null;
  });
  if (found === null || own !== loading) return;
  if (isQuiet && isBusy()) {
    // Somebody began to read meanwhile.
    for (const event of found.events.toReversed()) take(event);
    know(found.names);
    paint();
    return;
  }
  events = found.events;
  next = found.next;
  know(found.names);
  seen.clear();
  for (const event of events) seen.add(event.id);
  waiting = waiting.filter((event) => !seen.has(event.id));
  for (const event of waiting) seen.add(event.id);
  isOlder = false;
  paint();
}

async function loadOlder() {
  if (next === null) return;
  const found = await get(address({ limit: MOST_ROWS, before: next })).catch(() => null);
  if (found === null) return;
  events = found.events;
  next = found.next;
  know(found.names);
  isOlder = true;
  paint();
  scroll.scrollTop = 0;
  scroll.focus();
}

function know(more) {
  names = Object.keys(names).length > MOST_NAMES ? { ...more } : { ...names, ...more };
}

// One event of the feed. It is shown by the next `paint`.
export function take(event) {
  if (!exists || seen.has(event.id) || !passes(event)) return;
  seen.add(event.id);
  waiting.push(event);
  if (waiting.length > MOST_WAITING) waiting.splice(0, waiting.length - MOST_WAITING);
  while (seen.size > 4 * MOST_WAITING) seen.delete(seen.values().next().value);
}

function passes(event) {
  const { severity, type, outcome, ip, about } = place();
  if (about) return event.actor_id === about || event.target_id === about;
  if (type && event.type !== type) return false;
  if (outcome && event.outcome !== outcome) return false;
  if (ip && event.ip_address !== ip) return false;
  if (!severity) return true;
  if (!severity.endsWith("+")) return event.severity === severity;
  return LEVELS.indexOf(event.severity) >= LEVELS.indexOf(severity.slice(0, -1));
}

const isBusy = () => scroll.scrollTop > 4 || scroll.matches(":hover") || scroll.contains(document.activeElement) || isOlder;

function showNewest() {
  if (isOlder) {
    load();
    return;
  }
  merge();
  scroll.scrollTop = 0;
  draw();
}

function merge() {
  // By their ids, which grow with time: two that arrive one after the other may have happened in the other order.
  events = [...waiting, ...events].sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, MOST_ROWS);
  if (events.length === MOST_ROWS) next = events[MOST_ROWS - 1].id;
  waiting = [];
}

export function paint() {
  if (!exists) return;
  if (waiting.length && !isBusy()) merge();
  draw();
}

function draw() {
  renew(find("event-rows"), events, { key: (event) => event.id, signature: (event) => (event.actor_id && names[event.actor_id] ? "named" : ""), make: row });
  const button = find("event-new");
  button.hidden = !waiting.length && !isOlder;
  button.textContent = text("newEvents", { number: waiting.length >= MOST_WAITING ? `${MOST_WAITING}+` : waiting.length });
  find("event-none").hidden = events.length > 0;
  find("event-none").textContent = text("noEvents");
  find("event-more").hidden = next === null;
}

function row(event) {
  const open = el("button", { type: "button", class: "console-link", "data-focus": "open" }, bdi(event.type));
  open.addEventListener("click", () => setPlace({ event: event.id }));
  return el(
    "tr",
    {},
    el("td", {}, bdi(moment(event.occurred_at))),
    el("td", {}, open),
    el("td", {}, badge(event.severity, words.severities[event.severity])),
    el("td", {}, words.outcomes[event.outcome]),
    el("td", {}, nameOf(event.actor_id, names, event.actor_name)),
    el("td", {}, bdi(event.ip_address ?? "–")),
  );
}

// The dialog of one event: its data, its proof, and the way to all events of its people.
export async function open(id) {
  let found = null;
  try {
    found = await get(urlOf("event", id));
  } catch (error) {
    find("notice").textContent = text("refusedBecause", { reason: error.message });
    setPlace({ event: null });
    return;
  }
  const { event } = found;
  const person = (member, name) => [text(name), nameOf(event[`${member}_id`], found.names, event[`${member}_name`])];
  const folded = (name, content) => el("details", {}, el("summary", {}, name), el("pre", { tabindex: 0 }, content));
  const people = [...new Set([event.actor_id, event.target_id])].filter(Boolean);
  dialog.show(
    event.type,
    [
      facts([
        [text("moment"), bdi(moment(event.occurred_at))],
        [text("severity"), badge(event.severity, words.severities[event.severity])],
        [text("outcome"), words.outcomes[event.outcome]],
        person("actor", "actor"),
        person("target", "target"),
        [text("address"), bdi(event.ip_address ?? "–")],
        [text("session"), bdi(event.session_id ?? "–")],
        [text("risk"), `${event.risk_score} ${event.risk_reasons.join(", ")}`],
        ...found.lines.map(([name, value]) => [bdi(name), bdi(value)]),
      ]),
      el("div", { class: "console-buttons" }, ...people.map((about) => el("button", { type: "button", onclick: () => { dialog.close(); setPlace({ about, severity: null, type: null, outcome: null, ip: null }); } }, text("allAbout", { name: nameInSentence(about, found) })))),
      folded(text("proof"), found.proof),
      folded(text("publicForm"), found.public_form),
      el("p", {}, el("a", { href: urlOf("eventPage", id) }, text("wholePage"))),
    ],
    { onClose: () => setPlace({ event: null }) },
  );
}

// Isolated (Unicode, UAX 9): a name in another direction than the sentence keeps its own order.
const nameInSentence = (id, { names: known }) => `\u2068${known[id]?.name ?? `…${id.slice(-6)}`}\u2069`;
