import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { MoovSandbox } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import {
  basic,
  bearer,
  createTransfer,
  mint,
  ORIGIN,
  order,
  readJson,
  requestToken,
  send,
  transferScopes,
} from './helpers.js';

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

async function expectBare(response: Response, status: number): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBeNull();
  expect(response.headers.get('www-authenticate')).toBeNull();
  expect(response.headers.get('x-request-id')).toMatch(uuid);
  expect(await response.text()).toBe('');
}

describe('401', () => {
  test('without credentials, with wrong ones, and with a token that is none', async () => {
    const sandbox = await startSandbox();
    for (const authorization of [
      '',
      'Bearer',
      'Bearer not-a-token',
      basic({ ...sandbox.credentials, clientSecret: 'wrong' }),
    ]) {
      const headers = { authorization, origin: ORIGIN };
      await expectBare(await send(sandbox, 'GET', '/ping', { headers }), 401);
    }
    expect(sandbox.stats).toMatchObject({ apiRequests: 4, unauthorized: 4 });
  });

  test.each<[string, Record<string, string>, number]>([
    ['the registered Origin', { origin: ORIGIN }, 200],
    ['another registered Origin', { origin: 'https://pay.example.com:8443' }, 200],
    ['the Origin in capitals', { origin: 'HTTPS://App.Example.Com' }, 200],
    ['no Origin', {}, 401],
    ['a foreign Origin', { origin: 'https://evil.example.com' }, 401],
    ['an Origin of another scheme', { origin: 'http://app.example.com' }, 401],
    ['an Origin with a path', { origin: `${ORIGIN}/` }, 401],
    ['two Origins', { origin: `${ORIGIN}, ${ORIGIN}` }, 401],
    ['a Referer of the registered host', { referer: `${ORIGIN}/some/page?x=1` }, 200],
    ['a Referer of a foreign host', { referer: 'https://evil.example.com/app.example.com' }, 401],
    ['a Referer that is no URL', { referer: 'app.example.com' }, 401],
    ['a foreign Origin with a good Referer', { origin: 'https://evil.example.com', referer: ORIGIN }, 401],
    ['a good Origin with a foreign Referer', { origin: ORIGIN, referer: 'https://evil.example.com' }, 200],
  ])('a token with %s', async (_, headers, status) => {
    const sandbox = await startSandbox({ origins: [ORIGIN, 'https://pay.example.com:8443'] });
    const { access_token } = await mint(sandbox);
    const authorization = `Bearer ${access_token}`;
    const response = await send(sandbox, 'GET', '/ping', { headers: { authorization, ...headers } });
    expect(response.status).toBe(status);
  });

  test('a token that was minted with a wrong Origin works with the right one', async () => {
    const sandbox = await startSandbox();
    const foreign = { origin: 'https://evil.example.com' };
    const body = { grant_type: 'client_credentials', scope: '/ping.read' };
    const response = await requestToken(sandbox, body, foreign);
    const { access_token } = await readJson<{ access_token: string }>(response);
    const { authorization, origin } = bearer(access_token);
    await expectBare(await send(sandbox, 'GET', '/ping', { headers: { authorization, ...foreign } }), 401);
    expect((await send(sandbox, 'GET', '/ping', { headers: { authorization, origin } })).status).toBe(200);
  });
});

describe('403', () => {
  async function statusWith(sandbox: MoovSandbox, scope: string, method: string, path: string) {
    const { access_token } = await mint(sandbox, scope);
    const headers = { ...bearer(access_token), 'x-idempotency-key': 'k' };
    const body = method === 'POST' ? order : undefined;
    const response = await send(sandbox, method, path, { headers, body });
    if (response.status === 403) await expectBare(response, 403);
    return response.status;
  }

  test.each([
    ['/accounts.read', 'GET', '/ping', 403],
    ['/ping.read', 'GET', '/ping', 200],
    ['/accounts.write', 'GET', '/accounts', 403],
    ['/accounts.read', 'GET', '/accounts', 200],
    ['/accounts.read', 'POST', '/accounts', 403],
    ['/accounts.write', 'POST', '/accounts', 422],
    ['/accounts.write', 'GET', '/accounts/{platform}', 403],
    ['/accounts.read', 'GET', '/accounts/{platform}', 200],
    ['/accounts.read', 'GET', '/accounts/nobody', 404],
    ['/accounts/{platform}/transfers.read', 'POST', '/accounts/{platform}/transfers', 403],
    ['/accounts/{platform}/transfers.write', 'POST', '/accounts/{platform}/transfers', 200],
    ['/accounts/{platform}/transfers.write', 'GET', '/accounts/{platform}/transfers', 403],
    ['/accounts/{platform}/transfers.read', 'GET', '/accounts/{platform}/transfers', 200],
    ['/accounts/{platform}/transfers.write', 'POST', '/accounts/connected/transfers', 403],
    ['/accounts/connected/transfers.write', 'POST', '/accounts/connected/transfers', 403],
    ['/accounts/connected/transfers.write', 'POST', '/accounts/{platform}/transfers', 403],
    ['/accounts/{platform}/transfers.read', 'GET', '/accounts/{platform}/transfers/none', 404],
    ['/accounts/{platform}/transfers.read', 'POST', '/accounts/{platform}/transfers/none/refunds', 403],
    ['/accounts/{platform}/transfers.write', 'POST', '/accounts/{platform}/transfers/none/refunds', 404],
    ['/accounts/{platform}/transfers.write', 'GET', '/accounts/{platform}/transfers/none/refunds', 403],
    ['/accounts/{platform}/transfers.read', 'GET', '/accounts/{platform}/transfers/none/refunds/none', 404],
    ['/accounts/{platform}/transfers.read', 'POST', '/accounts/{platform}/transfers/none/reversals', 403],
    ['/accounts/{platform}/wallets.read', 'GET', '/accounts/{platform}/wallets', 200],
    ['/accounts/{platform}/wallets.read', 'GET', '/accounts/other/wallets', 403],
    ['/accounts/other/wallets.read', 'GET', '/accounts/other/wallets', 404],
    ['/accounts/{platform}/wallets.read', 'GET', '/accounts/{platform}/bank-accounts', 403],
    ['/accounts/{platform}/bank-accounts.read', 'GET', '/accounts/{platform}/bank-accounts', 200],
  ])('with %s, %s %s is answered %i', async (scope, method, path, status) => {
    const sandbox = await startSandbox();
    const fill = (text: string) => text.replaceAll('{platform}', sandbox.platformAccountID);
    expect(await statusWith(sandbox, fill(scope), method, fill(path))).toBe(status);
  });

  test('the API key has every scope, but transfers of the platform only', async () => {
    const sandbox = await startSandbox();
    expect((await send(sandbox, 'GET', '/ping')).status).toBe(200);
    expect((await createTransfer(sandbox, 'k')).status).toBe(200);
    await expectBare(await send(sandbox, 'GET', '/accounts/connected/transfers'), 403);
  });
});

describe('other errors', () => {
  test('a route that does not exist is 404 with an error, after the 401', async () => {
    const sandbox = await startSandbox();
    for (const [method, path] of [
      ['GET', '/nowhere'],
      ['DELETE', '/accounts'],
      ['GET', '/accounts/'],
      ['GET', '/accounts/../ping'],
      ['GET', '/oauth2/token'],
    ] as const) {
      const response = await rawPath(sandbox, method, path);
      expect(response).toMatchObject({ status: 404, body: { error: expect.any(String) } });
      expect(response.requestID).toMatch(uuid);
    }
    await expectBare(await send(sandbox, 'GET', '/nowhere', { headers: { authorization: '' } }), 401);
  });

  test.each([
    ['v2024.01.00', 200],
    ['v2026.10.00', 200],
    ['latest', 200],
    ['v2026.02.00', 400],
    ['2026.01.00', 400],
    ['v2026.1.0', 400],
    ['v2026.01.00, v2026.01.00', 400],
  ])('X-Moov-Version: %s is answered %i', async (version, status) => {
    const sandbox = await startSandbox();
    const response = await send(sandbox, 'GET', '/ping', { headers: { 'x-moov-version': version } });
    expect(response.status).toBe(status);
    if (status === 400) expect(await response.json()).toEqual({ error: expect.any(String) });
  });

  test('above the rate limit is 429 with Retry-After, and nothing is done', async () => {
    const sandbox = await startSandbox({ rateLimit: { requestsPerSecond: 2 } });
    expect((await createTransfer(sandbox, 'a')).status).toBe(200);
    expect((await createTransfer(sandbox, 'b')).status).toBe(200);
    const refused = await createTransfer(sandbox, 'c');
    expect(refused.headers.get('retry-after')).toBe('1');
    await expectBare(refused, 429);
    await expectBare(
      await requestToken(sandbox, { grant_type: 'client_credentials', scope: '/ping.read' }),
      429,
    );
    expect(sandbox.stats).toMatchObject({ rateLimited: 2, transfersCreated: 2, tokensMinted: 0 });
    await expect.poll(async () => (await createTransfer(sandbox, 'c')).status, { timeout: 5000 }).toBe(200);
  });
});

describe('idempotency keys', () => {
  test.each([['/transfers'], ['/transfers/{transfer}/refunds'], ['/transfers/{transfer}/reversals']])(
    '%s needs one of 1 to 36 characters',
    async (path) => {
      const sandbox = await startSandbox();
      const { transferID } = await readJson<{ transferID: string }>(await createTransfer(sandbox, 'first'));
      const target = `/accounts/${sandbox.platformAccountID}${path.replace('{transfer}', transferID)}`;
      const post = (headers: Record<string, string>) =>
        send(sandbox, 'POST', target, { body: order, headers });
      for (const headers of [{}, { 'x-idempotency-key': '' }, { 'x-idempotency-key': 'x'.repeat(37) }]) {
        const response = await post(headers);
        expect(response.status).toBe(400);
        expect(await response.json()).toEqual({ error: expect.stringContaining('X-Idempotency-Key') });
      }
      // 36 characters pass: what is wrong now is the amount, which is an object in two of the three.
      expect((await post({ 'x-idempotency-key': 'x'.repeat(36) })).status).toBe(
        path === '/transfers' ? 200 : 422,
      );
    },
  );

  test('a hundred requests at once with one key make one transfer, which 99 of them are told', async () => {
    const sandbox = await startSandbox();
    const replies = await Promise.all(Array.from({ length: 100 }, () => createTransfer(sandbox, 'once')));
    const bodies = await Promise.all(replies.map((reply) => readJson<{ transferID: string }>(reply)));
    expect(replies.filter(({ status }) => status === 409)).toHaveLength(99);
    expect(new Set(bodies.map(({ transferID }) => transferID))).toEqual(
      new Set(sandbox.transfers.map(({ transferID }) => transferID)),
    );
    expect(sandbox.transfers).toHaveLength(1);
    expect(sandbox.stats).toMatchObject({ transfersCreated: 1, conflicts: 99 });
  });

  test('a repeated key gives the first order back, not the second, and a refused one is not used up', async () => {
    const sandbox = await startSandbox();
    const refused = await createTransfer(sandbox, 'k', {
      ...order,
      amount: { currency: 'Dollars', value: 5 },
    });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toEqual({ amount: expect.stringContaining('currency') });
    expect((await createTransfer(sandbox, 'k')).status).toBe(200);
    const repeated = await createTransfer(sandbox, 'k', { ...order, amount: { currency: 'USD', value: 9 } });
    expect(repeated.status).toBe(409);
    expect(await repeated.json()).toMatchObject(order);
  });

  test('refund and transfer have keys of their own', async () => {
    const sandbox = await startSandbox();
    const { transferID } = await readJson<{ transferID: string }>(await createTransfer(sandbox, 'k'));
    const { access_token } = await mint(sandbox, transferScopes(sandbox));
    const target = `/accounts/${sandbox.platformAccountID}/transfers/${transferID}/refunds`;
    const headers = { ...bearer(access_token), 'x-idempotency-key': 'k' };
    const first = await send(sandbox, 'POST', target, { headers });
    expect(first.status).toBe(200);
    const { refundID } = await readJson<{ refundID: string }>(first);
    const second = await send(sandbox, 'POST', target, { headers });
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({ refundID, status: 'completed', amount: order.amount });
    expect(sandbox.refunds).toMatchObject([{ idempotencyKey: 'k', transferID, refundID }]);
  });
});

test('lists come in parts of 20 unless told', async () => {
  const sandbox = await startSandbox();
  await Promise.all(Array.from({ length: 25 }, (_, index) => createTransfer(sandbox, `key-${index}`)));
  const path = `/accounts/${sandbox.platformAccountID}/transfers`;
  const list = async (query = '') => readJson<unknown[]>(await send(sandbox, 'GET', path + query));
  expect(await list()).toHaveLength(20);
  expect(await list('?skip=20')).toHaveLength(5);
  expect(await list('?count=1&skip=24')).toMatchObject([{ transferID: sandbox.transfers[24]?.transferID }]);
});

/** fetch would tidy the path up before it sends it. */
function rawPath(sandbox: MoovSandbox, method: string, path: string) {
  return new Promise<{ status: number | undefined; body: unknown; requestID: unknown }>((resolve, reject) => {
    const outgoing = request(
      sandbox.url,
      { method, path, headers: { authorization: basic(sandbox.credentials) } },
      async (response) => {
        const text = (await response.toArray()).join('');
        resolve({
          status: response.statusCode,
          body: JSON.parse(text),
          requestID: response.headers['x-request-id'],
        });
      },
    );
    outgoing.on('error', reject).end();
  });
}
