// Sound and a number in the title for critical incidents that nobody has acknowledged. Off until somebody wants it.

import { find } from "./dom.js";
import { remember, remembered, text, words } from "./settings.js";

const title = document.title;
const box = find("alarm");
const heard = new Set();
let isFirst = true;
let sounds = null;
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

function beep() {
  try {
    sounds ??= new AudioContext();
    const [tone, volume] = [sounds.createOscillator(), sounds.createGain()];
    tone.frequency.value = 880;
    volume.gain.setValueAtTime(0.2, sounds.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, sounds.currentTime + 0.6);
    tone.connect(volume).connect(sounds.destination);
    tone.start();
    tone.stop(sounds.currentTime + 0.6);
  } catch {
    // There is nothing to hear it by.
  }
}
