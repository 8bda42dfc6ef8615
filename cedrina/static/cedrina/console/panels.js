// The parts of the page that show figures: tiles, who is busiest, what is protected, how the trail and the queue do.

import { showTraffic } from "./charts.js";
import * as dialog from "./dialog.js";
import { badge, bdi, el, find, renew, table } from "./dom.js";
import * as incidents from "./incidents.js";
import { nameOf, rights, span, text, urlOf, words } from "./settings.js";

const MOST_COUNTED = 1000;
const MODE_COLOURS = { enforce: "good", shadow: "warn", off: "bad" };
const SINK_COLOURS = { active: "good", failing: "warn", parked: "bad", gone: "bad" };
const WORRYING_SECONDS = 120;

export function show(figures) {
  if (figures.traffic) traffic(figures.traffic);
  if (figures.sessions) tile("sessions", figures.sessions.is_estimate ? text("about", { number: figures.sessions.number }) : figures.sessions.number);
  if (figures.incidents) unresolved(figures.incidents, figures.names);
  if (figures.busiest) busiest(figures.busiest, figures.names);
  if (figures.rules) rules(figures.rules);
  if (figures.policies) policies(figures.policies);
  if (figures.trail) trail(figures.trail);
  if (figures.workload) workload(figures.workload);
}

function tile(name, value, isBad = false) {
  const box = find(`tile-${name}`);
  if (box === null) return;
  if (box.textContent !== String(value)) box.textContent = value;
  box.classList.toggle("is-bad", isBad);
}

const counted = (number, most) => (number >= most ? text("orMore", { number: most }) : String(number));

// The last whole minute: the present one has just begun.
function traffic(figures) {
  const last = figures.minutes.length - 2;
  tile("sign-ins", figures.sign_ins[last]);
  tile("failures", figures.failures[last], figures.failures[last] > 10 && figures.failures[last] > 2 * figures.sign_ins[last]);
  tile("refused", figures.refused.reduce((total, { counts }) => total + counts[last], 0));
  showTraffic(figures);
}

function unresolved(figures, names) {
  const { open = 0 } = figures.by_status;
  const { critical = 0 } = figures.by_severity;
  tile("incidents", counted(open, MOST_COUNTED), open > 0);
  tile("critical", counted(critical, MOST_COUNTED), critical > 0);
  incidents.showAll(figures, names);
}

function busiest({ networks, accounts, rules: found }, names) {
  const heads = [text("events"), text("failures")];
  const nothing = (rows) => (rows.length ? rows : [[text("nothing"), "", ""]]);
  put("busy-networks", table(text("network"), [text("network"), ...heads], nothing(networks.map((one) => [bdi(one.key), one.events, one.failures]))));
  const name = (one) => (one.is_unknown_name ? text("unknownName") : nameOf(one.key, names));
  put("busy-accounts", table(text("account"), [text("account"), ...heads], nothing(accounts.map((one) => [name(one), one.events, one.failures]))));
  const opened = Object.entries(found).map(([rule, number]) => [incidents.titleOf(rule), number]);
  if (opened.length) put("busy-rules", table(text("rule"), [text("rule"), text("incidents")], opened));
}

// Tables are made anew only when they say something else.
function put(id, content) {
  const box = find(id);
  if (box.dataset.shown === content.textContent) return;
  box.dataset.shown = content.textContent;
  box.replaceChildren(content);
}

function rules(states) {
  const known = incidents.knowRules(states);
  const list = find("rule-rows");
  // A form that somebody fills in stays.
  if (list.querySelector("form")) return;
  renew(list, known, { key: (state) => state.id, signature: JSON.stringify, make: rule });
}

function rule(state) {
  const facts = [];
  if (state.mode === "shadow" || state.shadow_findings) facts.push(text("wouldHave", { number: state.shadow_findings }));
  if (state.mode === "enforce") facts.push(state.precision === null ? text("unjudged") : text("precision", { percent: Math.round(100 * state.precision) }));
  const other = state.mode === "enforce" ? "shadow" : "enforce";
  const button = dialog.withReason(text(other === "shadow" ? "toShadow" : "toEnforce"), async (reason) => {
    await incidents.changeMode(state.id, other, reason);
    find("rule-rows").querySelector("form")?.remove();
  }, { speak: (sentence, links = []) => find("notice").replaceChildren(sentence, ...links) });
  return el(
    "li",
    {},
    el(
      "div",
      { class: "console-row" },
      badge(MODE_COLOURS[state.mode], words.modes[state.mode]),
      el("a", { href: urlOf("rulePage", state.id) }, incidents.titleOf(state.id)),
      ...facts.map((fact) => el("span", { class: "console-quiet" }, fact)),
      el("div", { class: "console-buttons" }, rights.mayChangeRules ? button : null),
    ),
  );
}

function policies(states) {
  renew(find("policy-rows"), states, {
    key: (state) => state.name,
    signature: JSON.stringify,
    make: (state) =>
      el(
        "li",
        {},
        el(
          "div",
          { class: "console-row" },
          badge(MODE_COLOURS[state.mode], words.modes[state.mode]),
          bdi(state.name),
          state.mode === "shadow" || state.shadow_refusals ? el("span", { class: "console-quiet" }, text("wouldHaveRefused", { number: state.shadow_refusals })) : null,
        ),
      ),
  });
}

function trail(figures) {
  const lines = [];
  const isLate = figures.unsealed_seconds > WORRYING_SECONDS;
  lines.push([isLate ? "bad" : "good", figures.unsealed ? text("unsealed", { number: figures.unsealed, time: span(figures.unsealed_seconds) }) : text("sealed")]);
  lines.push(
    figures.checkpoint_size === null
      ? ["warn", text("noCheckpoint")]
      : ["good", text("checkpoint", { size: figures.checkpoint_size, time: span(figures.checkpoint_seconds) })],
  );
  if (figures.detection_waiting === null || !figures.has_detection_worker) lines.push(["bad", text("noDetection")]);
  else if (figures.detection_waiting > 0)
    lines.push([figures.detection_seconds > WORRYING_SECONDS ? "bad" : "good", text("unjudgedEvents", { number: figures.detection_waiting, time: span(figures.detection_seconds) })]);
  else lines.push(["good", text("judged")]);
  for (const sink of figures.sinks)
    lines.push([SINK_COLOURS[sink.state], text("sink", { state: words.sinks[sink.state], number: sink.waiting }), sink.name]);
  if (!figures.sink_number) lines.push(["warn", text("noSinks")]);
  showLines("trail-rows", lines);
}

function workload({ waiting, running, failed, workers }) {
  const sum = (numbers) => Object.values(numbers).reduce((total, number) => total + number, 0);
  const alive = workers.filter((worker) => worker.is_alive);
  tile("jobs", sum(waiting));
  tile("workers", alive.length, !alive.length);
  const lines = [];
  if (!alive.length) lines.push(["bad", text("noWorkers")]);
  for (const queue of new Set([...Object.keys(waiting), ...Object.keys(running)]))
    lines.push(["good", `${text("waiting")} ${waiting[queue] ?? 0}, ${text("running")} ${running[queue] ?? 0}`, queue]);
  if (failed) lines.push(["warn", `${text("failed")}: ${failed}`]);
  for (const worker of workers)
    lines.push([worker.is_alive ? "good" : "warn", text(worker.is_alive ? "worker" : "workerLost", { number: worker.id, time: span(worker.seconds) })]);
  showLines("work-rows", lines);
}

// Colours say nothing alone: a sign stands before each line.
const SIGNS = { good: "✓", warn: "!", bad: "✕" };

function showLines(id, lines) {
  const rows = lines.map((line, number) => [number, line]);
  renew(find(id), rows, {
    key: ([number]) => String(number),
    signature: ([, line]) => JSON.stringify(line),
    make: ([, [colour, sentence, name]]) =>
      el("li", {}, el("div", { class: "console-row" }, badge(colour, SIGNS[colour]), name ? bdi(name) : null, el("span", {}, sentence))),
  });
}
