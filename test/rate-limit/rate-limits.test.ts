import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type MoovAuth, type MoovAuthEvent, moovAuth } from '../../src/index.js';
import { moovSdk } from '../../src/sdk/index.js';
import { fastClock } from '../helpers/fast-clock.js';
import { full } from '../helpers/full.js';
import { type Answer, type Received, serve } from '../helpers/http-server.js';
import { failure, startMoov as start, until } from '../helpers/moov.js';
import { transports } from '../helpers/transports.js';

const origin = 'https://app.example.com';
const token = { access_token: 'a-long-access-token', token_type: 'Bearer', expires_in: 3600 };
const A = '11111111-0000-4000-8000-000000000001';
const B = '22222222-0000-4000-8000-000000000002';

/** A `MoovAuth` and a server of the test's own, which gives tokens. */
async function behind(
  answer: (request: Received) => Answer,
  options: Parameters<typeof moovAuth>[1] = {},
): Promise<{ moov: MoovAuth; events: MoovAuthEvent[]; requests: () => readonly Received[] }> {
  const server = await serve((request) =>
    request.path === '/oauth2/token' ? { body: token } : answer(request),
  );
  const events: MoovAuthEvent[] = [];
  const moov = moovAuth('/ping.read', {
    clientId: 'pk',
    clientSecret: 'sk',
    baseURL: server.url,
    origin,
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => moov.close());
  await moov.ready();
  return { moov, events, requests: () => server.requests.filter(({ path }) => path !== '/oauth2/token') };
}

function refused(ms: number): Answer {
  return { status: 429, headers: { 'retry-after-ms': String(ms) } };
}

const count = (events: readonly MoovAuthEvent[], type: MoovAuthEvent['type']) =>
  events.filter((event) => event.type === type).length;

/** Answers as they are given, in this order, and then 200. */
function inOrder(...answers: Answer[]): () => Answer {
  return () => answers.shift() ?? {};
}

describe.each(transports)('over %s', (_name, over) => {
  const startMoov: typeof start = (options = {}, ...rest) => start({ ...over, ...options }, ...rest);

  it('a batch of GETs under a rate limit is done, each call once, with a handful of log lines', async () => {
    const { sandbox, moov, events } = await startMoov({}, { rateLimit: { requestsPerSecond: 150 } });
    await moov.ready();
    const began = performance.now();
    const responses = await Promise.all(Array.from({ length: 300 }, () => moov.client.get('/ping')));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(sandbox.stats.apiRequests).toBeLessThanOrEqual(2.1 * 300);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(count(events, 'rateLimit.reached')).toBeGreaterThan(0);
    expect(count(events, 'rateLimit.reached')).toBeLessThan(10);
    expect(count(events, 'call.retried')).toBe(0);
    expect(count(events, 'call.budgetExhausted')).toBe(0);
    expect(moov.status().rateLimit).toMatchObject({ waiting: 0, background: 0 });
  });

  it('POSTs without a key are sent again after a 429, and made once', async () => {
    const { sandbox, moov } = await startMoov({ retries: 0 }, { rateLimit: { requestsPerSecond: 100 } });
    const body = {
      accountType: 'individual',
      profile: { individual: { name: { firstName: 'A', lastName: 'B' } } },
    };
    const responses = await Promise.all(
      Array.from({ length: 150 }, () => moov.client.post('/accounts', body)),
    );
    expect(new Set(responses.map(({ data }) => data.accountID)).size).toBe(150);
    expect(sandbox.stats.rateLimited).toBeGreaterThan(0);
  });

  it('the option paces from the first call, the token request among them, without a 429', async () => {
    const { sandbox, moov } = await startMoov(
      { rateLimit: { requestsPerSecond: 100 } },
      { rateLimit: { requestsPerSecond: 100 } },
    );
    const began = performance.now();
    await Promise.all(Array.from({ length: 250 }, () => moov.client.get('/ping')));
    // None, unless the machine stands still in the meantime.
    expect(sandbox.stats.rateLimited).toBeLessThanOrEqual(5);
    expect(performance.now() - began).toBeGreaterThan(1_400);
  });
});

it('the request for a token counts towards the rate of the option', async () => {
  const { sandbox, moov, count: times } = await start({ rateLimit: { requestsPerSecond: 1 } });
  expect(await moov.client.get('/ping')).toMatchObject({ status: 200 });
  expect(sandbox.stats.tokenRequests).toBe(1);
  expect(times('call.throttled')).toBe(1);
});

describe('a call after a 429', () => {
  it('waits as long as the response asks, and costs neither retries nor the retry budget', async () => {
    fastClock();
    const { moov, events } = await behind(inOrder(refused(2_000)), { retries: 0 });
    const began = performance.now();
    const response = await moov.client.post('/accounts', { name: 'x' });
    expect(response).toMatchObject({ status: 200, moov: { attempts: 2, ambiguous: false } });
    expect(performance.now() - began).toBeGreaterThanOrEqual(2_000);
    expect(count(events, 'call.retried')).toBe(0);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'call.throttled', method: 'POST', path: '/accounts' }),
    );
    expect(events).toContainEqual(expect.objectContaining({ type: 'rateLimit.reached', waiting: 1 }));
  });

  it.each([
    ['nothing', {}, 1_000],
    ['Retry-After', { 'retry-after': '3' }, 3_000],
    ["X-Retry-In, as in Moov's older documents", { 'x-retry-in': '2500' }, 2_500],
  ])('waits for what the response asks: %s', async (_what, headers, ms) => {
    fastClock();
    const { moov } = await behind(inOrder({ status: 429, headers }));
    const began = performance.now();
    await moov.client.get('/ping');
    expect(performance.now() - began).toBeGreaterThanOrEqual(ms);
  });

  it('is refused at once when the hold is longer than its time, with what Moov asked for as Retry-After', async () => {
    fastClock();
    const { moov, requests } = await behind(() => refused(50_000), { timeoutMs: 20_000 });
    const began = performance.now();
    const error = await failure(moov.client.get('/ping'));
    expect(error).toMatchObject({
      name: 'MoovUnavailableError',
      code: 'ERR_MOOV_RATE_LIMITED',
      status: 503,
      upstreamStatus: 429,
      moov: { attempts: 1, ambiguous: false },
    });
    const seconds = Number(Object(error.headers)['Retry-After']);
    expect(seconds).toBeGreaterThanOrEqual(48);
    expect(seconds).toBeLessThanOrEqual(50);
    const own = await failure(moov.client.get('/ping', { timeout: 5_000 }));
    expect(own).toMatchObject({ code: 'ERR_MOOV_RATE_LIMITED', moov: { attempts: 0 } });
    expect(own).not.toHaveProperty('upstreamStatus');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(requests()).toHaveLength(1);
  });

  it('stays ambiguous when the response before it was lost', async () => {
    fastClock();
    const { moov } = await behind(inOrder('drop', refused(500_000)), { retries: 1 });
    const error = await failure(
      moov.client.post(
        '/transfers',
        {},
        { headers: { 'X-Idempotency-Key': 'c0ffee00-0000-4000-8000-000000000001' } },
      ),
    );
    expect(error).toMatchObject({ code: 'ERR_MOOV_RATE_LIMITED', moov: { attempts: 2, ambiguous: true } });
  });

  it.each([
    ['lost', 'drop', { code: 'ECONNRESET', moov: { attempts: 2, ambiguous: true } }],
    [
      'answered with 500',
      { status: 500 },
      { response: { status: 500 }, moov: { attempts: 2, ambiguous: true } },
    ],
  ] as const)(
    'that has no key is not sent a third time when the second attempt is %s',
    async (_how, second, expected) => {
      const { moov, requests } = await behind(inOrder(refused(10), second));
      expect(await failure(moov.client.post('/transfers', {}))).toMatchObject(expected);
      expect(requests()).toHaveLength(2);
    },
  );

  it('ends its wait at once on an abort', async () => {
    const { moov, events } = await behind(() => refused(20_000));
    const controller = new AbortController();
    const call = failure(moov.client.get('/ping', { signal: controller.signal }));
    await until(() => count(events, 'call.throttled') === 1, 'the call waits');
    const aborted = performance.now();
    controller.abort();
    expect(await call).toMatchObject({ code: 'ERR_CANCELED', moov: { attempts: 1, ambiguous: false } });
    expect(performance.now() - aborted).toBeLessThan(10_000);
    expect(moov.status().rateLimit).toMatchObject({ waiting: 0 });
  });

  it('ends its wait at once on close()', async () => {
    const { moov, events } = await behind(() => refused(20_000));
    const calls = [1, 2, 3].map(() => failure(moov.client.get('/ping')));
    await until(() => count(events, 'call.throttled') === 3, 'the calls wait');
    const closed = moov.close();
    for (const call of calls)
      expect(await call).toMatchObject({ code: 'ERR_MOOV_CLOSED', moov: { attempts: 1 } });
    await closed;
  });

  it('whose body is a stream that was read ends with the 429', async () => {
    const { moov, requests } = await behind(() => refused(10));
    const error = await failure(moov.client.post('/files', Readable.from(['a'])));
    expect(error).toMatchObject({ response: { status: 429 }, moov: { attempts: 1, ambiguous: false } });
    expect(requests()).toHaveLength(1);
  });

  it('whose body is a stream may wait for its turn before the stream is read', async () => {
    const { moov, requests } = await behind(inOrder(refused(300)));
    const first = moov.client.get('/ping');
    await until(() => moov.status().rateLimit !== undefined, 'a limit is known');
    const second = await moov.client.post('/files', Readable.from(['a', 'b']));
    expect(second).toMatchObject({ status: 200, moov: { attempts: 1 } });
    expect(requests().at(-1)).toMatchObject({ path: '/files', body: 'ab' });
    await first;
  });

  it('is an outcome like another with rateLimit: false', async () => {
    const { moov, requests } = await behind(() => refused(10), { rateLimit: false, retries: 1 });
    expect(await failure(moov.client.get('/ping'))).toMatchObject({
      response: { status: 429 },
      moov: { attempts: 2 },
    });
    expect(await failure(moov.client.post('/x', {}))).toMatchObject({
      response: { status: 429 },
      moov: { attempts: 1 },
    });
    expect(requests()).toHaveLength(3);
    expect(moov.status()).not.toHaveProperty('rateLimit');
  });
});

describe('a 429', () => {
  const about = (account: string) => `/accounts/${account}/wallets`;

  it('holds the account in the path, and no other', async () => {
    const limited = inOrder(refused(700));
    const { moov, events } = await behind(({ path }) => (path.includes(A) ? limited() : {}));
    const held = moov.client.get(about(A));
    await until(() => count(events, 'call.throttled') === 1, 'the call waits');
    expect(await moov.client.get(about(B))).toMatchObject({ status: 200 });
    expect(await moov.client.get('/ping')).toMatchObject({ status: 200 });
    expect(count(events, 'call.throttled')).toBe(1);
    expect(moov.status().rateLimit).toMatchObject({ waiting: 1 });
    await held;
    expect(events).toContainEqual(expect.objectContaining({ type: 'rateLimit.reached', accountID: A }));
  });

  it("holds the target's account", async () => {
    const limited = inOrder(refused(700));
    const { moov, events } = await behind(({ path }) => (path === '/limited' ? limited() : {}));
    const target = { scopes: '/accounts/{accountID}/wallets.read' as const, accountID: A };
    const held = moov.clientFor(target).get('/limited');
    await until(() => count(events, 'call.throttled') === 1, 'the call waits');
    expect(await moov.client.get('/ping')).toMatchObject({ status: 200 });
    expect(count(events, 'call.throttled')).toBe(1);
    const other = moov.clientFor(target).get('/other');
    await until(() => count(events, 'call.throttled') === 2, 'the other call of the account waits');
    await Promise.all([held, other]);
  });

  it('of a second account within a second holds all', async () => {
    const limits = new Map([
      [A, inOrder(refused(700))],
      [B, inOrder(refused(700))],
    ]);
    const { moov, events } = await behind(({ path }) => limits.get(path.slice(10, 46))?.() ?? {});
    const held = [moov.client.get(about(A)), moov.client.get(about(B))];
    await until(() => count(events, 'call.throttled') >= 2, 'both calls wait');
    const other = moov.client.get('/ping');
    await until(() => moov.status().rateLimit?.waiting === 3, 'all calls wait');
    await Promise.all([...held, other]);
  });

  it('that one path always gets is held alone in the end, and the others go on', async () => {
    const { moov } = await behind(({ path }) => (path === '/poisoned' ? refused(300) : {}), {
      timeoutMs: 4_000,
    });
    await Promise.all([1, 2, 3].map(() => moov.client.get('/ping')));
    const poisoned = failure(moov.client.get('/poisoned'));
    let slow = 0;
    let done = 0;
    const end = performance.now() + 3_000;
    while (performance.now() < end) {
      const began = performance.now();
      await moov.client.get('/ping');
      done++;
      if (performance.now() - began > 200) slow++;
    }
    expect(await poisoned).toMatchObject({ code: 'ERR_MOOV_RATE_LIMITED' });
    expect(slow).toBeLessThanOrEqual(5);
    expect(done).toBeGreaterThan(150);
  });

  it.each(['an abort', 'close()'])(
    'that two paths always get ends with %s for each of their calls',
    async (end) => {
      // The second time the path is held for long.
      const first = [300, 300, 300, 300];
      const { moov, requests } = await behind(({ path }) =>
        path === '/ping' ? {} : refused(first.shift() ?? 20_000),
      );
      await moov.client.get('/ping');
      const controller = new AbortController();
      const calls = ['/a', '/a', '/a', '/b'].map((path) =>
        failure(moov.client.get(path, { signal: controller.signal, timeout: 60_000 })),
      );
      await until(
        () => requests().length === 9 && moov.status().rateLimit?.waiting === 4,
        'each call waits again',
      );
      const began = performance.now();
      if (end === 'close()') await moov.close();
      else controller.abort();
      await Promise.all(calls);
      expect(performance.now() - began).toBeLessThan(4_000);
    },
  );

  it.skipIf(!full)('that two paths always get leaves the limit of the others known', async () => {
    const { sandbox, moov, events } = await start({}, { rateLimit: { requestsPerSecond: 100 } });
    sandbox.respond('GET', '/items/{id}', { ok: true });
    sandbox.fail({ path: /^\/bad/, status: 429, headers: { 'retry-after-ms': '300' }, times: Infinity });
    const job = moov.clientFor({ background: true });
    const all = Array.from({ length: 800 }, (_, item) => job.get(`/items/${item}`, { timeout: 120_000 }));
    await until(() => sandbox.stats.apiRequests > 350, 'the job is under way');
    const controller = new AbortController();
    const bad = ['/bad/0', '/bad/1'].map((path) =>
      failure(moov.client.get(path, { signal: controller.signal, timeout: 120_000 })),
    );
    await Promise.all(all);
    controller.abort();
    await Promise.all(bad);
    expect(sandbox.stats.apiRequests).toBeLessThan(2.6 * 800);
    expect(count(events, 'rateLimit.cleared')).toBe(0);
  });

  it('of a second account ends the limit of the first, which is reported', async () => {
    const limits = new Map([
      [A, inOrder(refused(700))],
      [B, inOrder(refused(700))],
    ]);
    const { moov, events } = await behind(({ path }) => limits.get(path.slice(10, 46))?.() ?? {});
    const first = moov.client.get(about(A));
    await until(() => count(events, 'rateLimit.reached') === 1, 'the limit of the first is reported');
    await Promise.all([first, moov.client.get(about(B))]);
    expect(events).toContainEqual({ type: 'rateLimit.cleared', accountID: A });
  });

  it('is forgotten after a minute in which no call waits', async () => {
    fastClock(200);
    const { moov, events } = await behind(inOrder(refused(1_000)));
    await moov.client.get('/ping');
    expect(moov.status().rateLimit).toMatchObject({ waiting: 0 });
    await until(() => count(events, 'rateLimit.cleared') === 1, 'the limit is forgotten', 600_000);
    expect(moov.status()).not.toHaveProperty('rateLimit');
  });
});

describe('calls that wait', () => {
  it('go in the order in which they were made', async () => {
    const limited = inOrder(refused(200), refused(200), refused(200));
    const { moov, requests, events } = await behind(limited);
    const calls = [1, 2, 3].map((n) => moov.client.get(`/call/${n}`));
    await until(() => count(events, 'call.throttled') === 3, 'all three wait');
    calls.push(moov.client.get('/call/4'));
    await Promise.all(calls);
    expect(
      requests()
        .slice(3)
        .map(({ path }) => path),
    ).toEqual(['/call/1', '/call/2', '/call/3', '/call/4']);
  });

  it('in the background let others go first, and are not forgotten', async () => {
    const { moov, requests, events } = await behind(inOrder(refused(300)));
    const background = moov.clientFor({ background: true });
    const first = moov.client.get('/first');
    await until(() => count(events, 'call.throttled') === 1, 'the first waits');
    const calls = [1, 2].map((n) => background.get(`/job/${n}`));
    await until(() => moov.status().rateLimit?.background === 2, 'the job waits');
    calls.push(moov.client.get('/customer'));
    await Promise.all([first, ...calls]);
    expect(
      requests()
        .slice(1)
        .map(({ path }) => path),
    ).toEqual(['/first', '/customer', '/job/1', '/job/2']);
  });

  it('are in the background for fetch and the SDK too', async () => {
    const { moov, events } = await behind(inOrder(refused(500)));
    const first = moov.client.get('/first');
    await until(() => count(events, 'call.throttled') === 1, 'the first waits');
    const fetched = moov.fetchFor({ background: true })('/ping');
    const pinged = moovSdk(moov, { background: true })
      .ping.ping()
      .catch(() => undefined);
    await until(() => moov.status().rateLimit?.background === 2, 'both wait in the background');
    await Promise.all([first, fetched, pinged]);
  });

  it('keep their place when they are replayed with a new token', async () => {
    const { moov, requests } = await behind(inOrder({ status: 401 }), {
      rateLimit: { requestsPerSecond: 1 },
    });
    await Promise.all([1, 2, 3].map((n) => moov.client.get(`/call/${n}`, { timeout: 20_000 })));
    expect(requests().map(({ path }) => path)).toEqual(['/call/1', '/call/1', '/call/2', '/call/3']);
  });

  it('take no turn while they wait for a token', async () => {
    const { sandbox, moov } = await start({ rateLimit: { requestsPerSecond: 1 } });
    await moov.ready();
    sandbox.fail({ path: '/oauth2/token', delayMs: 2_500 });
    const scopes = '/accounts/{accountID}/wallets.read' as const;
    const target = moov.clientFor({ scopes, accountID: sandbox.platformAccountID });
    const slow = failure(target.get('/ping')).then(() => 'the call that waits for its token');
    const other = moov.client.get('/ping').then(() => 'the other call');
    expect(await Promise.race([slow, other])).toBe('the other call');
    await slow;
  });

  it('use the token that is held when their turn comes', async () => {
    const { sandbox, moov, count: times } = await start();
    sandbox.fail({ path: '/ping', status: 429, headers: { 'retry-after-ms': '500' } });
    const call = moov.client.get('/ping');
    await until(() => times('call.throttled') === 1, 'the call waits');
    await moov.renew();
    await call;
    const tokens = sandbox.requests
      .filter(({ path }) => path === '/ping')
      .map(({ headers }) => headers.authorization);
    expect(new Set(tokens).size).toBe(2);
  });

  it.skipIf(!full)('are refused early by thousands when there are too many of them', async () => {
    const { moov } = await start({ timeoutMs: 12_000 }, { rateLimit: { requestsPerSecond: 50 } });
    await moov.ready();
    const began = performance.now();
    let done = 0;
    const refusals: number[] = [];
    const one = () =>
      moov.client.get('/ping').then(
        () => done++,
        () => refusals.push(performance.now() - began),
      );
    await Promise.all(Array.from({ length: 2_000 }, one));
    expect(done).toBeGreaterThan(200);
    refusals.sort((a, b) => a - b);
    // How many depends on the rate that was seen first, which a busy machine blurs.
    expect(refusals[Math.floor(refusals.length * 0.3)]).toBeLessThan(9_000);
  });
});

it('a target takes background, and no other value than true and false', async () => {
  const { moov } = await behind(() => ({}));
  expect(moov.clientFor({ background: true })).toBe(moov.clientFor({ background: true }));
  expect(moov.clientFor({ background: false })).toBe(moov.client);
  expect(moov.clientFor({ background: true })).not.toBe(moov.client);
  for (const wrong of ['yes', 1, null]) {
    expect(() => Reflect.apply(moov.clientFor, moov, [{ background: wrong }])).toThrow(
      /background to be true or false/,
    );
  }
  await expect(Reflect.apply(moov.accessToken, moov, [{ background: true }])).rejects.toThrow(/background/);
});
