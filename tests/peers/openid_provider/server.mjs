// The certified oidc-provider, with its login and consent pages of development driven by plain form posts.
// The login name decides who somebody is: see `accounts`. Prints its address as one line of JSON when it listens.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [redirectUri] = process.argv.slice(2);

function claims(sub) {
  const [name, ...marks] = sub.split('+');
  return {
    sub,
    name: `${name[0].toUpperCase()}${name.slice(1)} Example`,
    preferred_username: name,
    email: marks.includes('nomail') ? undefined : `${name}@example.com`,
    email_verified: !marks.includes('unverified'),
  };
}

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      { client_id: 'cedrina', client_secret: 'a secret of the tests', redirect_uris: [redirectUri] },
      {
        client_id: 'another', client_secret: 'another secret of the tests', redirect_uris: [redirectUri],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    pkce: { required: () => true },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => claims(sub) }),
    ttl: { AuthorizationCode: 60, IdToken: 600, AccessToken: 600, Grant: 600, Interaction: 600, Session: 600 },
    cookies: { keys: ['only in tests'] },
  });
  server.on('request', provider.callback());
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});
