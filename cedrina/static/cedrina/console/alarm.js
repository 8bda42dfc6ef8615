// Sound and a number in the title for critical incidents that nobody has acknowledged. Off until somebody wants it.

import { find } from "./dom.js";
import { remember, remembered, text, words } from "./settings.js";

// A tone is shorter. Incidents that open together sound as one.
const QUIET_MS = 1000;

const title = document.title;
const box = find("alarm");
const heard = new Set();
let isFirst = true;
let sounds = null;
let isMissed = false;
let beepedAt = -QUIET_MS;
let last = [];

box.checked = remembered("alarm") === "on";
box.addEventListener("change", () => {
  remember("alarm", box.checked ? "on" : "off");
  if (box.checked) beep(); // how it sounds; browsers also allow sound only after such a click
  look([...last]);
});

export function look(incidents) {
  last = incidents.filter((each) => each.severity === "critical" && each.status === "open");
  const fresh = last.filter((each) => !heard.has(each.id));
  for (const each of fresh) heard.add(each.id);
  document.title = box.checked && last.length ? `(${last.length}) ${title}` : title;
  if (fresh.length && !isFirst) {
    find("notice").textContent = text("critical", { title: words.rules[fresh[0].rule] ?? fresh[0].rule });
    if (box.checked) beep();
  }
  isFirst = false;
  while (heard.size > 1000) heard.delete(heard.values().next().value);
}

// Browsers play nothing on a page on which nobody has clicked or typed since it was loaded. Until then an alarm waits.
function beep() {
  sounds ??= newSounds();
  isMissed = sounds?.state === "suspended";
  if (sounds?.state !== "running" || performance.now() - beepedAt < QUIET_MS) return;
  beepedAt = performance.now();
  const [tone, volume] = [sounds.createOscillator(), sounds.createGain()];
  tone.frequency.value = 880;
  volume.gain.setValueAtTime(0.2, sounds.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, sounds.currentTime + 0.6);
  tone.connect(volume).connect(sounds.destination);
  tone.start();
  tone.stop(sounds.currentTime + 0.6);
}

function newSounds() {
  try {
    const made = new AudioContext();
    made.addEventListener("statechange", onState);
    return made;
  } catch {
    return null; // there is nothing to hear it by
  }
}

function onState() {
  const notice = find("notice");
  if (sounds.state !== "running") return;
  if (notice.textContent === text("silent")) notice.textContent = "";
  if (isMissed && box.checked) beep();
}

for (const kind of ["pointerup", "keydown"]) {
  document.addEventListener(kind, () => box.checked && sounds?.state === "suspended" && sounds.resume().catch(() => {}));
}

if (box.checked) {
  sounds = newSounds();
  if (sounds?.state === "suspended") find("notice").textContent = text("silent");
}
