// The calls of the page. A refusal is an error with the sentence of the server.

import { csrfToken } from "./settings.js";

const TIMEOUT_MS = 15000;

export class Refused extends Error {
  // `wait` is in seconds, 0 where the server names none.
  constructor(status, code, detail, wait) {
    super(detail);
    this.wait = wait;
    this.status = status;
    this.code = code;
  }
}

export const get = (url) => call(url, { method: "GET" });

export const post = (url, values = {}) =>
  call(url, {
    method: "POST",
    body: new URLSearchParams(values),
    headers: { "X-CSRFToken": csrfToken, "Content-Type": "application/x-www-form-urlencoded" },
  });

async function call(url, options) {
  const answer = await fetch(url, {
    ...options,
    headers: { Accept: "application/json", ...options.headers },
    credentials: "same-origin",
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, body.code, body.detail, Number(answer.headers.get("Retry-After")));
  return body;
}
