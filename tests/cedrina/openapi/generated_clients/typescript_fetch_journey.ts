// A person's journey with the client that openapi-generator makes for TypeScript: ADDRESS NAME.
import { AccountsApi, Configuration, ProblemFromJSON, ResponseError, SignInApi } from "./client/index.js";

const [basePath, name] = process.argv.slice(2) as [string, string];
const stranger = new SignInApi(new Configuration({ basePath }));

async function refusal(call: Promise<unknown>): Promise<[number, string]> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    const problem = ProblemFromJSON(await error.response.json());
    return [problem.status, problem.code];
  }
  throw new Error("it was not refused");
}

const registered = await stranger.register({
  registrationInputRequest: { username: name, email: `${name}@example.com`, password: "violet harbour drum kite" },
});
const wrong = { loginInputRequest: { username: name, password: "not this one" } };
const refused = await refusal(stranger.login(wrong));
const picky = new SignInApi(new Configuration({ basePath, headers: { Accept: "text/csv" } }));
const not_acceptable = await refusal(picky.login(wrong));
const tokens = await stranger.refresh({ refreshInputRequest: { refreshToken: registered.tokens.refreshToken } });

const configuration = new Configuration({ basePath, accessToken: tokens.accessToken });
const accounts = new AccountsApi(configuration);
const user = await accounts.me();
const out = await new SignInApi(configuration).logoutRaw({ logoutInputRequest: {} });
const ended = await refusal(accounts.me());
console.log(JSON.stringify({ username: user.username, refused, not_acceptable, signed_out: out.raw.status, ended }));
