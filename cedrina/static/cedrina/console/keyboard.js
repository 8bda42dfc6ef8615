// The keys of the page. Single letters can be switched off (WCAG 2.2, 2.1.4).

import * as dialog from "./dialog.js";
import { find } from "./dom.js";
import { acknowledgeOne } from "./incidents.js";
import { remember, remembered } from "./settings.js";

const help = find("help-dialog");
const box = find("shortcuts");

export function start({ pause }) {
  box.checked = remembered("shortcuts") !== "off";
  box.addEventListener("change", () => remember("shortcuts", box.checked ? "on" : "off"));
  find("help").addEventListener("click", () => help.showModal());
  find("help-close").addEventListener("click", () => help.close());
  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.ctrlKey || event.metaKey || event.altKey || dialog.isOpen()) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act(pause);
    }
  });
}

const keys = {
  i: () => (openers()[0] ?? find("incidents"))?.focus(),
  j: () => step(1),
  k: () => step(-1),
  a: () => {
    const id = document.activeElement.closest("#incident-rows [data-key]")?.dataset.key;
    if (id) acknowledgeOne(id);
  },
  e: () => find("event-scroll")?.focus(),
  f: () => find("filters")?.elements.severity.focus(),
  p: (pause) => pause(),
  "?": () => help.showModal(),
};

const rowsOf = (list) => [...list.querySelectorAll("[data-focus=open]")];
const openers = () => rowsOf(find("incident-rows") ?? document.createElement("ul"));

// In the list of events if the focus is there, in that of the incidents otherwise.
function step(by) {
  const isInEvents = document.activeElement.closest("#event-scroll") !== null;
  const rows = isInEvents ? rowsOf(find("event-rows")) : openers();
  const present = rows.findIndex((row) => row.closest("[data-key]").contains(document.activeElement));
  rows[Math.max(0, Math.min(rows.length - 1, present + by))]?.focus();
}
