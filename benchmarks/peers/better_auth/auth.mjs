// Minimal service that a Node user would write from Better Auth's manual: sessions by bearer token, JWTs of RS256.
import { hash, compare } from "bcrypt";
import { betterAuth } from "better-auth";
import { bearer, jwt, username } from "better-auth/plugins";
import pg from "pg";

export const port = Number(process.env.PORT ?? 8103);
export const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret: process.env.PEER_SECRET ?? "bench-only-secret-key-of-sufficient-length-0123456789",
  database: new pg.Pool({
    host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER,
    password: process.env.PGPASSWORD, database: process.env.PEER_DB, max: 8,
  }),
  emailAndPassword: {
    enabled: true,
    // All targets hash with bcrypt at cost 12. Better Auth's default is scrypt.
    password: { hash: (password) => hash(password, Number(process.env.PEER_BCRYPT_ROUNDS ?? 12)), verify: ({ hash: digest, password }) => compare(password, digest) },
  },
  rateLimit: { enabled: false }, // no peer is measured with rate limits on
  telemetry: { enabled: false },
  logger: { level: "error" },
  plugins: [
    bearer(),
    username(),
    jwt({ jwks: { keyPairConfig: { alg: "RS256", modulusLength: 2048 } }, jwt: { expirationTime: "30m" } }),
  ],
});
