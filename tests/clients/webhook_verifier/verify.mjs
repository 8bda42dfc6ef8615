// Verify the messages on standard input (a JSON list of {headers, body}) with the secret in the first argument, and
// their v1a signatures with the public key in the second one. Print the types of those that are genuine.
import { readFileSync } from "node:fs";
import { verify, createPublicKey } from "node:crypto";
import { Webhook } from "standardwebhooks";

const [secret, publicKey] = process.argv.slice(2);
const webhook = new Webhook(secret);
const raw = Buffer.from(publicKey.replace("whpk_", ""), "base64");
const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
const types = JSON.parse(readFileSync(0, "utf8")).map(({ headers, body }) => {
  const event = webhook.verify(body, headers);
  const signed = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const asymmetric = headers["webhook-signature"].split(" ").filter((each) => each.startsWith("v1a,"));
  if (!asymmetric.some((each) => verify(null, signed, key, Buffer.from(each.slice(4), "base64")))) throw new Error("v1a");
  return event.type;
});
console.log(JSON.stringify(types));
