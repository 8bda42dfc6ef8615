// What the server says once, with the page: rights, addresses, and words in the language of the page.

import { bdi, el, find } from "./dom.js";

const root = find("console");
export const { rights, urls, words } = JSON.parse(root.dataset.settings);
export const csrfToken = root.querySelector("[name=csrfmiddlewaretoken]").value;

const NOBODY = "00000000-0000-0000-0000-000000000000";

export function text(name, values = {}) {
  return words.texts[name].replace(/%\((\w+)\)s/g, (_, key) => String(values[key])).replaceAll("%%", "%");
}

export const urlOf = (name, id) => urls[name].replace(NOBODY, id).replace("RULE", encodeURIComponent(id));

export function span(seconds) {
  if (seconds < 120) return text("seconds", { number: Math.round(seconds) });
  if (seconds < 7200) return text("minutes", { number: Math.round(seconds / 60) });
  if (seconds < 172800) return text("hours", { number: Math.round(seconds / 3600) });
  return text("days", { number: Math.round(seconds / 86400) });
}

export const moment = (iso) => iso.slice(0, 19).replace("T", " ");

// The name behind an id, with its page; a masked name or the end of the id where the viewer may not know it.
export function nameOf(id, names, masked) {
  const link = id ? names[id] : undefined;
  if (link?.url) return el("a", { href: link.url }, bdi(link.name));
  if (link) return bdi(link.name);
  return bdi(masked || (id ? `…${id.slice(-6)}` : "–"));
}

export function remembered(name) {
  try {
    return localStorage.getItem(`console.${name}`);
  } catch {
    return null; // storage is forbidden
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`console.${name}`, value);
  } catch {
    // It is not remembered.
  }
}
