// A service and an application that use oauth4webapi. It takes its part as JSON and writes what it got as JSON.
import * as oauth from "oauth4webapi";

const { issuer, client_id, client_secret, private_jwk, algorithm, person, refresh_token } = JSON.parse(process.argv[2]);
const insecure = { [oauth.allowInsecureRequests]: true };

const identifier = new URL(issuer);
const discovered = await oauth.discoveryRequest(identifier, { ...insecure, algorithm: "oauth2" });
const server = await oauth.processDiscoveryResponse(identifier, discovered);

async function authentications() {
  if (!private_jwk) return [oauth.ClientSecretBasic(client_secret), oauth.ClientSecretPost(client_secret)];
  const name = algorithm === "EdDSA" ? "Ed25519" : { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("jwk", private_jwk, name, false, ["sign"]);
  return [oauth.PrivateKeyJwt({ key, kid: "1" })];
}

const client = { client_id };
const got = { issuer: server.issuer, ways: [] };
for (const authentication of await authentications()) {
  const parameters = new URLSearchParams({ scope: "tokens:introspect" });
  const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, insecure);
  const tokens = await oauth.processClientCredentialsResponse(server, client, answer);
  const ask = async (token) => {
    const response = await oauth.introspectionRequest(server, client, authentication, token, insecure);
    return oauth.processIntrospectionResponse(server, client, response);
  };
  const own = await ask(tokens.access_token);
  const ofPerson = await ask(person);
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, authentication, tokens.access_token, insecure),
  );
  got.ways.push({ scope: tokens.scope, own, person: ofPerson, revoked: await ask(tokens.access_token) });
}

const wrong = await oauth.clientCredentialsGrantRequest(
  server, client, oauth.ClientSecretBasic("wrong: %+&"), new URLSearchParams(), insecure,
);
try {
  await oauth.processClientCredentialsResponse(server, client, wrong);
} catch (error) {
  got.refused = { kind: error.constructor.name, error: error.error ?? error.cause?.[0]?.scheme, status: error.status };
}

if (refresh_token) {
  const application = { client_id: "application" };
  const answer = await oauth.refreshTokenGrantRequest(server, application, oauth.None(), refresh_token, insecure);
  got.refreshed = await oauth.processRefreshTokenResponse(server, application, answer);
}
console.log(JSON.stringify(got));
