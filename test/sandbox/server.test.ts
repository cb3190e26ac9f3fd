import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createMoovSandbox } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import { createTransfer, mint, ping, send } from './helpers.js';

describe('listen and close', () => {
  test('url is known only while it listens', async () => {
    const sandbox = createMoovSandbox();
    expect(() => sandbox.url).toThrow('not listening');
    await sandbox.close();
    const url = await sandbox.listen();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(sandbox.url).toBe(url);
    await expect(sandbox.listen()).rejects.toThrow('listening already');
    await Promise.all([sandbox.close(), sandbox.close()]);
    await sandbox.close();
    expect(() => sandbox.url).toThrow('not listening');
    await expect(fetch(url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test('a port that is taken is an error, after which another one may be tried', async () => {
    const { url } = await startSandbox();
    const sandbox = createMoovSandbox();
    await expect(sandbox.listen(Number(new URL(url).port))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await sandbox.listen();
    await sandbox.close();
  });

  test('it can come back on the same port with all it knew', async () => {
    const sandbox = await startSandbox();
    const { url } = sandbox;
    const { access_token } = await mint(sandbox);
    await createTransfer(sandbox, 'k');
    await sandbox.close();
    expect(await sandbox.listen(Number(new URL(url).port))).toBe(url);
    // fetch may still believe in the connection of before.
    await expect.poll(() => ping(sandbox, access_token).catch(() => 'lost')).toBe(200);
    expect((await createTransfer(sandbox, 'k')).status).toBe(409);
  });

  test.each([0, 1, 2])('closing %i ticks after it began to listen ends both', async (ticks) => {
    const sandbox = createMoovSandbox();
    const url = await sandbox.listen();
    await sandbox.close();
    const listening = expect(sandbox.listen(Number(new URL(url).port))).rejects.toThrow('closed before');
    for (let tick = 0; tick < ticks; tick += 1) await undefined;
    await sandbox.close();
    await listening;
    expect(() => sandbox.url).toThrow('not listening');
    await expect(fetch(url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test('close ends idle connections, requests half sent and delays', async () => {
    const sandbox = await startSandbox();
    const { hostname, port } = new URL(sandbox.url);
    const ended = ['', 'POST /oauth2/token HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nhalf'].map(
      (text) =>
        new Promise<void>((resolve) => {
          const socket = connect(Number(port), hostname, () => socket.write(text));
          socket.on('error', () => {}).on('close', () => resolve());
        }),
    );
    sandbox.fail({ path: '/ping', delayMs: 600_000 });
    const delayed = send(sandbox, 'GET', '/ping').catch((error: unknown) => error);
    await expect.poll(() => sandbox.requests.length).toBe(2);
    await sandbox.close();
    expect(await delayed).toMatchObject({ message: 'fetch failed' });
    await Promise.all(ended);
    expect(sandbox.requests.map(({ status }) => status)).toEqual([0, 0]);
  });
});

test('requests are kept in order of arrival, as they came, with the status they got', async () => {
  const sandbox = await startSandbox();
  await send(sandbox, 'GET', '/ping?a=b%20c', { headers: { 'X-Trace': 'one' } });
  await send(sandbox, 'GET', '/nowhere');
  sandbox.fail({ path: '/ping', drop: 'before' });
  await send(sandbox, 'GET', '/ping').catch(() => {});
  await mint(sandbox);
  const seen = sandbox.requests;
  expect(seen).toMatchObject([
    { method: 'GET', path: '/ping?a=b%20c', status: 200, headers: { 'x-trace': 'one' } },
    { method: 'GET', path: '/nowhere', status: 404 },
    { method: 'GET', path: '/ping', status: 0 },
    { method: 'POST', path: '/oauth2/token', status: 200, headers: { origin: 'https://app.example.com' } },
  ]);
  await send(sandbox, 'GET', '/ping');
  expect(seen).toHaveLength(4);
  expect(sandbox.requests).toHaveLength(5);
});

test('what is read from outside is a copy', async () => {
  const sandbox = await startSandbox();
  const { stats } = sandbox;
  await createTransfer(sandbox, 'k');
  expect(stats.transfersCreated).toBe(0);
  expect(sandbox.stats).toEqual({
    tokenRequests: 0,
    tokensMinted: 0,
    revokeRequests: 0,
    tokensRevoked: 0,
    apiRequests: 1,
    unauthorized: 0,
    forbidden: 0,
    conflicts: 0,
    rateLimited: 0,
    accountsCreated: 0,
    transfersCreated: 1,
    refundsCreated: 0,
    faults: 0,
  });
  const [copy] = sandbox.transfers;
  expect(copy).not.toBe(sandbox.transfers[0]);
  expect(copy).toEqual(sandbox.transfers[0]);
  expect(sandbox.accounts).toMatchObject([{ accountID: sandbox.platformAccountID }]);
});

test('two sandboxes share nothing', async () => {
  const [one, other] = await Promise.all([startSandbox(), startSandbox()]);
  const { access_token } = await mint(one);
  await createTransfer(one, 'k');
  expect(await ping(other, access_token)).toBe(401);
  expect(other.transfers).toEqual([]);
});

test.each([
  [5, /^createMoovSandbox: expected an object of options; got 5\./],
  [null, /^createMoovSandbox: expected an object of options; got null\./],
  [
    { clientID: 'x' },
    /^createMoovSandbox: unknown option "clientID"\. Did you mean "clientId"\? Options are /,
  ],
  [{ clientId: 5 }, /^clientId: .*; got a number\.$/],
  [{ origins: 5 }, /^origins: .*; got a number\.$/],
  [{ origins: [5] }, /^origins: .*; got a number at place 1 of 1\.$/],
  [{ origins: 'https://app.example.com' }, /^origins: .*; got a string\.$/],
  [{ log: 'yes' }, /^log: expected true, false or a function; got a string\.$/],
  [{ refreshTokens: 'no' }, /^refreshTokens: expected true or false; got a string\.$/],
  [{ rateLimit: 5 }, /^rateLimit: .*; got 5\.$/],
  [{ clientId: '' }, /^clientId/],
  [{ clientSecret: '' }, /^clientSecret/],
  [{ origins: [] }, /^origins/],
  [{ origins: ['https://app.example.com/'] }, /^origins/],
  [{ origins: ['app.example.com'] }, /^origins/],
  [{ origins: ['http://localhost:3000'] }, /^origins/],
  [{ platformAccountID: 'a/b' }, /^platformAccountID/],
  [{ expiresIn: 'minutes' as const }, /^expiresIn/],
  [{ tokenLifeSeconds: 0.5 }, /^tokenLifeSeconds: .*; got 0\.5\.$/],
  [{ rateLimit: { requestsPerSecond: 0 } }, /^rateLimit.*; got 0\.$/],
])('the options %j are refused', (options, message) => {
  const make: (options: never) => unknown = createMoovSandbox;
  expect(() => Reflect.apply(make, undefined, [options])).toThrow(TypeError);
  expect(() => Reflect.apply(make, undefined, [options])).toThrow(message);
});
