import { expect, test } from 'vitest';
import { MoovOAuthClient, MoovTokenError, MoovUnavailableError } from '../../src/index.js';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { startSandbox } from '../helpers/moov.js';
import { expectNoSecret, rejection } from '../helpers/printed.js';

const grant = { grantType: 'client_credentials', scope: '/ping.read' } as const;
const ORIGIN = 'https://app.example.com';

function clientOf(sandbox: MoovSandbox, options = {}): MoovOAuthClient {
  return new MoovOAuthClient({
    ...sandbox.credentials,
    origin: ORIGIN,
    baseURL: sandbox.url,
    ...options,
  });
}

/** The status of a ping with a token. */
async function ping(sandbox: MoovSandbox, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, origin: ORIGIN };
  return (await fetch(`${sandbox.url}/ping`, { headers })).status;
}

test('a token is created, used, refreshed and revoked', async () => {
  const sandbox = await startSandbox();
  const client = clientOf(sandbox);

  const first = await client.createAccessToken(grant);
  expect(first).toMatchObject({ tokenType: 'Bearer', scope: '/ping.read', status: 200 });
  expect(first.requestId).toEqual(expect.any(String));
  expect(await ping(sandbox, first.accessToken)).toBe(200);

  const { refreshToken = '' } = first;
  const second = await client.createAccessToken({ grantType: 'refresh_token', refreshToken });
  expect(second.accessToken).not.toBe(first.accessToken);
  expect(await ping(sandbox, second.accessToken)).toBe(200);

  await client.revokeAccessToken({ token: second.accessToken, tokenTypeHint: 'access_token' });
  expect(await ping(sandbox, second.accessToken)).toBe(401);
  expect(sandbox.stats).toMatchObject({ tokenRequests: 2, tokensMinted: 2, revokeRequests: 1 });
});

test.each(['basic', 'body'] as const)('any key arrives by %s', async (clientAuth) => {
  const key = { clientId: 'pk-1_a.b~c', clientSecret: ': %+&=/?é€😀"\'\\ %2B' };
  const sandbox = await startSandbox(key);
  await expect(clientOf(sandbox, { clientAuth }).createAccessToken(grant)).resolves.toHaveProperty(
    'accessToken',
  );
});

test.each(['timestamp', 'seconds'] as const)(
  'expires_in as %s results in the same lifetime',
  async (expiresIn) => {
    const sandbox = await startSandbox({ expiresIn, tokenLifeSeconds: 900 });
    const token = await clientOf(sandbox).createAccessToken(grant);
    expect(token.lifetimeMs).toBeGreaterThan(890_000);
    // A timestamp is compared with the reply's Date, which has whole seconds.
    expect(token.lifetimeMs).toBeLessThanOrEqual(901_000);
    expect(Math.abs(token.expiresAt.getTime() - Date.now() - 900_000)).toBeLessThan(15_000);
  },
);

test('a wrong secret, a wrong scope and a used refresh token are refused, and the secret is not shown', async () => {
  const sandbox = await startSandbox();
  const client = clientOf(sandbox);
  const wrong = { clientId: sandbox.credentials.clientId, clientSecret: 'wrong-secret/+' };
  const unauthorised = await rejection(client.createAccessToken({ ...grant, ...wrong }));
  expect(unauthorised).toBeInstanceOf(MoovTokenError);
  expect(unauthorised).toMatchObject({ code: 'ERR_MOOV_CREDENTIALS_REFUSED', requestId: expect.any(String) });
  expectNoSecret(unauthorised, wrong.clientSecret);

  const unknown = await rejection(client.createAccessToken({ ...grant, scope: '/nonsense.read' }));
  expect(unknown).toMatchObject({ upstreamStatus: 422, fields: { scope: 'unknown scope /nonsense.read' } });

  const { refreshToken = '' } = await client.createAccessToken(grant);
  await client.createAccessToken({ grantType: 'refresh_token', refreshToken });
  const used = await rejection(client.createAccessToken({ grantType: 'refresh_token', refreshToken }));
  expect(used).toMatchObject({ upstreamStatus: 422, fields: { refresh_token: expect.any(String) } });
  expectNoSecret(used, refreshToken);
});

test('is refused without an origin, with the reason', async () => {
  const sandbox = await startSandbox();
  const error = await rejection(clientOf(sandbox, { origin: undefined }).createAccessToken(grant));
  expect(String(error)).toContain('(400): an Origin or Referer header is required');
});

test('revoking a token that Moov does not know succeeds (RFC 7009 section 2.2)', async () => {
  const sandbox = await startSandbox();
  await expect(clientOf(sandbox).revokeAccessToken({ token: 'nobody-knows' })).resolves.toBeUndefined();
  expect(sandbox.stats).toMatchObject({ revokeRequests: 1, tokensRevoked: 0 });
});

test('two failed responses are retried, a third is reported', async () => {
  fastClock();
  const sandbox = await startSandbox();
  const client = clientOf(sandbox);
  sandbox.fail({ path: '/oauth2/token', status: 503, times: 2 });
  await client.createAccessToken(grant);
  expect(sandbox.stats).toMatchObject({ tokenRequests: 3, tokensMinted: 1 });

  sandbox.fail({ path: '/oauth2/token', drop: 'before', times: 3 });
  expect(await rejection(client.createAccessToken(grant))).toBeInstanceOf(MoovUnavailableError);
  expect(sandbox.stats).toMatchObject({ tokenRequests: 6, tokensMinted: 1 });
});
