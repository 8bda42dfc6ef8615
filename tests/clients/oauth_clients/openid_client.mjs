// A service and an application that use openid-client. It takes its part as JSON and writes what it got as JSON.
import * as client from "openid-client";

const { issuer, client_id, client_secret, private_jwk, person, refresh_token } = JSON.parse(process.argv[2]);
const options = { algorithm: "oauth2", execute: [client.allowInsecureRequests] };

async function authentications() {
  if (!private_jwk) return [client.ClientSecretBasic(client_secret), client.ClientSecretPost(client_secret)];
  const name = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("jwk", private_jwk, name, false, ["sign"]);
  return [client.PrivateKeyJwt({ key, kid: "1" })];
}

const got = { ways: [] };
for (const authentication of await authentications()) {
  const config = await client.discovery(new URL(issuer), client_id, undefined, authentication, options);
  got.issuer = config.serverMetadata().issuer;
  const tokens = await client.clientCredentialsGrant(config, { scope: "tokens:introspect" });
  const own = await client.tokenIntrospection(config, tokens.access_token);
  const ofPerson = await client.tokenIntrospection(config, person);
  await client.tokenRevocation(config, tokens.access_token);
  const revoked = await client.tokenIntrospection(config, tokens.access_token);
  got.ways.push({ scope: tokens.scope, own, person: ofPerson, revoked });
}

const stranger = await client.discovery(new URL(issuer), client_id, undefined, client.ClientSecretPost("wrong"), options);
try {
  await client.clientCredentialsGrant(stranger);
} catch (error) {
  got.refused = { kind: error.constructor.name, error: error.error ?? error.cause?.[0]?.scheme, status: error.status };
}

if (refresh_token) {
  const application = await client.discovery(new URL(issuer), "application", undefined, client.None(), options);
  got.refreshed = await client.refreshTokenGrant(application, refresh_token);
}
console.log(JSON.stringify(got));
