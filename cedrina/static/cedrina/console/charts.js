// Charts by uPlot, each with a table of the same figures. Their colours are those of the theme, also when it changes.

import { el, find, table } from "./dom.js";
import { text } from "./settings.js";

const HEIGHT = 180;
const MOST_SERIES = 9;
const charts = [];

const colour = (number) => getComputedStyle(find("console")).getPropertyValue(`--series-${(number % MOST_SERIES) + 1}`).trim();
const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = (seconds) => new Date(1000 * seconds).toISOString().slice(11, 16);
// Lines are told apart without their colours, too (WCAG 2.2, 1.4.1).
const dash = (number) => [[], [6, 4], [2, 3], [10, 4, 2, 4]][number % 4];

class Chart {
  #plot = null;
  #shape = "";

  constructor(id, { isBars = false } = {}) {
    this.box = find(id);
    this.isBars = isBars;
    if (this.box === null) return;
    this.box.setAttribute("role", "img");
    charts.push(this);
    new ResizeObserver(() => this.#plot?.setSize({ width: this.box.clientWidth, height: HEIGHT })).observe(this.box);
  }

  // `series` are pairs of a name and its values. The plot is made anew only when there are other series.
  show(times, series, summary) {
    if (this.box === null) return;
    this.box.setAttribute("aria-label", summary);
    this.last = [times, series, summary];
    const shape = series.map(([name]) => name).join("\n");
    const data = [times, ...series.map(([, values]) => values)];
    if (this.#plot !== null && shape === this.#shape) {
      this.#plot.setData(data);
      return;
    }
    this.#shape = shape;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(series), data, this.box);
  }

  recolour() {
    if (this.last === undefined) return;
    this.#shape = "\n";
    this.show(...this.last);
  }

  #options(series) {
    const axis = { stroke: variable("--body-fg"), grid: { stroke: variable("--hairline-color"), width: 1 }, ticks: { show: false } };
    const bars = this.isBars ? uPlot.paths.bars({ size: [0.8, 80] }) : undefined;
    return {
      width: this.box.clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false }, y: { range: (_, low, high) => [0, Math.max(1, high ?? 1)] } },
      axes: [
        { ...axis, values: (_, places) => places.map((place) => (this.isBars ? String(place) : clock(place))), incrs: this.isBars ? [10, 20] : [600, 900, 1800] },
        { ...axis, size: 46, values: (_, places) => places.map((place) => (Number.isInteger(place) ? short(place) : "")) },
      ],
      series: [
        {},
        ...series.map(([name], number) => ({
          label: name,
          stroke: colour(number),
          fill: this.isBars ? colour(number) : undefined,
          width: 2,
          dash: this.isBars ? undefined : dash(number),
          points: { show: false },
          paths: bars,
        })),
      ],
    };
  }
}

const short = (number) => (number >= 1e6 ? `${number / 1e6}M` : number >= 1e4 ? `${number / 1e3}k` : String(number));

const signIns = new Chart("chart-sign-ins");
const refused = new Chart("chart-refused");
const risk = new Chart("chart-risk", { isBars: true });
let shown = "";

export function showTraffic({ minutes, sign_ins, failures, refused: policies, risks }) {
  const figures = JSON.stringify([minutes, sign_ins, failures, policies, risks]);
  if (figures === shown) return;
  shown = figures;
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const pair = [[text("signIns"), sign_ins], [text("failures"), failures]];
  signIns.show(minutes, pair, pair.map(([name, values]) => `${name}: ${sum(values)}`).join(", "));
  legend("legend-sign-ins", pair.map(([name, values]) => [name, sum(values)]));
  twin("table-sign-ins", [text("minute"), text("signIns"), text("failures")], rows(minutes, [sign_ins, failures]));

  const named = policies.map(({ policy, counts, total }) => [policy || text("others"), counts, total]);
  const lines = named.length ? named : [[text("refused"), minutes.map(() => 0), 0]];
  refused.show(minutes, lines, lines.map(([name, , total]) => `${name}: ${total}`).join(", "));
  legend("legend-refused", lines.map(([name, , total]) => [name, total]));
  twin("table-refused", [text("minute"), ...lines.map(([name]) => name)], rows(minutes, lines.map(([, counts]) => counts)));

  const tens = risks.map((_, place) => 10 * place);
  risk.show(tens, [[text("signIns"), risks]], `${text("risk")}: ${risks.map((number, place) => `${10 * place}+ ${number}`).join(", ")}`);
  twin("table-risk", [text("risk"), text("signIns")], risks.map((number, place) => [`${10 * place}–${10 * place + (place === 9 ? 10 : 9)}`, number]));
}

const rows = (minutes, columns) =>
  minutes.map((minute, place) => [clock(minute), ...columns.map((values) => values[place])]).reverse();

// A table that nobody has opened is not made.
function twin(id, heads, body) {
  const box = find(id);
  if (box === null) return;
  const details = box.closest("details");
  box.fill = () => box.replaceChildren(table(details.parentElement.querySelector("h2").textContent, heads, body));
  if (!details.dataset.isWatched) {
    details.dataset.isWatched = "yes";
    details.addEventListener("toggle", () => details.open && box.fill());
  }
  if (details.open) box.fill();
}

function legend(id, names) {
  find(id)?.replaceChildren(
    ...names.map(([name, total], number) => el("li", {}, swatch(number), el("bdi", {}, name), `${total}`)),
  );
}

function swatch(number) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "console-swatch");
  svg.setAttribute("viewBox", "0 0 24 10");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "line");
  for (const [name, value] of Object.entries({ x1: 0, x2: 24, y1: 5, y2: 5, stroke: colour(number), "stroke-width": 4, "stroke-dasharray": dash(number).join(" ") }))
    line.setAttribute(name, value);
  svg.append(line);
  return svg;
}

function recolour() {
  const last = shown;
  shown = "";
  for (const chart of charts) chart.recolour();
  if (last) {
    const [minutes, sign_ins, failures, policies, risks] = JSON.parse(last);
    showTraffic({ minutes, sign_ins, failures, refused: policies, risks });
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
new MutationObserver(recolour).observe(document.documentElement, { attributeFilter: ["data-theme"] });
