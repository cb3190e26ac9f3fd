import { expect, test } from 'vitest';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import { basic, bearer, createTransfer, mint, requestToken, send } from './helpers.js';

/** The lines about what was done, without the time. */
async function logged(act: (sandbox: MoovSandbox) => Promise<unknown>, options = {}): Promise<string[]> {
  const lines: string[] = [];
  const sandbox = await startSandbox({ ...options, log: (line) => lines.push(line) });
  await act(sandbox);
  expect(lines.every((line) => /^\d\d:\d\d:\d\d /.test(line))).toBe(true);
  return lines.map((line) => line.slice(9));
}

const wrong = { clientId: 'a', clientSecret: 'b' };

test.each<[string, (sandbox: MoovSandbox) => Promise<unknown>, string]>([
  [
    'no credential',
    (sandbox) => send(sandbox, 'GET', '/ping', { headers: { authorization: '' } }),
    'GET /ping 401, Authorization header missing',
  ],
  [
    'a wrong API key',
    (sandbox) => send(sandbox, 'GET', '/ping', { headers: { authorization: basic(wrong) } }),
    'GET /ping 401, Authorization header: not the API key of the sandbox, API key',
  ],
  [
    'a token of another server',
    (sandbox) => send(sandbox, 'GET', '/ping', { headers: bearer('0123456789abcdefghij') }),
    'GET /ping 401, Authorization header: no valid token (expired, revoked, or of another server), token …ghij',
  ],
  [
    'a parameter that is ignored',
    (sandbox) => send(sandbox, 'GET', '/accounts?foo=1&bar=&type=business'),
    'GET /accounts?foo=1&bar=&type=business 200, ignored query parameters: foo, API key',
  ],
  [
    'a wrong account',
    (sandbox) => send(sandbox, 'GET', '/accounts/other/transfers'),
    "GET /accounts/other/transfers 403, the account in the path must be the platform's own, API key",
  ],
  [
    'a path with secrets and line ends',
    (sandbox) =>
      send(sandbox, 'GET', '/ping?client_secret=hunter2&token=hunter2&access%5Ftoken=hunter2&x=%0A'),
    'GET /ping?client_secret=•••&token=•••&access%5Ftoken=•••&x=%0A 200, API key',
  ],
  [
    'a path with keys',
    (sandbox) => send(sandbox, 'GET', '/ping?api_key=hunter2&secretKey=hunter2&x-api-key=hunter2&a=1'),
    'GET /ping?api_key=•••&secretKey=•••&x-api-key=•••&a=1 200, API key',
  ],
  [
    'a fault',
    (sandbox) => {
      sandbox.fail({ path: '/ping', drop: 'before' });
      return send(sandbox, 'GET', '/ping').catch(() => undefined);
    },
    'GET /ping no response, a fault has cut the connection before the request was acted on, API key',
  ],
  [
    'the response of a fault',
    (sandbox) => {
      sandbox.fail({ path: '/ping', status: 503 });
      return send(sandbox, 'GET', '/ping');
    },
    'GET /ping 503, the response of a fault, API key',
  ],
])('%s', async (_what, act, line) => {
  expect(await logged(act)).toEqual([line]);
});

test('an origin that is missing or not registered', async () => {
  const lines = await logged(async (sandbox) => {
    const { access_token } = await mint(sandbox);
    await send(sandbox, 'GET', '/ping', { headers: { authorization: `Bearer ${access_token}` } });
    await send(sandbox, 'GET', '/ping', { headers: bearer(access_token, 'https://evil.example.com') });
  });
  expect(lines.slice(1)).toEqual([
    expect.stringContaining('GET /ping 401, Origin header missing, token …'),
    expect.stringContaining(
      'GET /ping 401, Origin header: https://evil.example.com is not registered with the API key, token …',
    ),
  ]);
});

test('more requests than the limit allows', async () => {
  const lines = await logged(
    async (sandbox) => {
      await send(sandbox, 'GET', '/ping');
      await send(sandbox, 'GET', '/ping');
    },
    { rateLimit: { requestsPerSecond: 1 } },
  );
  expect(lines[1]).toBe('GET /ping 429, more than 1 requests in a second, API key');
});

test('what comes from outside stays on one line, and no secret is in it', async () => {
  const name = 'Ada\n12:00:00 GET /forged 200 \u202e';
  const secret = 'a-secret-that-is-real';
  const lines = await logged(
    async (sandbox) => {
      await send(sandbox, 'GET', `/accounts/${sandbox.seeded.accounts[0]?.accountID}`);
      await requestToken(
        sandbox,
        { grant_type: 'client_credentials', client_secret: secret, client_id: 'x', scope: '/ping.read' },
        { authorization: '', origin: 'https://app.example.com' },
      );
      await createTransfer(sandbox, 'k');
    },
    { seed: { accounts: [{ name }] } },
  );
  expect(lines).toEqual([
    expect.stringMatching(/, account "Ada\\n12:00:00 GET \/forged 200 \\u202e", API key$/),
    'POST /oauth2/token 401, client ID or secret: not the API key of the sandbox',
    expect.stringMatching(/^POST \S+\/transfers 422, account "Sandbox Platform", API key$/),
  ]);
});

test('a log that throws harms no request', async () => {
  const sandbox = await startSandbox({
    log: () => {
      throw new Error('full');
    },
  });
  expect((await send(sandbox, 'GET', '/ping')).status).toBe(200);
});
