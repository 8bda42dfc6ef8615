// Makes and renews elements. Texts are always set as text, never as markup: names and user agents come from clients.

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const find = (id) => document.getElementById(id);

// A name in another direction than its sentence keeps its own order.
export const bdi = (text) => el("bdi", {}, text);

// Renews the children of `parent` so that there is one for each item. What has not changed stays as it is, and so does
// the focus. `signature` is a text that changes when the row does.
export function renew(parent, items, { key, signature, make }) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const focusName = focused?.dataset.focus;
  const focusKey = focused?.closest("[data-key]")?.dataset.key;
  let place = parent.firstElementChild;
  for (const item of items) {
    const itemKey = key(item);
    let child = known.get(itemKey);
    known.delete(itemKey);
    const itemSignature = signature(item);
    if (child === undefined || child.dataset.signature !== itemSignature) {
      const fresh = make(item);
      fresh.dataset.key = itemKey;
      fresh.dataset.signature = itemSignature;
      if (child !== undefined) {
        if (place === child) place = child.nextElementSibling;
        child.remove();
      }
      child = fresh;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const gone of known.values()) gone.remove();
  if (focusName !== undefined && document.activeElement === document.body) {
    const same = [...parent.children].find((child) => child.dataset.key === focusKey);
    const again = same?.querySelector(`[data-focus="${focusName}"]`) ?? same?.querySelector("[data-focus]");
    (again ?? parent.querySelector("[data-focus]"))?.focus();
  }
}

export function table(caption, heads, rows) {
  return el(
    "table",
    { class: "console-table" },
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, ...heads.map((head, at) => el("th", { scope: "col", class: typeof rows[0]?.[at] === "number" ? "is-number" : null }, head)))),
    el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map(cell)))),
  );
}

function cell(value) {
  return typeof value === "number" ? el("td", { class: "is-number" }, String(value)) : el("td", {}, value);
}

export function badge(colour, words) {
  return el("span", { class: `badge badge-${colour}` }, words);
}

export function facts(pairs) {
  return el("dl", { class: "console-facts" }, ...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
