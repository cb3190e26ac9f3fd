import { describe, expect, test } from 'vitest';
import { createMoovSandbox, type MoovSandbox, type SandboxSeed } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import { bearer, createTransfer, mint, ping, readJson, requestToken, send } from './helpers.js';

// What tests do with a sandbox between requests: seed, reset, respond, and look at what it saw.

const seed: SandboxSeed = {
  accounts: [{ name: 'Ada Lovelace', foreignID: 'user-1', cards: [{}], walletBalance: 500 }],
};

describe('seed', () => {
  test('gives the same IDs in every sandbox and after every reset', async () => {
    const [one, other] = [createMoovSandbox({ seed }), createMoovSandbox({ seed })];
    expect(one.seeded).toEqual(other.seeded);
    const before = one.seeded;
    one.reset();
    expect(one.seeded).toEqual(before);
    expect(one.accounts.map(({ displayName }) => displayName)).toEqual(['Sandbox Platform', 'Ada Lovelace']);
  });

  test('adds to what is there, and returns the IDs', async () => {
    const sandbox = createMoovSandbox({ seed });
    const { accounts, platform } = sandbox.seed({
      accounts: [{ accountType: 'business', bankAccounts: [{}, { verified: false }] }, {}],
    });
    expect(platform).toMatchObject({ accountID: sandbox.platformAccountID, wallet: {} });
    expect(accounts).toMatchObject([
      {
        bankAccounts: [{ paymentMethodIDs: { 'ach-debit-fund': expect.any(String) } }, {}],
        cards: [],
      },
      { bankAccounts: [] },
    ]);
    expect(accounts[0]?.bankAccounts[1]?.paymentMethodIDs).not.toHaveProperty('ach-debit-fund');
    expect(sandbox.accounts.map(({ displayName }) => displayName)).toEqual([
      'Sandbox Platform',
      'Ada Lovelace',
      'Seeded account 2',
      'Seeded account 3',
    ]);
  });

  test.each<[unknown, string]>([
    ['x', 'seed: expected an object of fields; got a string.'],
    [{ account: [] }, 'seed: unknown field "account". Did you mean "accounts"?'],
    [{ accounts: [{ cards: [{ cardNumber: '4' }] }] }, 'seed.accounts[0].cards[0].cardNumber: must be 12'],
    [{ accounts: [{ capabilities: ['walet'] }] }, 'seed.accounts[0].capabilities[0]: is unknown'],
    [{ platform: { walletBalance: 0.5 } }, 'seed.platform.walletBalance: must be whole cents'],
    [{ platform: { wallet: 5 } }, 'seed.platform: Unrecognized key: "wallet"'],
  ])('refuses %j', (wrong, message) => {
    const make: (options: never) => unknown = createMoovSandbox;
    expect(() => Reflect.apply(make, undefined, [{ seed: wrong }])).toThrow(TypeError);
    expect(() => Reflect.apply(make, undefined, [{ seed: wrong }])).toThrow(message);
  });
});

describe('reset', () => {
  test('takes everything away but tokens', async () => {
    const sandbox = await startSandbox();
    const { access_token, refresh_token } = await mint(sandbox);
    expect((await createTransfer(sandbox, 'k')).status).toBe(200);
    await send(sandbox, 'POST', '/accounts', {
      body: { accountType: 'business', profile: { business: { legalBusinessName: 'Gone' } } },
    });
    sandbox.fail({ path: /^/, status: 503, times: Number.POSITIVE_INFINITY });
    sandbox.respond('GET', '/ping', 'of my own');

    sandbox.reset();
    expect(sandbox.requests).toEqual([]);
    expect(Object.values(sandbox.stats).every((count) => count === 0)).toBe(true);
    expect(sandbox.transfers).toEqual([]);
    expect(sandbox.accounts).toHaveLength(1);
    expect(await ping(sandbox, access_token)).toBe(200);
    expect(await (await send(sandbox, 'GET', '/ping')).text()).toBe('');
    // Neither is a key remembered.
    expect((await createTransfer(sandbox, 'k')).status).toBe(200);
    const refreshed = await requestToken(sandbox, { grant_type: 'refresh_token', refresh_token });
    expect(refreshed.status).toBe(200);
  });

  test('a request under way counts for nothing afterwards', async () => {
    const sandbox = await startSandbox();
    sandbox.respond('GET', '/ping', () => {
      sandbox.reset();
      return { status: 403 };
    });
    expect((await send(sandbox, 'GET', '/ping')).status).toBe(403);
    expect(sandbox.stats.forbidden).toBe(0);
    expect(sandbox.requests).toEqual([]);
  });

  test('a rate limit begins anew', async () => {
    const sandbox = await startSandbox({ rateLimit: { requestsPerSecond: 1 } });
    const status = async () => (await send(sandbox, 'GET', '/ping')).status;
    expect([await status(), await status()]).toEqual([200, 429]);
    sandbox.reset();
    expect(await status()).toBe(200);
  });

  test('clearFaults takes the faults alone', async () => {
    const sandbox = await startSandbox();
    sandbox.fail({ path: '/ping', status: 503, times: 2 });
    expect((await send(sandbox, 'GET', '/ping')).status).toBe(503);
    sandbox.clearFaults();
    expect((await send(sandbox, 'GET', '/ping')).status).toBe(200);
    expect(sandbox.stats).toMatchObject({ apiRequests: 2, faults: 1 });
  });
});

test('a request is kept with its time and its body, parsed if it is JSON', async () => {
  const sandbox = await startSandbox();
  const before = Date.now();
  await send(sandbox, 'POST', '/accounts', { body: { accountType: 'x' } });
  await send(sandbox, 'POST', '/accounts', {
    body: 'text',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  await send(sandbox, 'GET', '/ping');
  expect(sandbox.requests.map(({ body }) => body)).toEqual([{ accountType: 'x' }, '"text"', undefined]);
  const times = sandbox.requests.map(({ at }) => at.getTime());
  expect(times.every((time) => time >= before && time <= Date.now())).toBe(true);
});

describe('respond', () => {
  const branding = '/accounts/{accountID}/branding';

  async function statusOf(
    sandbox: MoovSandbox,
    method: string,
    path: string,
    scope: string,
    origin?: string,
  ) {
    const { access_token } = await mint(sandbox, scope);
    return (await send(sandbox, method, path, { headers: bearer(access_token, origin) })).status;
  }

  test('serves a body, or what a function makes of the request', async () => {
    const sandbox = await startSandbox();
    sandbox.respond('get', branding, { colors: 'dark' });
    sandbox.respond('PUT', branding, async ({ method, params, query, body, headers }) => ({
      status: 201,
      headers: { 'x-own': 'yes' },
      body: { method, params, version: query.get('v'), body, type: headers['content-type'] },
    }));
    expect(await readJson(await send(sandbox, 'GET', '/accounts/a/branding'))).toEqual({ colors: 'dark' });
    const made = await send(sandbox, 'PUT', '/accounts/b/branding?v=2', { body: [1] });
    expect([made.status, made.headers.get('x-own')]).toEqual([201, 'yes']);
    expect(await readJson(made)).toEqual({
      method: 'PUT',
      params: { accountID: 'b' },
      version: '2',
      body: [1],
      type: 'application/json',
    });
    expect((await send(sandbox, 'POST', '/accounts/b/branding')).status).toBe(501);
  });

  test.each<[string, string, string, string | undefined, number]>([
    ['GET', '/accounts/a/branding', '/accounts/a/branding.read', undefined, 200],
    ['GET', '/accounts/a/branding', '/accounts/a/branding.read', 'https://evil.example.com', 401],
    ['GET', '/accounts/a/branding', '/accounts/b/branding.read', undefined, 403],
    ['GET', '/accounts/a/branding', '/ping.read', undefined, 403],
    ['PUT', '/accounts/a/branding', '/accounts/a/branding.read', undefined, 403],
    ['PUT', '/accounts/a/branding', '/accounts/a/branding.write', undefined, 200],
    // It replaces an endpoint of the sandbox, and keeps its scope.
    ['PATCH', '/accounts/a', '/accounts/a/profile.write', undefined, 200],
    ['PATCH', '/accounts/a', '/accounts.write', undefined, 403],
    ['POST', '/accounts/a/transfers', '/accounts/a/transfers.write', undefined, 403],
    // Moov has no scope for it.
    ['GET', '/event-types', '/ping.read', undefined, 200],
  ])('%s %s with %s and origin %s is answered %i', async (method, path, scope, origin, status) => {
    const sandbox = await startSandbox();
    for (const verb of ['GET', 'PUT']) sandbox.respond(verb, branding, 'mine');
    sandbox.respond('PATCH', '/accounts/{accountID}', 'mine');
    sandbox.respond('POST', '/accounts/{accountID}/transfers', 'mine');
    sandbox.respond('GET', '/event-types', 'mine');
    expect(await statusOf(sandbox, method, path, scope, origin)).toBe(status);
  });

  test.each(['/accounts/{account}/transfers', '/accounts/b1d2c3a4-0000-4000-8000-000000000001/transfers'])(
    '%s is for the account in the path of the request',
    async (path) => {
      const sandbox = await startSandbox();
      sandbox.respond('GET', path, 'mine');
      const own = await send(sandbox, 'GET', `/accounts/${sandbox.platformAccountID}/transfers`);
      expect([own.status, await own.text()]).toEqual([200, 'mine']);
      expect((await send(sandbox, 'GET', '/accounts/other/transfers')).status).toBe(403);
    },
  );

  test('the last one given for a path answers, and what it throws is a 500', async () => {
    const sandbox = await startSandbox();
    sandbox.respond('GET', '/ping', 'first');
    sandbox.respond('GET', '/ping', () => {
      throw new Error('of my own');
    });
    const response = await send(sandbox, 'GET', '/ping');
    expect([response.status, await response.text()]).toEqual([500, expect.stringContaining('of my own')]);
  });

  test.each<[unknown[], string]>([
    [['', '/ping', 'x'], 'expected a method'],
    [['GET', 'ping', 'x'], 'expected a path without a query'],
    [['GET', '/ping?a=b', 'x'], 'expected a path without a query'],
    [['GET', '/oauth2/token', 'x'], 'none below /oauth2/'],
    [['GET', '/a/{x}/{x}', 'x'], 'the name {x} is in the path twice'],
    [['GET', '/a/{1a}', 'x'], 'expected names of letters, digits and _'],
    [['GET', '/a/{account-id}', 'x'], 'such as {accountID}; got {account-id}'],
    [['GET', '/a/{}', 'x'], 'got {}'],
    [['GET', '/a/{x', 'x'], 'got a brace alone'],
    [['GET', '/ping', 5], 'expected a function or a body; got 5.'],
  ])('refuses %j', (args, message) => {
    const { respond } = createMoovSandbox();
    expect(() => Reflect.apply(respond, undefined, args)).toThrow(TypeError);
    expect(() => Reflect.apply(respond, undefined, args)).toThrow(message);
  });
});

test('what is absent from a change stays, and null takes a value away', async () => {
  const sandbox = await startSandbox({
    seed: { accounts: [{ name: 'Ada Lovelace', foreignID: 'user-1', metadata: { a: 'b' } }] },
  });
  const path = `/accounts/${sandbox.seeded.accounts[0]?.accountID}`;
  const change = async (body: unknown) => readJson<object>(await send(sandbox, 'PATCH', path, { body }));
  const support = { email: 'help@example.com' };
  expect(await change({ customerSupport: support })).toMatchObject({
    foreignID: 'user-1',
    metadata: { a: 'b' },
    customerSupport: support,
  });
  const cleared = await change({ metadata: null });
  expect(cleared).toMatchObject({ displayName: 'Ada Lovelace', customerSupport: support });
  expect(cleared).not.toHaveProperty('metadata');
});
