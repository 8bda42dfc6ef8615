// A person's journey with the types that openapi-typescript makes, and openapi-fetch: ADDRESS NAME.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Problem = components["schemas"]["Problem"];
const [address, name] = process.argv.slice(2) as [string, string];
const api = createClient<paths>({ baseUrl: address });

const registered = await api.POST("/api/v1/auth/register", {
  body: { username: name, email: `${name}@example.com`, password: "violet harbour drum kite" },
});
if (!registered.data || !("tokens" in registered.data)) throw new Error("not registered");

const refused = await api.POST("/api/v1/auth/login", { body: { username: name, password: "not this one" } });
if (!refused.error) throw new Error("not refused");
const problem: Problem = refused.error;
const code: "invalid_credentials" = problem.code === "invalid_credentials" ? problem.code : fail(problem);

const picky = await api.POST("/api/v1/auth/login", {
  headers: { Accept: "text/csv" },
  body: { username: name, password: "not this one" },
});
if (!picky.error) throw new Error("accepted");
const unacceptable: Problem = picky.error;

const refreshed = await api.POST("/api/v1/auth/refresh", {
  body: { refresh_token: registered.data.tokens.refresh_token },
});
if (!refreshed.data) throw new Error("not refreshed");
const headers = { Authorization: `Bearer ${refreshed.data.access_token}` };

const user = await api.GET("/api/v1/auth/me", { headers });
if (!user.data) throw new Error("no account");
const out = await api.POST("/api/v1/auth/logout", { headers, body: {} });
const ended = await api.GET("/api/v1/auth/me", { headers });
if (!ended.error) throw new Error("not ended");

console.log(
  JSON.stringify({
    username: user.data.username,
    refused: [refused.response.status, code],
    not_acceptable: [picky.response.status, unacceptable.code],
    signed_out: out.response.status,
    ended: [ended.error.status, ended.error.code],
  }),
);

function fail(other: Problem): never {
  throw new Error(other.code);
}
