// The incidents that are not resolved, and the dialog of one of them.

import { get, post } from "./api.js";
import * as alarm from "./alarm.js";
import * as dialog from "./dialog.js";
import { badge, bdi, el, facts, find, renew, table } from "./dom.js";
import { setPlace } from "./place.js";
import { moment, nameOf, rights, text, urlOf, words } from "./settings.js";

const MOST_SHOWN = 50;
const STATUS_COLOURS = { open: "bad", acknowledged: "warn", resolved: "good" };
const incidents = new Map();
let names = {};
let afterChange = () => {};

export const titleOf = (rule) => words.rules[rule] ?? rule;

export function start(onChange) {
  afterChange = onChange;
}

// All of them, as the figures have them.
export function showAll(figures, known) {
  names = known;
  incidents.clear();
  for (const incident of figures.shown) incidents.set(incident.id, incident);
  alarm.look([...incidents.values()]);
}

// One that has changed, as its feed has it.
export function take(incident) {
  if (incident.status === "resolved") incidents.delete(incident.id);
  else incidents.set(incident.id, incident);
  while (incidents.size > 2 * MOST_SHOWN) incidents.delete(incidents.keys().next().value);
  alarm.look([...incidents.values()]);
}

export function paint() {
  const list = find("incident-rows");
  if (list === null) return;
  const rank = (incident) => (incident.status === "open" ? 0 : 1);
  const shown = [...incidents.values()].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? 1 : -1)).slice(0, MOST_SHOWN);
  renew(list, shown, { key: (one) => one.id, signature: (one) => JSON.stringify([one, names[one.subject]]), make: row });
  const none = find("incident-none");
  none.hidden = shown.length > 0;
  none.textContent = text("noIncidents");
}

function row(incident) {
  const acknowledge = el("button", { type: "button", "data-focus": "acknowledge" }, text("acknowledge"));
  acknowledge.addEventListener("click", () => acknowledgeOne(incident.id));
  const open = el("button", { type: "button", class: "console-link", "data-focus": "open", "data-incident": incident.id }, titleOf(incident.rule));
  open.addEventListener("click", () => setPlace({ incident: incident.id }));
  return el(
    "li",
    {},
    el(
      "div",
      { class: "console-row" },
      badge(incident.severity, words.severities[incident.severity]),
      badge(STATUS_COLOURS[incident.status], words.statuses[incident.status]),
      open,
      incident.subject ? nameOf(incident.subject, names) : null,
      incident.network ? bdi(incident.network) : null,
      el("span", { class: "console-quiet" }, `${text("events")}: ${incident.events}`),
      el("span", { class: "console-quiet" }, bdi(moment(incident.opened_at))),
      el("div", { class: "console-buttons" }, incident.status === "open" && rights.mayChangeIncidents ? acknowledge : null),
    ),
  );
}

const tell = (sentence, links = []) => find("notice").replaceChildren(sentence, ...links);

export async function acknowledgeOne(id) {
  await dialog.attempt(
    async () => {
      const { version, incident } = await get(urlOf("incident", id));
      if (incident.status !== "open") return;
      changed(await post(urlOf("incidentStep", id), { step: "acknowledge", note: incident.note, seen_version: version }));
    },
    { speak: tell, onRefused: () => afterChange() },
  );
}

function changed(detail) {
  take(detail.incident);
  paint();
  afterChange();
  return detail;
}

export async function open(id) {
  try {
    show(await get(urlOf("incident", id)));
  } catch (error) {
    tell(text("refusedBecause", { reason: error.message }));
    setPlace({ incident: null });
  }
}

function show(detail) {
  const { incident } = detail;
  const pairs = [
    [text("severity"), badge(incident.severity, words.severities[incident.severity])],
    [text("incidents"), badge(STATUS_COLOURS[incident.status], words.statuses[incident.status])],
    [text("opened"), bdi(moment(incident.opened_at))],
    [text("grown"), bdi(moment(incident.updated_at))],
    [text("events"), String(incident.events)],
    [text("risk"), String(incident.risk_score)],
  ];
  if (incident.subject) pairs.push([text("account"), nameOf(incident.subject, detail.names)]);
  if (incident.network) pairs.push([text("network"), bdi(incident.network)]);
  if (incident.verdict) pairs.push([text("verdict"), words.verdicts[incident.verdict]]);
  dialog.show(
    titleOf(incident.rule),
    [
      facts(pairs),
      el("p", {}, detail.reason),
      el("p", { class: "console-quiet" }, detail.false_alarms),
      decision(detail),
      responsesOf(detail),
      measures(detail),
      detail.counts.length ? table(text("counts"), [text("counts"), text("number"), text("threshold")], detail.counts.map(([name, value, least]) => [name, value, least === null ? "–" : `≥ ${least}`])) : null,
      timeline(detail),
      el("p", {}, el("a", { href: urlOf("incidentPage", incident.id) }, text("wholePage"))),
    ].filter((child) => child !== null),
    { onClose: () => setPlace({ incident: null }) },
  );
}

function decision(detail) {
  const { incident, version } = detail;
  if (!rights.mayChangeIncidents) return null;
  const verdict = el("select", {}, el("option", { value: "" }, "–"), ...Object.entries(words.verdicts).map(([value, name]) => el("option", { value, selected: value === incident.verdict }, name)));
  const note = el("textarea", { rows: 2, maxlength: 2000 }, incident.note);
  const send = (step) =>
    dialog.attempt(
      async () => show(changed(await post(urlOf("incidentStep", incident.id), { step, verdict: verdict.value, note: note.value, seen_version: version }))),
      { onRefused: (error) => error.status === 412 && open(incident.id) },
    );
  const button = (step, name) => el("button", { type: "button", "data-step": step, onclick: () => send(step) }, name);
  const isResolved = incident.status === "resolved";
  return el(
    "form",
    { class: "console-form", onsubmit: (event) => event.preventDefault() },
    isResolved ? null : el("label", {}, text("verdict"), verdict),
    el("label", {}, text("note"), note),
    el(
      "div",
      { class: "console-buttons" },
      incident.status === "open" ? button("acknowledge", text("acknowledge")) : null,
      isResolved ? button("reopen", text("reopen")) : button("resolve", text("resolve")),
    ),
  );
}

function responsesOf(detail) {
  const rows = detail.responses.map((response) => {
    const state = response.is_undone ? text("undone") : response.is_in_force ? text("inForceUntil", { time: moment(response.ends_at) }) : text("over");
    const undo = el("button", { type: "button", "data-undo": response.id }, text("undo"));
    undo.addEventListener("click", () =>
      dialog.attempt(async () => show(changed(await post(urlOf("undo", detail.incident.id), { response: response.id })))),
    );
    return el(
      "li",
      {},
      el("div", { class: "console-row" }, words.responses[response.kind] ?? response.kind, el("span", { class: "console-quiet" }, state), el("div", { class: "console-buttons" }, response.is_in_force && rights.mayChangeIncidents ? undo : null)),
      el("div", { class: "console-quiet" }, response.effect),
    );
  });
  const nothing = el("p", { class: "console-quiet" }, text("nothingDone"));
  return el("div", {}, el("h3", {}, text("whatWasDone")), rows.length ? el("ul", { class: "console-rows" }, ...rows) : nothing);
}

// What concerns more than the incident: the sessions of its person, and the rule that found it.
function measures(detail) {
  const { incident } = detail;
  const isPerson = incident.subject && detail.names[incident.subject];
  const buttons = [];
  if (isPerson && rights.mayEndSessions)
    buttons.push(dialog.withReason(text("endSessions"), async (reason) => { await post(urlOf("endSessions", incident.subject), { reason }); open(incident.id); afterChange(); }));
  if (rights.mayChangeRules && rules.get(incident.rule)?.mode === "enforce")
    buttons.push(dialog.withReason(text("toShadow"), async (reason) => { await changeMode(incident.rule, "shadow", reason); open(incident.id); }));
  if (incident.subject && rights.events)
    buttons.push(el("button", { type: "button", onclick: () => { dialog.close(); setPlace({ about: incident.subject, severity: null, type: null, outcome: null, ip: null }); } }, text("timeline")));
  return buttons.length ? el("div", { class: "console-buttons" }, ...buttons) : null;
}

const rules = new Map();

// Returns the states, with what was just changed here where the server's figure is a few seconds old.
export function knowRules(states) {
  for (const state of states) {
    const known = rules.get(state.id);
    rules.set(state.id, known && known.version > state.version ? { ...state, mode: known.mode, version: known.version } : state);
  }
  return states.map((state) => rules.get(state.id));
}

export async function changeMode(rule, mode, reason) {
  const after = await post(urlOf("rule", rule), { mode, reason, seen_version: rules.get(rule)?.version ?? 0 });
  rules.set(rule, { ...rules.get(rule), ...after });
  afterChange();
}

function timeline(detail) {
  const rows = detail.timeline.map((event) => {
    if (event.type === null) return [bdi(moment(event.occurred_at)), text("over"), "", ""];
    const opener = rights.events ? el("button", { type: "button", class: "console-link", onclick: () => setPlace({ event: event.id, incident: null }) }, event.type) : event.type;
    return [bdi(moment(event.occurred_at)), opener, nameOf(event.actor_id || event.target_id, detail.names, event.actor_name), bdi(event.ip_address ?? "–")];
  });
  return el("div", { class: "console-scroll", tabindex: 0, role: "region", "aria-label": text("whatHappened") }, table(text("whatHappened"), [text("moment"), text("type"), text("actor"), text("address")], rows));
}
