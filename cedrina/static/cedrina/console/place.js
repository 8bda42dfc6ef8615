// What the address of the page says behind its "#": the conditions of the events, and what is open. So it can be sent
// to somebody else, and is there again after a reload.

const NAMES = ["severity", "type", "outcome", "ip", "about", "incident", "event"];
let listener = () => {};
let present = read();

export const place = () => present;

export function onPlace(call) {
  listener = call;
  window.addEventListener("hashchange", () => move(read()));
}

// Changes some of the names; `null` and "" remove one.
export function setPlace(changes) {
  const next = { ...present, ...changes };
  const parameters = new URLSearchParams(NAMES.filter((name) => next[name]).map((name) => [name, next[name]]));
  const hash = parameters.toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  move(read());
}

function read() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(NAMES.map((name) => [name, parameters.get(name) ?? ""]));
}

function move(next) {
  const before = present;
  present = next;
  listener(next, before);
}
