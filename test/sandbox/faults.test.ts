import { describe, expect, test } from 'vitest';
import { Faults } from '../../src/sandbox/faults.js';
import type { FaultRule } from '../../src/sandbox/index.js';
import { startSandbox } from '../helpers/moov.js';
import { bearer, createTransfer, mint, order, readJson, requestToken, send } from './helpers.js';

const transfers = /\/transfers$/;
const lost = { name: 'TypeError', message: 'fetch failed' };

test('status answers instead of acting, with headers and a body, as often as told', async () => {
  const sandbox = await startSandbox();
  const headers = { 'Retry-After': '2', 'content-type': 'text/html', 'x-served-by': ['a', 'b'] };
  sandbox.fail({ path: transfers, status: 503, headers, body: '<h1>Down</h1>', times: 2 });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const response = await createTransfer(sandbox, 'k');
    expect(response.status).toBe(503);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'retry-after': '2',
      'content-type': 'text/html',
      'x-served-by': 'a, b',
      'x-request-id': expect.any(String),
    });
    expect(await response.text()).toBe('<h1>Down</h1>');
  }
  expect(sandbox.transfers).toEqual([]);
  expect((await createTransfer(sandbox, 'k')).status).toBe(200);
  expect(sandbox.stats).toMatchObject({ faults: 2, transfersCreated: 1 });
});

test('a body that is an object is JSON; none is none', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: '/ping', status: 500, body: { error: 'oops' } });
  sandbox.fail({ path: '/ping', status: 504 });
  const json = await send(sandbox, 'GET', '/ping');
  expect(json.headers.get('content-type')).toBe('application/json');
  expect(await json.json()).toEqual({ error: 'oops' });
  const none = await send(sandbox, 'GET', '/ping');
  expect(none.status).toBe(504);
  expect(none.headers.get('content-type')).toBeNull();
});

test("drop: 'before' does nothing and cuts the connection", async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ method: 'post', path: transfers, drop: 'before' });
  await expect(createTransfer(sandbox, 'k')).rejects.toMatchObject(lost);
  expect(sandbox.transfers).toEqual([]);
  expect(sandbox.requests).toMatchObject([{ method: 'POST', status: 0 }]);
  expect((await createTransfer(sandbox, 'k')).status).toBe(200);
});

test("drop: 'after' acts and loses the answer", async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: transfers, drop: 'after' });
  await expect(createTransfer(sandbox, 'k')).rejects.toMatchObject(lost);
  expect(sandbox.transfers).toMatchObject([{ idempotencyKey: 'k' }]);
  expect(sandbox.requests).toMatchObject([{ status: 0 }]);
  const repeated = await createTransfer(sandbox, 'k');
  expect(repeated.status).toBe(409);
  expect(await repeated.json()).toMatchObject({ transferID: sandbox.transfers[0]?.transferID });

  sandbox.fail({ path: '/oauth2/token', drop: 'after' });
  const token = requestToken(sandbox, { grant_type: 'client_credentials', scope: '/ping.read' });
  await expect(token).rejects.toMatchObject(lost);
  expect(sandbox.stats.tokensMinted).toBe(1);
});

test('truncate acts, announces the whole answer and breaks it off in the middle', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: transfers, truncate: true });
  const response = await createTransfer(sandbox, 'k');
  expect(response.status).toBe(200);
  const announced = Number(response.headers.get('content-length'));
  let received = 0;
  const reading = (async () => {
    for await (const chunk of response.body ?? []) received += chunk.byteLength;
  })();
  await expect(reading).rejects.toMatchObject({ message: 'terminated' });
  expect(received).toBe(Math.floor(announced / 2));
  expect(sandbox.transfers).toHaveLength(1);
  expect(sandbox.requests).toMatchObject([{ status: 200 }]);

  sandbox.fail({ path: '/ping', truncate: true });
  await expect(send(sandbox, 'GET', '/ping')).rejects.toMatchObject(lost);
});

test.each<[string, FaultRule, number | undefined]>([
  ['alone', { path: '/ping', delayMs: 80 }, 200],
  ['and a status', { path: '/ping', delayMs: 80, status: 500 }, 500],
  ['and a dropped connection', { path: '/ping', delayMs: 80, drop: 'before' }, undefined],
])('delayMs %s waits first', async (_, rule, status) => {
  const sandbox = await startSandbox();
  await send(sandbox, 'GET', '/ping');
  sandbox.fail(rule);
  const start = performance.now();
  const outcome = await send(sandbox, 'GET', '/ping').then(
    (response) => response.status,
    () => undefined,
  );
  expect(outcome).toBe(status);
  // Timers of Node may fire up to a millisecond early.
  expect(performance.now() - start).toBeGreaterThanOrEqual(79);
});

test('a delayed request is acted on although its client has gone away', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: transfers, delayMs: 800 });
  const leaving = new AbortController();
  const call = createTransfer(sandbox, 'gone', order, leaving.signal);
  await expect.poll(() => sandbox.requests.length).toBe(1);
  leaving.abort();
  await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  expect(sandbox.transfers).toEqual([]);
  await expect.poll(() => sandbox.transfers).toMatchObject([{ idempotencyKey: 'gone' }]);
  expect(sandbox.requests).toMatchObject([{ status: 0 }]);
});

test('a delayed request is forgotten when the sandbox closes', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: transfers, delayMs: 100 });
  const call = createTransfer(sandbox, 'forgotten').catch((error: unknown) => error);
  await expect.poll(() => sandbox.requests.length).toBe(1);
  await sandbox.close();
  expect(await call).toMatchObject(lost);
  // A timer that starts later and runs longer ends later.
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(sandbox.transfers).toEqual([]);
});

describe('rules', () => {
  test('are used in the order given, each for what it names', async () => {
    const sandbox = await startSandbox();
    sandbox.fail({ path: '/accounts', status: 500 });
    sandbox.fail({ method: 'POST', path: /^\/ping$/g, status: 501 });
    sandbox.fail({ path: /^\/ping$/g, status: 502, times: 2 });
    sandbox.fail({ path: '/ping', status: 503 });
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      statuses.push((await send(sandbox, 'GET', '/ping?accounts=/accounts')).status);
    }
    expect(statuses).toEqual([502, 502, 503, 200]);
    expect((await send(sandbox, 'GET', '/accounts?count=1')).status).toBe(500);
  });

  test('can stay for ever, and come before credentials and the rate limit', async () => {
    const sandbox = await startSandbox({ rateLimit: { requestsPerSecond: 1 } });
    sandbox.fail({ path: '/ping', status: 418, times: Number.POSITIVE_INFINITY });
    const headers = { authorization: '' };
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => send(sandbox, 'GET', '/ping', { headers })),
    );
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([418]));
  });

  test('a 401 by a fault leaves the token as it is', async () => {
    const sandbox = await startSandbox();
    const { access_token: token } = await mint(sandbox);
    sandbox.fail({ path: '/ping', status: 401 });
    const call = () => send(sandbox, 'GET', '/ping', { headers: bearer(token) });
    expect([(await call()).status, (await call()).status]).toEqual([401, 200]);
    expect(sandbox.stats.unauthorized).toBe(1);
  });

  test('are copied, and not changed by what their giver does later', async () => {
    const sandbox = await startSandbox();
    const rule = { path: '/ping', status: 500 };
    sandbox.fail(rule);
    rule.status = 200;
    expect((await send(sandbox, 'GET', '/ping')).status).toBe(500);
  });

  test.each([
    [undefined, /^fail: expected a rule, such as .*; got none\.$/],
    ['/ping', /^fail: expected a rule, such as .*; got a string\.$/],
    [{ path: 5, status: 500 }, /^path: .*; got 5\.$/],
    [{ status: 500 }, /^path: .*; got none\.$/],
    [
      { path: 'ping', status: 500 },
      /^path: expected a path with its leading slash.*; got a string without one\.$/,
    ],
    [{ path: '', status: 500 }, /^path: .*; got an empty string\.$/],
    [
      { path: '/ping', status: 500, time: 2 },
      /^fail: unknown field "time"\. Did you mean "times"\? Fields are /,
    ],
    [{ path: '/ping' }, /^A fault needs/],
    [{ path: '/ping', status: 500, drop: 'after' }, /^A fault needs/],
    [{ path: '/ping', drop: 'later' }, /^drop/],
    [{ path: '/ping', status: 99 }, /^status.*; got 99\.$/],
    [{ path: '/ping', status: 500, times: 0 }, /^times/],
    [{ path: '/ping', delayMs: -1 }, /^delayMs/],
    [{ path: '/ping', delayMs: 2 ** 31 }, /^delayMs/],
    [{ path: '/ping', status: 500, headers: { a: 'line\nbreak' } }, /a/],
  ])('%j is refused', async (rule, message) => {
    const sandbox = await startSandbox();
    // As JavaScript would call it: the compiler takes none of these.
    const fail: (rule: never) => void = sandbox.fail;
    expect(() => Reflect.apply(fail, sandbox, [rule])).toThrow(TypeError);
    expect(() => Reflect.apply(fail, sandbox, [rule])).toThrow(message);
    expect((await send(sandbox, 'GET', '/ping')).status).toBe(200);
  });

  test('the compiler refuses nonsense', async () => {
    const { fail } = await startSandbox();
    // @ts-expect-error: nothing would happen
    expect(() => fail({ path: '/ping' })).toThrow(TypeError);
    // @ts-expect-error: an answer and none
    expect(() => fail({ path: '/ping', status: 500, drop: 'before' })).toThrow(TypeError);
    // @ts-expect-error: a body of what?
    fail({ path: '/ping', delayMs: 5, body: 'x' });
    // @ts-expect-error: false is no fault
    fail({ path: '/ping', truncate: false });
    fail({ path: '/ping', truncate: true, delayMs: 5, times: 3, method: 'GET' });
  });
});

test('the sandbox continues after a lost response', async () => {
  const sandbox = await startSandbox();
  sandbox.fail({ path: transfers, drop: 'after', times: 5 });
  await Promise.allSettled(Array.from({ length: 5 }, (_, index) => createTransfer(sandbox, `k${index}`)));
  const listed = await send(sandbox, 'GET', `/accounts/${sandbox.platformAccountID}/transfers`);
  expect(await readJson<unknown[]>(listed)).toHaveLength(5);
});

test('a rule whose time is over is gone', () => {
  const faults = new Faults();
  faults.add({ path: '/ping', status: 503 }, 0);
  faults.add({ path: '/ping', status: 500 });
  expect(faults.pending).toMatchObject([{ rule: { status: 500 } }]);
  expect(faults.take('GET', '/ping')).toMatchObject({ status: 500 });
});
